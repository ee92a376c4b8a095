"""Evidence by betting: fair against whoever keeps the allowance, and nothing that one interval alone can make."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.betting import MIN_BAD_INTERVALS, MOST, PARTS, SHARES, Wealth, fault, seen_after

PATIENT = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ALLOWANCES = [0.1, 0.01, 0.001, 0.0001, 0.00001]


def test_the_wealth_is_parted_without_a_rest() -> None:
    """Evidence begins at one: the logarithm is 0."""
    assert len(PARTS) == len(SHARES)
    assert math.isclose(Wealth(0.001).log, 0, abs_tol=1e-12)


@pytest.mark.parametrize("allowance", ALLOWANCES)
def test_the_bet_is_fair(allowance: float) -> None:
    """Against a ratio that is 0 or 1 and on average the allowance, the wealth is on average at most what it was."""
    failed, passed = Wealth(0.001), Wealth(0.001)
    failed.bet(1, allowance)
    passed.bet(0, allowance)
    assert allowance * math.exp(failed.log) + (1 - allowance) * math.exp(passed.log) <= 1 + 1e-12


@pytest.mark.parametrize("alpha", [0.01, 0.001, 0.0002])
@pytest.mark.parametrize("allowance", ALLOWANCES)
def test_one_interval_never_convinces(allowance: float, alpha: float) -> None:
    """However tight the target: the first interval must be followed by one that is far above the allowance as well."""
    wealth = Wealth(alpha)
    wealth.bet(1, allowance)
    assert not wealth.convinces
    wealth.bet(min(1, 1.5 * allowance), allowance)
    assert wealth.bad == MIN_BAD_INTERVALS
    assert not wealth.convinces


@pytest.mark.parametrize("allowance", ALLOWANCES[2:])
def test_two_total_failures_convince(allowance: float) -> None:
    """What one interval may bring is limited so that two of the worst are enough."""
    wealth = Wealth(0.001)
    wealth.bet(1, allowance)
    wealth.bet(1, allowance)
    assert wealth.convinces


def test_a_fault_that_begins_late_is_seen_as_well() -> None:
    """After a day of clean intervals of 15 s, six intervals of failures are enough: some wealth was kept back."""
    wealth, needed = Wealth(0.001), 0
    for _ in range(5760):
        wealth.bet(0, 0.001)
    while not wealth.convinces:
        wealth.bet(0.5, 0.001)
        needed += 1
    assert needed <= 6


def test_evidence_beyond_all_measure_stays_a_number() -> None:
    """A failure of days neither overflows nor is it forgotten at once."""
    wealth = Wealth(0.001)
    for _ in range(2000):
        wealth.bet(1, 0.001)
    assert max(wealth.parts) <= MOST
    assert 600 < wealth.log < 800


@PATIENT
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(0, 11), st.floats(0, 1), st.sampled_from(ALLOWANCES)
)
def test_more_failures_never_make_less_evidence(ratios: list[float], place: int, more: float, allowance: float) -> None:
    """Raise one ratio, and the evidence does not fall; raise the allowance, and it does not rise."""
    worse, lax, plain = Wealth(0.001), Wealth(0.001), Wealth(0.001)
    for here, ratio in enumerate(ratios):
        plain.bet(ratio, allowance)
        worse.bet(max(ratio, more) if here == place % len(ratios) else ratio, allowance)
        lax.bet(ratio, 2 * allowance)
    assert worse.log >= plain.log - 1e-9
    assert worse.bad >= plain.bad
    assert lax.log <= plain.log + 1e-9


def test_a_fault_to_be_seen_is_ten_times_the_allowance_and_never_everything() -> None:
    """Ten times 0.1 % is 1 %; of ten per cent it is half way to everything."""
    assert fault(0.001) == 0.01
    assert fault(0.1) == 0.55
    assert all(allowance < fault(allowance) < 1 for allowance in (*ALLOWANCES, 0.5, 0.99))


@pytest.mark.parametrize(("allowance", "size"), [(0.001, 10), (0.001, 200), (0.01, 10), (0.1, 10), (0.001, 20_000)])
def test_the_time_to_see_a_fault_is_about_what_simulation_says(allowance: float, size: int) -> None:
    """The bound is the mean of the test itself at ten times the budget, within a third and one interval."""
    draw, needed = random.Random(7), []
    for _ in range(120):
        wealth, events = Wealth(0.001), 0
        while not wealth.convinces:
            events += size
            wealth.bet(_failures(draw, size, fault(allowance)) / size, allowance)
        needed.append(events)
    said = seen_after(allowance, size, 0.001)
    assert said is not None
    assert said == pytest.approx(sum(needed) / len(needed), rel=0.34, abs=size)


def test_less_alpha_and_a_tighter_target_need_more_events() -> None:
    """Whoever wants fewer false stops, or has a smaller budget, waits longer; two intervals are the least."""
    assert (seen_after(0.001, 10, 0.001) or 0) < (seen_after(0.001, 10, 0.0001) or 0)
    found = [seen_after(allowance, 10, 0.001) or 0 for allowance in ALLOWANCES]
    assert found == sorted(found)
    assert seen_after(0.001, 1_000_000, 0.5) == 2_000_000


def test_a_fault_nobody_could_see_has_no_time() -> None:
    """With a target so tight that intervals of ten hardly ever see its fault, no share of the wealth grows."""
    assert seen_after(1e-9, 10, 0.001) is None


def _failures(draw: random.Random, size: int, ratio: float) -> int:
    """A binomial count, by its normal limit where it is large."""
    if size > 1000:
        return max(0, round(draw.gauss(size * ratio, math.sqrt(size * ratio))))
    return sum(draw.random() < ratio for _ in range(size))
