"""Indicators that are the value of a query, slice by slice, as people write them.

Rule: the query is PromQL of the author's; its value is looked at once in each slice, and nothing is made up for a slice
without one.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Final

from pydantic import ConfigDict, Field, model_validator

from holdfast.core.objective import Gauge, Proportion
from holdfast.core.quantities import Seconds

from .base import Written
from .expressions import EXAMPLE, parse_expression
from .native import LONGEST
from .texts import Rule, Text, decimal, rules, span

IS_QUERY: Final = Rule(r"self.matches('\\S')", f"the query is empty; give one such as {EXAMPLE}")
ONE_SIDE: Final = Rule(
    "has(self.above) != has(self.below)", "give exactly one of above and below: where the value is good"
)
ONE_FRACTION: Final = Rule(
    "has(self.bad) != has(self.good)", "give exactly one of bad and good; the other one is what it leaves of 1"
)


def number(what: str, example: str) -> Text:
    """A decimal of any size and sign; `what` begins the sentence."""
    return decimal(what, lambda _: True, "true", f'a plain decimal number, for example "{example}"')


Query = Annotated[str, Text(parse_expression, LONGEST, (IS_QUERY,), "up")]
Every = Annotated[Seconds, span("every", "10s", "1h", "1m")]


class Good(Written):
    """On which side of a bound a value is good: exactly one of above and below."""

    model_config = ConfigDict(json_schema_extra=rules(ONE_SIDE))

    above: Annotated[Fraction, number("above", "604800")] | None = Field(
        None, description='The value is good above this number, for example "604800". Give either above or below.'
    )
    below: Annotated[Fraction, number("below", "0.8")] | None = Field(
        None, description='The value is good below this number, for example "0.8". Give either above or below.'
    )

    @model_validator(mode="after")
    def _one(self) -> Good:
        if (self.above is None) == (self.below is None):
            raise ValueError(ONE_SIDE.sentence)
        return self


class GaugeSpec(Written):
    """A value that is looked at again and again: each slice of time is good or bad."""

    query: Query = Field(
        description=f"PromQL whose value is looked at, for example {EXAMPLE}. A slice is good when every series is on the good side; "
        "one without a value is not measured. Up to 4096 characters, without @."
    )
    good: Good = Field(description="On which side of a bound the value is good. Exactly one of above and below.")
    every: Every = Field(
        60,
        description="How long a slice is, and how often the value is looked at; a duration from 10s to 1h. Default 1m.",
        json_schema_extra={"default": "1m"},
    )

    def value(self) -> Gauge:
        """What is meant."""
        bound = self.good.above if self.good.above is not None else self.good.below
        assert bound is not None  # noqa: S101 - there is exactly one of them
        return Gauge(self.query, bound, self.good.above is not None, self.every)


class FractionSpec(Written):
    """PromQL that yields the share of bad (or good) events, for what no two counters tell."""

    model_config = ConfigDict(json_schema_extra=rules(ONE_FRACTION))

    bad: Query | None = Field(
        None,
        description='PromQL that yields the share of bad events, from 0 to 1, for example job:errors:ratio_rate1m{job="checkout"}. Give either bad or good.',
    )
    good: Query | None = Field(
        None, description="PromQL that yields the share of good events, from 0 to 1. Give either bad or good."
    )
    weight: Query | None = Field(
        None,
        description='PromQL that yields the events per second, for example job:requests:rate1m{job="checkout"}, so that a busy slice counts more. '
        "Default: every slice weighs the same.",
    )
    every: Every = Field(
        60,
        description="How long a slice is, and how often the share is looked at; a duration from 10s to 1h. Default 1m.",
        json_schema_extra={"default": "1m"},
    )

    @model_validator(mode="after")
    def _one(self) -> FractionSpec:
        if (self.bad is None) == (self.good is None):
            raise ValueError(ONE_FRACTION.sentence)
        return self

    def value(self) -> Proportion:
        """What is meant."""
        query = self.bad if self.bad is not None else self.good
        assert query is not None  # noqa: S101 - there is exactly one of them
        return Proportion(query, self.good is not None, self.weight, self.every)
