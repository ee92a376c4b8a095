"""What is wrong with objects taken together, without a cluster: rules, slices and parts that can do nothing.

Rule: a finding never stops anything. It is a condition on the policy or the objective, and a warning of
`holdfast validate`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from holdfast.core.attribution import not_attributable
from holdfast.core.objective import Composite, Objective, ObjectKey, Proportion, Sampled
from holdfast.core.policy import (
    BudgetSpent,
    BurnRate,
    Policy,
    ReleaseSpends,
    Rule,
    burn_rate,
)
from holdfast.core.quantities import Seconds, format_decimal, format_duration, format_percent

from .conditions import ConditionReason

DEMONSTRATION: Final[Seconds] = 3600
"""An objective with a shorter window is good for a demonstration only."""

FEW: Final = 10
"""With fewer slices than this in its window, too."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One warning: about which objective, which rule of which policy if any, and what it means."""

    objective: ObjectKey
    reason: ConditionReason
    sentence: str
    policy: ObjectKey | None = None
    rule: str | None = None


INSTEAD: Final = (
    "So the rule judges releases by the readiness of their pods alone, and while one is on trial it holds at most, "
    "when the budget burns 14.4 times as fast as it may"
)
"""What a rule on releases does where nobody can tell whose the failures are."""

Said = Iterator[tuple[ConditionReason, str]]


def findings(
    objective: Objective, policies: Iterable[Policy], interval: Seconds, unattributable: str | None = None
) -> tuple[Finding, ...]:
    """Everything worth a warning about an objective under the policies that cover it; `interval` is how often the
    operator measures, `unattributable` why its series do not tell whose the events are, where they were seen.
    """
    found = [Finding(objective.key, reason, sentence) for reason, sentence in _of_slices(objective, interval)]
    if (short := short_window(objective, objective.grain(interval))) is not None:
        found.append(Finding(objective.key, ConditionReason.SHORT_WINDOW, f"its window is {short}"))
    for policy in policies:
        if policy.covers(objective.key.namespace, objective.labels):
            for rule in policy.rules:
                if rule.on_releases:
                    said = _of_releases(objective, rule, unattributable)
                else:
                    said = _of_burning(objective, rule, interval)
                found += (_about(objective, policy, rule, reason, sentence) for reason, sentence in said)
    return tuple(found)


def short_window(objective: Objective, grain: Seconds) -> str | None:
    """The window, and why it is good for a demonstration only; None when it is long enough."""
    length, whose = objective.window.longest, f"{objective.window}"
    if length < DEMONSTRATION:
        return f"{whose}: below one hour an objective is good for a demonstration only"
    if length < FEW * grain:
        return f"{whose}, fewer than {FEW} slices of {format_duration(grain)}: that is good for a demonstration only"
    return None


def findings_of_composite(
    objective: Objective, others: Mapping[ObjectKey, Objective], unreadable: Collection[ObjectKey] = ()
) -> tuple[Finding, ...]:
    """What is wrong with the parts of a composite; `others` are the objectives there are, `unreadable` those that make
    no sense.
    """
    if not isinstance(objective.indicator, Composite):
        return ()
    return tuple(
        Finding(objective.key, reason, sentence)
        for part in objective.indicator.parts
        for reason, sentence in _of_part(part.key, others.get(part.key), part.key in unreadable)
    )


def _of_part(key: ObjectKey, found: Objective | None, unreadable: bool) -> Said:
    if found is None:
        why = "cannot be used as it is written" if unreadable else "does not exist in this namespace"
        yield (
            ConditionReason.PART_MISSING,
            f"its part {key.name} {why}, so nothing is measured of it; mend or remove it",
        )
    elif isinstance(found.indicator, Composite):
        yield (
            ConditionReason.PART_NESTED,
            f"its part {key.name} is a composite itself, which is not measured; name the parts of {key.name} instead",
        )


