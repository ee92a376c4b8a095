"""Composites: the weighted mean of what others measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import pytest

from holdfast.core.budget import measure
from holdfast.core.composite import Mixed
from holdfast.core.evidence import Fresh, Missing, Why
from holdfast.core.ledger import Counts, Ledger
from holdfast.core.quantities import Span
from tests.core.making import NOW, objective, percent


@dataclass(frozen=True)
class Said:
    """A book that always says the same."""

    counts: Counts
    at: float | None = NOW

    def between(self, span: Span, without: Sequence[Span] = ()) -> Counts:
        return self.counts


DAY = Span(0, 86_400)
MIXED = [
    pytest.param([(100, 1, 60, 1), (900, 9, 60, 1)], (1000, 10, 60), id="alike"),
    pytest.param(
        [(100, 10, 60, 1), (900, 0, 60, 1)], (1000, 50, 60), id="a part counts by its weight, not by its traffic"
    ),
    pytest.param([(100, 10, 60, 3), (900, 0, 60, 1)], (1000, 75, 60), id="weights"),
    pytest.param([(100, 10, 60, 1), (0, 0, 60, 9)], (100, 10, 60), id="one without events has no say"),
    pytest.param([(100, 10, 60, 1), (100, 0, 20, 1)], (200, 10, 20), id="measured is what all measured"),
    pytest.param([(0, 0, 60, 1), (0, 0, 50, 1)], (0, 0, 50), id="no events at all"),
]


@pytest.mark.parametrize(("parts", "expected"), MIXED)
def test_the_mean_of_the_parts(parts: list[tuple[float, float, float, int]], expected: tuple[float, ...]) -> None:
    """(events, bad, seconds) and weight of each part; the same of the whole."""
    mixed = Mixed(tuple((Said(Counts(t, b, c)), Fraction(w)) for t, b, c, w in parts))
    assert mixed.between(DAY) == Counts(*expected)


def test_it_is_as_old_as_its_oldest_part() -> None:
    """And has no evidence at all while a part has none."""
    counts = Counts(1, 0, 1)
    assert Mixed(((Said(counts, 5), Fraction(1)), (Said(counts, 3), Fraction(1)))).at == 3
    assert Mixed(((Said(counts, 5), Fraction(1)), (Ledger(60, 1), Fraction(1)))).at is None


def test_a_composite_is_judged_like_any_other() -> None:
    """Budget, burn rates and evidence; a part without evidence leaves all without."""
    mixed = Mixed(((Said(Counts(900, 9, 30 * 86_400)), Fraction(1)), (Said(Counts(100, 0, 30 * 86_400)), Fraction(1))))
    found = measure(objective(target=percent(99)), mixed, None, (3_600.0,), NOW)
    assert found.evidence == Fresh(NOW)
    assert (found.budget.bad, found.budget.allowed, found.budget.remaining) == (5, 10, percent(50))
    assert found.burns[3_600.0].rate == Fraction(1, 2)
    missing = Missing(Why.ABSENT, NOW, "its part search: no series")
    blind = Mixed(((Said(Counts(900, 9, 60)), Fraction(1)), (Ledger(60, 1), Fraction(1))))
    assert measure(objective(), blind, missing, (), NOW).evidence == missing
