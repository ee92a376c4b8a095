"""The status of objectives, policies and adjustments, from core values.

Rule: pure. Figures are decimal text, times RFC 3339. Applying the same status again changes nothing, so a condition
keeps the time of its last transition, which is read from the status so far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from holdfast.core.adjustment import Adjustment, Change, OneOff, Recurring, Reset
from holdfast.core.evidence import Fresh
from holdfast.core.judge import Standing
from holdfast.core.objective import Objective, Workload
from holdfast.core.policy import Policy
from holdfast.core.quantities import Instant, format_duration, format_instant, format_percent
from holdfast.core.remarks import NOTHING_TO_SAY, Remarks

from .conditions import Condition, ConditionReason, ConditionType, outline, render
from .findings import Finding
from .problems import Invalid, Problem
from .records import hold_status
from .recurrence import next_span
from .status_conditions import accepted, conditions_of
from .status_figures import (
    empty_in,
    figures_of_budget,
    figures_of_burn,
    figures_of_effect,
    figures_of_evidence,
    figures_of_finding,
    shown_burn,
)

__all__ = [
    "WorkloadState",
    "adjustment_status",
    "hold_status",
    "invalid_status",
    "objective_outline",
    "objective_status",
    "policy_status",
]


LISTED: Final = 100
"""So many objectives that a policy cannot enforce are listed."""


class WorkloadState(StrEnum):
    """What is known of a workload of an objective."""

    FREE = "Free"
    HELD = "Held"
    MISSING = "Missing"


def objective_status(
    standing: Standing,
    workloads: Mapping[Workload, WorkloadState] | None = None,
    obstacles: Sequence[tuple[ConditionReason, str]] = (),
    remarks: Remarks | None = None,
    extra: Sequence[Condition] = (),
    *,
    now: Instant,
    before: object = None,
) -> dict[str, object]:
    """The status of an objective.

    `obstacles` are reasons why it is not Ready, with their sentences; `remarks` what is said beside the figures, where
    that is known; `extra` are conditions from elsewhere; `before` is the status so far, from which the
    times of what did not change are kept.
    """
    measured, beside = standing.measured, remarks or NOTHING_TO_SAY
    objective, budget = measured.objective, measured.budget
    status = objective_outline(standing, workloads, obstacles, remarks, extra=extra)
    status["summary"] |= {
        "window": str(objective.window),
        "left": f"{format_percent(budget.remaining)}%" if budget.coverage else "-",
        "burn": shown_burn(measured),
        "empty": empty_in(beside.forecast),
    }
    conditions = [*conditions_of(measured, obstacles, remarks), *extra]
    status["conditions"] = render(conditions, objective.generation, before, now)
    if measured.burns:  # an empty list that is shared could never be taken back by server-side apply
        status["burnRates"] = [figures_of_burn(window, rate) for window, rate in sorted(measured.burns.items())]
    if standing.found:
        status["findings"] = [figures_of_finding(found, beside.forecast) for found in standing.found]
    if budget.coverage:
        status["budget"] = figures_of_budget(budget, beside.forecast)
    if isinstance(measured.evidence, Fresh):
        status["measuredAt"] = format_instant(measured.evidence.at)
    elif isinstance(before, Mapping) and isinstance(before.get("measuredAt"), str):
        status["measuredAt"] = before["measuredAt"]
    return status


def objective_outline(
    standing: Standing,
    workloads: Mapping[Workload, WorkloadState] | None = None,
    obstacles: Sequence[tuple[ConditionReason, str]] = (),
    remarks: Remarks | None = None,
    *,
    extra: Sequence[Condition] = (),
) -> dict[str, Any]:
    """The part of that status which decides whether it is worth writing: of the figures only what remains, no times.

    It is made for every objective at every pass, the rest of it seldom. No forecast is in it.
    """
    measured, states, beside = standing.measured, workloads or {}, remarks or NOTHING_TO_SAY
    word = "Unknown" if standing.verdict is None else standing.verdict.label
    outlined: dict[str, Any] = {
        "observedGeneration": measured.objective.generation,
        "verdict": word,
        "summary": {
            "target": f"{format_percent(measured.objective.target, 12)}%",
            "verdict": word if standing.would is None else f"{standing.would.label} (audit)",
        },
        "held": sum(state is WorkloadState.HELD for state in states.values()),
        "evidence": figures_of_evidence(measured.evidence),
        "conditions": outline([*conditions_of(measured, obstacles, remarks), *extra]),
    }
    if standing.found:
        outlined["findings"] = [figures_of_finding(found, None) for found in standing.found]
    if states:
        outlined["workloads"] = [{"kind": w.kind, "name": w.name, "state": s.value} for w, s in sorted(states.items())]
    if measured.budget.coverage:
        outlined["budget"] = {"remaining": format_percent(measured.budget.remaining)}
    if beside.effects:
        outlined["adjustments"] = [figures_of_effect(effect) for effect in beside.effects]
    return outlined


def policy_status(
    policy: Policy, covered: Sequence[Objective], found: Sequence[Finding] = (), *, now: Instant, before: object = None
) -> dict[str, object]:
    """The status of a policy; `covered` are the objectives it is for, `found` are the findings about its rules."""
    own = [finding for finding in found if finding.policy == policy.key]
    fire = Condition(
        ConditionType.RULES_CAN_FIRE,
        True,
        ConditionReason.ALL_RULES_CAN_FIRE,
        "Every rule can fire at every objective.",
    )
    if own:
        said = "; ".join(finding.sentence for finding in own[:20])
        more = f"; and {len(own) - 20} more" if len(own) > 20 else ""
        fire = Condition(ConditionType.RULES_CAN_FIRE, False, own[0].reason, f"{said}{more}.")
    idle = {o.key: ConditionReason.NO_WORKLOAD for o in covered if not o.workloads}
    idle |= {f.objective: f.reason for f in own if f.reason is ConditionReason.NOT_ATTRIBUTABLE}
    status: dict[str, object] = {
        "observedGeneration": policy.generation,
        "objectives": len(covered),
        "enforceable": len(covered) - len(idle),
        "conditions": render([accepted(), fire], policy.generation, before, now),
    }
    if idle:
        listed = sorted(idle.items())[:LISTED]
        status["notEnforceable"] = [{"objective": key.name, "reason": reason.value} for key, reason in listed]
    return status


def adjustment_status(
    adjustment: Adjustment, covered: Sequence[Objective], *, now: Instant, before: object = None
) -> dict[str, object]:
    """The status of an adjustment; `covered` are the objectives it is for."""
    change = adjustment.change
    coming = next_span(change, now)
    ready = accepted()
    if isinstance(change, Recurring) and coming is None:
        said = "Understood and in use; it does not occur within the next 400 days."
        ready = Condition(ConditionType.READY, True, ConditionReason.ACCEPTED, said)
    status: dict[str, object] = {
        "observedGeneration": adjustment.generation,
        "summary": {"does": "Resets" if isinstance(change, Reset) else "Excludes", "when": _when(change)},
        "objectives": len(covered),
        "conditions": render([ready], adjustment.generation, before, now),
    }
    if coming is not None:
        status["next"] = {"from": format_instant(coming.begin), "to": format_instant(coming.end)}
    return status


def _when(change: Change) -> str:
    match change:
        case Reset(at):
            return f"at {format_instant(at)}"
        case OneOff(span):
            return f"{format_instant(span.begin)} to {format_instant(span.end)}"
        case Recurring(schedule, start, zone, duration):
            return f"{schedule} at {start.partition('T')[2]} {zone} for {format_duration(duration)}"


def invalid_status(
    error: Invalid | Sequence[Problem], generation: int, *, now: Instant, before: object = None
) -> dict[str, object]:
    """The status of an object of ours that cannot be used: what is wrong with it, and nothing else."""
    errors = error.errors if isinstance(error, Invalid) else error
    said = "; ".join(str(problem) for problem in errors)
    ready = Condition(ConditionType.READY, False, ConditionReason.INVALID, f"{said}.")
    return {"observedGeneration": generation, "conditions": render([ready], generation, before, now)}
