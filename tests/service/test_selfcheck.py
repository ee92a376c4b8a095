"""The self-check: when it is due, what it says, and where that is seen."""

from __future__ import annotations

import pytest

from holdfast.core.drift import DAY, Compared
from holdfast.core.objective import ObjectKey
from holdfast.service.metrics import Budgets, State
from holdfast.service.selfcheck import due, sentence

NOW = 1_764_309_600.0  # 2025-11-28T06:00:00Z


@pytest.mark.parametrize("name", ["default", "edge", "a", ""])
def test_each_source_has_its_own_time_of_the_day(name: str) -> None:
    """The next time is within a day, and the one after it a day later: restarts do not change it."""
    first = due(name, NOW)
    assert NOW < first <= NOW + DAY
    assert due(name, first - 1) == first
    assert due(name, first) == first + DAY


def test_sources_are_not_asked_all_at_once() -> None:
    """Twenty sources spread over the day."""
    times = sorted(due(f"source-{n}", NOW) for n in range(20))
    assert times[-1] - times[0] > DAY / 2
    assert len({time // 3600 for time in times}) > 10


BOTH = "Of the day up to 28 Nov 06:00 UTC the ledger has {} events, and increase() at the source {}"


@pytest.mark.parametrize(
    ("counted", "increase", "said"),
    [
        (101_000, 100_000, BOTH.format("101,000", "100,000") + ": they agree within 25 %."),
        (12, 3, BOTH.format("12", "3") + ": too few to compare."),
    ],
)
def test_the_sentence_has_both_figures(counted: float, increase: float, said: str) -> None:
    """Word for word."""
    assert sentence(Compared(NOW, counted, increase)) == said


def test_the_sentence_of_a_drift_says_what_it_may_be() -> None:
    """More and less have different causes, and nothing is done about either."""
    more, less = sentence(Compared(NOW, 200_000, 100_000)), sentence(Compared(NOW, 50_000, 100_000))
    for said in (more, less):
        assert ": they differ by more than 25 %. It may be " in said
        assert said.endswith(" Nothing is done about it.")
    assert "first requests increase() never sees" in more
    assert "replicas" in less


def test_the_drift_is_a_metric() -> None:
    """One series for each objective that was compared, none for others."""
    state = State(drifts={ObjectKey("shop", "checkout"): 0.02})
    found = {m.name: m.samples for m in Budgets(lambda: state).collect()}["holdfast_ledger_drift_ratio"]
    assert [(s.labels, s.value) for s in found] == [({"namespace": "shop", "slo": "checkout"}, 0.02)]
