"""What was counted interval by interval of a release and of the others, in bounded memory.

Rule: a line is never split and no event is lost. When there are too many, the older half are joined in pairs, which depends
on the looks alone and not on when it became known whose events they were.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from .quantities import Instant
from .targets import Gain
from .trial import Row

MOST_LINES: Final = 600
"""Two and a half hours of looks every 15 s."""

Line = tuple[Instant, float, float, float, float]
"""The end of an interval; events and bad ones of the release, events and bad ones of the others."""


class Lines:
    """Intervals in order; each begins where the one before ends."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        """These are there already."""
        self._lines = list(lines)

    @property
    def state(self) -> tuple[Line, ...]:
        """All of them."""
        return tuple(self._lines)

    def look(self, at: Instant) -> None:
        """One more interval ends here."""
        self._lines.append((at, 0.0, 0.0, 0.0, 0.0))
        if len(self._lines) > MOST_LINES:
            half = MOST_LINES // 2
            pairs = zip(self._lines[0:half:2], self._lines[1:half:2], strict=True)
            self._lines[:half] = [_joined(one, other) for one, other in pairs]

    def count(self, at: Instant, new: bool, gain: Gain) -> None:
        """Events of a look: they belong to the interval that holds it, or to the first one where that was before all."""
        place = bisect_left(self._lines, at, key=lambda line: line[0])
        own, others = (gain, (0.0, 0.0)) if new else ((0.0, 0.0), gain)
        if place == len(self._lines):
            self._lines.append((at, *own, *others))
        else:
            self._lines[place] = _joined((at, *own, *others), self._lines[place])

    def rows(self) -> tuple[Row, ...]:
        """The intervals with events, from the first of the release on."""
        own = (n for n, line in enumerate(self._lines) if line[1:3] != (0.0, 0.0))
        first = next(own, len(self._lines))
        return tuple(Row(line[0], line[1:3], line[3:]) for line in self._lines[first:] if any(line[1:]))


def _joined(one: Line, other: Line) -> Line:
    """Both as one interval, which ends with the second."""
    return other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3], one[4] + other[4]
