"""An exact account of good and bad events, made of nothing but the values of raw counters.

A reader with memory sees what `increase()` cannot: the first value of a pod born since the last look. The ledger keeps
the last value of every target, adds differences, and remembers the running totals as points in time. A window is the
difference of two points, so it is exact and cheap whatever its length. Ageing drops points and never changes one: a
window then begins at the last point that is left before its edge, a little early, never late.

The ledger is the one thing in the core that changes in place: one thread feeds it, others may read meanwhile.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from .quantities import Instant, Seconds
from .targets import Gain, Reading, Seen, Target, advance, meet

__all__ = ["MEMORY", "RESOLUTIONS", "Counts", "Ledger", "Reading", "Target"]

MEMORY: Final[Seconds] = 86_400
"""How long a target that has vanished is remembered. One that started before that and comes back is not new."""

RESOLUTIONS: Final = ((3_600, 0), (21_600, 60), (259_200, 300), (5_184_000, 3_600), (float("inf"), 86_400))
"""(age up to which, seconds between two points): how finely the past is kept."""

AGEING: Final = 256
"""Looks between two times that the past is thinned; ledgers opened together take turns."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Events of a window, and how many seconds of it were measured."""

    total: float
    bad: float
    covered: Seconds


def _doubles() -> array[float]:
    return array("d")


@dataclass(frozen=True, slots=True)
class _Points:
    """Running totals at points in time, a column each. `at` grows last, so its length is how many points are whole."""

    at: array[float] = field(default_factory=_doubles)
    total: array[float] = field(default_factory=_doubles)
    bad: array[float] = field(default_factory=_doubles)
    covered: array[float] = field(default_factory=_doubles)

    def add(self, at: Instant, total: float, bad: float, covered: Seconds) -> None:
        for column, gain in ((self.total, total), (self.bad, bad), (self.covered, covered)):
            column.append(column[-1] + gain if column else gain)
        self.at.append(at)

    def thinned(self, now: Instant, window: Seconds) -> _Points:
        """The first point of every slot, and one that lies before the window."""
        spacing = next(spacing for limit, spacing in RESOLUTIONS if window <= limit)
        begin = max(0, bisect_right(self.at, now - window - 2 * spacing) - 1)
        keep: list[int] = []
        for limit, spacing in reversed(RESOLUTIONS):
            end = bisect_left(self.at, now - _younger(limit), begin)
            keep.extend(_firsts(self.at, begin, end, spacing) if spacing else range(begin, end))
            begin = end
        return _Points(*(array("d", [column[i] for i in keep]) for column in self.columns))

    @property
    def columns(self) -> tuple[array[float], ...]:
        return self.at, self.total, self.bad, self.covered


def _younger(limit: Seconds) -> Seconds:
    """The age at which the resolution for ages up to `limit` begins."""
    return max((other for other, _ in RESOLUTIONS if other < limit), default=-1.0)