def _of_slices(objective: Objective, interval: Seconds) -> Said:
    indicator, slices = objective.indicator, objective.slices
    often = f"figures come every {format_duration(interval)}"
    if isinstance(indicator, Sampled) and indicator.every < interval:
        yield (
            ConditionReason.SLICE_TOO_SHORT,
            f"every is {format_duration(indicator.every)}, and {often}; give at least {format_duration(interval)}",
        )
    if slices is None:
        return
    if slices.length < 2 * interval:
        yield (
            ConditionReason.SLICE_TOO_SHORT,
            f"its slices last {format_duration(slices.length)}, and {often}; give at least {format_duration(2 * interval)}",
        )
    elif Fraction(slices.length) % Fraction(interval):
        yield (
            ConditionReason.SLICE_UNEVEN,
            f"its slices last {format_duration(slices.length)}, and {often}: events that come across the edge of a slice "
            f"belong to none, so nothing is measured; give a multiple of {format_duration(interval)}",
        )


def _of_burning(objective: Objective, rule: Rule, interval: Seconds) -> Said:
    if isinstance(rule.when, BurnRate | BudgetSpent):
        burn, word = burn_rate(rule.when, objective.window), "within" if isinstance(rule.when, BudgetSpent) else "over"
        yield from _of_height(objective, rule.when, burn)
        yield from _of_length(objective, burn, word, interval)


def _of_releases(objective: Objective, rule: Rule, unattributable: str | None) -> Said:
    if not objective.workloads:
        yield (
            ConditionReason.NO_WORKLOAD,
            "the objective names no workload, so there is no release to judge; list its workloads",
        )
    elif (why := not_attributable(objective, ()) or unattributable) is not None:
        yield ConditionReason.NOT_ATTRIBUTABLE, f"{why}. {INSTEAD}"
    elif isinstance(rule.when, ReleaseSpends) and objective.slices is not None:
        yield (
            ConditionReason.NOT_ATTRIBUTABLE,
            "its budget is made of slices of time, and no share of those can be put down to a release; use worseThanTarget",
        )


def _about(objective: Objective, policy: Policy, rule: Rule, reason: ConditionReason, sentence: str) -> Finding:
    said = f"rule {rule.key.rule} on {objective.key.name}: {sentence}"
    return Finding(objective.key, reason, said, policy.key, rule.key.rule)


def _of_height(objective: Objective, when: BurnRate | BudgetSpent, burn: BurnRate) -> Said:
    highest = objective.highest_burn
    if burn.above < highest:
        return
    target = f"at a target of {format_decimal(objective.target * 100, 12)} %"
    if isinstance(when, BudgetSpent):
        most = highest * Fraction(when.within) / Fraction(objective.window.nominal)
        yield (
            ConditionReason.BURN_RATE_IMPOSSIBLE,
            f"more than {format_percent(when.above, 4)} % of the budget can never be spent within {format_duration(when.within)}, since {target} "
            f"it is {format_percent(most, 4)} % when every event fails; lower above or lengthen within",
        )
    else:
        yield (
            ConditionReason.BURN_RATE_IMPOSSIBLE,
            f"a burn rate above {format_decimal(burn.above, 4)} can never be, since {target} "
            f"it is {format_decimal(highest, 4)} when every event fails; lower above",
        )


def _of_length(objective: Objective, burn: BurnRate, word: str, interval: Seconds) -> Said:
    grain, given = objective.grain(interval), f"{word} is {format_duration(burn.over)}"
    if burn.over > objective.window.longest:
        yield (
            ConditionReason.RULE_WINDOW_TOO_LONG,
            f"{given}, longer than the objective's window of {objective.window}, "
            f"which is all that is remembered; shorten {word}",
        )
    if burn.over < 2 * grain:
        yield (
            ConditionReason.RULE_WINDOW_TOO_SHORT,
            f"{given}, and figures come every {format_duration(grain)}; give at least {format_duration(2 * grain)}",
        )
    elif _counts_slices(objective) and burn.over < objective.enough_events * grain:
        yield (
            ConditionReason.RULE_WINDOW_TOO_SHORT,
            f"{given}, which has {int(burn.over // grain)} slices of {format_duration(grain)}, and it needs "
            f"{objective.enough_events} to begin; lengthen {word}, or lower evidence.minEvents",
        )


def _counts_slices(objective: Objective) -> bool:
    """Whether an event is a slice of time, so that no traffic brings more of them."""
    weighted = isinstance(objective.indicator, Proportion) and objective.indicator.weight is not None
    return objective.slices is not None or (isinstance(objective.indicator, Sampled) and not weighted)
