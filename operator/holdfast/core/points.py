"""Running totals at points in time: a window is the difference of two points, exact and cheap whatever its length.

Ageing drops points and never changes one. A window begins at the last point that is left before its edge, a little
early, never late. What is older than an hour is kept in slots that widen with age, three at a time in one where no
more than a hundredth of all bad events fell: an incident keeps its edges, and nobody can tell the rest.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from .quantities import Instant, Seconds

RESOLUTIONS: Final = ((3_600, 0), (21_600, 60), (259_200, 300), (5_184_000, 3_600), (float("inf"), 86_400))
"""(age up to which, seconds between two points): how finely the past is kept."""

TOGETHER: Final = 3
"""So many slots are kept as one where little went wrong."""

LITTLE: Final = 0.01
"""Up to this share of all bad events."""

TICKS: Final = 100
"""Points are this many to a second: 32 bits reach back 497 days."""

REACH: Final[Seconds] = 2**32 // TICKS
"""A point is at most this much later than where times are counted from."""

ERA: Final = TOGETHER * 86_400
"""Times are counted from a multiple of this, so that slots lie where they lay before."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Events of a stretch of time, and how many seconds of it were measured."""

    total: float
    bad: float
    covered: Seconds

    def __sub__(self, other: Counts) -> Counts:
        return Counts(self.total - other.total, self.bad - other.bad, self.covered - other.covered)


class Columns(NamedTuple):
    """Points as plain columns, to be stored: times in ticks after `base`, and running totals.

    Those of bad events and of seconds not measured stand only where they change, each with its own times.
    """

    base: Instant
    at: Sequence[int]
    total: Sequence[float]
    bad_at: Sequence[int]
    bad: Sequence[float]
    lost_at: Sequence[int]
    lost: Sequence[float]


class Totals(Sequence[float]):
    """Running totals in order: whole numbers below 2**32 take half the space, as long as there is no other among them."""

    __slots__ = ("_kept",)

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._kept: array[Any] = array("I")
        self.extend(values)

    def append(self, value: float) -> None:
        """One more. Who reads meanwhile sees the old column or the new one, and the same numbers in both."""
        if self._kept.typecode == "I":
            if 0 <= value < 2**32 and value == int(value):
                self._kept.append(int(value))
                return
            self._kept = array("d", self._kept)
        self._kept.append(value)

    def extend(self, values: Iterable[float]) -> None:
        """Several more."""
        for value in values:
            self.append(value)

    def __getitem__(self, place: Any) -> Any:
        found = self._kept[place]
        return found if isinstance(place, slice) else float(found)

    def __len__(self) -> int:
        return len(self._kept)


class Steps:
    """A running total that seldom changes: kept where it does. `ticks` grows last."""

    __slots__ = ("sums", "ticks")

    def __init__(self, ticks: Iterable[int] = (), sums: Iterable[float] = ()) -> None:
        self.sums = Totals(sums)
        self.ticks = array("I", ticks)

    def add(self, tick: int, gain: float) -> None:
        """From this time on it is more (or less) by so much."""
        if gain:
            self.sums.append((self.sums[-1] if self.sums else 0.0) + gain)
            self.ticks.append(tick)

    def value(self, tick: int) -> float:
        """The running total at this time."""
        place = bisect_right(self.ticks, tick)
        return self.sums[place - 1] if place else 0.0

    def values(self, ticks: Iterable[int]) -> Iterator[float]:
        """The same for many times in order."""
        place, changes = 0, self.ticks
        for tick in ticks:
            while place < len(changes) and changes[place] <= tick:
                place += 1
            yield self.sums[place - 1] if place else 0.0

    def set(self, ticks: Iterable[int], values: Iterable[float]) -> None:
        """Keep it at these times alone; only for one that nobody reads yet."""
        last = 0.0
        for tick, value in zip(ticks, values, strict=True):
            self.add(tick, value - last)
            last = value


