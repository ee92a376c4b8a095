"""ServiceLevelObjective as people write it."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from holdfast.core.objective import Selector
from holdfast.core.quantities import Seconds

from .base import Written
from .promql import EXAMPLE, LONGEST, NO_SELECTOR, SHAPE, parse_selector
from .texts import Rule, Target, Text, cel, rules, span

LONGEST_NAME: Final = 242
"""Its Hold is named <kind>-<name>, and 253 characters are all a name may have."""

_SERIES: Final = r"^[^{]*_(bucket|count|sum)\s*([{]|$)"
IS_SELECTOR: Final = Rule(f"self.matches({cel(SHAPE)})", NO_SELECTOR)
IS_BASE: Final = Rule(
    f"!self.matches({cel(_SERIES)})",
    'give the base name of the histogram without _bucket, _count or _sum, for example http_request_duration_seconds{job="checkout"}',
)
ONE_RATIO: Final = Rule(
    "has(self.bad) != has(self.good)", "give exactly one of bad and good; the other one follows from total"
)
ONE_INDICATOR: Final = Rule(
    "has(self.ratio) != has(self.latency)", "give exactly one indicator: either ratio or latency"
)
ONCE: Final = Rule(
    "self.all(w, self.exists_one(o, o.kind == w.kind && o.name == w.name))",
    "each workload may be listed once; remove the repeated one",
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
Window = Annotated[Seconds, span("rolling", "1m", "400d", "30d")]
Threshold = Annotated[Seconds, span("threshold", "1ms", "1h", "200ms")]
Staleness = Annotated[Seconds, span("staleAfter", "5s", "1d", "5m")]


class Ratio(Written):
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
    def _one(self) -> Ratio:
        if (self.bad is None) == (self.good is None):
            raise ValueError(ONE_RATIO.sentence)
        return self


class Latency(Written):
    """Events slower than a threshold are bad. Read from a classic histogram of durations in seconds."""

    histogram: Histogram = Field(
        description='A selector of the histogram by its base name, for example http_request_duration_seconds{job="checkout"}. '
        "Without _bucket, and without a condition on le: the threshold chooses the bucket.",
    )
    threshold: Threshold = Field(
        description="Events up to this long are good; a duration from 1ms to 1h, for example 200ms. "
        "It must be one of the histogram's bucket bounds, since nothing is interpolated.",
    )


class IndicatorSpec(Written):
    """What is counted: exactly one of ratio and latency."""

    model_config = ConfigDict(json_schema_extra=rules(ONE_INDICATOR))

    ratio: Ratio | None = Field(
        None, description="Events that failed (or went well) out of all events, from two counters."
    )
    latency: Latency | None = Field(
        None, description="Events that took longer than a threshold, out of all events, from a classic histogram."
    )

    @model_validator(mode="after")
    def _one(self) -> IndicatorSpec:
        if (self.ratio is None) == (self.latency is None):
            raise ValueError(ONE_INDICATOR.sentence)
        return self


class WindowSpec(Written):
    """The time in which the budget is granted."""

    rolling: Window = Field(
        2_592_000,
        description="The budget covers this much time up to now; a duration from 1m to 400d. Default 30d. "
        "Below one hour it is good for a demonstration only, and the status says so.",
        json_schema_extra={"default": "30d"},
    )


class WorkloadSpec(Written):
    """A workload that is released against this budget."""

    api_version: Literal["apps/v1"] = Field("apps/v1", description="API version of the workload. Default apps/v1.")
    kind: Literal["Deployment"] = Field(description="Kind of the workload. Deployment is the one that can be held.")
    name: str = Field(
        description="Name of the workload, in the namespace of this objective, for example checkout.",
        min_length=1,
        max_length=LONGEST_NAME,
    )


def once(workloads: list[WorkloadSpec]) -> list[WorkloadSpec]:
    """Each of them once."""
    if any(n > 1 for n in Counter((w.kind, w.name) for w in workloads).values()):
        raise ValueError(ONCE.sentence)
    return workloads


class EvidenceSpec(Written):
    """When figures are good enough to act on."""

    stale_after: Staleness = Field(
        300,
        description="Figures older than this are no evidence: nothing is held and nothing is lifted on them. A duration from 5s to 1d. Default 5m.",
        json_schema_extra={"default": "5m"},
    )
    min_events: int | None = Field(
        None,
        ge=1,
        le=1_000_000_000,
        description="A burn rate over fewer events than this says nothing. "
        "Default: enough for one expected failure, 1 / (1 - target), for example 1000 at a target of 99.9.",
        json_schema_extra={"format": "int64"},
    )


class ObjectiveSpec(Written):
    """What is promised, and which workloads are held when the promise is in danger."""

    description: str | None = Field(
        None, max_length=1024, description="What is promised, in words, for people. Up to 1024 characters."
    )
    target: Target = Field(
        description='Which percentage of the events must be good, above 0 and below 100, as text without the sign, for example "99.9". '
        "The rest is the error budget.",
    )
    window: WindowSpec = Field(
        default_factory=WindowSpec,
        description="The time in which the budget is granted. Default 30d rolling.",
        json_schema_extra={"default": {}},
    )
    indicator: IndicatorSpec = Field(description="What is counted. Exactly one of ratio and latency.")
    workloads: Annotated[list[WorkloadSpec], AfterValidator(once)] = Field(
        default_factory=list,
        max_length=50,
        description="The workloads whose releases spend this budget, each once, up to 50, in this namespace. None: the budget is measured only.",
        json_schema_extra=rules(ONCE),
    )
    source: str = Field(
        "default",
        min_length=1,
        max_length=63,
        description="Name of a metrics source of the operator's configuration (never a URL). Default default.",
    )
    evidence: EvidenceSpec = Field(
        default_factory=EvidenceSpec,
        description="When figures are good enough to act on.",
        json_schema_extra={"default": {}},
    )
