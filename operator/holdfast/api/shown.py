"""The status of our kinds: what people read, and what a restart must know.

Rule: these models are schema for the server and, for a Hold, the way back into a core value; `status.py` writes them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .base import Shown
from .conditions import ConditionType

Name = Annotated[str, Field(max_length=253)]
Line = Annotated[str, Field(max_length=128)]
Sentence = Annotated[str, Field(max_length=4096)]
Figure = Annotated[str, Field(max_length=64)]
Generation = Annotated[int, Field(json_schema_extra={"format": "int64"})]
Time = Annotated[str, Field(max_length=64, json_schema_extra={"format": "date-time"})]


def keyed(*keys: str) -> dict[str, Any]:
    """A list in which these fields name an entry, so that several writers can share it."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


class ConditionStatus(Shown):
    """One condition, as everywhere in Kubernetes: kubectl wait --for=condition=<type> works on it."""

    type: str = Field(
        max_length=316, description=f"What it says: {', '.join(ConditionType)}, or one of another writer."
    )
    status: Literal["True", "False", "Unknown"] = Field(description="True, False or Unknown.")
    reason: str = Field(max_length=128, description="Why, in one word of a closed set.")
    message: str = Field(max_length=32768, description="Why, in sentences for people.")
    last_transition_time: Time = Field(description="When status last changed.")
    observed_generation: Generation | None = Field(
        None, ge=0, description="The generation of the object this was said about."
    )


Conditions = Annotated[list[ConditionStatus] | None, Field(max_length=32, json_schema_extra=keyed("type"))]


class NotEnforceableStatus(Shown):
    """One objective at which rules of the policy cannot be enforced as they are written."""

    objective: Name = Field(description="Name of the objective.")
    reason: Literal["NotAttributable", "NoWorkload"] = Field(
        description="NotAttributable: nobody can tell which pods its events are of, so rules on releases go by readiness, and hold at most. "
        "NoWorkload: it names none."
    )


class PolicyStatus(Shown):
    """What the policy applies to. Written by the operator."""

    observed_generation: Generation | None = Field(
        None, ge=0, description="The generation of the policy that this status is about."
    )
    objectives: int | None = Field(
        None, ge=0, description="How many objectives the policy is for.", json_schema_extra={"format": "int32"}
    )
    enforceable: int | None = Field(
        None,
        ge=0,
        description="At how many of them every rule can be enforced: they name a workload, and rules on releases can tell whose the failures are.",
        json_schema_extra={"format": "int32"},
    )
    not_enforceable: list[NotEnforceableStatus] | None = Field(
        None,
        max_length=100,
        description="The others, a hundred at most, and why.",
        json_schema_extra=keyed("objective"),
    )
    conditions: Conditions = Field(None, description="Ready, RulesCanFire.")


class AdjustmentSummaryStatus(Shown):
    """What kubectl get prints."""

    does: Literal["Excludes", "Resets"] | None = Field(
        None, description="Excludes (time that does not count) or Resets (a fresh start)."
    )
    when: Annotated[str, Field(max_length=1024)] | None = Field(
        None, description="From when to when, or on which days, at what time and for how long."
    )


class OccurrenceStatus(Shown):
    """One stretch of time that does not count."""

    from_: Time = Field(alias="from", description="When it begins.")
    to: Time = Field(description="When it ends.")


class AdjustmentStatus(Shown):
    """What the adjustment applies to, and when. Written by the operator."""

    observed_generation: Generation | None = Field(
        None, ge=0, description="The generation of the adjustment that this status is about."
    )
    summary: AdjustmentSummaryStatus | None = Field(None, description="What kubectl get prints.")
    objectives: int | None = Field(
        None, ge=0, description="How many objectives are adjusted.", json_schema_extra={"format": "int32"}
    )
    next: OccurrenceStatus | None = Field(
        None,
        description="The time that is excluded now, or next within 400 days. Not there when no more is to come, nor for a reset.",
    )
    conditions: Conditions = Field(None, description="Ready.")
