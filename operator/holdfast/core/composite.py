"""A budget of budgets: the weighted mean of the bad ratios of other objectives, each over the same stretch of time.

A part without events in that time has no say in it. Events are those of all parts together, so that a composite reads
like any other budget; its bad ones are as many as the mean ratio makes of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from .ledger import Counts
from .quantities import Instant, Span


class Book(Protocol):
    """What a budget is read from: a ledger, or several of them together."""

    @property
    def at(self) -> Instant | None:
        """The time of the newest evidence."""
        ...

    def between(self, span: Span, without: Sequence[Span] = ()) -> Counts:
        """Events of a stretch of time, less those of some others."""
        ...


@dataclass(frozen=True, slots=True)
class Mixed:
    """The books of the parts of a composite, each with its weight."""

    parts: tuple[tuple[Book, Fraction], ...]

    @property
    def at(self) -> Instant | None:
        """As old as the oldest of the parts; None while one has none."""
        times = [book.at for book, _ in self.parts]
        return min((at for at in times if at is not None), default=None) if None not in times else None

    def between(self, span: Span, without: Sequence[Span] = ()) -> Counts:
        """Of all parts together; measured is what was measured of each of them."""
        found = [(book.between(span, without), weight) for book, weight in self.parts]
        heard = [(counts, weight) for counts, weight in found if counts.total > 0]
        covered = min((counts.covered for counts, _ in found), default=0.0)
        if not heard:
            return Counts(0.0, 0.0, covered)
        total = sum(counts.total for counts, _ in heard)
        weights = sum((weight for _, weight in heard), Fraction(0))
        ratio = sum((weight * Fraction(c.bad) / Fraction(c.total) for c, weight in heard), Fraction(0)) / weights
        return Counts(total, float(ratio * Fraction(total)), covered)
