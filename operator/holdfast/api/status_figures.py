"""The figures of an objective as text: what is in a status field by field."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from holdfast.core.budget import Budget, Burn, Measured
from holdfast.core.evidence import Evidence, Fresh, Missing
from holdfast.core.forecast import Forecast
from holdfast.core.judge import Finding as RuleFinding
from holdfast.core.judge import clears_above
from holdfast.core.policy import BudgetRemaining
from holdfast.core.quantities import Seconds, format_decimal, format_duration, format_instant, format_percent
from holdfast.core.remarks import Effect

SPANS: Final = 10
"""So many stretches of one adjustment are listed, the newest."""

BURN_WINDOW: Final[Seconds] = 3600
"""The burn rate of this window is shown in a list of objectives."""


def figures_of_burn(window: Seconds, burn: Burn) -> dict[str, object]:
    """One burn rate."""
    return {"window": format_duration(window), "rate": format_decimal(burn.rate, 2)}


def shown_burn(measured: Measured) -> str:
    """Over an hour, or the longest window below that was measured."""
    window = max((w for w in measured.burns if w <= BURN_WINDOW), default=None)
    return "-" if window is None else f"{format_decimal(measured.burns[window].rate)} ({format_duration(window)})"


def empty_in(forecast: Forecast | None) -> str:
    """How long the budget lasts at the pace of the last hour."""
    if forecast is None or forecast.exhausts_at is None:
        return "-"
    left = forecast.exhausts_at - forecast.now
    return "empty" if left <= 0 else format_duration(max(60, left // 60 * 60))


def figures_of_finding(found: RuleFinding, forecast: Forecast | None) -> dict[str, object]:
    """One rule in force, and when it ends if nothing more fails."""
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


def figures_of_effect(effect: Effect) -> dict[str, object]:
    """What one adjustment takes out."""
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


def figures_of_budget(budget: Budget, forecast: Forecast | None) -> dict[str, object]:
    """The budget, and how long it lasts."""
    lasts = empty_in(forecast)
    return {
        **({"exhaustsIn": lasts} if lasts not in ("-", "empty") else {}),
        "remaining": format_percent(budget.remaining),
        "badEvents": format_decimal(budget.bad, 0),
        "allowedBadEvents": format_decimal(budget.allowed),
        "totalEvents": format_decimal(budget.total, 0),
        "coverage": format_percent(budget.coverage),
    }


def figures_of_evidence(evidence: Evidence) -> dict[str, object]:
    """Whether there are figures, and why not."""
    match evidence:
        case Fresh():
            return {"state": "Fresh"}
        case Missing(why, since, note):
            return {"state": "Missing", "reason": why.value, "since": format_instant(since), "message": note[:4096]}
