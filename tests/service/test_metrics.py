"""What is read off the live state at a scrape."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client import CollectorRegistry

from holdfast.core.hold import UndoState
from holdfast.core.judge import Standing
from holdfast.core.judge_release import release_findings
from holdfast.core.release import ReleaseFinding, Restrained, RestraintReason
from holdfast.service.metrics import Budgets, Metrics, State
from tests.core.making import LATENCY, NOW, SHOP
from tests.core.releasing import burning_now, on_trial, worse


def scraped(state: State) -> CollectorRegistry:
    """A registry that reads this state."""
    registry = CollectorRegistry()
    registry.register(Budgets(lambda: state))
    return registry


def test_releases_that_are_left_to_people_are_counted_by_reason() -> None:
    """Every reason has a value at all times, so that an alert sees the first one."""
    many = Restrained(RestraintReason.MANY_AT_ONCE, "Too many.")
    release = on_trial().release
    free = scraped(State(releases={SHOP: release}))
    held = scraped(State(releases={SHOP: replace(release, restrained=many)}, on_trial=3))
    for reason in RestraintReason:
        assert free.get_sample_value("holdfast_restrained", {"reason": reason}) == 0
        assert held.get_sample_value("holdfast_restrained", {"reason": reason}) == (reason is many.reason)
    assert held.get_sample_value("holdfast_releases_on_trial") == 3


def test_a_verdict_of_a_release_is_a_number() -> None:
    """3 while the release of a workload of the objective is undone."""
    figures = burning_now()
    found = release_findings(on_trial(ReleaseFinding.BAD), (figures,), {LATENCY: (worse(),)}, {}, NOW)
    registry = scraped(State(standings={LATENCY: Standing(figures, found)}))
    assert registry.get_sample_value("holdfast_verdict", {"namespace": "shop", "slo": LATENCY.name}) == 3


def test_steps_of_undoing_are_counted_from_the_start() -> None:
    """An increase from nothing would not be seen."""
    metrics = Metrics()
    for state in UndoState:
        assert metrics.registry.get_sample_value("holdfast_rollbacks_total", {"state": state}) == 0
