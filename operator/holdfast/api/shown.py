"""The status of our kinds: what people read, and what a restart must know.

Rule: these models are schema for the server and, for a Hold, the way back into a core value; `status.py` writes them.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from holdfast.core.evidence import Why
from holdfast.core.hold import HoldState, Reason

from .base import Shown
from .conditions import ConditionType
from .objectives import LONGEST_NAME

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


class SummaryStatus(Shown):
    """What kubectl get prints."""

    target: Figure | None = Field(None, description="The target with its sign, for example 99.9%.")
    window: Figure | None = Field(
        None, description="The time in which the budget is granted, for example 30d or Month (Europe/Berlin)."
    )
    left: Figure | None = Field(None, description="What is left of the budget, with its sign, for example 62.1%.")
    burn: Figure | None = Field(
        None, description="The burn rate over the last hour, or over the longest window below, for example 0.4 (1h)."
    )
    empty: Figure | None = Field(
        None,
        description="How long the budget lasts at the pace of the last hour, for example 53d; a dash when it lasts for the whole window.",
    )
    verdict: Figure | None = Field(
        None, description='The verdict; "Hold (audit)" when a rule in mode Audit would hold.'
    )


class BudgetStatus(Shown):
    """The error budget of the window, from the newest evidence."""

    remaining: Figure = Field(
        description="Percentage of the budget that is left, for example 62.1; below zero when overdrawn."
    )
    bad_events: Figure = Field(description="Bad events of the window so far.")
    allowed_bad_events: Figure = Field(description="Bad events that a whole window may have at the traffic seen.")
    total_events: Figure = Field(description="All events of the window so far.")
    exhausts_in: Figure | None = Field(
        None,
        description="How long it lasts at the pace of the last hour, what leaves the window meanwhile given back. Not there when it lasts for the whole window, or is empty.",
    )
    coverage: Figure = Field(
        description="Percentage of the window that was measured. Below 10 the budget is young, and budget rules only notify."
    )


class BurnStatus(Shown):
    """How fast the budget burns over one window."""

    window: Figure = Field(description="The time over which it is measured, for example 1h.")
    rate: Figure = Field(description="1 spends exactly the budget in the objective's window; 0 nothing.")


class EvidenceStatus(Shown):
    """Whether there are figures to act on."""

    state: Literal["Fresh", "Missing"] = Field(
        description="Fresh or Missing. While it is missing nothing is newly held and nothing is lifted."
    )
    reason: Why | None = Field(
        None,
        description="Why it is missing: Stale (nothing new for longer than staleAfter), Absent (the selector matches nothing), "
        "Unreachable (the source did not answer), Contradictory (an answer that cannot be trusted).",
    )
    since: Time | None = Field(None, description="Since when it is missing.")
    message: Sentence | None = Field(None, description="Why it is missing, in a sentence.")


class FindingStatus(Shown):
    """One rule that is in force on this objective."""

    policy: Name = Field(description="Name of the policy.")
    rule: Figure = Field(description="Name of the rule.")
    mode: Literal["Audit", "Enforce"] = Field(description="Whether it is carried out or only reported.")
    verdict: Literal["Notify", "Hold"] = Field(description="What it asks for.")
    reason: Reason = Field(description="Why it is in force, in one word.")
    demoted: Line | None = Field(None, description="Why a Hold only notifies here, for example: the budget is young.")
    clears_at: Time | None = Field(
        None,
        description="When it ends if nothing more fails and traffic goes on, as the ledger knows what leaves the window when.",
    )


class ExcludedStatus(Shown):
    """A stretch of time that does not count."""

    from_: Time = Field(alias="from", description="When it begins.")
    to: Time = Field(description="When it ends.")


class AdjustmentEffect(Shown):
    """What a BudgetAdjustment takes out of the window now."""

    name: Name = Field(description="Name of the BudgetAdjustment.")
    total_events: Figure = Field(description="Events of the window that do not count because of it.")
    bad_events: Figure = Field(description="Bad events that do not count because of it.")
    excluded: list[ExcludedStatus] | None = Field(
        None, max_length=10, description="The stretches of the window that do not count; the last ten."
    )
    reset: Time | None = Field(None, description="Failures before this time are forgiven.")
    coarse: bool | None = Field(
        None,
        description="An edge lies where the past is kept in steps of minutes or hours, and Prometheus has no finer data: less is taken out than was asked for.",
    )


class WorkloadStatus(Shown):
    """What is known of one workload."""

    kind: Figure = Field(description="Kind of the workload.")
    name: Name = Field(description="Name of the workload.")
    state: Literal["Free", "Held", "Missing"] = Field(
        description="Free, Held, or Missing when there is no such workload."
    )


class ObjectiveStatus(Shown):
    """What Holdfast measured and concluded. Written by the operator."""

    observed_generation: Generation | None = Field(
        None, ge=0, description="The generation of the objective that this status is about."
    )
    verdict: Literal["Open", "Notify", "Hold", "Unknown"] | None = Field(
        None,
        description="What rules in mode Enforce ask of releases: Open, Notify or Hold; Unknown while nothing could be judged yet.",
    )
    summary: SummaryStatus | None = Field(None, description="What kubectl get prints.")
    held: int | None = Field(
        None,
        ge=0,
        description="How many of the workloads are held, for whatever cause.",
        json_schema_extra={"format": "int32"},
    )
    budget: BudgetStatus | None = Field(None, description="The error budget of the window, from the newest evidence.")
    adjustments: list[AdjustmentEffect] | None = Field(
        None, max_length=50, description="The BudgetAdjustments that change this budget now, and by how much."
    )
    measured_at: Time | None = Field(None, description="The time of the newest evidence.")
    burn_rates: list[BurnStatus] | None = Field(
        None,
        max_length=64,
        description="How fast the budget burns, over several windows.",
        json_schema_extra=keyed("window"),
    )
    evidence: EvidenceStatus | None = Field(None, description="Whether there are figures to act on.")
    findings: list[FindingStatus] | None = Field(
        None,
        max_length=1000,
        description="The rules that are in force on this objective, the most severe first.",
        json_schema_extra=keyed("policy", "rule"),
    )
    workloads: list[WorkloadStatus] | None = Field(
        None, max_length=50, description="What is known of each workload.", json_schema_extra=keyed("kind", "name")
    )
    conditions: Conditions = Field(
        None, description="Ready, EvidenceFresh, BudgetExhausted, BudgetYoung, BudgetTooSmall, Demonstration."
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
        description="How many of them name a workload, so that there is something to hold.",
        json_schema_extra={"format": "int32"},
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


class HeldWorkload(Shown):
    """The workload that is held."""

    kind: Literal["Deployment"] = Field(description="Kind of the workload.")
    name: str = Field(
        min_length=1, max_length=LONGEST_NAME, description="Name of the workload, in the namespace of this Hold."
    )


class HoldSpec(Shown):
    """Which workload is held."""

    workload: HeldWorkload = Field(description="The workload that is held.")


class TemplateStatus(Shown):
    """Which pod template."""

    template: str = Field(max_length=256, description="Digest that identifies the pod template.")
    version: Line | None = Field(None, description="Its version for people: the tag of the image, for example v2.3.1.")
    images: list[Annotated[str, Field(max_length=1024)]] | None = Field(None, max_length=100, description="Its images.")


class CauseName(Shown):
    """One rule on one objective."""

    policy: Name = Field(description="Name of the policy.")
    rule: Figure = Field(description="Name of the rule.")
    slo: Name = Field(description="Name of the objective.")


class CauseStatus(CauseName):
    """Why the workload is held: one rule on one objective."""

    reason: Reason = Field(description="Why, in one word.")
    since: Time = Field(description="Since when the rule is true.")
    at_most: Figure | None = Field(None, description="The longest time this rule holds a workload.")


class RecordStatus(Shown):
    """What a restart of the operator must know."""

    paused_by: Literal["Holdfast"] | None = Field(
        None, description="Holdfast when it stopped a rollout in flight; only such a pause is taken back."
    )
    paused_template: TemplateStatus | None = Field(None, description="The pod template whose rollout was stopped.")
    worn: list[CauseName] | None = Field(
        None,
        max_length=1000,
        description="Causes whose atMost has passed: they do not hold again before they have once ceased.",
    )


class TransitionStatus(Shown):
    """One step of the history."""

    at: Time = Field(description="When it happened.")
    state: HoldState = Field(description="The state it went to.")
    reason: Reason = Field(description="Why.")


HISTORY: Final = 20


class HoldStatus(Shown):
    """Why the workload is held, since when, and how it ends. Written by the operator."""

    state: HoldState = Field(
        description="Active, Overridden (a person let changes through) or Lifted (kept for a while, then removed)."
    )
    id: str = Field(
        max_length=63,
        description="Names this episode: the reason and five random characters, never used again. The label holdfast.dev/hold of the workload has it.",
    )
    reason: Reason = Field(description="Why the workload is held, in one word.")
    gate: Literal["Deny"] = Field(description="How releases are held: Deny refuses them with a sentence.")
    message: Sentence = Field(description="Why, and what ends it, in one sentence.")
    slo: Sentence | None = Field(None, description="The objectives that cause it.")
    since: Time = Field(description="Since when the workload is held.")
    lifts: Line | None = Field(
        None, description="When it ends at the latest; otherwise, when the budget has recovered."
    )
    declared: TemplateStatus = Field(description="The pod template that the workload asks for.")
    serving: TemplateStatus | None = Field(
        None, description="The pod template whose pods serve, where it is another one."
    )
    causes: list[CauseStatus] | None = Field(None, max_length=1000, description="Every rule that holds the workload.")
    record: RecordStatus | None = Field(None, description="What a restart of the operator must know.")
    history: list[TransitionStatus] | None = Field(None, max_length=HISTORY, description="The last 20 transitions.")
    conditions: Conditions = Field(
        None, description="Enforced: whether the label and the pause were seen to be in force."
    )
