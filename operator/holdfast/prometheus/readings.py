"""From the series of many families to the counters of each objective's targets.

What is missing is decided here, objective by objective: a part that is absent is zero only where that is certain.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from holdfast.core.evidence import Missing, Why
from holdfast.core.ledger import Reading, Target
from holdfast.core.objective import BadOverTotal, Counted, Latency, Objective, Selector
from holdfast.core.quantities import Instant

from .families import NATIVE_PART, NATIVE_TOTAL, PART, TOTAL, Family, Role, bound_of, selectors, target_of
from .sources import Series, Source

Process = tuple[str, str, str]
PROCESS: Final = ("namespace", "pod", "container")
"""The labels of a process that stay when its scraping is configured anew."""

SLACK: Final = 0.01
"""How far a part may exceed its total before it is a contradiction: some programs count the two at different moments."""
SLACK_EVENTS: Final = 10
"""The same for small counts."""

MOST: Final = 2.0**53
"""No counter has more: above it floating point skips whole numbers, and sums could leave it altogether."""

Readings = Mapping[Target, Reading]
Sample = Readings | Missing


@dataclass(slots=True)
class Counters:
    """The counters of all objectives at one time, summed per target, and when each target's process and pod started.

    `processes` has every target that is read, with the name of its process where it is one of a pod.
    """

    values: defaultdict[Role, dict[Target, float]] = field(default_factory=lambda: defaultdict(dict))
    starts: dict[Target, Instant] = field(default_factory=dict)
    born: dict[Target, Instant] = field(default_factory=dict)
    processes: dict[Target, Process | None] = field(default_factory=dict)

    def sample(self, objective: Objective, at: Instant) -> Sample:
        """What one objective's targets count, or why that is not known."""
        totals, parts, native = self._counts(objective)
        problem = (
            _no_number(objective, totals, parts)
            or self._no_start(totals)
            or _absent(objective, totals, parts)
            or _contradiction(objective, totals, parts)
        )
        if problem is not None:
            return Missing(problem[0], at, problem[1])
        good = not isinstance(objective.indicator, BadOverTotal)
        started, part = self.starts.get, parts.get

        def reading(target: Target, total: float) -> Reading:
            counted = part(target, 0.0)
            bad = max(0.0, total - counted) if good else counted
            process, born = self.processes.get(target), self.born.get(target)
            return Reading(total, bad, started(target), good, process, born, target in native)

        return {target: reading(target, total) for target, total in totals.items()}

    def _no_start(self, totals: Mapping[Target, float]) -> tuple[Why, str] | None:
        """Whether a start is NaN or infinite. That is no process without one: whose counters these are is not known."""
        odd = next((target for target in totals if not math.isfinite(self.starts.get(target, 0.0))), None)
        if odd is None:
            return None
        return Why.CONTRADICTORY, (
            f"the start time of a target ({', '.join(filter(None, odd))}) is no number (NaN or infinite), "
            "so a restart could not be told; look at what exports it"
        )

    def _counts(
        self, objective: Objective
    ) -> tuple[Mapping[Target, float], Mapping[Target, float], Mapping[Target, float]]:
        """Totals, parts, and those of the totals that are native histograms.

        A histogram is read in its classic form where that has the bound, else in its native one.
        """
        totals, parts, totals_, parts_ = (
            self.values.get((objective.key, role), {}) for role in (TOTAL, PART, NATIVE_TOTAL, NATIVE_PART)
        )
        native = {target: total for target, total in totals_.items() if target not in parts}
        if not native:
            return totals, parts, native
        empty = {target: 0.0 for target, total in native.items() if total == 0}  # it has no fraction yet
        return {**totals, **native}, {**empty, **{t: parts_[t] for t in native if t in parts_}, **parts}, native


def collect(
    source: Source, answers: Iterable[tuple[Family, list[Series]]], starts: list[Series]
) -> list[tuple[Instant, Counters]]:
    """The counters at every time of the answers, in order of time."""
    processes: dict[Target, Process | None] = {}
    scraped: dict[Target, Target] = {}  # of counters that are of other pods
    found: defaultdict[Instant, Counters] = defaultdict(lambda: Counters(processes=processes))
    for family, every in answers:
        for series in every:
            target, roles = family.target(source, series.labels), family.roles(series.labels)
            if roles and family.pods is None:
                processes[target] = process_of(series.labels)
            elif roles:
                scraped[target] = target[:-1]
                processes[target] = _counted_for(family, target)
            for at, value in series.values if roles else ():
                values = found[at].values
                for role in roles:
                    summed = values[role]
                    summed[target] = summed.get(target, 0.0) + value
    for series in starts:
        target = target_of(source, series.labels)
        for at, value in series.values:
            if at in found:
                found[at].starts[target] = value
    for target, process in scraped.items():
        for counters in found.values():
            if process in counters.starts:
                counters.starts[target] = counters.starts[process]
    return sorted(found.items(), key=lambda item: item[0])


