"""Deployments: a label closes the gate, `spec.paused` stops a rollout in flight, ReplicaSets carry the same label.

The ReplicaSets are labelled because a paused Deployment lets anybody edit the ReplicaSet it serves from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from ..explain import lift_message
from ..hold import HoldRecord, HoldState, Reason
from ..quantities import Instant
from ..request import (
    HOLD_LABEL,
    OVERRIDE_LABEL,
    Done,
    PatchReplicaSet,
    PatchWorkload,
    Step,
    Wait,
    WriteRecord,
)
from ..wanted import Free, Held, Wanted
from .deployment_view import Deployment, ReplicaSet

__all__ = ["Deployment", "ReplicaSet", "step"]


def step(want: Wanted, view: Deployment | None, stored: HoldRecord | None, now: Instant) -> Step:
    """The next request that brings the world to what is wanted, `Done` when it is there. Running twice is running once."""
    match want:
        case Held():
            return _hold(want.record, want.resume, view, stored) if view is not None else Done()
        case Free():
            return _free(want, view, stored, now)
        case _:
            assert_never(want)


def _hold(record: HoldRecord, resume: bool, view: Deployment, stored: HoldRecord | None) -> Step:
    """Record, then label and pause in one patch, then the ReplicaSets, then say that it is in force."""
    if record != stored:
        return WriteRecord(record)
    if view.hold != record.id:
        pause = True if record.paused is not None and not record.enforced and not view.paused else None
        return PatchWorkload(view.workload, view.resource_version, {HOLD_LABEL: record.id}, pause)
    if resume and view.paused:
        return PatchWorkload(view.workload, view.resource_version, {}, False)
    if not record.enforced and view.observed_generation < view.generation:
        return Wait("the deployment controller has not seen the last change yet")
    for owned in view.sets:
        if owned.labels.get(HOLD_LABEL) != record.id:
            return PatchReplicaSet(view.workload, owned.name, owned.resource_version, {HOLD_LABEL: record.id})
    return Done() if record.enforced else WriteRecord(replace(record, enforced=True))


def _free(want: Free, view: Deployment | None, stored: HoldRecord | None, now: Instant) -> Step:
    """Labels off and our own pause taken back in one patch, then the ReplicaSets, then the record.

    A label without a record is not ours to open: it stays, and is reported elsewhere. One whose episode is over is.
    """
    if stored is None:
        return Done()
    if view is not None:
        ours, override = view.hold == stored.id, view.override == stored.id
        if ours or override:
            # All of it in one patch: with neither label left it has happened, and a pause is somebody else's.
            resume = view.paused and stored.paused is not None and (ours or stored.enforced)
            labels: dict[str, str | None] = {HOLD_LABEL: None} if ours else {}
            if view.override is not None:
                labels[OVERRIDE_LABEL] = None
            return PatchWorkload(view.workload, view.resource_version, labels, False if resume else None)
        for owned in view.sets:
            if owned.labels.get(HOLD_LABEL) == stored.id:
                return PatchReplicaSet(view.workload, owned.name, owned.resource_version, {HOLD_LABEL: None})
    if not stored.in_force:
        return Done() if stored.worn == want.worn else WriteRecord(replace(stored, worn=want.worn))
    reason = want.reason or Reason.CAUSE_REMOVED
    lifted = stored.moved(HoldState.LIFTED, reason, now)
    message = lift_message(stored.workload, stored.id, reason)
    return WriteRecord(replace(lifted, reason=reason, message=message, enforced=False, paused=None, worn=want.worn))
