"""Slices of time: one is good, bad, empty or torn."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.ledger import Counts, Ledger, Reading, Target
from holdfast.core.objective import TimeSlices

A: Target = ("a",)
RULE = TimeSlices(60, Fraction(99, 100))


def counted(*looks: tuple[float, float, float], rule: TimeSlices = RULE, pace: float = 15) -> Counts:
    """What a ledger of slices makes of looks at one counter: (time, total, bad)."""
    ledger = Ledger(86_400, 3 * pace, rule)
    for at, total, bad in looks:
        ledger.feed(at, {A: Reading(total, bad, -100.0)})
    return ledger.counts(86_400)


SLICES = [
    pytest.param([(0, 0, 0), (30, 50, 0), (60, 100, 1)], (1, 0, 60), id="99 of 100 good is good"),
    pytest.param([(0, 0, 0), (30, 50, 0), (60, 100, 2)], (1, 1, 60), id="98 of 100 good is bad"),
    pytest.param([(0, 0, 0), (60, 0, 0), (120, 10, 0)], (1, 0, 120), id="without events it is none, and measured"),
    pytest.param([(0, 0, 0), (45, 50, 0)], (0, 0, 45), id="one under way does not count yet"),
    pytest.param([(30, 0, 0), (60, 90, 90), (120, 99, 99)], (1, 1, 60), id="the first one is not whole"),
    pytest.param(
        [(0, 0, 0), (45, 10, 0), (75, 20, 9), (120, 30, 9)], (0, 0, 0), id="an answer over an edge tears both"
    ),
    pytest.param(
        [(0, 0, 0), (45, 10, 0), (75, 10, 0), (120, 30, 9)], (2, 1, 120), id="unless it brought nothing at all"
    ),
    pytest.param([(0, 0, 0), (60, 10, 0), (240, 20, 0), (300, 30, 0)], (2, 0, 120), id="a gap tears every slice in it"),
    pytest.param([(0, 0, 0), (60, 10, 0), (230, 10, 0), (240, 20, 0)], (2, 0, 240), id="a quiet gap tears none"),
]


@pytest.mark.parametrize(("looks", "expected"), SLICES)
def test_what_a_slice_is(looks: list[tuple[float, float, float]], expected: tuple[float, float, float]) -> None:
    """(slices, bad slices, seconds measured)."""
    found = counted(*looks)
    assert (found.total, found.bad, found.covered) == expected


def test_a_gap_with_churn_is_not_measured() -> None:
    """Who vanished unseen may have failed: the slices of that time are torn."""
    ledger = Ledger(86_400, 45, RULE)
    ledger.feed(0, {A: Reading(0, 0, -100.0), ("b",): Reading(0, 0, -100.0)})
    ledger.feed(60, {A: Reading(10, 0, -100.0), ("b",): Reading(5, 0, -100.0)})
    ledger.feed(180, {A: Reading(10, 0, -100.0)})
    ledger.feed(240, {A: Reading(20, 0, -100.0)})
    assert ledger.counts(86_400) == Counts(2, 0, 120)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3)), min_size=4, max_size=200), st.sampled_from((15, 20, 60))
)
def test_slices_are_those_of_every_event(steps: list[tuple[int, int]], pace: int) -> None:
    """Looked at on its grid, every slice is what a slow count of all its events says."""
    looks, total, bad = [(0.0, 0.0, 0.0)], 0, 0
    events: dict[int, list[int]] = {}
    for n, (good, failed) in enumerate(steps):
        total, bad = total + good + failed, bad + failed
        looks.append((pace * (n + 1.0), float(total), float(bad)))
        sums = events.setdefault(n * pace // 60, [0, 0])
        sums[0] += good + failed
        sums[1] += failed
    whole = [events[k] for k in events if (k + 1) * 60 <= looks[-1][0] and events[k][0]]
    found = counted(*looks, pace=pace)
    assert found.total == len(whole)
    assert found.bad == sum(100 * (t - b) < 99 * t for t, b in whole)
    assert found.covered == looks[-1][0]
