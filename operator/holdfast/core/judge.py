"""Which rules are in force for an objective: thresholds with hysteresis, and silence that changes nothing.

A rule begins when its condition is true on fresh evidence, ends when it has cleared the way back, and in between
stays as it was. Without evidence it stays as it was too.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, assert_never

from .budget import YOUNG, Measured
from .evidence import Fresh
from .hold import CauseKey, Reason
from .policy import (
    BudgetRemaining,
    BudgetSpent,
    BurnRate,
    HoldReleases,
    Mode,
    Notify,
    ReleaseSpends,
    ReleaseWorse,
    Rule,
    Verdict,
    burn_rate,
)
from .quantities import Share
from .trial import Trial

BAND: Final = Fraction(5, 100)
"""A rule on the remaining budget that names no `until` ends this far above its threshold."""


AT_FAULT: Final = frozenset({Reason.BAD_RELEASE, Reason.RELEASE_COSTS, Reason.RELEASE_STALLED})
"""Reasons that put it down to the release. A shared incident does not."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule in force on one objective: what it asks for, and whether it is carried out or only reported.

    `demoted` says why it only notifies here (a young or a small budget), in a few words. `trial` is the release that a rule
    on releases is about, where it is known.
    """

    key: CauseKey
    rule: Rule
    measured: Measured
    verdict: Verdict
    reason: Reason
    demoted: str | None = None
    trial: Trial | None = None

    @property
    def enforced(self) -> bool:
        """Whether the finding is acted on."""
        return self.rule.mode is Mode.ENFORCE

    @property
    def blames(self) -> bool:
        """Whether it says that the release itself is at fault, so that its template is not to roll out again."""
        return self.reason in AT_FAULT


def findings(
    measured: Measured, rules: Collection[Rule], before: Collection[CauseKey], holding: Collection[CauseKey] = ()
) -> tuple[Finding, ...]:
    """The rules on the budget that are in force on this objective, the most severe first; of releases see `judge_release`.

    `before` are those that were in force at the last look, `holding` those that hold a workload now: a hold that has
    begun does not end because its budget became young or small, nor on the figures of a young one (a lost ledger would
    open every gate), nor on those of a ledger that knows less than the one on which it began (a changed indicator would).
    """
    found = []
    for rule in rules:
        if rule.on_releases:
            continue
        key = CauseKey(rule.key, measured.objective.key)
        blind = key in holding and (measured.provisional or _says_nothing(rule, measured))
        if blind or in_force(rule, measured, key in before or key in holding):
            demoted = None if key in holding else _demoted(rule, measured)
            verdict = Verdict.NOTIFY if demoted else rule.then.verdict
            found.append(Finding(key, rule, measured, verdict, reason_of(rule, measured), demoted))
    return severest(found)


def severest(found: Collection[Finding]) -> tuple[Finding, ...]:
    """The most severe first, then what is carried out, then by name. Of a rule that is in force on several releases of one
    objective's workloads the most severe finding stands for all.
    """
    first: dict[CauseKey, Finding] = {}
    for finding in sorted(found, key=lambda f: (-f.verdict, not f.enforced, f.key)):
        first.setdefault(finding.key, finding)
    return tuple(first.values())


def tired(found: Collection[Finding], worn: Collection[CauseKey]) -> tuple[Finding, ...]:
    """The findings as they stand once the holds of `worn` causes have lasted as long as they may: those only notify."""
    return tuple(
        replace(f, verdict=Verdict.NOTIFY, demoted="its hold lasted as long as it may")
        if f.key in worn and f.verdict is Verdict.HOLD
        else f
        for f in found
    )


def in_force(rule: Rule, measured: Measured, before: bool) -> bool:
    """Whether a rule is in force now, given whether it was. Total: silence keeps, the band keeps, and the figures of a
    budget say nothing of a release.
    """
    if not isinstance(measured.evidence, Fresh):
        return before
    match rule.when:
        case BudgetRemaining(below):
            remaining = measured.budget.remaining
            return remaining < below or (before and remaining <= clears_above(rule, below))
        case BurnRate() | BudgetSpent():
            when = burn_rate(rule.when, measured.objective.window)
            return _burns(when, measured, before) or (before and _waits_for_budget(rule, measured))
        case ReleaseWorse() | ReleaseSpends():
            return before
        case _:
            assert_never(rule.when)


def clears_above(rule: Rule, below: Share) -> Share:
    """The remaining budget above which a rule on it ends: its `until`, else a little above its threshold."""
    until = rule.then.until if isinstance(rule.then, HoldReleases) else None
    return max(below, until) if until is not None else below + BAND


def reason_of(rule: Rule, measured: Measured) -> Reason:
    """The word for why this rule on the budget is in force."""
    if not isinstance(rule.when, BudgetRemaining):
        return Reason.BURNING_FAST
    return Reason.BUDGET_EXHAUSTED if rule.when.below <= 0 or measured.budget.remaining <= 0 else Reason.BUDGET_LOW


def _burns(when: BurnRate, measured: Measured, before: bool) -> bool:
    """Begins when both windows burn and hold enough events; ends when the long one no longer burns."""
    long, short = measured.burns.get(when.over), measured.burns.get(when.short(measured.interval))
    if long is None or short is None:
        return before  # not measured (yet): silence keeps
    if long.rate <= when.above:
        return False
    return before or (short.rate > when.above and long.total >= measured.objective.enough_events)


def _waits_for_budget(rule: Rule, measured: Measured) -> bool:
    until = rule.then.until if isinstance(rule.then, HoldReleases) else None
    return until is not None and measured.budget.remaining <= until


def _says_nothing(rule: Rule, measured: Measured) -> bool:
    return isinstance(rule.when, BudgetRemaining) and measured.budget.coverage < YOUNG


def _demoted(rule: Rule, measured: Measured) -> str | None:
    """Why a rule on the budget may not begin to hold here; None when it may."""
    if isinstance(rule.then, Notify) or not isinstance(rule.when, BudgetRemaining):
        return None
    return little_known(measured)


def little_known(measured: Measured) -> str | None:
    """Why shares of this budget are nothing to act on, in a few words; None when they are."""
    if measured.budget.young:
        return "the budget is young"
    if measured.budget.small:
        return "the budget is too small"
    return None


@dataclass(frozen=True, slots=True)
class Standing:
    """How one objective stands: its figures, the rules in force on it, and one word for all of it."""

    measured: Measured
    found: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict | None:
        """The most severe finding that is carried out; None when nothing is known and nothing is in force."""
        enforced = [f.verdict for f in self.found if f.enforced]
        if not self.found and not isinstance(self.measured.evidence, Fresh):
            return None
        return max(enforced, default=Verdict.OPEN)

    @property
    def would(self) -> Verdict | None:
        """The most severe finding of rules in Audit, where it is severer than the verdict."""
        audited = max((f.verdict for f in self.found if not f.enforced), default=Verdict.OPEN)
        return audited if audited > (self.verdict or Verdict.OPEN) else None

    @property
    def in_force(self) -> frozenset[CauseKey]:
        """What must be remembered for the next look."""
        return frozenset(f.key for f in self.found)
