"""An exact account of good and bad events, made of nothing but the values of raw counters.

A reader with memory sees what `increase()` cannot: the first value of a pod born since the last look. The ledger keeps
the last value of every target, adds differences, and remembers the running totals as points in time.

The ledger is the one thing in the core that changes in place: one thread feeds it, others may read meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from .docket import Docket, Life
from .objective import TimeSlices
from .past import Past
from .points import RESOLUTIONS, TICKS, Counts, Points
from .quantities import Instant, Seconds
from .slices import Slicer
from .state import LedgerState
from .targets import NOTHING, PATIENCE, Gain, Reading, Seen, Target, advance, gives_up, meet

__all__ = ["MEMORY", "RESOLUTIONS", "Counts", "Ledger", "Reading", "Target"]

MEMORY: Final[Seconds] = 86_400
"""How long a target that has vanished is remembered. One that started before that and comes back is not new."""

AGEING: Final = 64
"""Looks between two times that the past is thinned; ledgers opened together take turns."""


class Ledger(Past):
    """Running totals of one objective since its epoch.

    `reach` is how long one value stays readable after its target has gone (the range of the query), which bounds what a
    look can have missed. With `slices` it counts slices of time. While there is a `docket` it is told of every look which
    pods' events were counted.
    """

    def __init__(self, window: Seconds, reach: Seconds, slices: TimeSlices | None = None) -> None:
        super().__init__(window)
        self.reach = reach
        self.docket: Docket | None = None
        self.epoch: Instant | None = None
        self.asked: Instant | None = None  # the past up to here has been asked for, with or without an answer
        self.gap: tuple[Instant, Instant] | None = None  # the last stretch in which targets came and went unseen
        self._gone: list[tuple[Seen, Instant | None]] = []  # who vanished in it, and when those processes started
        self._last: dict[Target, Seen] = {}
        self._named: dict[tuple[str, ...], Seen] = {}  # the newest of each process name
        self._forgotten = float("-inf")  # targets last seen at or before this are not remembered
        self._slicer = Slicer(slices) if slices is not None else None
        self._feeds = id(self) // 64 % AGEING  # any number will do, as long as few ledgers share it

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
        with self._whole:
            return self._feed(at, readings, reach)

    def _feed(self, at: Instant, readings: Mapping[Target, Reading], reach: Seconds | None) -> bool:
        before = self.at
        if before is not None and at <= before:
            return False
        if self.epoch is None:
            self.epoch = at
        reach = self.reach if reach is None else reach
        since = max(self.epoch - self.reach, self._forgotten)
        swapped = before is not None and self._swapped(before, readings, reach)
        credit = None if before is None or swapped else since
        total = bad = given_up = 0.0
        docket = self.docket
        gains: list[tuple[Life, Gain]] | None = None if docket is None else []
        for target, reading in sorted(readings.items(), key=lambda item: item[0] not in self._last):
            # the old target of a pod that was replaced may show both processes: it is known before the new one is born
            seen = self._memory(target, reading)
            if seen is None:
                gained = self._meet(at, target, reading, reach, credit)
            else:
                doubted, was = seen.doubted, (seen.total, seen.part)
                gained = advance(seen, at, reading, reach, since)
                if doubted is not None and gives_up(seen, was, gained):
                    given_up = max(given_up, at - max(doubted, self._lost_until))
            total += gained[0]
            bad += gained[1]
            if gains is not None and gained != NOTHING and reading.process is not None:
                gains.append((self._life(target, reading.process), gained))
        lost = 0.0 if before is None else at - before if swapped else self._lost(before, at, reach)
        self._add(at, (total, bad), max(given_up, lost) if given_up else lost)  # below zero where a gap has healed
        if docket is not None and gains is not None and before is not None:
            docket.take(before, at, gains)
        return True

    def add(self, at: Instant, total: float, bad: float, covered: Seconds) -> bool:
        """Add what was counted elsewhere since the last look, of which so many seconds were measured; else as `feed`."""
        with self._whole:
            before = self.at
            if before is not None and at <= before:
                return False
            if self.epoch is None:
                self.epoch = at
                total = bad = covered = 0.0  # of a time before the epoch
            self._add(at, (total, bad), 0.0 if before is None else at - before - covered)
            return True

    def _add(self, at: Instant, gain: Gain, lost: Seconds) -> None:
        total, bad = gain
        if self.at is not None and self._slicer is not None:
            total, bad, lost = self._slicer.take(self.at, at, gain, lost)
        self._append(at, total, bad, lost)
        self._feeds += 1
        if self._feeds % AGEING == 0:
            self._age(at)

    @property
    def pods(self) -> frozenset[tuple[str, str]]:
        """(namespace, name) of the pods that counted at the newest evidence; the name is empty where none was told."""
        seen = [s for s in tuple(self._last.values()) if s.at == self._newest]
        return frozenset((s.process[0], s.process[1]) if s.process is not None else ("", "") for s in seen)

    def state(self) -> LedgerState:
        """All that decides what it will count, at one moment between two looks; may be asked from any thread."""
        with self._whole:
            processes = {id(seen): seen for seen in (*self._last.values(), *self._named.values())}
            processes |= {id(seen): seen for seen, _ in self._gone}
            place = {one: n for n, one in enumerate(processes)}
            return LedgerState(
                window=self.window,
                epoch=self.epoch,
                newest=self._newest,
                asked=self.asked,
                gap=self.gap,
                forgotten=self._forgotten if self._forgotten > float("-inf") else None,
                looks=self._feeds % AGEING,
                processes=[replace(seen) for seen in processes.values()],
                targets={target: place[id(seen)] for target, seen in self._last.items()},
                named={name: place[id(seen)] for name, seen in self._named.items()},
                gone=[(place[id(seen)], started) for seen, started in self._gone],
                slice=self._slicer.state if self._slicer is not None else None,
                points=self._points.columns(),
                pins=tuple(self.pins),
                docket=None if self.docket is None else self.docket.state,
            )

    @classmethod
    def restored(cls, state: LedgerState, window: Seconds, reach: Seconds, slices: TimeSlices | None = None) -> Ledger:
        """A ledger that goes on where that one was. ValueError when that can have been none with these slices."""
        _check(state, slices)
        made = cls(window, reach, slices)
        made.epoch, made.asked, made._newest, made.gap = state.epoch, state.asked, state.newest, state.gap
        made._forgotten = state.forgotten if state.forgotten is not None else float("-inf")
        made._feeds, made.pins = state.looks, state.pins
        seen = [replace(process) for process in state.processes]
        made._last = {target: seen[place] for target, place in state.targets.items()}
        made._named = {name: seen[place] for name, place in state.named.items()}
        made._gone = [(seen[place], started) for place, started in state.gone]
        if made._slicer is not None and state.slice is not None:
            made._slicer.state = state.slice
        made._points = Points.of(state.points)
        made.docket = None if state.docket is None else Docket.restored(state.docket)
        return made

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
        if seen is not None and seen.started is None and reading.started is not None:
            self._named[reading.process] = seen  # its start is told at last
        return seen

    def _life(self, target: Target, process: tuple[str, ...]) -> Life:
        """Which process counted: its pod, and when it started."""
        seen = self._last[target]
        return process[0], process[1], seen.started if seen.started is not None else seen.born

    def _swapped(self, before: Instant, readings: Mapping[Target, Reading], reach: Seconds) -> bool:
        """Whether all that counted is gone at once, and others are there that had long been running: a scrape job with
        another name, or another Prometheus. They are counted from now on, and no births.
        """
        for target, reading in readings.items():
            if (
                reading.started is None
                or reading.started >= before - max(reach, PATIENCE)  # a new pod is found late
                or self._memory(target, reading) is not None
            ):
                return False
        return bool(readings) and any(seen.at == before for seen in self._last.values())

    def _meet(self, at: Instant, target: Target, reading: Reading, reach: Seconds, since: Instant | None) -> Gain:
        seen, gained = meet(at, reading, reach, since)
        self._last[target] = seen
        if reading.process is not None and reading.since is not None:  # else it may be one that is known by its start
            self._named[reading.process] = seen
        return gained

    def _lost(self, before: Instant, at: Instant, reach: Seconds) -> Seconds:
        """Seconds not measured since the last look: none, unless it is so long ago that a target could vanish unseen,
        and one did. Should all that vanished come back as they were, the gap turns out to be measured after all.
        """
        healed = self._healed()
        gone = [seen for seen in self._last.values() if seen.at == before] if at - before > reach else []
        if not gone:
            return -healed
        self.gap, self._gone = (before, at), [(seen, seen.started) for seen in gone]
        return at - before - healed

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
        self._thin(now)


def _check(state: LedgerState, slices: TimeSlices | None) -> None:
    """ValueError when this cannot be the state of a ledger with these slices."""
    begun = state.newest is not None, state.epoch is not None, len(state.points.at) > 0
    fits = (state.slice is None) == (slices is None) and begun in ((True,) * 3, (False,) * 3)
    if fits and state.newest is not None:
        last = state.points.base + state.points.at[-1] / TICKS
        current = state.newest // slices.length if slices is not None else 0
        under_way = state.slice.number if state.slice is not None and state.slice.number is not None else current
        fits = abs(last - state.newest) < 1 and abs(under_way - current) <= 1
    if not fits:
        raise ValueError("the state of a ledger does not fit together")
