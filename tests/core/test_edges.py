"""The edges of measuring, with figures: each gives the exact one or Unknown, never something plausible.

Every story is told three times: in one go, stored and restored after each look, and with every look fed twice. What
needs a real Prometheus (replicas, restarts, short lives, native histograms) is in tests/prometheus/test_lab_edges.py and
test_lab_stories.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from holdfast.core.budget import UNADJUSTED, Adjusted, Measured, measure
from holdfast.core.evidence import Fresh, Missing, Why
from holdfast.core.ledger import Ledger, Reading, Target
from holdfast.core.objective import Objective
from holdfast.core.quantities import Instant, Span
from holdfast.core.window import Calendar, Period
from tests.core.making import DAY, HOUR, objective, percent

START = datetime(2026, 11, 20, tzinfo=ZoneInfo("UTC")).timestamp()
REACH = 180.0
MINUTE = 60.0
DOWN = Missing(Why.UNREACHABLE, START, "did not answer")

Counts = Callable[[float], dict[Target, Reading] | None]
"""What a look sees, so many minutes after the start; None when the source does not answer."""


def pod(
    minutes: float, rate: float = 100, bad: float = 0, since: float = -1e6, name: str = "a"
) -> dict[Target, Reading]:
    """A pod that has served so many requests a minute since it started (in minutes), of which `bad` failed."""
    age = minutes - since
    return {(name,): Reading(rate * age, bad * age, START + since * MINUTE)}


PROMISE = objective(target=percent(99), window=DAY)


@dataclass(frozen=True)
class Edge:
    """A story of so many minutes, what is promised, and the figures at its end: (events, bad, percent covered)."""

    minutes: int
    counts: Counts
    figures: tuple[float, float, float] | None
    left: float | None = None
    promise: Objective = PROMISE
    adjusted: Adjusted = UNADJUSTED
    begins: Instant = START


def outage(minutes: float, begin: float, end: float) -> bool:
    """Whether the source is away."""
    return begin < minutes < end


BERLIN = objective(target=percent(99), window=Calendar(Period.MONTH, "Europe/Berlin"))
OCTOBER = datetime(2026, 10, 31, 22, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()

EDGES = {
    "an idle service has all of its budget": Edge(1440, lambda m: pod(m, rate=0), (0, 0, 100), 100),
    "a service that never failed": Edge(1440, pod, (144_000, 0, 100), 100),
    "the first error of a new pod": Edge(
        1440,
        lambda m: pod(m) | ({("b",): Reading(40 + (m - 1200), 1, START + 1199 * MINUTE)} if m >= 1200 else {}),
        (144_000 + 40 + 240, 1, 100),
    ),
    "pods that live for five minutes each": Edge(
        1440, lambda m: pod(m) | pod(m % 5, 10, 1, 0, f"b{m // 5}") if m else pod(m), (144_000 + 288 * 40, 288 * 4, 100)
    ),
    "away for five hours, and all are still there": Edge(
        1440, lambda m: None if outage(m, 600, 900) else pod(m, bad=0.5), (144_000, 720, 100), 50
    ),
    "away for five hours, and one is gone": Edge(
        1440,
        lambda m: None if outage(m, 600, 900) else pod(m) | (pod(m, name="b") if m <= 600 else {}),
        (144_000 + 60_000, 0, 100 * 19 / 24),
        100,
    ),
    "no answer for as long as the evidence may be old": Edge(
        1440, lambda m: None if m > 1430 else pod(m), None, promise=objective(stale_after=300.0, window=DAY)
    ),
    "no answer for half a minute": Edge(1440, lambda m: None if m == 1439.5 else pod(m), (144_000, 0, 100)),
    "an account that is younger than its window is projected": Edge(
        360, lambda m: pod(m, bad=0.5), (36_000, 180, 25), 87.5
    ),
    "an incident, excluded": Edge(
        1440,
        lambda m: {("a",): Reading(100 * m + 1, 100 * max(0, min(m, 630) - 600), START - DAY)},
        (144_000 - 3_000, 0, 100),
        100,
        adjusted=Adjusted((Span(START + 600 * MINUTE, START + 630 * MINUTE),)),
    ),
    "an incident, forgiven": Edge(
        1440,
        lambda m: {("a",): Reading(100 * m + 1, 100 * max(0, min(m, 630) - 600), START - DAY)},
        (144_000, 0, 100),
        100,
        adjusted=Adjusted(reset=START + 630 * MINUTE),
    ),
    "an incident, neither": Edge(
        1440,
        lambda m: {("a",): Reading(100 * m + 1, 100 * max(0, min(m, 630) - 600), START - DAY)},
        (144_000, 3_000, 100),
        100 - 100 * 3_000 / 1_440,
    ),
    "an hour into November in Berlin": Edge(
        180, lambda m: pod(m, bad=1), (6_000, 60, 100), promise=BERLIN, begins=OCTOBER
    ),
    "a counter that lost a part is doubted, and that time is not measured": Edge(
        1440,
        lambda m: {("a",): Reading(100 * m + 1 if m < 700 else 100 * m - 50_000, 0, START - DAY)},
        (144_000 - 700, 0, 100 * (1 - 6 / 1440)),
    ),
}


def told(edge: Edge, between: Callable[[Ledger], Ledger], twice: bool) -> Measured:
    """How the objective stands at the end."""
    ledger, missing = Ledger(edge.promise.window.longest, REACH, edge.promise.slices), None
    ledger.pins = [t for cut in edge.adjusted.excluded for t in (cut.begin, cut.end)]
    for minute in range(edge.minutes + 1):
        readings, at = edge.counts(float(minute)), edge.begins + minute * MINUTE
        missing = DOWN if readings is None else None
        for _ in range(2 if twice else 1):
            if readings is not None:
                ledger.feed(at, readings)
        ledger = between(ledger)
    now = edge.begins + edge.minutes * MINUTE
    return measure(edge.promise, ledger, missing, (HOUR,), now, 60, edge.adjusted)


def restarted(ledger: Ledger) -> Ledger:
    """Stored and restored."""
    return Ledger.restored(ledger.state(), ledger.window, ledger.reach)


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize(
    ("between", "twice"), [(lambda ledger: ledger, False), (restarted, False), (lambda ledger: ledger, True)]
)
def test_every_edge_has_its_figure(name: str, between: Callable[[Ledger], Ledger], twice: bool) -> None:
    """Events, bad events, coverage and what is left, to the event; or no evidence."""
    edge = EDGES[name]
    found = told(edge, between, twice)
    if edge.figures is None:
        assert isinstance(found.evidence, Missing)
        return
    assert isinstance(found.evidence, Fresh)
    assert (float(found.budget.total), float(found.budget.bad)) == pytest.approx(edge.figures[:2], abs=1e-6)
    assert float(found.budget.coverage) * 100 == pytest.approx(edge.figures[2])
    if edge.left is not None:
        assert float(found.budget.remaining) * 100 == pytest.approx(edge.left)
