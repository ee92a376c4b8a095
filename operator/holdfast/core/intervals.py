"""Which rows are one interval of a release on trial?

Rule: rows are merged until the release has served ten events. That says nothing of how many of them failed, so the bets
on an interval stay fair, and it is the same however the rows were cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .quantities import Instant
from .targets import Gain
from .trial import Row

MIN_EVENTS: Final = 10
"""An interval has at least so many: a retried request would else be an interval, and then a second one."""


@dataclass(frozen=True, slots=True)
class Interval:
    """What was counted until `at`: (total, bad) of the release and of the others."""

    at: Instant
    new: Gain
    old: Gain


def intervals(rows: Sequence[Row]) -> Iterator[Interval]:
    """Rows merged until the release has served ten events; what is left waits for more.

    Bad events may be counted a moment before or after their totals where they follow from good ones: what does not fit
    into an interval belongs to the next.
    """
    n = e = m = f = 0.0
    for row in rows:
        n, e = n + max(0.0, row.new[0]), e + row.new[1]
        m, f = m + max(0.0, row.old[0]), f + row.old[1]
        if n >= MIN_EVENTS:
            bad, others_bad = min(max(e, 0.0), n), min(max(f, 0.0), m)
            yield Interval(row.at, (n, bad), (m, others_bad))
            n, e, m, f = 0.0, e - bad, 0.0, f - others_bad
