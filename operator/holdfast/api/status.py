"""The status of objectives, policies and adjustments, from core values.

Rule: pure. Figures are decimal text, times RFC 3339. Applying the same status again changes nothing, so a condition
keeps the time of its last transition, which is read from the status so far.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from holdfast.core.adjustment import Adjustment, Change, OneOff, Recurring, Reset
from holdfast.core.budget import Budget, Burn, Measured
from holdfast.core.doubts import Doubt
from holdfast.core.evidence import Evidence, Fresh, Missing
from holdfast.core.forecast import Forecast
from holdfast.core.judge import Finding as RuleFinding
from holdfast.core.judge import Standing, clears_above
from holdfast.core.objective import Objective, Workload
from holdfast.core.policy import BudgetRemaining, Policy
from holdfast.core.quantities import Instant, Seconds, format_decimal, format_duration, format_instant, format_percent
from holdfast.core.remarks import NOTHING_TO_SAY, Effect, Remarks

from .conditions import Condition, ConditionReason, ConditionType, outline, render
from .findings import Finding, short_window
from .problems import Invalid, Problem
from .records import hold_status
from .recurrence import next_span

__all__ = [
    "WorkloadState",
    "adjustment_status",
    "hold_status",
    "invalid_status",
    "objective_outline",
    "objective_status",
    "policy_status",
]


SPANS: Final = 10
"""So many stretches of one adjustment are listed, the newest."""

BURN_WINDOW: Final[Seconds] = 3600
"""The burn rate of this window is shown in a list of objectives."""


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
        "burn": _shown_burn(measured),
        "empty": _empty_in(beside.forecast),
    }
    conditions = [*_conditions(measured, obstacles, remarks), *extra]
    status["conditions"] = render(conditions, objective.generation, before, now)
    if measured.burns:  # an empty list that is shared could never be taken back by server-side apply
        status["burnRates"] = [_burn(window, burn) for window, burn in sorted(measured.burns.items())]
    if standing.found:
        status["findings"] = [_finding(found, beside.forecast) for found in standing.found]
    if budget.coverage:
        status["budget"] = _budget(budget, beside.forecast)
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
        "evidence": _evidence(measured.evidence),
        "conditions": outline([*_conditions(measured, obstacles, remarks), *extra]),
    }
    if standing.found:
        outlined["findings"] = [_finding(found, None) for found in standing.found]
    if states:
        outlined["workloads"] = [{"kind": w.kind, "name": w.name, "state": s.value} for w, s in sorted(states.items())]
    if measured.budget.coverage:
        outlined["budget"] = {"remaining": format_percent(measured.budget.remaining)}
    if beside.effects:
        outlined["adjustments"] = [_effect(effect) for effect in beside.effects]
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
    return {
        "observedGeneration": policy.generation,
        "objectives": len(covered),
        "enforceable": sum(bool(objective.workloads) for objective in covered),
        "conditions": render([_accepted(), fire], policy.generation, before, now),
    }


def adjustment_status(
    adjustment: Adjustment, covered: Sequence[Objective], *, now: Instant, before: object = None
) -> dict[str, object]:
    """The status of an adjustment; `covered` are the objectives it is for."""
    change = adjustment.change
    coming = next_span(change, now)
    ready = _accepted()
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


def _accepted() -> Condition:
    return Condition(ConditionType.READY, True, ConditionReason.ACCEPTED, "Understood and in use.")


def _burn(window: Seconds, burn: Burn) -> dict[str, object]:
    return {"window": format_duration(window), "rate": format_decimal(burn.rate, 2)}


def _shown_burn(measured: Measured) -> str:
    """Over an hour, or the longest window below that was measured."""
    window = max((w for w in measured.burns if w <= BURN_WINDOW), default=None)
    return "-" if window is None else f"{format_decimal(measured.burns[window].rate)} ({format_duration(window)})"


def _empty_in(forecast: Forecast | None) -> str:
    """How long the budget lasts at the pace of the last hour."""
    if forecast is None or forecast.exhausts_at is None:
        return "-"
    left = forecast.exhausts_at - forecast.now
    return "empty" if left <= 0 else format_duration(max(60, left // 60 * 60))


def _finding(found: RuleFinding, forecast: Forecast | None) -> dict[str, object]:
    said: dict[str, object] = {
        "policy": found.key.rule.policy,
        "rule": found.key.rule.rule,
        "mode": found.rule.mode.value,
        "verdict": found.verdict.label,
        "reason": found.reason.value,
    }
    if found.demoted is not None:
        said["demoted"] = found.demoted
    if forecast is not None and isinstance(found.rule.when, BudgetRemaining):
        clears = forecast.recovers_at(clears_above(found.rule, found.rule.when.below))
        if clears is not None:
            said["clearsAt"] = format_instant(clears)
    return said


def _effect(effect: Effect) -> dict[str, object]:
    said: dict[str, object] = {
        "name": effect.key.name,
        "totalEvents": format_decimal(Fraction(effect.total), 0),
        "badEvents": format_decimal(Fraction(effect.bad), 0),
    }
    if effect.spans:
        said["excluded"] = [
            {"from": format_instant(span.begin), "to": format_instant(span.end)} for span in effect.spans[-SPANS:]
        ]
    if effect.reset is not None:
        said["reset"] = format_instant(effect.reset)
    return {**said, "coarse": True} if effect.coarse else said


def _budget(budget: Budget, forecast: Forecast | None) -> dict[str, object]:
    lasts = _empty_in(forecast)
    return {
        **({"exhaustsIn": lasts} if lasts not in ("-", "empty") else {}),
        "remaining": format_percent(budget.remaining),
        "badEvents": format_decimal(budget.bad, 0),
        "allowedBadEvents": format_decimal(budget.allowed),
        "totalEvents": format_decimal(budget.total, 0),
        "coverage": format_percent(budget.coverage),
    }


def _evidence(evidence: Evidence) -> dict[str, object]:
    match evidence:
        case Fresh():
            return {"state": "Fresh"}
        case Missing(why, since, note):
            return {"state": "Missing", "reason": why.value, "since": format_instant(since), "message": note[:4096]}


def _conditions(
    measured: Measured, obstacles: Sequence[tuple[ConditionReason, str]], remarks: Remarks | None
) -> list[Condition]:
    """All of them, always: one that is left out would be deleted by server-side apply."""
    ready = _accepted()
    if obstacles:
        ready = Condition(ConditionType.READY, False, obstacles[0][0], " ".join(sentence for _, sentence in obstacles))
    made = [ready, _fresh(measured.evidence), *_of_budget(measured.budget)]
    if (short := short_window(measured.objective, measured.interval)) is not None:
        said = f"The window is {short}."
        made.append(Condition(ConditionType.DEMONSTRATION, True, ConditionReason.SHORT_WINDOW, said))
    if remarks is not None and measured.budget.coverage:
        made += (_doubted(*row) for row in _doubts(remarks, bool(measured.objective.workloads)))
    return made


def _doubts(remarks: Remarks, named: bool) -> Iterator[tuple[ConditionType, Doubt | None, ConditionReason, str]]:
    """(condition, what is doubted, the reason when nothing is, its sentence)."""
    said = "As far as Prometheus knows, everything was counted."
    yield ConditionType.EXACT, remarks.inexact, ConditionReason.EVERYTHING_COUNTED, said
    said = "Nothing about the figures is odd."
    yield ConditionType.PLAUSIBLE, remarks.implausible, ConditionReason.NOTHING_ODD, said
    if named:
        said = "Events are counted by the workloads' own pods."
        yield ConditionType.ATTRIBUTABLE, remarks.unattributable, ConditionReason.PODS_OF_THE_WORKLOADS, said


def _doubted(kind: ConditionType, doubt: Doubt | None, fine: ConditionReason, said: str) -> Condition:
    if doubt is None:
        return Condition(kind, True, fine, said)
    return Condition(kind, False, ConditionReason(doubt.what.value), f"{doubt.sentence}.")


def _fresh(evidence: Evidence) -> Condition:
    match evidence:
        case Fresh():
            return Condition(ConditionType.EVIDENCE_FRESH, True, ConditionReason.FRESH, "The figures are fresh.")
        case Missing(why, _, note):
            return Condition(ConditionType.EVIDENCE_FRESH, False, ConditionReason(why.value), note)


def _of_budget(budget: Budget) -> list[Condition]:
    """None of them is known while nothing of the window is measured."""
    known = bool(budget.coverage)
    table = (
        (
            ConditionType.BUDGET_EXHAUSTED,
            budget.remaining <= 0,
            ConditionReason.NOTHING_LEFT,
            ConditionReason.BUDGET_LEFT,
            lambda: f"{format_percent(budget.remaining)} % of the budget is left.",
        ),
        (
            ConditionType.BUDGET_YOUNG,
            budget.young,
            ConditionReason.WINDOW_HARDLY_COVERED,
            ConditionReason.WINDOW_COVERED,
            lambda: (
                f"{format_percent(budget.coverage * budget.passed)} % of the window was measured; below 10 % budget rules only notify."
            ),
        ),
        (
            ConditionType.BUDGET_TOO_SMALL,
            budget.small,
            ConditionReason.FEW_EVENTS,
            ConditionReason.ENOUGH_EVENTS,
            lambda: (
                f"{format_decimal(budget.allowed)} bad events are allowed in the window; below 10 budget rules only notify."
            ),
        ),
    )
    return [
        Condition(
            kind,
            truth if known else None,
            yes if truth or not known else no,
            said if known else "Nothing of the window has been measured yet.",
        )
        for kind, truth, yes, no, said in table
    ]
