"""An exact account of good and bad events, made of nothing but the values of raw counters.

A reader with memory sees what `increase()` cannot: the first value of a pod born since the last look. The ledger keeps
the last value of every target, adds differences, and remembers the running totals as points in time. A window is the
difference of two points, so it is exact and cheap whatever its length. Ageing drops points and never changes one: a
window then begins at the last point that is left before its edge, a little early, never late.

The ledger is the one thing in the core that changes in place.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .quantities import Instant, Seconds

Target = tuple[str, ...]
"""The values of the labels that identify one scraped process, in an order fixed by the source."""

MEMORY: Final[Seconds] = 86_400
"""How long a target that has vanished is remembered. One that started longer ago and was never seen is not new."""

RESOLUTIONS: Final = ((3_600, 0), (21_600, 60), (259_200, 300), (5_184_000, 3_600), (float("inf"), 86_400))
"""(age up to which, seconds between two points): how finely the past is kept."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of one target at one time, and when its process started where that is known."""

    total: float
    bad: float
    started: Instant | None = None


@dataclass(slots=True)
class _Seen:
    total: float
    bad: float
    started: Instant | None
    at: Instant  # the last look that saw it
    alive: Instant  # its last sample is not older than this


@dataclass(frozen=True, slots=True)
class Counts:
    """Events of a window, and how many seconds of it were measured."""

    total: float
    bad: float
    covered: Seconds


class Ledger:
    """Running totals of one objective since its epoch.

    `window` is how far back a reader may ask; `reach` how long one value stays readable after its target has gone
    (the range of the query), which bounds what a look can have missed.
    """

    def __init__(self, window: Seconds, reach: Seconds) -> None:
        self.window = window
        self.reach = reach
        self.epoch: Instant | None = None
        self.gap: tuple[Instant, Instant] | None = None  # the last stretch in which targets came and went unseen
        self._last: dict[Target, _Seen] = {}
        self._at, self._total, self._bad, self._covered = (array("d") for _ in range(4))
        self._feeds = 0

    @property
    def at(self) -> Instant | None:
        """The time of the newest evidence."""
        return self._at[-1] if self._at else None

    @property
    def targets(self) -> int:
        """How many targets counted at the newest evidence."""
        return sum(1 for seen in self._last.values() if seen.at == self.at)

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
        total = bad = 0.0
        for target, reading in readings.items():
            seen = self._last.get(target)
            if seen is None:
                gained = self._first(at, reading)
                self._last[target] = _Seen(reading.total, reading.bad, reading.started, at, at - reach)
            else:
                gained = _advance(seen, at, reading, reach)
            total += gained[0]
            bad += gained[1]
        covered = 0.0 if before is None else self._cover(before, at, reach)
        for column, gain in ((self._total, total), (self._bad, bad), (self._covered, covered)):
            column.append(column[-1] + gain if column else gain)
        self._at.append(at)
        self._feeds += 1
        if self._feeds % 64 == 0:
            self._age(at)
        return True

    def counts(self, window: Seconds) -> Counts:
        """Events of the last `window` seconds, counted back from the newest evidence."""
        if not self._at:
            return Counts(0, 0, 0)
        edge = max(0, bisect_right(self._at, self._at[-1] - window) - 1)
        return Counts(
            self._total[-1] - self._total[edge],
            self._bad[-1] - self._bad[edge],
            min(window, self._covered[-1] - self._covered[edge]),
        )

    def points(self) -> int:
        """How many points in time are kept."""
        return len(self._at)

    def _first(self, at: Instant, reading: Reading) -> tuple[float, float]:
        """Everything a newborn target counted is new. One that is older than the ledger, or may be, is a baseline."""
        born = reading.started
        assert self.epoch is not None  # noqa: S101 - feed() sets it first
        if born is None or born <= self.epoch or born <= at - MEMORY:
            return 0.0, 0.0
        return reading.total, reading.bad

    def _cover(self, before: Instant, at: Instant, reach: Seconds) -> Seconds:
        """Seconds measured since the last look: all of them, unless it is so long ago that a target could vanish
        unseen, and one did.
        """
        if at - before > reach and any(seen.at == before for seen in self._last.values()):
            self.gap = (before, at)
            return 0.0
        return at - before

    def _age(self, now: Instant) -> None:
        """Thin out the past and forget targets that are gone for good."""
        self._last = {k: seen for k, seen in self._last.items() if seen.at > now - MEMORY}
        oldest = bisect_right(self._at, now - self.window - 2 * _spacing(self.window)) - 1
        keep, slot = array("L"), None
        for i in range(max(0, oldest), len(self._at)):
            spacing = _spacing(now - self._at[i])
            here = (spacing, self._at[i] // spacing) if spacing else None
            if here is not None and here == slot:
                continue
            slot = here
            keep.append(i)
        for name in ("_at", "_total", "_bad", "_covered"):
            column: array[float] = getattr(self, name)
            setattr(self, name, array("d", (column[i] for i in keep)))


def _spacing(age: Seconds) -> Seconds:
    return next(spacing for limit, spacing in RESOLUTIONS if age <= limit)


def _advance(seen: _Seen, at: Instant, reading: Reading, reach: Seconds) -> tuple[float, float]:
    """What a known target counted since it was last seen; updates the memory of it.

    A process that started after its last sample is another life under the same name: everything it counted is new.
    Where no start is known, a counter that fell to half of its value was reset; one that fell less is an echo of an
    older sample (two Prometheus replicas behind one address), and the higher value stands.
    """
    if reading.started is not None and seen.started is not None:
        reset = reading.started != seen.started and reading.started > seen.alive
    else:
        reset = reading.total <= seen.total / 2 and seen.total > 0
    if reset:
        seen.total = seen.bad = 0.0
    gained = max(0.0, reading.total - seen.total), max(0.0, reading.bad - seen.bad)
    seen.total, seen.bad = max(seen.total, reading.total), max(seen.bad, reading.bad)
    seen.started, seen.at, seen.alive = reading.started or seen.started, at, at - reach
    return gained
