"""A Hold as people read it, and what a restart must know: the way back into a core value is `records.py`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from holdfast.core.hold import HoldState, Reason, UndoState

from .base import Shown
from .objectives import LONGEST_NAME, WorkloadKind
from .shown import Conditions, Figure, Line, Name, Sentence, Time


class HeldWorkload(Shown):
    """The workload that is held."""

    kind: WorkloadKind = Field(description="Kind of the workload.")
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


class UndoStatus(Shown):
    """The way back from a declared template that is quarantined."""

    id: str = Field(max_length=63, description="Names this undo. The label holdfast.dev/queue of the workload has it.")
    state: UndoState = Field(
        description="UnderWay, Undone (the last good release serves alone), Stuck (its pods did not become available in time: both serve) or Stopped (there is no way back: what serves goes on)."
    )
    since: Time = Field(description="Since when it is in this state.")
    bad: TemplateStatus = Field(description="The pod template that is declared and may not roll out.")
    serve: TemplateStatus | None = Field(
        None, description="The pod template that serves instead; absent when there is no way back."
    )
    paused_before: bool = Field(
        False, description="Whether somebody else had paused the workload: that pause is not taken back."
    )
    at_once: bool = Field(False, description="Whether the bad pods go before the good ones are there.")
    found: int | None = Field(
        None, description="What is to be put back at the end, such as the partition of a StatefulSet."
    )


class QuarantinedStatus(Shown):
    """One pod template that was undone: it does not roll out again until a person allows it."""

    id: str = Field(max_length=63, description="Names the undo.")
    since: Time = Field(description="Since when it is quarantined.")
    template: TemplateStatus = Field(description="The pod template.")
    cause: CauseName | None = Field(None, description="The rule that asked for it; absent when a person did.")


MOST_QUARANTINED: Final = 10


class RecordStatus(Shown):
    """What a restart of the operator must know."""

    paused_by: Literal["Holdfast"] | None = Field(
        None, description="Holdfast when it stopped a rollout in flight; only such a pause is taken back."
    )
    paused_template: TemplateStatus | None = Field(None, description="The pod template whose rollout was stopped.")
    partition: int | None = Field(
        None, description="The partition of a StatefulSet before its rollout was stopped; it is put back."
    )
    worn: list[CauseName] | None = Field(
        None,
        max_length=1000,
        description="Causes whose atMost has passed: they do not hold again before they have once ceased.",
    )
    undo: UndoStatus | None = Field(None, description="The undoing of the release that is declared.")
    quarantined: list[QuarantinedStatus] | None = Field(
        None, max_length=MOST_QUARANTINED, description="Every pod template that may not roll out again."
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
        description="Names this episode: the reason and five random characters, never used again. The label holdfast.dev/hold of the workload has it; holdfast.dev/queue where the gate is Queue.",
    )
    reason: Reason = Field(description="Why the workload is held, in one word.")
    gate: Literal["Deny", "Queue"] = Field(
        description="How releases are held: Deny refuses them with a sentence; Queue keeps a release that was undone from rolling out again, and lets any other one through."
    )
    message: Sentence = Field(description="Why, and what ends it, in one sentence.")
    slo: Sentence | None = Field(None, description="The objectives that cause it.")
    since: Time = Field(description="Since when the workload is held.")
    lifts: Line | None = Field(None, description="When it ends at the latest; otherwise, what ends it.")
    declared: TemplateStatus = Field(description="The pod template that the workload asks for.")
    serving: TemplateStatus | None = Field(
        None, description="The pod template whose pods serve, where it is another one."
    )
    causes: list[CauseStatus] | None = Field(None, max_length=1000, description="Every rule that holds the workload.")
    record: RecordStatus | None = Field(None, description="What a restart of the operator must know.")
    history: list[TransitionStatus] | None = Field(None, max_length=HISTORY, description="The last 20 transitions.")
    conditions: Conditions = Field(
        None,
        description="Enforced: whether the label and the pause were seen to be in force. Undone and RollbackStuck: how far the undo of a release is, where there is one.",
    )