def _firsts(at: array[float], begin: int, end: int, spacing: Seconds) -> list[int]:
    """The first point in each slot of the grid."""
    slots = [at[i] // spacing for i in range(begin, end)]
    return [begin + n for n, slot in enumerate(slots) if n == 0 or slot != slots[n - 1]]


class Ledger:
    """Running totals of one objective since its epoch.

    `window` is how far back a reader may ask; `reach` how long one value stays readable after its target has gone
    (the range of the query), which bounds what a look can have missed.
    """

    def __init__(self, window: Seconds, reach: Seconds) -> None:
        self.window = window
        self.reach = reach
        self.epoch: Instant | None = None
        self.asked: Instant | None = None  # the past up to here has been asked for, with or without an answer
        self.gap: tuple[Instant, Instant] | None = None  # the last stretch in which targets came and went unseen
        self._gone: list[tuple[Seen, Instant | None]] = []  # who vanished in it, and when those processes started
        self._last: dict[Target, Seen] = {}
        self._named: dict[tuple[str, ...], Seen] = {}  # the newest of each process name
        self._forgotten = float("-inf")  # targets last seen at or before this are not remembered
        self._points = _Points()
        self._feeds = id(self) // 64 % AGEING  # any number will do, as long as few ledgers share it

    @property
    def at(self) -> Instant | None:
        """The time of the newest evidence."""
        at = self._points.at
        return at[-1] if at else None

    @property
    def targets(self) -> int:
        """How many targets counted at the newest evidence."""
        at = self.at
        return sum(1 for seen in tuple(self._last.values()) if seen.at == at)

    def knows(self, target: Target) -> bool:
        """Whether the target has counted before."""
        return target in self._last

    def feed(self, at: Instant, readings: Mapping[Target, Reading], reach: Seconds | None = None) -> bool:
        """Add what happened since the last look; False, and nothing is changed, when `at` is not later than it.

        `reach` is given where this look could see further back or less far than usual (a refill in coarse steps).
        """
        before = self.at
        if before is not None and at <= before:
            return False
        if self.epoch is None:
            self.epoch = at
        reach = self.reach if reach is None else reach
        since = max(self.epoch - self.reach, self._forgotten)
        total = bad = 0.0
        for target, reading in readings.items():
            seen = self._memory(target, reading)
            if seen is None:
                gained = self._meet(at, target, reading, reach, None if before is None else since)
            else:
                gained = advance(seen, at, reading, reach, since)
            total += gained[0]
            bad += gained[1]
        self._points.add(at, total, bad, 0.0 if before is None else self._cover(before, at, reach))
        self._feeds += 1
        if self._feeds % AGEING == 0:
            self._age(at)
        return True

    def counts(self, window: Seconds) -> Counts:
        """Events of the last `window` seconds, counted back from the newest evidence."""
        points = self._points
        last = len(points.at) - 1
        if last < 0:
            return Counts(0, 0, 0)
        edge = max(0, bisect_right(points.at, points.at[last] - window, 0, last + 1) - 1)
        bad = points.bad[last] - points.bad[edge]  # below zero when a good event was counted later than its total
        covered = points.covered[last] - points.covered[edge]
        return Counts(points.total[last] - points.total[edge], max(0.0, bad), min(window, covered))

    def points(self) -> int:
        """How many points in time are kept."""
        return len(self._points.at)

    def _memory(self, target: Target, reading: Reading) -> Seen | None:
        """What is known of the process that a target shows.

        One that is known under another target goes on there and is not born again: a renamed scrape job, or the old
        target of a pod that was replaced, would count everything twice.
        """
        seen = self._last.get(target)
        if reading.process is None or (seen is not None and seen.is_same(reading)):
            return seen
        twin = self._named.get(reading.process)
        if twin is not None and twin.is_same(reading):
            self._last[target] = twin
            return twin
        return seen

    def _meet(self, at: Instant, target: Target, reading: Reading, reach: Seconds, since: Instant | None) -> Gain:
        seen, gained = meet(at, reading, reach, since)
        self._last[target] = seen
        if reading.process is not None:
            self._named[reading.process] = seen
        return gained

    def _cover(self, before: Instant, at: Instant, reach: Seconds) -> Seconds:
        """Seconds measured since the last look: all of them, unless it is so long ago that a target could vanish
        unseen, and one did. Should all that vanished come back as they were, the gap turns out to be covered.
        """
        healed = self._healed()
        gone = [seen for seen in self._last.values() if seen.at == before] if at - before > reach else []
        if not gone:
            return healed + at - before
        self.gap, self._gone = (before, at), [(seen, seen.started) for seen in gone]
        return healed

    def _healed(self) -> Seconds:
        """The length of the last gap, once every target that was missed after it is seen again in the same life."""
        if self.gap is None or not self._gone:
            return 0.0
        begin, end = self.gap
        if any(seen.at <= begin or seen.started != started or seen.mixed for seen, started in self._gone):
            return 0.0
        self.gap, self._gone = None, []
        return end - begin

    def _age(self, now: Instant) -> None:
        """Thin out the past and forget targets that are gone for good."""
        self._forgotten = max(self._forgotten, now - MEMORY)
        self._last = {k: seen for k, seen in self._last.items() if seen.at > self._forgotten}
        self._named = {k: seen for k, seen in self._named.items() if seen.at > self._forgotten}
        self._points = self._points.thinned(now, self.window)
