"""What is wrong with objects taken together, without a cluster: rules that can do nothing at an objective.

Rule: a finding never stops anything. It is a condition on the policy, and a warning of `holdfast validate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from holdfast.core.objective import Objective, ObjectKey
from holdfast.core.policy import BurnRate, Policy, Rule
from holdfast.core.quantities import Seconds, format_decimal, format_duration

from .conditions import ConditionReason

DEMONSTRATION: Final[Seconds] = 3600
"""An objective with a shorter window is good for a demonstration only."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One warning: about which objective, which rule of which policy if any, and what it means."""

    objective: ObjectKey
    reason: ConditionReason
    sentence: str
    policy: ObjectKey | None = None
    rule: str | None = None


def findings(objective: Objective, policies: Iterable[Policy], interval: Seconds) -> tuple[Finding, ...]:
    """Everything worth a warning about an objective under the policies that cover it; `interval` is how often the
    operator measures.
    """
    found: list[Finding] = []
    if objective.window.longest < DEMONSTRATION:
        sentence = f"its window is {objective.window}: below one hour an objective is good for a demonstration only"
        found.append(Finding(objective.key, ConditionReason.SHORT_WINDOW, sentence))
    for policy in policies:
        if policy.covers(objective.key.namespace, objective.labels):
            found += (f for rule in policy.rules for f in _of_rule(objective, policy, rule, interval))
    return tuple(found)


def _of_rule(objective: Objective, policy: Policy, rule: Rule, interval: Seconds) -> Iterator[Finding]:
    if not isinstance(rule.when, BurnRate):
        return
    for reason, sentence in _of_burn(objective, rule.when, interval):
        yield Finding(
            objective.key,
            reason,
            f"rule {rule.key.rule} on {objective.key.name}: {sentence}",
            policy.key,
            rule.key.rule,
        )


def _of_burn(objective: Objective, when: BurnRate, interval: Seconds) -> Iterator[tuple[ConditionReason, str]]:
    highest = objective.highest_burn
    if when.above >= highest:
        yield (
            ConditionReason.BURN_RATE_IMPOSSIBLE,
            f"a burn rate above {format_decimal(when.above, 4)} can never be, since at a target of {format_decimal(objective.target * 100, 12)} % "
            f"it is {format_decimal(highest, 4)} when every event fails; lower above",
        )
    if when.over > objective.window.longest:
        yield (
            ConditionReason.RULE_WINDOW_TOO_LONG,
            f"over is {format_duration(when.over)}, longer than the objective's window of {objective.window}, "
            "which is all that is remembered; shorten over",
        )
    if when.over < 2 * interval:
        yield (
            ConditionReason.RULE_WINDOW_TOO_SHORT,
            f"over is {format_duration(when.over)}, and figures come every {format_duration(interval)}; "
            f"give at least {format_duration(2 * interval)}",
        )
