"""ServiceLevelObjective as people write it."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from holdfast.core.quantities import Seconds

from .base import Written
from .indicators import IndicatorSpec
from .texts import Rule, Target, decimal, rules, shaped, span
from .windows import WindowSpec

LONGEST_NAME: Final = 241
"""Its Hold is named <kind>-<name>, and 253 characters are all a name may have."""

WorkloadKind = Literal["Deployment", "StatefulSet", "DaemonSet"]
"""What can be held."""

SLICED: Final = Rule(
    "!has(self.timeSlices) || has(self.indicator.ratio) || has(self.indicator.latency)",
    "timeSlices are of ratio and latency, since the other indicators are slices of time already; remove them",
)
NOT_ITSELF: Final = Rule(
    "!has(self.spec.indicator.composite) || self.spec.indicator.composite.all(p, p.name != self.metadata.name)",
    "an objective cannot be one of its own parts; remove it from composite",
    ".spec.indicator.composite",
)
ONCE: Final = Rule(
    "self.all(w, self.exists_one(o, o.kind == w.kind && o.name == w.name))",
    "each workload may be listed once; remove the repeated one",
)


SliceLength = Annotated[Seconds, span("slice", "10s", "1d", "1m")]
GoodShare = Annotated[
    Fraction,
    decimal(
        "good",
        lambda x: 0 < x <= 100,
        "x > 0.0 && x <= 100.0",
        'a percentage above 0 and up to 100 without the sign, for example "99"',
    ),
]
PodLabel = Annotated[
    str,
    shaped(
        "^[a-zA-Z_][a-zA-Z0-9_]*$", 128, "podLabel must be a name of letters, digits and underscores, for example pod"
    ),
]
Staleness = Annotated[Seconds, span("staleAfter", "5s", "1d", "5m")]


class TimeSlicesSpec(Written):
    """Count slices of time instead of events."""

    slice: SliceLength = Field(
        description="How long a slice is; a duration from 10s to 1d, for example 1m: at least two measuring intervals, and a multiple of one."
    )
    good: GoodShare = Field(
        description='A slice is good when this percentage of its events is, above 0 and up to 100, as text, for example "99". '
        "A slice without events is none."
    )


class WorkloadSpec(Written):
    """A workload that is released against this budget."""

    api_version: Literal["apps/v1"] = Field("apps/v1", description="API version of the workload. Default apps/v1.")
    kind: WorkloadKind = Field(description="Kind of the workload: Deployment, StatefulSet or DaemonSet.")
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


class AttributionSpec(Written):
    """Whose events they are, so that a release is judged by its own pods."""

    pod_label: PodLabel = Field(
        "pod",
        description="The label that names the pod whose events a series counts. Default pod, the one that is scraped. "
        "Another one, such as exported_pod, where somebody else counts on behalf of the pods; they are those of this namespace. "
        "Only with ratio and latency.",
        json_schema_extra={"default": "pod"},
    )


class ObjectiveSpec(Written):
    """What is promised, and which workloads are held when the promise is in danger."""

    model_config = ConfigDict(json_schema_extra=rules(SLICED))

    description: str | None = Field(
        None, max_length=1024, description="What is promised, in words, for people. Up to 1024 characters."
    )
    target: Target = Field(
        description='Which percentage of the events must be good, above 0 and below 100, as text without the sign, for example "99.9". '
        "The rest is the error budget.",
    )
    window: WindowSpec | None = Field(
        None,
        description="The time in which the budget is granted. Exactly one of rolling and calendar. Default 30d rolling.",
    )
    indicator: IndicatorSpec = Field(
        description="What is measured. Exactly one of ratio, latency, gauge, fraction and composite."
    )
    time_slices: TimeSlicesSpec | None = Field(
        None,
        description="Count slices of time instead of events, so that a minute of failures weighs the same by night and by day. Only with ratio and latency.",
    )
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

    attribution: AttributionSpec = Field(
        default_factory=AttributionSpec,
        description="Whose events they are, so that a release is judged by its own pods.",
        json_schema_extra={"default": {}},
    )

    @model_validator(mode="after")
    def _fitting(self) -> ObjectiveSpec:
        if self.time_slices is not None and self.indicator.ratio is None and self.indicator.latency is None:
            raise ValueError(SLICED.sentence)
        return self
