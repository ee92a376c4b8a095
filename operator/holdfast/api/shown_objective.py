"""The status of an objective: what was measured and concluded, as people read it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from holdfast.core.evidence import Why
from holdfast.core.hold import Reason

from .base import Shown
from .shown import Conditions, Figure, Generation, Line, Name, Sentence, Time, keyed


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
        description="Percentage of the window so far that was measured. While less than 10 percent of the whole window was measured the budget is young, and budget rules only notify."
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
    verdict: Literal["Notify", "Hold", "RollBack"] = Field(description="What it asks for.")
    reason: Reason = Field(description="Why it is in force, in one word.")
    demoted: Line | None = Field(None, description="Why it only notifies here, for example: the budget is young.")
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
    verdict: Literal["Open", "Notify", "Hold", "RollBack", "Unknown"] | None = Field(
        None,
        description="What rules in mode Enforce ask of releases: Open, Notify, Hold or RollBack; Unknown while nothing could be judged yet.",
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
