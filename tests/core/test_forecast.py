"""When a budget will be empty, and when it will have recovered: told from what will leave the window."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.budget import Adjusted, Budget
from holdfast.core.forecast import exhausts_at, failures, recovers_at
from holdfast.core.ledger import Ledger, Reading
from holdfast.core.quantities import Span
from holdfast.core.window import Calendar, Period
from tests.core.making import DAY, HOUR, objective, percent

PROMISE = objective(window=100.0)
MONTH = objective(window=Calendar(Period.MONTH, "UTC"))
NOW = 1_000.0


def budget(bad: float, allowed: float) -> Budget:
    """So many failures, of so many allowed."""
    return Budget(Fraction(1000), Fraction(bad), Fraction(allowed), Fraction(1))


def test_it_recovers_when_enough_has_left_the_window() -> None:
    """Failures leave a window after they came; the budget is back above the threshold with the one that is enough."""
    failed = [(910.0, 4.0), (950.0, 4.0), (990.0, 4.0)]
    assert recovers_at(PROMISE, budget(12, 10), failed, percent(0), NOW) == 1010
    assert recovers_at(PROMISE, budget(12, 10), failed, percent(20), NOW) == 1050
    assert recovers_at(PROMISE, budget(12, 10), failed, percent(90), NOW) == 1090
    assert recovers_at(PROMISE, budget(2, 10), failed, percent(5), NOW) == NOW
    assert recovers_at(PROMISE, budget(12, 10), failed[:1], percent(50), NOW) is None
    assert recovers_at(PROMISE, budget(12, 10), [(850.0, 12.0)], percent(5), NOW) == NOW


def test_a_calendar_budget_recovers_with_the_next_period() -> None:
    """Nothing leaves a month before it ends."""
    assert recovers_at(MONTH, budget(12, 10), [(10.0, 12.0)], percent(5), 20.0) == 31 * DAY


def test_when_it_will_be_empty() -> None:
    """At a steady pace, with what leaves meanwhile given back."""
    assert exhausts_at(PROMISE, budget(0, 10), [], 0.5, NOW) == 1020
    assert exhausts_at(PROMISE, budget(5, 10), [(905.0, 5.0)], 0.5, NOW) == 1020
    assert exhausts_at(PROMISE, budget(0, 10), [], 0.05, NOW) is None, "it gives back as much as it takes"
    assert exhausts_at(PROMISE, budget(0, 10), [], 0.0, NOW) is None
    assert exhausts_at(PROMISE, budget(11, 10), [], 0.0, NOW) == NOW
    assert exhausts_at(PROMISE, budget(0, 0), [], 1.0, NOW) is None, "nothing is known of what is allowed"
    assert exhausts_at(MONTH, budget(0, 10), [], 10 / DAY, 0.0) == DAY
    assert exhausts_at(MONTH, budget(0, 10), [], 10 / (40 * DAY), 0.0) is None


@given(
    st.lists(st.tuples(st.integers(900, 1000), st.integers(1, 5)), max_size=8, unique_by=lambda f: f[0]),
    st.integers(1, 30),
    st.sampled_from((0.0537, 0.2511, 0.5039, 1.0101)),
)
def test_the_future_second_by_second(given_: list[tuple[int, int]], allowed: int, pace: float) -> None:
    """What a slow simulation of the window finds, to the second."""
    failed = sorted((float(at), float(bad)) for at, bad in given_ if at > 900)
    spent = budget(sum(bad for _, bad in failed), allowed)

    def left(at: float, pace: float) -> float:
        return allowed - sum(bad for t, bad in failed if t > at - 100) - pace * (at - NOW)

    empty = exhausts_at(PROMISE, spent, failed, pace, NOW)
    # just before a failure leaves, less is left than just after
    first = next((n for n in range(101) if min(left(NOW + n, pace), left(NOW + n + 1 - 1e-9, pace)) <= 0), None)
    if empty is None:
        assert first is None or left(NOW + 100 - 1e-9, pace) > -1e-6
    else:
        assert first is not None
        assert first - 1e-6 <= empty - NOW <= first + 1 + 1e-6
    back = recovers_at(PROMISE, spent, failed, percent(0), NOW)
    assert back == next(NOW + n for n in range(101) if left(NOW + n, 0) > 0)


def test_failures_are_those_that_count() -> None:
    """Not those that are excluded, nor those before a reset, nor what left the window."""
    ledger = Ledger(2 * HOUR, 180)
    assert failures(objective(window=HOUR), ledger, 0.0) == ()
    for minute in range(121):
        ledger.feed(60.0 * minute, {("a",): Reading(10.0 * minute, 1.0 * (minute // 30), -5.0)})
    promise = objective(window=2 * HOUR)
    found = failures(promise, ledger, 7_200.0)
    assert found == ((1_800.0, 1.0), (3_600.0, 1.0), (5_400.0, 1.0), (7_200.0, 1.0))
    assert failures(objective(window=HOUR), ledger, 7_200.0) == found[2:]
    assert failures(promise, ledger, 7_200.0, Adjusted((Span(3_500, 3_600),))) == (found[0], *found[2:])
    assert failures(promise, ledger, 7_200.0, Adjusted(reset=5_000.0)) == found[2:]
    assert failures(MONTH, ledger, 7_200.0) == found
    assert Ledger(60, 1).failures(Span(0, 1)) == []