def process_of(labels: Mapping[str, str]) -> Process | None:
    """The name of the process behind a series; None when it names no pod."""
    namespace, pod, container = (labels.get(name, "") for name in PROCESS)
    return (namespace, pod, container) if pod else None


def _counted_for(family: Family, target: Target) -> Process | None:
    """The pod for which another process counts; several may count for one."""
    *process, pod = target
    return (family.pods[1], pod, "/".join(process)) if family.pods is not None and pod else None


def _no_number(
    objective: Objective, totals: Mapping[Target, float], parts: Mapping[Target, float]
) -> tuple[Why, str] | None:
    """Whether a value is NaN, infinite or beyond all counting: nothing can be counted with it."""
    for place, values in enumerate((totals, parts)):
        odd = next((target for target, value in values.items() if not abs(value) <= MOST), None)
        if odd is not None:
            selector = _said(objective)[place]
            return Why.CONTRADICTORY, (
                f"{selector} has a value that is no number of events (NaN, infinite or above 2^53) at a target ({', '.join(filter(None, odd))}), "
                "which a counter never has; look at what exports it"
            )
    return None


def _absent(
    objective: Objective, totals: Mapping[Target, float], parts: Mapping[Target, float]
) -> tuple[Why, str] | None:
    """Why the series are not all there; None when they are."""
    indicator = objective.indicator
    if not totals and isinstance(indicator, Latency):
        return Why.ABSENT, (
            "the histogram matches no series; check its metric name and labels: "
            f"there is neither {_said(objective)[0]} nor, as a native histogram, {indicator.histogram}"
        )
    if not totals:
        return Why.ABSENT, f"{_said(objective)[0]} matches no series; check its metric name and labels"
    if isinstance(indicator, BadOverTotal):
        return None
    if isinstance(indicator, Latency):
        return _without_bound(indicator, len(totals.keys() - parts.keys()), len(totals))
    if not parts and any(totals.values()):
        total, part = _said(objective)
        return Why.ABSENT, (
            f"{part} matches no series, while {total} counts events; check its labels. If the service "
            "is really failing every request since it started, count its failures with `bad` instead of `good`"
        )
    return None


def _without_bound(indicator: Latency, lacking: int, targets: int) -> tuple[Why, str] | None:
    """Every target of a classic histogram that counts events has a series for each bound; a native one needs none."""
    if not lacking:
        return None
    bound, native = bound_of(indicator.threshold), indicator.histogram.metric
    metric = f"{native}_bucket"
    if lacking == targets:
        return Why.ABSENT, (
            f"no bucket of {metric} ends at {bound} s, and there is no native histogram {native}; "
            "choose a threshold that is a bound of the histogram"
        )
    return Why.CONTRADICTORY, (
        f"{lacking} of {targets} targets have no bucket of {metric} that ends at {bound} s, and no native histogram "
        f"{native}; give all of them the same bounds"
    )


def _contradiction(
    objective: Objective, totals: Mapping[Target, float], parts: Mapping[Target, float]
) -> tuple[Why, str] | None:
    """Why the counters cannot all be true; None when they can."""
    if min(totals.values()) < 0 or min(parts.values(), default=0) < 0:
        total, part = _said(objective)
        return Why.CONTRADICTORY, f"{total} or {part} is negative, which a counter never is; it may be a gauge"
    alone = min((target for target in parts.keys() - totals.keys() if parts[target] > 0), default=None)
    if alone is not None:
        total, part = _said(objective)
        return Why.CONTRADICTORY, (
            f"a target ({', '.join(filter(None, alone))}) counts {part} but not {total}; both must come from the same targets"
        )
    most = sum(totals.values())
    if sum(parts.values()) > most + max(SLACK * most, SLACK_EVENTS):
        total, part = _said(objective)
        return Why.CONTRADICTORY, f"{part} counts more events than {total}; it must be a part of it"
    return None


def _said(objective: Objective) -> tuple[Selector, Selector]:
    """What the objective reads as its total and as a part of it; for sentences, since they are made anew each time."""
    assert isinstance(objective.indicator, Counted)  # noqa: S101 - others have no counters
    found = dict(selectors(objective.indicator))
    return found[TOTAL], found[PART]
