"""Rules of a budget: what is left, how fast it burns, and when the evidence for it is too old."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.budget import Budget, Burns, budget_of, burn_of, judge_evidence, measure
from holdfast.core.evidence import Evidence, Fresh, Missing, Why
from holdfast.core.ledger import Counts, Ledger, Reading
from holdfast.core.objective import Gauge, Objective

from .making import DAY, HOUR, NOW, objective, percent

MONTH = 30 * DAY
PROMISE = objective(target=percent("99.9"), window=MONTH, stale_after=300.0)
DOWN = Missing(Why.UNREACHABLE, NOW - 60, "the source refused the connection")

BUDGETS = [
    pytest.param(Counts(1_000_000, 0, MONTH), 1000, 100, 100, id="nothing spent"),
    pytest.param(Counts(1_000_000, 250, MONTH), 1000, 75, 100, id="a quarter spent"),
    pytest.param(Counts(1_000_000, 1000, MONTH), 1000, 0, 100, id="all spent"),
    pytest.param(Counts(1_000_000, 1500, MONTH), 1000, -50, 100, id="overdrawn"),
    pytest.param(Counts(1_000_000, 1_000_000, MONTH), 1000, -99_900, 100, id="everything failed"),
    pytest.param(Counts(10_000, 10, MONTH / 100), 1000, 99, 1, id="a young budget is seen at the traffic so far"),
    pytest.param(Counts(500_000, 500, MONTH / 2), 1000, 50, 50, id="half a window"),
    pytest.param(Counts(0, 0, MONTH), 0, 100, 100, id="no traffic spends nothing"),
    pytest.param(Counts(0, 0, 0), 0, 100, 0, id="no evidence spends nothing"),
    pytest.param(Counts(50, 50, 0), 0, 100, 0, id="events of no covered time are not projected"),
    pytest.param(Counts(1_000_000, 0, 2 * MONTH), 1000, 100, 100, id="a window is never covered more than once"),
]


@pytest.mark.parametrize(("counts", "allowed", "left", "covered"), BUDGETS)
def test_what_is_left(counts: Counts, allowed: int, left: int, covered: int) -> None:
    """Allowed are (1 - target) of the events that the whole window would have at the traffic seen."""
    found = budget_of(PROMISE, counts)
    assert (found.allowed, found.remaining, found.coverage) == (allowed, percent(left), percent(covered))


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.integers(1, int(MONTH)),
    st.fractions(Fraction(1, 100_000), Fraction(1, 2)),
)
def test_the_share_left_does_not_depend_on_the_projection(
    total: int, bad: int, covered: int, allowance: Fraction
) -> None:
    """One bad event in so many costs, of the part of the budget that belongs to the covered time, what it costs."""
    promise = objective(target=1 - allowance, window=MONTH)
    found, burn = budget_of(promise, Counts(total, bad, covered)), burn_of(promise, Counts(total, bad, covered))
    if total:
        assert burn.rate == Fraction(bad, total) / allowance
        assert found.remaining == 1 - burn.rate * Fraction(covered) / Fraction(MONTH)
    else:
        assert (burn.rate, found.remaining) == (0, 1)
    assert burn.total == total


@pytest.mark.parametrize(("covered", "young"), [(0, True), (0.0999, True), (0.1, False), (1, False)])
def test_a_budget_grows_up(covered: float, young: bool) -> None:
    """Below a tenth of its window a budget is young."""
    assert Budget(Fraction(1), Fraction(0), Fraction(1), Fraction(str(covered))).young is young


@pytest.mark.parametrize(("allowed", "small"), [("0", True), ("9.99", True), ("10", False)])
def test_a_budget_of_a_handful_is_small(allowed: str, small: bool) -> None:
    """With fewer than ten allowed failures one or two decide everything."""
    assert Budget(Fraction(1), Fraction(0), Fraction(allowed), Fraction(1)).small is small


EVIDENCE = [
    pytest.param(NOW, None, Fresh(NOW), id="new"),
    pytest.param(NOW - 300, None, Fresh(NOW - 300), id="just young enough"),
    pytest.param(NOW - 20, DOWN, Fresh(NOW - 20), id="one failed look is no news"),
    pytest.param(NOW - 301, DOWN, DOWN, id="too old, and the last look says why"),
    pytest.param(
        NOW - 301, None, Missing(Why.STALE, NOW - 301, "the newest figures are 5m1s old"), id="too old, nobody says why"
    ),
    pytest.param(None, DOWN, DOWN, id="never anything, and the last look says why"),
    pytest.param(None, None, Missing(Why.STALE, NOW, "nothing has been read yet"), id="never anything"),
    pytest.param(NOW + 300, None, Fresh(NOW + 300), id="a clock that is a little behind"),
    pytest.param(
        NOW + 301, None, Missing(Why.STALE, NOW + 301, "the newest figures are 5m1s old"), id="a clock that is wrong"
    ),
]


@pytest.mark.parametrize(("at", "missing", "expected"), EVIDENCE)
def test_when_evidence_is_missing(at: float | None, missing: Missing | None, expected: Evidence) -> None:
    """Evidence is fresh by its own age alone; when it is not, the reason of the last look counts."""
    assert judge_evidence(PROMISE, at, missing, NOW) == expected


def watched() -> Ledger:
    """Two hours of ten events a minute, the last ten minutes of which all failed."""
    ledger = Ledger(MONTH, 180)
    for minute in range(-120, 1):
        bad = 10 * max(0, minute + 10)
        ledger.feed(NOW + 60 * minute, {("web",): Reading(5000 + 10 * minute, 7 + bad, 1.0)})
    return ledger


def test_an_objective_is_measured_over_all_windows_asked_for() -> None:
    """The budget over its own window, and a burn rate for each window of the rules, from the same ledger."""
    promise: Objective = objective(target=percent(99), window=2 * HOUR)
    found = measure(promise, watched(), None, (HOUR, 300.0), NOW, 60)
    assert (found.objective, found.evidence, found.interval) == (promise, Fresh(NOW), 60)
    assert (found.budget.total, found.budget.bad, found.budget.allowed) == (1200, 100, 12)
    assert {w: (burn.rate, burn.total) for w, burn in found.burns.items()} == {
        HOUR: (Fraction(100, 6), 600),
        300.0: (100, 50),
    }


def test_an_objective_without_evidence_has_figures_all_the_same() -> None:
    """The last figures stay to be shown; that they are old is said beside them."""
    found = measure(PROMISE, watched(), DOWN, (HOUR,), NOW + DAY)
    assert found.evidence == DOWN
    assert found.budget.bad == 100


def test_a_slice_under_way_is_no_lack_of_evidence() -> None:
    """A query that is asked once an hour has figures of the last hour; counters have them at every look."""
    hourly = objective(indicator=Gauge("up", Fraction(1), True, HOUR), stale_after=300.0)
    assert (hourly.pace(15), hourly.oldest, PROMISE.pace(15), PROMISE.oldest) == (HOUR, HOUR + 300, 15, 300)
    ledger = Ledger(DAY, 45)
    ledger.add(NOW, 1, 0, HOUR)
    assert isinstance(measure(hourly, ledger, None, (), NOW + HOUR + 299).evidence, Fresh)
    assert isinstance(measure(hourly, ledger, None, (), NOW + HOUR + 301).evidence, Missing)


def test_rates_for_graphs_are_those_that_are_judged() -> None:
    """The same burn rates as floats, to the last digits; 0 without events."""
    ledger = Ledger(3600, 45)
    for n in range(20):
        ledger.feed(NOW + 15 * n, {("a",): Reading(n * 7.0, n // 3 + 0.0, NOW - 60)})
    found = measure(objective(window=3600.0), ledger, None, (60.0, 300.0), NOW + 285).burns
    assert isinstance(found, Burns)
    assert dict(found.rates()) == pytest.approx({w: float(burn.rate) for w, burn in found.items()})
    empty = measure(objective(window=3600.0), Ledger(3600, 45), None, (60.0,), NOW).burns
    assert isinstance(empty, Burns)
    assert (dict(empty.rates()), len(empty), empty.get(7.0)) == ({60.0: 0.0}, 1, None)
