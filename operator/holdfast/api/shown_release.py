"""A WorkloadRelease as people read it, and what a restart must know: the way back into a core value is `releases.py`."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field

from holdfast.core.release import ReleaseFinding, ReleaseState

from .base import Shown, Written
from .objectives import LONGEST_NAME
from .shown import Conditions, Figure, Generation, Line, Name, Sentence, Time
from .texts import Rule, rules

UNCHANGED: Final = Rule(
    "self.workload == oldSelf.workload && self.template == oldSelf.template",
    "workload and template say which release this is and cannot be changed; change undo or allow only",
)
ONE_WORD: Final = Rule(
    "!(has(self.undo) && has(self.allow))",
    "undo and allow contradict each other; remove the one that no longer holds",
)


class ReleasedWorkload(Shown):
    """The workload that is released."""

    kind: Literal["Deployment", "StatefulSet", "DaemonSet"] = Field(description="Kind of the workload.")
    name: str = Field(
        min_length=1, max_length=LONGEST_NAME, description="Name of the workload, in the namespace of this release."
    )


class AskSpec(Written):
    """What a person asks for, and on whose word."""

    requested_by: str = Field(
        min_length=1,
        max_length=253,
        description="The name of the user who sends this, as the cluster knows it, for example alice@example.com.",
    )
    reason: str = Field(min_length=1, max_length=1024, description="Why, for people. Up to 1024 characters.")


class ReleaseSpec(Shown):
    """Which release this is. What people write here is undo and allow, or better: holdfast undo and holdfast lift do it."""

    model_config = ConfigDict(json_schema_extra=rules(UNCHANGED, ONE_WORD))

    workload: ReleasedWorkload = Field(description="The workload that is released.")
    template: str = Field(min_length=1, max_length=256, description="Digest that identifies the pod template.")
    undo: AskSpec | None = Field(
        None, description="Undo this release: the last good one serves instead, and this one does not roll out again."
    )
    allow: AskSpec | None = Field(
        None, description="Let this release roll out although it was undone, and do not undo it again."
    )


class CostStatus(Shown):
    """What the release cost one objective while it was on trial."""

    slo: Name = Field(description="Name of the objective.")
    requests: Figure = Field(description="Events that its own pods served.")
    bad: Figure = Field(description="How many of them were bad.")
    spent: Figure = Field(description="What they spent: percent of the whole budget of the objective.")
    finding: ReleaseFinding = Field(
        description="Undecided, Good, Bad, Shared (pods of other releases fail as well) or NotAttributable (nobody can tell whose events they are)."
    )
    seen_after: Generation | None = Field(
        None, ge=0, description="After so many events a fault of ten times the budget would have been seen."
    )


class ReleaseSummary(Shown):
    """What kubectl get prints."""

    workload: Annotated[str, Field(max_length=300)] | None = Field(None, description="Kind and name of the workload.")
    requests: Figure | None = Field(None, description="Events of the objective that it cost most.")
    bad: Figure | None = Field(None, description="How many of them were bad.")
    cost: Figure | None = Field(None, description="The largest part of a whole budget that it spent.")


class ReleaseStatus(Shown):
    """What is on record about the release. Written by the operator."""

    state: ReleaseState = Field(
        description="Queued (declared, and nothing of it starts), RollingOut, Complete, Superseded (another template was declared) or RolledBack (Holdfast undid it)."
    )
    verdict: ReleaseFinding = Field(
        ReleaseFinding.UNDECIDED,
        description="What its own pods say of it: Undecided, Good, Bad, Shared or NotAttributable.",
    )
    uid: str = Field(max_length=128, description="UID of the workload that declares it.")
    revision: Generation | None = Field(
        None, ge=0, description="Number that the workload's controller gave it; not there while it has none."
    )
    hash: Line | None = Field(
        None,
        description="What its newest pods carry: the label pod-template-hash, or controller-revision-hash.",
    )
    version: Line | None = Field(None, description="Its version for people: the tag of the image, for example v2.3.1.")
    images: list[Annotated[str, Field(max_length=1024)]] | None = Field(None, max_length=100, description="Its images.")
    changed_by: Name | None = Field(None, description="Who changed the pod template last: the manager of that field.")
    again: bool | None = Field(None, description="Whether the template had rolled out before.")
    began: Time = Field(description="When it was declared the last time.")
    started: Time | None = Field(None, description="When its last rollout started; not there while it is only queued.")
    completed: Time | None = Field(None, description="When all pods were of it and available.")
    ended: Time | None = Field(None, description="When another template was declared, or the workload deleted.")
    good: bool | None = Field(None, description="Whether it was complete and innocent: a release to go back to.")
    found: Time | None = Field(None, description="When it was first found bad.")
    undone: Time | None = Field(None, description="Since when it was tried to undo it, which is done once.")
    costs: list[CostStatus] | None = Field(
        None, max_length=1000, description="What it cost each objective while it was on trial."
    )
    bound: Sentence | None = Field(None, description="Which faults would have been seen by now, in a sentence.")
    message: Sentence | None = Field(None, description="What there is to know about it, in a sentence.")
    template: dict[str, Any] | None = Field(
        None,
        description="The whole pod template, to serve again from. Kept with the present release, with the last two good ones and with quarantined ones.",
        json_schema_extra={"x-kubernetes-preserve-unknown-fields": True},
    )
    summary: ReleaseSummary | None = Field(None, description="What kubectl get prints.")
    conditions: Conditions = Field(
        None,
        description="RollbackReady: whether the release could be undone, judged when it starts. Restrained: why it is not undone by itself though a rule asks for it; not there otherwise.",
    )
