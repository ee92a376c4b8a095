"""ErrorBudgetPolicy as people write it."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from holdfast.core.quantities import Seconds

from .base import Written
from .selectors import LabelSelector
from .texts import Rule, decimal, percent_of_budget, rules, shaped, span

_NAME: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

ONE_CONDITION: Final = Rule(
    "[has(self.budgetRemaining), has(self.burnRate), has(self.budgetSpent), has(self.release)].filter(given, given).size() == 1",
    "give exactly one condition: budgetRemaining, burnRate, budgetSpent or release",
)
ONE_OF_RELEASE: Final = Rule(
    "has(self.worseThanTarget) != has(self.spends)",
    "give exactly one of worseThanTarget and spends",
)
ONLY_HOLD: Final = Rule(
    "self.action == 'Hold' || !(has(self.gate) || has(self.until) || has(self.atMost))",
    "gate, until and atMost belong to action Hold; remove them or set action to Hold",
)
ONLY_ROLL_BACK: Final = Rule(
    "self.action == 'RollBack' || !has(self.within)",
    "within belongs to action RollBack; remove it or set action to RollBack",
)
ROLLS_BACK_RELEASES: Final = Rule(
    "self.then.action != 'RollBack' || has(self.when.release)",
    "action RollBack undoes a release for its own failures, so it needs when.release, for example "
    "release: {worseThanTarget: {}}; for a condition on the budget write action Hold",
)
RELEASE_ENDS: Final = Rule(
    "!has(self.when.release) || !(has(self.then.gate) || has(self.then.until) || has(self.then.atMost))",
    "a release that is stopped stays so until another one is declared; remove gate, until and atMost, "
    "or give a condition on the budget",
)
UNTIL_ABOVE: Final = Rule(
    "!has(self.when.budgetRemaining) || !has(self.then.until) || double(self.then.until.above) >= double(self.when.budgetRemaining.below)",
    "until.above must not be lower than budgetRemaining.below, or the hold would lift while its cause still stands; raise it",
)
CAN_LIFT: Final = Rule(
    "self.then.action != 'Hold' || !has(self.when.budgetRemaining) || has(self.then.until) "
    "|| double(self.when.budgetRemaining.below) < 95.0",
    "a hold lifts 5 percentage points above budgetRemaining.below, which can never be from 95 on; give until.above or lower below",
)
UNIQUE: Final = Rule(
    "self.all(r, self.exists_one(o, o.name == r.name))", "each rule needs a name of its own; rename the repeated one"
)
RuleName = Annotated[
    str, shaped(_NAME, 63, "name may have lower case letters, digits and dashes inside, for example budget-exhausted")
]
Below = Annotated[Fraction, percent_of_budget("below", -1000, 100)]
Above = Annotated[Fraction, percent_of_budget("above", -1000, 100, below=True)]
Factor = Annotated[
    Fraction,
    decimal(
        "above", lambda x: 0 < x <= 1_000_000, "x > 0.0 && x <= 1000000.0", 'a burn rate above 0, for example "14.4"'
    ),
]
Over = Annotated[Seconds, span("over", "10s", "400d", "1h")]
Spent = Annotated[
    Fraction,
    decimal(
        "above",
        lambda x: 0 < x <= 1000,
        "x > 0.0 && x <= 1000.0",
        'a percentage of the budget above 0 and up to 1000 without the sign, for example "20"',
    ),
]
Within = Annotated[Seconds, span("within", "10s", "400d", "7d")]
Confidence = Annotated[
    Fraction,
    decimal(
        "confidence",
        lambda x: 90 <= x < 100,
        "x >= 90.0 && x < 100.0",
        'a percentage from 90 to below 100 without the sign, for example "99.9"',
    ),
]
OnTrial = Annotated[Seconds, span("within", "1m", "7d", "1h")]
AtMost = Annotated[Seconds, span("atMost", "1m", "400d", "7d")]


class BudgetRemainingSpec(Written):
    """True when less than this is left of the budget."""

    below: Below = Field(
        description='True when less than this percentage of the budget is left; from -1000 to 100, for example "25". '
        '"0" means that the budget is exhausted; below zero it is overdrawn.'
    )


class BurnRateSpec(Written):
    """True when the budget burns too fast."""

    above: Factor = Field(
        description='True when the budget burns faster than this, for example "14.4". A rate of 1 spends exactly the budget in the objective\'s window. '
        "The highest possible rate is 1 / (1 - target): 1000 at a target of 99.9."
    )
    over: Over = Field(
        description="The time over which the rate is measured; a duration from 10s to 400d, for example 1h. "
        "The rate over a twelfth of it must be as high, so that the rule ends soon after the trouble does."
    )


class BudgetSpentSpec(Written):
    """True when much of the budget was spent within some time."""

    above: Spent = Field(
        description='True when more than this percentage of the budget was spent within the time, for example "20". '
        "In a window of the calendar a share is reckoned by its longest form: a month of 31 days."
    )
    within: Within = Field(
        description="The time that is looked back on; a duration from 10s to 400d, for example 7d. "
        "The pace over a twelfth of it must be as high, so that the rule does not begin on what is long over."
    )


class WorseThanTargetSpec(Written):
    """True when a release fails more often than the objective promises."""

    confidence: Confidence = Field(
        Fraction(999, 10),
        description="How sure it must be, as a percentage from 90 to below 100: with 99.9 at most one in a thousand releases that keep the promise "
        "is found worse, over the whole trial and all objectives of the workload. Default 99.9.",
        json_schema_extra={"default": "99.9"},
    )


class SpendsSpec(Written):
    """True when a release costs too much."""

    above: Spent = Field(
        description='True when the pods of the release have spent more than this percentage of the whole budget, for example "5".'
    )


class ReleaseSpec(Written):
    """Judges each release of the objective's workloads by its own pods."""

    model_config = ConfigDict(json_schema_extra=rules(ONE_OF_RELEASE))

    worse_than_target: WorseThanTargetSpec | None = Field(
        None,
        description="True when the pods of the release fail more often than the objective promises, and those of other releases do not; "
        "or when the release gets nowhere, since its pods do not become ready. Give {} for the defaults.",
    )
    spends: SpendsSpec | None = Field(
        None, description="True when the release has spent more than a percentage of the whole budget."
    )

    @model_validator(mode="after")
    def _one(self) -> ReleaseSpec:
        if (self.worse_than_target is None) == (self.spends is None):
            raise ValueError(ONE_OF_RELEASE.sentence)
        return self


