"""What Holdfast says about itself and the budgets it keeps, read off the live state at each scrape.

Reading at the scrape means that a deleted objective leaves no series behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from holdfast import __version__
from holdfast.core.budget import Burns
from holdfast.core.evidence import Fresh
from holdfast.core.hold import HoldRecord, UndoState
from holdfast.core.judge import Standing
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.quantities import format_duration
from holdfast.core.release import ReleaseRecord, RestraintReason


class Metrics:
    """Counters and timings that the loop writes."""

    def __init__(self) -> None:
        """Register everything in a registry of its own."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        info = Gauge("holdfast_build_info", "The version that runs.", ["version"], registry=self.registry)
        info.labels(__version__).set(1)
        self.passes = Counter("holdfast_passes", "Passes of the loop over all objectives.", registry=self.registry)
        self.pass_seconds = Histogram(
            "holdfast_pass_seconds", "Time of one pass: judging, acting and telling.", registry=self.registry
        )
        self.look_seconds = Histogram(
            "holdfast_look_seconds", "Time of one look at a metrics source.", ["source"], registry=self.registry
        )
        self.clock_skew = Gauge(
            "holdfast_source_clock_skew_seconds",
            "By how much the clock of a metrics source is ahead of ours at least; below zero when it is behind.",
            ["source"],
            registry=self.registry,
        )
        self.scrape_interval = Gauge(
            "holdfast_source_scrape_interval_seconds",
            "How far apart the samples of a metrics source are, at its slowest target that was looked at.",
            ["source"],
            registry=self.registry,
        )
        self.misses = Counter(
            "holdfast_missing_evidence",
            "Looks that brought no evidence for an objective.",
            ["reason"],
            registry=self.registry,
        )
        self.transitions = Counter(
            "holdfast_hold_transitions",
            "Holds that began, were overridden or lifted.",
            ["action", "reason"],
            registry=self.registry,
        )
        self.rollbacks = Counter(
            "holdfast_rollbacks",
            "Steps of undoing releases: how often each state was reached.",
            ["state"],
            registry=self.registry,
        )
        for state in UndoState:
            self.rollbacks.labels(state)  # an increase from nothing is not seen
        self.refused = Counter(
            "holdfast_refused_requests", "Requests that the API server refused for good.", registry=self.registry
        )
        self.checkpoint_bytes = Gauge(
            "holdfast_checkpoint_bytes", "Size of all shards of the checkpoint.", registry=self.registry
        )
        self.checkpoint_seconds = Histogram(
            "holdfast_checkpoint_seconds", "Time to store one shard of the checkpoint.", registry=self.registry
        )
        self.checkpoint_age = Gauge(
            "holdfast_checkpoint_age_seconds",
            "Time since the shard that waits for longest was stored.",
            registry=self.registry,
        )
        self.checkpoint_errors = Counter(
            "holdfast_checkpoint_errors",
            "Shards or ledgers that could not be read, or not be stored.",
            ["doing"],
            registry=self.registry,
        )


@dataclass(frozen=True)
class State:
    """What is true at a scrape."""

    standings: Mapping[ObjectKey, Standing] = field(default_factory=dict)
    holds: Mapping[Workload, HoldRecord] = field(default_factory=dict)
    gate_effective: bool = False
    enforcing: bool = True
    releases: Mapping[Workload, ReleaseRecord] = field(default_factory=dict)
    on_trial: int = 0
    drifts: Mapping[ObjectKey, float] = field(default_factory=dict)


