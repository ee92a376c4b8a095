"""What a team agreed to do when a budget is threatened: rules, each with a condition and an action."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from fractions import Fraction
from typing import Final, assert_never

from .labels import LabelSelector, selects
from .objective import Objective, ObjectKey
from .quantities import Seconds, Share
from .window import Window


class Verdict(IntEnum):
    """What is asked of the releases of a workload. The order is the severity."""

    OPEN = 0
    NOTIFY = 1
    HOLD = 2
    ROLL_BACK = 3

    @property
    def label(self) -> str:
        """The word people read."""
        return _LABELS[self]

    @classmethod
    def of(cls, label: str) -> Verdict:
        """The verdict that people read so; KeyError when it is none."""
        return {said: verdict for verdict, said in _LABELS.items()}[label]


_LABELS: Final = {
    Verdict.OPEN: "Open",
    Verdict.NOTIFY: "Notify",
    Verdict.HOLD: "Hold",
    Verdict.ROLL_BACK: "RollBack",
}


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

ON_TRIAL: Final[Seconds] = 3_600
"""A release is judged until this long after its completion, where a rule names no other time."""

CALM: Final[Seconds] = 300
"""Over this time an objective must not burn its budget any more, for an incident to be over."""


@dataclass(frozen=True, slots=True)
class ReleaseWorse:
    """True when the pods of a release fail more often than the objective promises, or the release gets nowhere.

    Of releases that keep the promise no more than `1 - confidence` are ever found worse, however often one looks.
    """

    confidence: Share = Fraction(999, 1000)

    @property
    def alpha(self) -> Share:
        """The share of good releases that may be found worse."""
        return 1 - self.confidence


@dataclass(frozen=True, slots=True)
class ReleaseSpends:
    """True when the pods of a release have spent more than this share of the whole budget while it was on trial."""

    above: Share


Releasing = ReleaseWorse | ReleaseSpends
"""Conditions on the release of a workload. What is left of the budget does not matter to them."""

Condition = BudgetRemaining | Burning | Releasing


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


@dataclass(frozen=True, slots=True)
class RollBack:
    """The release at fault is undone, in flight or up to `within` after its completion, and does not roll out again."""

    within: Seconds = ON_TRIAL
    verdict = Verdict.ROLL_BACK


Action = Notify | HoldReleases | RollBack


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

    @property
    def on_releases(self) -> bool:
        """Whether it is about a release, and not about a budget."""
        return isinstance(self.when, ReleaseWorse | ReleaseSpends)

    @property
    def on_trial(self) -> Seconds:
        """How long after its completion a release is judged by this rule."""
        return self.then.within if isinstance(self.then, RollBack) else ON_TRIAL


def compared(rules: Iterable[Rule], objective: Objective, interval: Seconds) -> frozenset[Seconds]:
    """The windows whose burn rates these rules compare at an objective, the short ones included."""
    return frozenset(w for rule in rules for w in _windows(rule.when, objective, interval))


def calm_window(objective: Objective) -> Seconds:
    """Over which time an objective must be calm for an incident to be over."""
    return min(CALM, objective.window.longest)


def _windows(when: Condition, objective: Objective, interval: Seconds) -> tuple[Seconds, ...]:
    match when:
        case BudgetRemaining():
            return ()
        case BurnRate() | BudgetSpent():
            burn = burn_rate(when, objective.window)
            return burn.over, burn.short(objective.grain(interval))
        case ReleaseWorse() | ReleaseSpends():
            return (calm_window(objective),)
        case _:
            assert_never(when)


def false_stops(rules: Mapping[ObjectKey, Collection[Rule]]) -> Mapping[ObjectKey, Share]:
    """How probable it may be at each objective of a workload that a good release is found worse.

    The highest confidence among its rules counts, and what it leaves is shared among the objectives that judge releases:
    so it holds for the workload. Objectives without such a rule are not there.
    """
    judging = {key: [r.when.alpha for r in of if isinstance(r.when, ReleaseWorse)] for key, of in rules.items()}
    alphas = {key: min(found) for key, found in judging.items() if found}
    return {key: alpha / len(alphas) for key, alpha in alphas.items()}


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
