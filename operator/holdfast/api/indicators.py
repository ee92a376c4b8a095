"""What is measured, as people write it: exactly one of five indicators.

Rule: an indicator that cannot be measured exactly says in its description what is done instead.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Annotated, Final

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from holdfast.core.objective import (
    BadOverTotal,
    Composite,
    GoodOverTotal,
    Indicator,
    Latency,
    ObjectKey,
    Part,
    Selector,
)
from holdfast.core.quantities import Seconds

from .base import Written
from .native import LONGEST
from .promql import EXAMPLE, NO_SELECTOR, SHAPE, parse_selector
from .sampled import FractionSpec, GaugeSpec
from .texts import Rule, Text, cel, decimal, rules, shaped, span

MEMBERS: Final = ("ratio", "latency", "gauge", "fraction", "composite")

_SERIES: Final = r"^[^{]*_(bucket|count|sum)\s*([{]|$)"
_OBJECT: Final = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
IS_SELECTOR: Final = Rule(f"self.matches({cel(SHAPE)})", NO_SELECTOR)
IS_BASE: Final = Rule(
    f"!self.matches({cel(_SERIES)})",
    'give the base name of the histogram without _bucket, _count or _sum, for example http_request_duration_seconds{job="checkout"}',
)
ONE_RATIO: Final = Rule(
    "has(self.bad) != has(self.good)", "give exactly one of bad and good; the other one follows from total"
)
ONE_INDICATOR: Final = Rule(
    f"[{', '.join(f'has(self.{member})' for member in MEMBERS)}].filter(given, given).size() == 1",
    f"give exactly one indicator: {', '.join(MEMBERS[:-1])} or {MEMBERS[-1]}",
)
PARTS_ONCE: Final = Rule(
    "self.all(p, self.exists_one(o, o.name == p.name))",
    "each objective may be a part once; remove the repeated one, or raise the weight of the other",
)


def read_base(text: str) -> Selector:
    """The base name of a histogram, with conditions, none of them on `le`."""
    selector = parse_selector(text)
    if selector.metric.endswith(("_bucket", "_count", "_sum")):
        raise ValueError(IS_BASE.sentence)
    if "le" in selector.labels:
        raise ValueError("leave out the condition on le; threshold says which bucket is meant")
    return selector


Counters = Annotated[Selector, Text(parse_selector, LONGEST, (IS_SELECTOR,), EXAMPLE)]
Histogram = Annotated[Selector, Text(read_base, LONGEST, (IS_SELECTOR, IS_BASE), "http_request_duration_seconds")]
Threshold = Annotated[Seconds, span("threshold", "1ms", "1h", "200ms")]
Weight = Annotated[
    Fraction,
    decimal("weight", lambda x: 0 < x <= 1_000_000, "x > 0.0 && x <= 1000000.0", 'a number above 0, for example "3"'),
]
PartName = Annotated[
    str, shaped(_OBJECT, 253, "name must be that of an objective of this namespace, for example checkout-availability")
]


class RatioSpec(Written):
    """Bad (or good) events over all events, each counted by a Prometheus counter."""

    model_config = ConfigDict(json_schema_extra=rules(ONE_RATIO))

    bad: Counters | None = Field(
        None,
        description='A selector of the counters of failed events, for example http_requests_total{job="checkout",code=~"5.."}. '
        "A target that has no such series has had no failures. Give either bad or good.",
    )
    good: Counters | None = Field(
        None,
        description='A selector of the counters of events that went well, for example http_requests_total{job="checkout",code!~"5.."}. '
        "Give either bad or good.",
    )
    total: Counters = Field(
        description='A selector of the counters of all events, for example http_requests_total{job="checkout"}. '
        "One selector, up to 4096 characters, without functions or ranges: Holdfast computes differences and sums itself."
    )

    @model_validator(mode="after")
    def _one(self) -> RatioSpec:
        if (self.bad is None) == (self.good is None):
            raise ValueError(ONE_RATIO.sentence)
        return self

    def value(self) -> BadOverTotal | GoodOverTotal:
        """What is meant."""
        if self.bad is not None:
            return BadOverTotal(self.bad, self.total)
        assert self.good is not None  # noqa: S101 - there is exactly one of them
        return GoodOverTotal(self.good, self.total)


class LatencySpec(Written):
    """Events slower than a threshold are bad. Read from a histogram of durations in seconds, classic or native."""

    histogram: Histogram = Field(
        description='A selector of the histogram by its base name, for example http_request_duration_seconds{job="checkout"}; classic or native. '
        "Without _bucket, and without a condition on le: the threshold chooses the bucket.",
    )
    threshold: Threshold = Field(
        description="Events up to this long are good; a duration from 1ms to 1h, for example 200ms. "
        "In a classic histogram it must be one of the bucket bounds, and the count is exact; in a native one the count is interpolated.",
    )


class PartSpec(Written):
    """One objective of a composite."""

    name: PartName = Field(
        description="Name of an objective of this namespace that is no composite itself, for example checkout-availability."
    )
    weight: Weight = Field(
        Fraction(1),
        description='How much it counts beside the others, above 0, as text, for example "3". Default "1".',
        json_schema_extra={"default": "1"},
    )


def parts_once(parts: list[PartSpec]) -> list[PartSpec]:
    """Each of them once."""
    if any(n > 1 for n in Counter(part.name for part in parts).values()):
        raise ValueError(PARTS_ONCE.sentence)
    return parts


class IndicatorSpec(Written):
    """What is measured: exactly one of ratio, latency, gauge, fraction and composite."""

    model_config = ConfigDict(json_schema_extra=rules(ONE_INDICATOR))

    ratio: RatioSpec | None = Field(
        None, description="Events that failed (or went well) out of all events, from two counters."
    )
    latency: LatencySpec | None = Field(
        None, description="Events that took longer than a threshold, out of all events, from a histogram."
    )
    gauge: GaugeSpec | None = Field(
        None,
        description="A value that is good or bad in each slice of time: capacity, saturation, a lag, time to an expiry.",
    )
    fraction: FractionSpec | None = Field(
        None, description="The share of bad (or good) events as PromQL yields it. Less exact than counters."
    )
    composite: Annotated[list[PartSpec], AfterValidator(parts_once)] | None = Field(
        None,
        min_length=2,
        max_length=20,
        description="The weighted mean of what 2 to 20 other objectives of this namespace measure.",
        json_schema_extra=rules(PARTS_ONCE),
    )

    @model_validator(mode="after")
    def _one(self) -> IndicatorSpec:
        if sum(getattr(self, member) is not None for member in MEMBERS) != 1:
            raise ValueError(ONE_INDICATOR.sentence)
        return self

    def value(self, namespace: str) -> Indicator:
        """What is meant; parts of a composite live in the namespace of the objective."""
        if self.latency is not None:
            return Latency(self.latency.histogram, self.latency.threshold)
        if self.composite is not None:
            return Composite(tuple(Part(ObjectKey(namespace, part.name), part.weight) for part in self.composite))
        given = self.ratio or self.gauge or self.fraction
        assert given is not None  # noqa: S101 - there is exactly one of them
        return given.value()
