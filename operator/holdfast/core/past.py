"""What a ledger remembers of the past: running totals at points in time, asked for any stretch of it.

One thread adds, others may read meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from threading import Lock
from typing import Final

from .points import TICKS, Counts, Points
from .quantities import Instant, Seconds, Span

NOTHING: Final = Counts(0.0, 0.0, 0.0)


class Past:
    """Events since the first look. `window` is how far back a reader may ask; the points at `pins` are never thinned: the
    edges of what a reader will ask for again.
    """

    def __init__(self, window: Seconds) -> None:
        self.window = window
        self.pins: Collection[Instant] = ()
        self._points = Points(0)
        self._newest: Instant | None = None
        self._whole = Lock()  # held while it changes

    @property
    def at(self) -> Instant | None:
        """The time of the newest evidence."""
        return self._newest

    def counts(self, window: Seconds) -> Counts:
        """Events of the last `window` seconds, counted back from the newest evidence."""
        return NOTHING if self._newest is None else self.between(Span(self._newest - window, self._newest))

    def between(self, span: Span, without: Sequence[Span] = ()) -> Counts:
        """Events of a stretch of time, less those `without` some stretches that do not overlap each other."""
        points = self._points
        if not len(points) or span.end <= points.time(0) or span.begin >= span.end:
            return NOTHING
        first, last = points.before(span.begin), points.before(span.end)
        found = points.between(first, last)
        for cut in without:
            begin, end = max(first, points.after(cut.begin)), min(last, points.before(cut.end))
            if begin < end:
                found = found - points.between(begin, end)
        # below zero when a good event was counted later than its total
        return Counts(found.total, max(0.0, found.bad), min(span.length, max(0.0, found.covered)))

    def around(self, at: Instant) -> Span | None:
        """The points around a time of the past that has none of its own."""
        found = self._points.between_two(at) if len(self._points) else None
        return None if found is None else Span(self._points.time(found[0]), self._points.time(found[1]))

    def part(self, at: Instant, gain: Counts) -> bool:
        """Give a time of the past a point of its own: so much of what came between its neighbours came before it.

        False, and nothing is changed, where that cannot be: it has one, more would have come than did, or time was lost.
        """
        with self._whole:
            span = self.around(at)
            if span is None or self.lost(span):
                return False
            whole = self.between(span)
            if not (0 <= gain.total <= whole.total and 0 <= gain.bad <= whole.bad):
                return False
            self._points = self._points.parted(at, gain.total, gain.bad)
            return True

    def lost(self, span: Span) -> Seconds:
        """Seconds since the epoch that were not measured, of a stretch of time."""
        points = self._points
        if not len(points):
            return 0.0
        first, last = points.before(span.begin), points.before(span.end)
        return points.span(first, last) - points.between(first, last).covered

    def failures(self, span: Span) -> list[tuple[Instant, float]]:
        """When bad events came in a stretch of time, and how many, as finely as the past is kept."""
        points = self._points
        if not len(points):
            return []
        return points.failures(points.before(span.begin), points.before(span.end))

    def points(self) -> int:
        """How many points in time are kept."""
        return len(self._points)

    @property
    def _lost_until(self) -> Instant:
        """Up to when time that was not measured has been left out already."""
        ticks = self._points.lost.ticks
        return self._points.base + ticks[-1] / TICKS if ticks else float("-inf")

    def _append(self, at: Instant, total: float, bad: float, lost: Seconds) -> None:
        """One more look: so many events since the last one, and so many seconds of it that were not measured."""
        if self._newest is None:
            self._points = Points(at)
        elif not self._points.reaches(at):  # after a gap of months in a window of a year
            self._points = self._points.since(at - self.window)
        self._points.add(at, total, bad, lost)
        self._newest = at

    def _thin(self, now: Instant) -> None:
        self._points = self._points.thinned(now, self.window, self.pins)