class Points:
    """The points of one ledger, a column each: times, totals, bad events, and seconds that were not measured.

    One thread adds, others may read meanwhile: the times grow last, so their number is how many points are whole.
    """

    __slots__ = ("at", "bad", "base", "lost", "total")

    def __init__(self, base: Instant) -> None:
        """Nothing is known of what was before `base`."""
        self.base = float(base // ERA * ERA)
        self.at = array("I")
        self.total = Totals()
        self.bad = Steps()
        self.lost = Steps()

    def __len__(self) -> int:
        return len(self.at)

    def add(self, at: Instant, total: float, bad: float, lost: Seconds) -> None:
        """One more point, so many events and seconds later."""
        tick = self._tick(at)
        self.bad.add(tick, bad)
        self.lost.add(tick, lost)
        self.total.append(self.total[-1] + total if self.total else total)
        self.at.append(tick)

    def reaches(self, at: Instant) -> bool:
        """Whether a point at this time fits in."""
        return at < self.base + REACH

    def since(self, begin: Instant) -> Points:
        """These without all that are before a time."""
        keep = range(self.after(begin), len(self.at))
        return self._only(keep, list(self.bad.values(self.at))) if keep else Points(begin)

    def columns(self) -> Columns:
        """A copy of all points."""
        bad, lost = self.bad, self.lost
        return Columns(self.base, self.at[:], self.total[:], bad.ticks[:], bad.sums[:], lost.ticks[:], lost.sums[:])

    @classmethod
    def of(cls, columns: Columns) -> Points:
        """The points that these columns are of. ValueError when they cannot be: times that fall, halves of columns."""
        made = cls(columns.base)
        for ticks, sums in (columns[1:3], columns[3:5], columns[5:7]):
            fits = len(ticks) == len(sums) and sorted(ticks) == list(ticks)
            if not fits or (ticks and not 0 <= ticks[0] <= ticks[-1] < 2**32):
                raise ValueError("columns of points that do not fit together")
        if columns.base != made.base:
            raise ValueError("points that are counted from no proper time")
        made.at.extend(columns.at)
        made.total.extend(columns.total)
        made.bad, made.lost = Steps(columns.bad_at, columns.bad), Steps(columns.lost_at, columns.lost)
        return made

    def time(self, index: int) -> Instant:
        """When a point is."""
        return self.base + self.at[index] / TICKS

    def before(self, at: Instant) -> int:
        """The last point that is not later than this; the first one where all are."""
        return max(0, bisect_right(self.at, self._tick(at)) - 1)

    def after(self, at: Instant) -> int:
        """The first point that is not earlier than this; one past the last where all are."""
        return bisect_left(self.at, self._tick(at))

    def between(self, first: int, last: int) -> Counts:
        """What happened from one point to another."""
        one, other = self.at[first], self.at[last]
        lost = self.lost.value(other) - self.lost.value(one)
        return Counts(
            self.total[last] - self.total[first],
            self.bad.value(other) - self.bad.value(one),
            (other - one) / TICKS - lost,
        )

    def between_two(self, at: Instant) -> tuple[int, int] | None:
        """The points around a time at which there is none; None where there is one, or none on one side."""
        first, last = self.before(at), self.after(at)
        return (first, last) if last < len(self) and first + 1 == last and self._tick(at) > self.at[first] else None

    def parted(self, at: Instant, total: float, bad: float) -> Points:
        """The same with one point more, so many events after the last one before it; nothing else changes."""
        place, made = self.after(at), Points(self.base)
        tick, before = self._tick(at), self.at[place - 1]
        made.at.extend((*self.at[:place], tick, *self.at[place:]))
        made.total.extend((*self.total[:place], self.total[place - 1] + total, *self.total[place:]))
        cut = bisect_right(self.bad.ticks, before)
        more = ((tick, self.bad.value(before) + bad),) if bad else ()
        ticks, sums = self.bad.ticks, self.bad.sums
        made.bad = Steps(
            (*ticks[:cut], *(t for t, _ in more), *ticks[cut:]), (*sums[:cut], *(s for _, s in more), *sums[cut:])
        )
        made.lost = self.lost
        return made

    def span(self, first: int, last: int) -> Seconds:
        """How long it is from one point to another."""
        return (self.at[last] - self.at[first]) / TICKS

    def failures(self, first: int, last: int) -> list[tuple[Instant, float]]:
        """The points from one to another at which there were more bad events than before, and how many more."""
        ticks, sums = self.bad.ticks, self.bad.sums
        begin, end = bisect_right(ticks, self.at[first]), bisect_right(ticks, self.at[last])
        befores = [sums[begin - 1] if begin else 0.0, *sums[begin:end]]
        gains = ((ticks[i], sums[i] - befores[i - begin]) for i in range(begin, end))
        return [(self.base + tick / TICKS, gain) for tick, gain in gains if gain > 0]

    def thinned(self, now: Instant, window: Seconds, pins: Collection[Instant] = ()) -> Points:
        """What is left as the points grow old, the last one before the window included. Those at `pins` stay."""
        spacing = next(spacing for limit, spacing in RESOLUTIONS if window <= limit)
        begin = self.before(now - window - 2 * TOGETHER * spacing)
        bad = list(self.bad.values(self.at))
        heavy = LITTLE * (bad[-1] - bad[begin]) if bad else 0.0
        keep = {i for pin in pins for i in (self.before(pin), self.after(pin)) if begin <= i < len(self.at)}
        for limit, spacing in reversed(RESOLUTIONS):
            end = self.after(now - _younger(limit)) if spacing else len(self.at)
            keep.update(
                _kept(self.at, bad, range(begin, end), spacing * TICKS, heavy) if spacing else range(begin, end)
            )
            begin = max(begin, end)
        return self._only(sorted(keep), bad)

    def _only(self, keep: Sequence[int], bad: Sequence[float]) -> Points:
        made = Points(self.time(keep[0]) if keep else self.base)
        shift = round((made.base - self.base) * TICKS)
        ticks = [self.at[i] - shift for i in keep]
        made.at.extend(ticks)
        made.total.extend(self.total[i] for i in keep)
        made.bad.set(ticks, (bad[i] for i in keep))
        made.lost.set(ticks, self.lost.values(self.at[i] for i in keep))
        return made

    def _tick(self, at: Instant) -> int:
        return max(0, int((at - self.base) * TICKS + 1e-3))


def _younger(limit: Seconds) -> Seconds:
    """The age at which the resolution for ages up to `limit` begins."""
    return max((other for other, _ in RESOLUTIONS if other < limit), default=-1.0)


def _kept(at: Sequence[int], bad: Sequence[float], where: range, spacing: int, heavy: float) -> Iterator[int]:
    """The first point of each slot; where little went wrong, of each so many slots together."""
    place, end = where.start, where.stop
    while place < end:
        wide = at[place] // (TOGETHER * spacing)
        after = bisect_left(at, (wide + 1) * TOGETHER * spacing, place, end)
        yield place
        if bad[after - 1] - bad[place] > heavy:
            slots = [at[i] // spacing for i in range(place, after)]
            yield from (place + n for n in range(1, len(slots)) if slots[n] != slots[n - 1])
        place = after
