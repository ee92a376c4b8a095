"""The conditions of an objective: everything that can be asked with kubectl wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holdfast.core.budget import Budget, Measured
from holdfast.core.doubts import Doubt
from holdfast.core.evidence import Evidence, Fresh, Missing
from holdfast.core.quantities import format_decimal, format_percent
from holdfast.core.remarks import Remarks

from .conditions import Condition, ConditionReason, ConditionType
from .findings import short_window


def accepted() -> Condition:
    """Nothing stands in the way."""
    return Condition(ConditionType.READY, True, ConditionReason.ACCEPTED, "Understood and in use.")


def conditions_of(
    measured: Measured, obstacles: Sequence[tuple[ConditionReason, str]], remarks: Remarks | None
) -> list[Condition]:
    """All of them, always: one that is left out would be deleted by server-side apply."""
    ready = accepted()
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
