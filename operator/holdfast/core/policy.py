"""What a team agreed to do when a budget is threatened: rules, each with a condition and an action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from fractions import Fraction

from .labels import LabelSelector, selects
from .objective import Objective, ObjectKey
from .quantities import Seconds, Share
from .window import Window


class Verdict(IntEnum):
    """What is asked of the releases of a workload. The order is the severity."""

    OPEN = 0
    NOTIFY = 1
    HOLD = 2

    @property
    def label(self) -> str:
        """The word people read."""
        return {Verdict.OPEN: "Open", Verdict.NOTIFY: "Notify", Verdict.HOLD: "Hold"}[self]


class Mode(StrEnum):
    """Audit says what would happen. Enforce does it."""

    AUDIT = "Audit"
    ENFORCE = "Enforce"


@dataclass(frozen=True, slots=True)
class BudgetRemaining:
    """True when less than this share of the budget is left."""

    below: Share


@dataclass(frozen=True, slots=True)
class BurnRate:
    """True when the budget burns faster than this over the window, and over a twelfth of it.

    A burn rate of 1 spends exactly the budget in the objective's window. The short window makes the rule end soon
    after the fire is out (multi-window alerting: Google, The Site Reliability Workbook, chapter 5).
    """

    above: Fraction
    over: Seconds

    def short(self, interval: Seconds) -> Seconds:
        """The window that must agree: a twelfth of the long one, never under two intervals of measuring."""
        return max(self.over / 12, 2 * interval)


@dataclass(frozen=True, slots=True)
class BudgetSpent:
    """True when more than this share of the window's budget was spent within this time: a burn rate in other words."""

    above: Share
    within: Seconds

    def as_burn(self, window: Window) -> BurnRate:
        """The same as a burn rate: it spends `within / window` of the budget times the rate."""
        return BurnRate(self.above * Fraction(window.nominal) / Fraction(self.within), self.within)


Burning = BurnRate | BudgetSpent
"""Conditions that compare how fast the budget burns."""

Condition = BudgetRemaining | Burning


def burn_rate(when: Burning, window: Window) -> BurnRate:
    """What such a condition compares at an objective with this window."""
    return when if isinstance(when, BurnRate) else when.as_burn(window)


@dataclass(frozen=True, slots=True)
class Notify:
    """Say so, and do nothing."""

    verdict = Verdict.NOTIFY


@dataclass(frozen=True, slots=True)
class HoldReleases:
    """No new release gets out until more than `until` of the budget is left, or `at_most` has passed.

    Where the author named no `until`, a rule on a burn rate lifts when the long window has calmed down, one on the
    budget when a little more than its threshold is left.
    """

    until: Share | None = None
    at_most: Seconds | None = None
    verdict = Verdict.HOLD


Action = Notify | HoldReleases


@dataclass(frozen=True, slots=True, order=True)
class RuleKey:
    """Which rule of which policy."""

    policy: str
    rule: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a policy: when … then …."""

    key: RuleKey
    mode: Mode
    when: Condition
    then: Action


def compared(rules: Iterable[Rule], objective: Objective, interval: Seconds) -> frozenset[Seconds]:
    """The windows whose burn rates these rules compare at an objective, the short ones included."""
    burning = [burn_rate(r.when, objective.window) for r in rules if not isinstance(r.when, BudgetRemaining)]
    return frozenset(w for burn in burning for w in (burn.over, burn.short(objective.grain(interval))))


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of a namespace for the objectives it selects."""

    key: ObjectKey
    uid: str
    generation: int
    selector: LabelSelector
    rules: tuple[Rule, ...]

    def covers(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether an objective with these labels is under this policy. No selector: every one of the namespace."""
        return namespace == self.key.namespace and selects(self.selector, labels)
