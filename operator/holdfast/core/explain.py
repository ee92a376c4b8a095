"""The same figures in sentences: what is so, why, what it means, and what ends it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Final, assert_never

from .budget import Measured
from .evidence import Fresh, Missing
from .explain_release import clears_release, condition_on_release, state_of_release, undo_message
from .hold import HoldRecord, Reason
from .judge import Finding, clears_above
from .objective import Workload
from .policy import (
    BudgetRemaining,
    BudgetSpent,
    BurnRate,
    HoldReleases,
    ReleaseSpends,
    ReleaseWorse,
    Rule,
    Verdict,
)
from .quantities import format_decimal, format_duration, format_percent, spell_instant
from .wanted import Held

if TYPE_CHECKING:
    from .decide import Decision


def hold_message(record: HoldRecord, because: Sequence[Finding]) -> str:
    """Why a workload is held: the figure, what lifts it, and when at the latest; what was undone, and what ends that."""
    if record.undo is None:
        return _held_message(record, because)
    blamed = next((f for f in because if f.blames), None)
    undone = undo_message(record.workload, record.undo, blamed)
    return f"{undone} {_held_message(record, because)}" if record.causes else undone


def _held_message(record: HoldRecord, because: Sequence[Finding]) -> str:
    held = _holding(record, because)
    if not held:
        return f"{record.workload} is held by a rule whose objective cannot be read now; it stays held."
    first, more = held[0], len(held) - 1
    also = f" and {more} more {'cause' if more == 1 else 'causes'}" if more else ""
    return f"{_state_of(first)}{also}; {hold_ending(record, because)}"


def hold_ending(record: HoldRecord, because: Sequence[Finding]) -> str:
    """The end of that sentence, which has no figure that moves; empty while no cause can be read."""
    held = _holding(record, because)
    return f"{_ending(held[0], record)}." if held else ""


LIFTED: Final = {
    Reason.BUDGET_RECOVERED: "its error budget has recovered",
    Reason.CAUSE_REMOVED: "no rule that is in force asks for the hold any longer",
    Reason.AT_MOST_REACHED: "it was held for as long as the rule allows",
    Reason.WORKLOAD_GONE: "it was deleted",
    Reason.LIFTED_BY_HAND: "Holdfast was switched off by `holdfast lift --all`",
    Reason.TEMPLATE_CHANGED: "another template was declared than the one that was undone",
    Reason.ALLOWED_BY_HAND: "a person allowed the release that had been undone",
}
"""Why a hold ended, as the end of a sentence."""


def lift_message(workload: Workload, hold_id: str, reason: Reason) -> str:
    """Why a workload is no longer held, in one sentence."""
    return f"{workload} is free again ({hold_id}): {LIFTED[reason]}."


def _holding(record: HoldRecord, because: Sequence[Finding]) -> list[Finding]:
    return [f for f in because if f.verdict is Verdict.HOLD and f.key in {c.key for c in record.causes}]


def _state_of(finding: Finding) -> str:
    key, measured = finding.key.objective, finding.measured
    if measured.provisional:
        return f"{key} counts something else now, and does not know as much of the past yet as before"
    match finding.rule.when:
        case BudgetRemaining(below):
            left = format_percent(measured.budget.remaining)
            if measured.budget.remaining > max(below, Fraction(0)):
                return f"Error budget of {key} is recovering ({left} % left)"
            if below <= 0 or measured.budget.remaining <= 0:
                return f"Error budget of {key} is exhausted ({left} % left)"
            return f"Error budget of {key} is low ({left} % left, the rule asks for {format_percent(below)} %)"
        case BurnRate(above, over):
            burn = measured.burns.get(over)
            rate = format_decimal(burn.rate) if burn is not None else "?"
            return (
                f"Error budget of {key} burns {rate} times as fast as it may over {format_duration(over)} "
                f"(the rule allows {format_decimal(above)})"
            )
        case BudgetSpent(above, within):
            burn = measured.burns.get(within)
            part = Fraction(within) / Fraction(measured.objective.window.nominal)
            spent = format_percent(burn.rate * part) if burn is not None else "?"
            return (
                f"{spent} % of the error budget of {key} was spent within {format_duration(within)} "
                f"(the rule allows {format_percent(above)} %)"
            )
        case ReleaseWorse() | ReleaseSpends():
            said = state_of_release(finding)
            return said[:1].upper() + said[1:]
        case _:
            assert_never(finding.rule.when)


def _ending(finding: Finding, record: HoldRecord) -> str:
    lifts = f"lifts {_clears(finding)}"
    ends = [c.ends for c in record.causes]
    latest = max((e for e in ends if e is not None), default=None) if all(e is not None for e in ends) else None
    return f"{lifts}, at the latest on {spell_instant(latest)}" if latest is not None else lifts


def _clears(finding: Finding) -> str:
    rule = finding.rule
    until = rule.then.until if isinstance(rule.then, HoldReleases) else None
    match rule.when:
        case BudgetRemaining(below):
            return f"above {format_percent(clears_above(rule, below))} %"
        case BurnRate(above, over):
            calm = f"when it burns at most {format_decimal(above)} over {format_duration(over)}"
            return calm if until is None else f"{calm} and more than {format_percent(until)} % is left"
        case BudgetSpent(above, within):
            calm = f"when at most {format_percent(above)} % of the budget was spent within {format_duration(within)}"
            return calm if until is None else f"{calm} and more than {format_percent(until)} % is left"
        case ReleaseWorse() | ReleaseSpends():
            return clears_release(finding)
        case _:
            assert_never(rule.when)


def explain_measured(measured: Measured) -> tuple[str, ...]:
    """What is known of one objective, in sentences."""
    objective, budget = measured.objective, measured.budget
    window, target = str(objective.window), format_percent(objective.target, 5)
    lines = [f"{objective.key} promises {target} % good events over {window}."]
    match measured.evidence:
        case Fresh(at):
            lines.append(f"The figures are fresh, of {spell_instant(at)}.")
        case Missing(why, since, note):
            lines.append(
                f"There has been no evidence since {spell_instant(since)} ({why}): {note}. Nothing new is concluded."
            )
        case _:
            assert_never(measured.evidence)
    if budget.coverage == 0:
        return (*lines, "Nothing of the window has been measured yet.")
    lines.append(
        f"{_count(budget.bad)} of {_count(budget.total)} events failed; the budget allows "
        f"{_count(budget.allowed)} in {window}, so {format_percent(budget.remaining)} % of it is left."
    )
    if budget.coverage < 1:
        lines.append(
            f"{format_percent(budget.coverage)} % of the window is measured; the traffic so far is projected onto the rest."
        )
    if budget.young:
        lines.append("The budget is young (under 10 % measured): budget rules only notify.")
    elif budget.small:
        lines.append("The budget is too small (fewer than 10 failures allowed): budget rules only notify.")
    lines.extend(
        f"Over {format_duration(w)} it burns {format_decimal(b.rate, 2)} times as fast as it may."
        for w, b in sorted(measured.burns.items())
    )
    return tuple(lines)


def explain_rule(rule: Rule, finding: Finding | None, enforcing: bool = True) -> str:
    """One rule and how it stands: in force or not, carried out or only reported."""
    name = f"Rule {rule.key.rule} of policy {rule.key.policy} ({rule.mode})"
    condition = _condition(rule)
    if finding is None:
        return f"{name}: {rule.then.verdict.label} when {condition}. Not in force."
    if rule.on_releases:
        condition = state_of_release(finding)
    action, ends = finding.verdict.label, f"ends {_clears(finding)}"
    if finding.demoted:
        return f"{name}: in force ({condition}), but it only notifies: {finding.demoted}."
    if not finding.enforced:
        return f"{name}: in force ({condition}); it would {_would(finding)}, but its mode is Audit. It {ends}."
    if not enforcing:
        return f"{name}: in force ({condition}); it would {_would(finding)}, but Holdfast is switched off. It {ends}."
    return f"{name}: in force ({condition}), so {action}. It {ends}."


def _would(finding: Finding) -> str:
    return {Verdict.ROLL_BACK: "roll back"}.get(finding.verdict, finding.verdict.label.lower())


def _condition(rule: Rule) -> str:
    match rule.when:
        case BudgetRemaining(below):
            return f"less than {format_percent(below)} % left"
        case BurnRate(above, over):
            return f"burning more than {format_decimal(above)} over {format_duration(over)}"
        case BudgetSpent(above, within):
            return f"more than {format_percent(above)} % of the budget spent within {format_duration(within)}"
        case ReleaseWorse() | ReleaseSpends():
            return condition_on_release(rule.when)
        case _:
            assert_never(rule.when)


def explain(decision: Decision) -> tuple[str, ...]:
    """Why a workload is held or free: the findings behind the verdict, the most severe first."""
    wanted, lines = decision.wanted, []
    worn = wanted.record.worn if isinstance(wanted, Held) else wanted.worn
    for finding in decision.because:
        over = " Its hold has lasted as long as it may: releases go through." if finding.key in worn else ""
        lines.append(explain_rule(finding.rule, finding) + over)
    lines.extend(explain_rule(f.rule, f, enforcing=False) for f in decision.would)
    if isinstance(wanted, Held):
        read = {f.key for f in decision.because}
        for cause in wanted.record.causes:
            if cause.key not in read:
                rule = f"Rule {cause.key.rule.rule} of policy {cause.key.rule.policy} on {cause.key.objective}"
                lines.append(f"{rule} cannot be read now: it stays in force, so Hold.")
    return tuple(lines) or ("No rule is in force: releases go through.",)


def _count(events: Fraction) -> str:
    return f"{int(events):,}"
