"""Why an objective is not in full use, in sentences: what takes more than the object itself to see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from holdfast.api import Finding, WorkloadState, findings, findings_of_composite
from holdfast.api.conditions import ConditionReason
from holdfast.core.objective import Composite, Objective, Sampled, Workload
from holdfast.core.quantities import Seconds
from holdfast.prometheus.sources import Source

from .world import World

SLICES = (ConditionReason.SLICE_TOO_SHORT, ConditionReason.SLICE_UNEVEN)

Obstacle = tuple[ConditionReason, str]


def obstacles(
    objective: Objective,
    world: World,
    states: Mapping[Workload, WorkloadState],
    sources: Mapping[str, Source],
    interval: Seconds,
) -> Iterator[Obstacle]:
    """Its source, its parts, its slices, its workloads."""
    if isinstance(objective.indicator, Composite):
        yield from map(_said, findings_of_composite(objective, world.objectives, world.invalid_objectives))
    else:
        yield from _of_source(objective, sources)
    if objective.slices is not None or isinstance(objective.indicator, Sampled):
        yield from (_said(found) for found in findings(objective, (), interval) if found.reason in SLICES)
    for workload, state in states.items():
        if state is WorkloadState.MISSING:
            yield (
                ConditionReason.WORKLOAD_MISSING,
                f"There is no {workload.kind} {workload.name} in this namespace; nothing is held there.",
            )


def _said(found: Finding) -> Obstacle:
    return found.reason, f"{found.sentence[0].upper()}{found.sentence[1:]}."


def _of_source(objective: Objective, sources: Mapping[str, Source]) -> Iterator[Obstacle]:
    source = sources.get(objective.source)
    if source is None:
        known = ", ".join(sorted(sources))
        yield ConditionReason.SOURCE_UNKNOWN, f"No metrics source is called {objective.source}; there is {known}."
    elif not source.allows(objective.key.namespace):
        yield (
            ConditionReason.SOURCE_FORBIDDEN,
            f"The metrics source {objective.source} may not be used from the namespace {objective.key.namespace}; "
            "whoever runs Holdfast decides that. Name another source, or ask them.",
        )
