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
    "[has(self.budgetRemaining), has(self.burnRate), has(self.budgetSpent)].filter(given, given).size() == 1",
    "give exactly one condition: budgetRemaining, burnRate or budgetSpent",
)
ONLY_HOLD: Final = Rule(
    "self.action == 'Hold' || !(has(self.gate) || has(self.until) || has(self.atMost))",
    "gate, until and atMost belong to action Hold; remove them or set action to Hold",
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

    @model_validator(mode="after")
    def _one(self) -> When:
        if sum(given is not None for given in (self.budget_remaining, self.burn_rate, self.budget_spent)) != 1:
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

    model_config = ConfigDict(json_schema_extra=rules(ONLY_HOLD))

    action: Literal["Notify", "Hold"] = Field(
        description="Notify writes an Event and a metric. Hold lets no new release of the objective's workloads out; scaling, restarts and changes of resources stay free."
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

    @model_validator(mode="after")
    def _fitting(self) -> Then:
        if self.action != "Hold" and any(extra is not None for extra in (self.gate, self.until, self.at_most)):
            raise ValueError(ONLY_HOLD.sentence)
        return self


class RuleSpec(Written):
    """One line of the policy: when … then …."""

    model_config = ConfigDict(json_schema_extra=rules(UNTIL_ABOVE, CAN_LIFT))

    name: RuleName = Field(
        description="Name of the rule, unique in this policy, for example exhausted. Shown wherever the rule acts."
    )
    mode: Literal["Audit", "Enforce"] | None = Field(
        None, description="Audit or Enforce for this rule alone. Default: the mode of the policy."
    )
    when: When = Field(description="The condition. Exactly one of budgetRemaining, burnRate and budgetSpent.")
    then: Then = Field(description="What is done while the condition is true.")

    @model_validator(mode="after")
    def _fitting(self) -> RuleSpec:
        remaining, until = self.when.budget_remaining, self.then.until
        if remaining is not None and until is not None and until.above < remaining.below:
            raise ValueError(UNTIL_ABOVE.sentence)
        if remaining is not None and until is None and self.then.action == "Hold" and remaining.below >= 95:
            raise ValueError(CAN_LIFT.sentence)
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
        description="The rules, 1 to 32. The most severe one that is true wins: Hold before Notify.",
        json_schema_extra=rules(UNIQUE),
    )