class When(Written):
    """The condition of a rule: exactly one."""

    model_config = ConfigDict(json_schema_extra=rules(ONE_CONDITION))

    budget_remaining: BudgetRemainingSpec | None = Field(
        None, description="True when less than a percentage of the budget is left."
    )
    burn_rate: BurnRateSpec | None = Field(
        None, description="True when the budget burns faster than a rate over some time."
    )
    budget_spent: BudgetSpentSpec | None = Field(
        None, description="True when more than a percentage of the budget was spent within some time."
    )

    release: ReleaseSpec | None = Field(
        None,
        description="True when the newest release of a workload is at fault, while it rolls out or soon after: one of worseThanTarget and spends.",
    )

    @model_validator(mode="after")
    def _one(self) -> When:
        given = (self.budget_remaining, self.burn_rate, self.budget_spent, self.release)
        if sum(one is not None for one in given) != 1:
            raise ValueError(ONE_CONDITION.sentence)
        return self


class UntilSpec(Written):
    """When a hold ends by itself."""

    above: Above = Field(
        description='The hold lifts when more than this percentage of the budget is left, on fresh evidence; below 100, for example "5". '
        "Not lower than budgetRemaining.below of the same rule."
    )


class Then(Written):
    """What a rule does."""

    model_config = ConfigDict(json_schema_extra=rules(ONLY_HOLD, ONLY_ROLL_BACK))

    action: Literal["Notify", "Hold", "RollBack"] = Field(
        description="Notify writes an Event and a metric. Hold lets no new release of the objective's workloads out; scaling, restarts and changes of resources stay free. "
        "With a condition on releases Hold stops the one that is at fault, and lets any other one out. RollBack undoes it: the last good release serves again; only with when.release."
    )
    gate: Literal["Deny"] | None = Field(
        None,
        description="How a release is held. Only with Hold. Deny refuses the change with a sentence. Default Deny.",
    )
    until: UntilSpec | None = Field(
        None,
        description="When the hold lifts. Only with Hold. Default for budgetRemaining: 5 percentage points above it, so that the hold does not come and go; "
        "for burnRate and budgetSpent: when the rate, or what was spent within the time, is no longer above it.",
    )
    at_most: AtMost | None = Field(
        None,
        description="The longest time this rule holds a workload, whatever the budget; a duration from 1m to 400d, for example 7d. Only with Hold. Default: no end.",
    )

    within: OnTrial | None = Field(
        None,
        description="How long after its completion a release may still be undone; a duration from 1m to 7d, for example 1h. Only with RollBack. Default 1h.",
    )

    @model_validator(mode="after")
    def _fitting(self) -> Then:
        if self.action != "Hold" and any(extra is not None for extra in (self.gate, self.until, self.at_most)):
            raise ValueError(ONLY_HOLD.sentence)
        if self.action != "RollBack" and self.within is not None:
            raise ValueError(ONLY_ROLL_BACK.sentence)
        return self