class Budgets(Collector):
    """The budgets and holds as metric families."""

    def __init__(self, state: Callable[[], State]) -> None:
        """`state` is asked at each scrape."""
        self._state = state

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: the names are in `collect`."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """One family per question."""
        state = self._state()
        for name, documentation, of in FAMILIES:
            yield _gauge(name, documentation, _samples(state.standings, of))
        yield _gauge(
            "holdfast_ledger_drift_ratio",
            "By which share the ledger counted more than increase() over the day of the last self-check.",
            ((_who(key), share) for key, share in state.drifts.items()),
        )
        holds = GaugeMetricFamily(
            "holdfast_holds",
            "Workloads on hold, by state and reason.",
            labels=["namespace", "kind", "name", "state", "reason"],
        )
        for workload, hold in state.holds.items():
            if hold.in_force:
                holds.add_metric([workload.namespace, workload.kind, workload.name, hold.state, hold.reason], 1.0)
        yield holds
        yield GaugeMetricFamily(
            "holdfast_releases_on_trial", "Releases that are judged by their own pods.", state.on_trial
        )
        left = [r.restrained.reason for r in state.releases.values() if r.restrained is not None]
        restrained = GaugeMetricFamily(
            "holdfast_restrained",
            "Declared releases that a rule asks to undo and that are left to people.",
            labels=["reason"],
        )
        for reason in RestraintReason:
            restrained.add_metric([reason], left.count(reason))
        yield restrained
        yield GaugeMetricFamily(
            "holdfast_gate_effective", "1 while the admission gate is installed and effective.", state.gate_effective
        )
        yield GaugeMetricFamily("holdfast_enforcing", "0 while enforcing is switched off.", state.enforcing)


Labelled = tuple[dict[str, str], float]
"""A value, and its labels."""

Of = Callable[[Standing], Iterable[Labelled]]


def _who(key: ObjectKey) -> dict[str, str]:
    return {"namespace": key.namespace, "slo": key.name}


def _gauge(name: str, documentation: str, values: Iterable[Labelled]) -> Metric:
    """A family whose samples are made while they are written out: all at once, ten thousand objectives' would fill the memory."""
    family = Metric(name, documentation, "gauge")
    family.samples = (Sample(name, labels, value) for labels, value in values)  # type: ignore[assignment] # read once
    return family


def _samples(standings: Mapping[ObjectKey, Standing], of: Of) -> Iterator[Labelled]:
    for key, standing in standings.items():
        who = _who(key)
        for labels, value in of(standing):
            yield {**who, **labels}, value


def _remaining(standing: Standing) -> Iterable[Labelled]:
    yield {}, float(standing.measured.budget.remaining)


def _burns(standing: Standing) -> Iterable[Labelled]:
    burns = standing.measured.burns
    rates = burns.rates() if isinstance(burns, Burns) else ((w, float(b.rate)) for w, b in burns.items())
    return (({"window": format_duration(window)}, rate) for window, rate in rates)


def _events(standing: Standing) -> Iterable[Labelled]:
    budget = standing.measured.budget
    yield {"result": "bad"}, float(budget.bad)
    yield {"result": "total"}, float(budget.total)


def _coverage(standing: Standing) -> Iterable[Labelled]:
    yield {}, float(standing.measured.budget.coverage)


def _fresh(standing: Standing) -> Iterable[Labelled]:
    yield {}, float(isinstance(standing.measured.evidence, Fresh))


def _verdict(standing: Standing) -> Iterable[Labelled]:
    yield {}, -1.0 if standing.verdict is None else float(standing.verdict)


FAMILIES: Final[tuple[tuple[str, str, Of], ...]] = (
    (
        "holdfast_budget_remaining_ratio",
        "Share of the error budget that is left; below zero when overdrawn.",
        _remaining,
    ),
    ("holdfast_burn_rate", "Burn rate by window; 1 spends exactly the budget in the window.", _burns),
    ("holdfast_window_events", "Events in the window of the objective, by result.", _events),
    ("holdfast_window_coverage_ratio", "Measured share of the window.", _coverage),
    ("holdfast_evidence_fresh", "1 while there is fresh evidence.", _fresh),
    ("holdfast_verdict", "The verdict: 0 Open, 1 Notify, 2 Hold, 3 RollBack; -1 unknown.", _verdict),
)
"""Name, what it says, and its values of one objective."""
