"""The past of objectives at even steps, as a source still has it: what a backtest walks over.

The ledgers are filled as those of the operator are, only finer in the time that is walked over, and they keep the edges
of every window that will be asked for.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from holdfast.core.budget import Adjusted, Measured, measure
from holdfast.core.composite import Book, Mixed
from holdfast.core.evidence import Missing, Why
from holdfast.core.ledger import Counts, Ledger, Reading, Target
from holdfast.core.objective import Composite, Objective, ObjectKey
from holdfast.core.quantities import Instant, Seconds, Span

from .poller import Poller, grid_time
from .refill import refill
from .stretches import PACES

COARSEST: Final[Seconds] = 300
"""The past that is walked over is read at least this often, however wide the steps: a value counts as seen for so long
after its target has gone."""
MOST_LOOKS: Final = 10_000
"""But not more often than this in all, unless a shorter window is asked about."""

Look = tuple[Instant, Measured]
Slices = Sequence[Seconds]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which burn rates of an objective are asked for, and what people decided about its past: the time that does not
    count, in order and without overlaps, and fresh starts.
    """

    windows: tuple[Seconds, ...] = ()
    excluded: tuple[Span, ...] = ()
    resets: tuple[Instant, ...] = ()

    def adjusted(self, at: Instant) -> Adjusted:
        """What was in force at a time."""
        return Adjusted(self.excluded, max((reset for reset in self.resets if reset <= at), default=None))


NOTHING: Final = Wanted()


@dataclass(frozen=True, slots=True)
class Walk:
    """The times that are looked at, `step` apart and the last one `until`, and how often the source is asked: `pace`."""

    until: Instant
    since: Seconds
    step: Seconds
    pace: Seconds

    @property
    def times(self) -> tuple[Instant, ...]:
        """Oldest first."""
        count = int(self.since // self.step)
        return tuple(self.until - n * self.step for n in range(count, -1, -1))


@dataclass(frozen=True, slots=True)
class History:
    """What became known: each objective's figures at each time, and why some have none."""

    looks: Mapping[ObjectKey, tuple[Look, ...]]
    failed: Mapping[ObjectKey, Missing]


def plan(now: Instant, delay: Seconds, since: Seconds, step: Seconds, finest: Seconds, slices: Slices = ()) -> Walk:
    """A walk that ends at the newest time of its grid. The pace divides the step and the slices of time, in whole seconds,
    and is no wider than `finest` (the shortest window that is asked about) where that is possible.
    """
    wanted = max(1, math.floor(min(step, max(COARSEST, since / MOST_LOOKS), finest, *slices)))
    whole = (step, *slices)
    pace = next((p for p in range(wanted, 0, -1) if all(length % p == 0 for length in whole)), min(whole))
    return Walk(grid_time(now, step, delay), since, step, float(pace))


def history(
    objectives: Sequence[Objective],
    pollers: Mapping[ObjectKey, Poller],
    walk: Walk,
    wanted: Mapping[ObjectKey, Wanted],
    interval: Seconds,
) -> History:
    """The past of these objectives, each asked of its poller; blocks.

    A composite has none, and needs the objectives of its parts beside it. `interval` is how often the operator measures.
    """
    ledgers: dict[ObjectKey, _Remembered] = {}
    failed: dict[ObjectKey, Missing] = {}
    paces = tuple((max(older, walk.since), pace) for older, pace in PACES)
    for poller in dict.fromkeys(pollers.values()):
        asked = [o for o in objectives if pollers.get(o.key) is poller]
        ledgers |= {o.key: _ledger(o, poller, walk, wanted.get(o.key, NOTHING)) for o in asked}
        failed |= refill(poller, ledgers, asked, walk.until, walk.pace, paces)
    looks = {}
    for objective in objectives:
        lost = _lost(objective, ledgers, failed, walk.until)
        if lost is not None:
            failed[objective.key] = lost
            continue
        asks = wanted.get(objective.key, NOTHING)
        looks[objective.key] = tuple(_looks(objective, ledgers, walk, asks, interval))
    return History(looks, failed)


def _lost(
    objective: Objective, ledgers: Mapping[ObjectKey, Ledger], failed: Mapping[ObjectKey, Missing], at: Instant
) -> Missing | None:
    """Why an objective could not be read, or one of its parts."""
    for key in _read(objective):
        missing = failed.get(key)
        if missing is None and key not in ledgers:
            missing = Missing(Why.UNREACHABLE, at, "no source was asked for it")
        if missing is not None:
            part = "" if key == objective.key else f"its part {key.name}: "
            return replace(missing, note=f"{part}{missing.note}")
    return None


def _looks(
    objective: Objective, ledgers: Mapping[ObjectKey, _Remembered], walk: Walk, wanted: Wanted, interval: Seconds
) -> Iterator[Look]:
    for at in walk.times:
        book = _book(objective, ledgers, at)
        yield at, measure(objective, book, None, wanted.windows, at, interval, wanted.adjusted(at))


class _Remembered(Ledger):
    """A ledger that also knows when it was fed."""

    def __init__(self, objective: Objective, window: Seconds, reach: Seconds) -> None:
        super().__init__(window, reach, objective.slices)
        self.times: list[Instant] = []

    def feed(self, at: Instant, readings: Mapping[Target, Reading], reach: Seconds | None = None) -> bool:
        return self._noted(at, super().feed(at, readings, reach))

    def add(self, at: Instant, total: float, bad: float, covered: Seconds) -> bool:
        return self._noted(at, super().add(at, total, bad, covered))

    def _noted(self, at: Instant, taken: bool) -> bool:
        if taken:
            self.times.append(at)
        return taken


@dataclass(frozen=True, slots=True)
class _AsOf:
    """A ledger as it was at a time of the past."""

    ledger: _Remembered
    now: Instant

    @property
    def at(self) -> Instant | None:
        place = bisect_right(self.ledger.times, self.now)
        return self.ledger.times[place - 1] if place else None

    def between(self, span: Span, without: Sequence[Span] = ()) -> Counts:
        return self.ledger.between(span, without)


def _ledger(objective: Objective, poller: Poller, walk: Walk, wanted: Wanted) -> _Remembered:
    ledger = _Remembered(objective, objective.window.longest + walk.since, poller.reach(walk.pace))
    edges = {at - window for at in walk.times for window in (0.0, *wanted.windows)}
    edges |= {objective.window.span(at).begin for at in walk.times}
    edges |= {edge for span in wanted.excluded for edge in (span.begin, span.end)}
    ledger.pins = edges | set(wanted.resets)
    return ledger


def _read(objective: Objective) -> Iterator[ObjectKey]:
    """Whose ledgers an objective is read from."""
    indicator = objective.indicator
    yield from (part.key for part in indicator.parts) if isinstance(indicator, Composite) else (objective.key,)


def _book(objective: Objective, ledgers: Mapping[ObjectKey, _Remembered], at: Instant) -> Book:
    indicator = objective.indicator
    if isinstance(indicator, Composite):
        return Mixed(tuple((_AsOf(ledgers[part.key], at), part.weight) for part in indicator.parts))
    return _AsOf(ledgers[objective.key], at)