class RuleSpec(Written):
    """One line of the policy: when … then …."""

    model_config = ConfigDict(json_schema_extra=rules(UNTIL_ABOVE, CAN_LIFT, ROLLS_BACK_RELEASES, RELEASE_ENDS))

    name: RuleName = Field(
        description="Name of the rule, unique in this policy, for example exhausted. Shown wherever the rule acts."
    )
    mode: Literal["Audit", "Enforce"] | None = Field(
        None, description="Audit or Enforce for this rule alone. Default: the mode of the policy."
    )
    when: When = Field(description="The condition. Exactly one of budgetRemaining, burnRate, budgetSpent and release.")
    then: Then = Field(description="What is done while the condition is true.")

    @model_validator(mode="after")
    def _fitting(self) -> RuleSpec:
        remaining, until = self.when.budget_remaining, self.then.until
        if remaining is not None and until is not None and until.above < remaining.below:
            raise ValueError(UNTIL_ABOVE.sentence)
        if remaining is not None and until is None and self.then.action == "Hold" and remaining.below >= 95:
            raise ValueError(CAN_LIFT.sentence)
        releases = self.when.release is not None
        if self.then.action == "RollBack" and not releases:
            raise ValueError(ROLLS_BACK_RELEASES.sentence)
        if releases and any(extra is not None for extra in (self.then.gate, until, self.then.at_most)):
            raise ValueError(RELEASE_ENDS.sentence)
        return self


def unique(given: list[RuleSpec]) -> list[RuleSpec]:
    """Each name once."""
    if any(n > 1 for n in Counter(rule.name for rule in given).values()):
        raise ValueError(UNIQUE.sentence)
    return given


class PolicySpec(Written):
    """What a team agreed to do when a budget is threatened."""

    objective_selector: LabelSelector | None = Field(
        None, description="Which objectives of this namespace the policy is for, by their labels. Default: all of them."
    )
    mode: Literal["Audit", "Enforce"] = Field(
        "Audit",
        description="Audit says what would happen and does nothing. Enforce does it. A rule may say otherwise for itself. Default Audit.",
    )
    rules: Annotated[list[RuleSpec], AfterValidator(unique)] = Field(
        min_length=1,
        max_length=32,
        description="The rules, 1 to 32. The most severe one that is true wins: RollBack before Hold before Notify.",
        json_schema_extra=rules(UNIQUE),
    )
