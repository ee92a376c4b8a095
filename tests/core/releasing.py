"""Values for the tests of releases: one on trial, what is counted of it, and the rules that judge it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from holdfast.core.budget import Burn, Measured
from holdfast.core.hold import Template
from holdfast.core.objective import ObjectKey
from holdfast.core.policy import (
    Action,
    HoldReleases,
    Mode,
    Notify,
    ReleaseSpends,
    ReleaseWorse,
    RollBack,
    Rule,
    RuleKey,
)
from holdfast.core.release import Cost, ReleaseFinding, ReleaseRecord, ReleaseState
from holdfast.core.trial import Stall, Trial, Weighed

from .making import FRESH, HOUR, LATENCY, NEW, NOW, SHOP, measured, percent

STALL = Stall(NOW - 600, "2 of 4 pods crash again and again")


def worse(then: Action | None = None, mode: Mode = Mode.ENFORCE, name: str = "bad-release") -> Rule:
    """A rule that undoes a release which fails more than promised."""
    return Rule(RuleKey("default", name), mode, ReleaseWorse(), then or RollBack())


def spends(above: float = 6.25, then: Action | None = None) -> Rule:
    """A rule that undoes a release which spends more than so many percent of the budget."""
    return Rule(RuleKey("default", "costly-release"), Mode.ENFORCE, ReleaseSpends(percent(above)), then or RollBack())


def actions() -> tuple[Action, ...]:
    """What a rule on releases may ask for."""
    return Notify(), HoldReleases(), RollBack()


def on_trial(
    finding: ReleaseFinding | None = None,
    *,
    spent: float | None = None,
    stall: Stall | None = None,
    completed: float | None = None,
    key: ObjectKey = LATENCY,
    template: Template = NEW,
    **more: Any,
) -> Trial:
    """A release on trial: what is found of it on one objective, and what it has spent, in percent."""
    state = ReleaseState.ROLLING_OUT if completed is None else ReleaseState.COMPLETE
    costs = (Cost(key, 1204, 61, spent / 100),) if spent is not None else ()
    figures = {
        n: more.pop(n) for n in ("strong", "total", "bad", "against_target", "seen_after", "seen_in") if n in more
    }
    weighed = (Weighed(key, finding, **{"total": 1204, "bad": 61, **figures}),) if finding is not None else ()
    values: dict[str, Any] = {"state": state, "completed": completed, "costs": costs, "revision": 42, **more}
    return Trial(ReleaseRecord(SHOP, "uid-1", template, NOW - HOUR / 2, **values), weighed, stall)


def burning_now(rate: float = 20, total: int = 5_000, **more: Any) -> Measured:
    """An objective that burns so fast over five minutes."""
    given = {"evidence": FRESH, **more}
    return measured(burns={300.0: Burn(Fraction(str(rate)), Fraction(total))}, **given)


def provisional(figures: Measured) -> Measured:
    """The same from a ledger that was begun anew."""
    return replace(figures, provisional=True)
