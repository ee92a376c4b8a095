"""What about right figures deserves a second look."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.budget import Adjusted, budget_now
from holdfast.core.doubts import Odd, implausible, inexact, unattributable
from holdfast.core.forecast import forecast
from holdfast.core.ledger import Ledger, Reading
from holdfast.core.objective import Objective, Workload
from holdfast.core.quantities import Span
from tests.core.making import DAY, HOUR, objective, percent

PROMISE = objective(target=percent("99.9"), window=4 * DAY)
PACE = 600.0
NOW = 4 * DAY


def ledger(a_look: float = 1_000, bad: float = 0, since: float = NOW, then: tuple[float, float] = (0, 0)) -> Ledger:
    """Four days of so many events (and bad ones) every ten minutes; from `since` on as `then` says."""
    found, total, failed = Ledger(4 * DAY, 3 * PACE), 0.0, 0.0
    for n in range(int(NOW / PACE) + 1):
        found.feed(n * PACE, {("a",): Reading(total, failed, -9.0)})
        more = then if n * PACE >= since else (a_look, bad)
        total, failed = total + more[0], failed + more[1]
    return found


def odd(found: Ledger, promise: Objective = PROMISE) -> Odd | None:
    """What is odd about these figures, if anything."""
    doubt = implausible(promise, found, budget_now(promise, found, NOW))
    return None if doubt is None else doubt.what


def test_what_is_odd() -> None:
    """The traffic gone, never a failure where many are allowed, and a burn that never changes."""
    hour_ago = NOW - HOUR - PACE
    assert odd(ledger(bad=1, since=hour_ago, then=(0, 0))) is Odd.TRAFFIC_GONE
    assert odd(ledger(bad=0)) is Odd.NO_BURN_FOR_LONG
    assert odd(ledger(a_look=10_000, bad=60)) is Odd.CONSTANT_BURN


def test_what_is_not() -> None:
    """Little traffic, few allowed failures, a burn that comes and goes or hardly burns, and no evidence at all."""
    hour_ago = NOW - HOUR - PACE
    assert odd(ledger(a_look=10, bad=1, since=hour_ago, then=(0, 0))) is None, "who has few events has none at times"
    assert odd(ledger(a_look=10, bad=0)) is None, "hardly any failure is allowed"
    assert odd(ledger(a_look=10_000, bad=60, since=hour_ago, then=(10_000, 100))) is None, "it got worse"
    assert odd(ledger(a_look=100_000, bad=20)) is None, "it burns slowly"
    assert odd(ledger(a_look=1_000, bad=1)) is None, "too few failures to tell"
    assert odd(Ledger(DAY, 45)) is None
    assert odd(ledger(bad=0, a_look=10_000), objective(target=percent("99.9"), window=12 * HOUR)) is None, (
        "not for long"
    )


@given(st.lists(st.tuples(st.sampled_from((0.0, 60.0, 1e9)), st.sampled_from((0.0, 30.0))), min_size=433, max_size=433))
@settings(max_examples=20, deadline=None)
def test_whatever_was_counted_can_be_looked_at(counts: list[tuple[float, float]]) -> None:
    """Also failures in an hour without events: programs count the two at different moments."""
    found = Ledger(4 * DAY, 3 * PACE)
    for n, (total, bad) in enumerate(counts):
        found.add(n * PACE, total, bad, PACE)
    odd(found)
    quiet = Ledger(4 * DAY, 3 * PACE)
    for n in range(433):
        quiet.add(n * PACE, 0.0 if n > 400 else 10_000, 60.0, PACE)
    assert odd(quiet) is not Odd.CONSTANT_BURN


def test_time_that_was_not_measured_is_told() -> None:
    """A gap with churn names its length and its time; it is forgotten with the window."""
    found = Ledger(DAY, 45)
    found.feed(0, {("a",): Reading(1, 0, -9.0), ("b",): Reading(1, 0, -9.0)})
    found.feed(600, {("a",): Reading(1, 0, -9.0)})
    found.feed(615, {("a",): Reading(1, 0, -9.0)})
    doubt = inexact(objective(window=DAY), found, 615)
    assert doubt is not None
    assert (doubt.what, found.lost(Span(0, 615))) == (Odd.GAP_WITH_CHURN, 600)
    assert doubt.sentence.startswith(
        "10m of the window were not measured; last from 1 Jan 00:00 UTC to 1 Jan 00:10 UTC. Pods"
    )
    assert inexact(objective(window=DAY), found, 5 * DAY) is None
    assert Ledger(DAY, 45).lost(Span(0, 1)) == 0


def test_unknown_starts_are_told() -> None:
    """Without start times there is no birth credit, and the counts may be too low."""
    doubt = inexact(PROMISE, ledger(), NOW, unknown_starts=3)
    assert doubt is not None
    assert (doubt.what, "3 targets" in doubt.sentence) == (Odd.STARTS_UNKNOWN, True)
    assert inexact(PROMISE, ledger(), NOW) is None


def test_a_loss_without_a_gap_has_no_time() -> None:
    """Slices that were torn are lost too, here and there."""
    found = Ledger(DAY, 45)
    found.feed(0, {})
    found.add(60, 1, 0, 0)
    doubt = inexact(objective(window=DAY), found, 60)
    assert doubt is not None
    assert doubt.what is Odd.UNMEASURED
    assert doubt.sentence.startswith("1m of the window were not measured: there were no figures")


PODS = [
    ({("shop", "checkout-7f-abcde"), ("shop", "checkout-7f-fghij")}, None),
    ({("shop", "checkout-7f-abcde"), ("shop", "ingress-1")}, Odd.OTHER_PODS),
    ({("web", "checkout-7f-abcde")}, Odd.OTHER_PODS),
    ({("", "")}, Odd.NO_POD_LABEL),
    (set(), None),
]


@pytest.mark.parametrize(("pods", "what"), PODS)
def test_whose_pods_count(pods: set[tuple[str, str]], what: Odd | None) -> None:
    """Pods are named after their workload, in its namespace."""
    doubt = unattributable(PROMISE, pods)
    assert (doubt.what if doubt is not None else None) == what


def test_other_pods_are_named() -> None:
    """The first three of them; without workloads there is nothing to attribute."""
    many = {("shop", f"ingress-{n}") for n in range(5)}
    doubt = unattributable(objective(workloads=(Workload("shop", "Deployment", "web"),)), many)
    assert doubt is not None
    assert "not those of web (ingress-0, ingress-1, ingress-2 and others)" in doubt.sentence
    assert unattributable(objective(workloads=()), many) is None


def test_the_pods_of_a_ledger_are_those_of_the_newest_evidence() -> None:
    """Who was not seen at the last look does not count any more."""
    found = Ledger(DAY, 45)
    found.feed(0, {("a",): Reading(1, 0, -9.0, process=("n", "a", "c"))})
    found.feed(15, {("b",): Reading(1, 0, -9.0, process=("n", "b", "c")), ("x",): Reading(1, 0, -9.0)})
    assert found.pods == {("n", "b"), ("", "")}


def test_a_forecast_is_of_the_last_hour() -> None:
    """The pace is that of the last hour; without evidence there is no forecast."""
    found = forecast(PROMISE, ledger(a_look=10_000, bad=5, since=NOW - 2 * HOUR, then=(10_000, 60)), NOW)
    assert found is not None
    left = float(found.budget.allowed - found.budget.bad)
    assert found.exhausts_at is not None
    assert found.exhausts_at - NOW == pytest.approx(left / (60 / PACE - 5 / PACE), rel=0.1)
    assert found.recovers_at(percent(0)) == NOW
    assert forecast(PROMISE, Ledger(DAY, 45), NOW, Adjusted()) is None
    alone = Ledger(DAY, 45)
    alone.feed(0, {("a",): Reading(5, 5, -9.0)})
    quiet = forecast(PROMISE, alone, 0)
    assert quiet is not None
    assert quiet.exhausts_at is None
