"""Deployments: a label closes the gate, `spec.paused` stops a rollout in flight, ReplicaSets carry the same label.

Record, then labels and pause in one patch, then the ReplicaSets, then the record of what is so. The way back: labels off and
our pause taken back in one patch, then the ReplicaSets, and only then is it forgotten. A hold and an undo may stand side by
side: what one of them still needs, the other does not let go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, assert_never

from ..hold import HoldRecord
from ..quantities import Instant
from ..request import HOLD_LABEL, OVERRIDE_LABEL, QUEUE_LABEL, Done, PatchWorkload, Request, Step, Wait, WriteRecord
from ..wanted import Free, Held, Wanted
from .deployment_undo import begin_undo, end_undo, given_back, keep_undo, marked, own_set_taken, shadow
from .deployment_view import Deployment, ReplicaSet
from .lifting import forgiven, lifted
from .marks import Marks, between

CAVEAT: Final = (
    "Git itself declares `paused` here: where it says false, what it sends is refused until this ends. Take the field out of "
    "the manifest."
)

__all__ = ["Deployment", "ReplicaSet", "begin_undo", "end_undo", "keep_undo", "step"]


def step(want: Wanted, view: Deployment | None, stored: HoldRecord | None, now: Instant) -> Step:
    """The next request that brings the world to what is wanted, `Done` when it is there. Running twice is running once."""
    match want:
        case Held():
            return _hold(_told(want, view), view, stored) if view is not None else Done()
        case Free():
            return _free(want, view, stored, now)
        case _:
            assert_never(want)


def _told(want: Held, view: Deployment) -> Held:
    """With what a person should know of this object; what a hold says ends the message, as it does without it."""
    record = want.record
    if record.undo is None or not view.declares_pause or CAVEAT in record.message:
        return want
    message = f"{CAVEAT} {record.message}" if record.causes else f"{record.message} {CAVEAT}"
    return replace(want, record=replace(record, message=message))


def _hold(want: Held, view: Deployment, stored: HoldRecord | None) -> Step:
    kept = _until_let_go(want.record, view, stored)
    if kept != stored:
        return WriteRecord(kept)
    record, labels = want.record, between(kept, want.record)
    asked = _close(record, view, labels) or _open(want, kept, view, labels)
    if asked is not None:
        return asked
    if not record.enforced and not view.observed:
        return Wait("the deployment controller has not seen the last change yet")
    next_one = shadow(record.undo, view, labels) if record.undo is not None else marked(view, labels)
    if (next_one is None or isinstance(next_one, Wait)) and not record.enforced:
        return WriteRecord(replace(record, enforced=True))
    return next_one or Done()


def _until_let_go(record: HoldRecord, view: Deployment, stored: HoldRecord | None) -> HoldRecord:
    """The record that is wanted, with what is still to be let go: nothing is forgotten before its labels are off."""
    if stored is None or not stored.in_force:
        return record
    old = Marks({}, between(stored, record).off)
    left = {key for on in (view.labels, *(s.labels for s in view.every_set())) for key in old.changes(on)}
    if HOLD_LABEL in left:
        return replace(stored, undo=record.undo, quarantined=record.quarantined)
    if record.undo is None and (QUEUE_LABEL in left or view.detached or view.unadopted):
        return replace(record, undo=stored.undo)
    return record


def _close(record: HoldRecord, view: Deployment, labels: Marks) -> Request | None:
    """Labels on, and the pause that is wanted, in one patch: nothing can be released between the two."""
    lacking = Marks(labels.on).changes(view.labels)
    stops = HOLD_LABEL in lacking and record.paused is not None and not record.enforced
    pause = (stops or record.undo is not None) and not view.paused
    if not lacking and not pause:
        return None
    return _patch(view, lacking, True if pause else None, exact=record.undo is None)


def _open(want: Held, kept: HoldRecord, view: Deployment, labels: Marks) -> Request | Wait | None:
    """What is no longer wanted is let go, and never what the rest still needs."""
    record, undone = want.record, kept.undo if want.record.undo is None else None
    back = given_back(undone, view, labels) if undone is not None else None
    if back is not None and own_set_taken(view):
        return back
    over = Marks({}, labels.off).changes(view.labels)
    if over and any(view.override in labels.off[key] for key in over):
        over[OVERRIDE_LABEL] = None
    ours = undone is not None and not undone.paused_before and not view.paused_by_other and QUEUE_LABEL in over
    resumes = view.paused and ((ours and record.paused is None) or (want.resume and record.undo is None))
    if not over and not resumes:
        return back
    return _patch(view, over, False if resumes else None, exact=kept.undo is None)


def _free(want: Free, view: Deployment | None, stored: HoldRecord | None, now: Instant) -> Step:
    """All of it taken back, the record last.

    A label without a record is not ours to open: it stays, and is reported elsewhere. One whose episode is over is.
    """
    if stored is None:
        return Done()
    if (first := forgiven(stored, want)) != stored:
        return WriteRecord(first)
    asked = _let_go(view, stored) if view is not None else None
    if asked is not None:
        return asked
    after = lifted(stored, want, now)
    return Done() if after == stored else WriteRecord(after)


def _let_go(view: Deployment, stored: HoldRecord) -> Request | Wait | None:
    """Labels off and our own pause taken back in one patch, then the ReplicaSets."""
    undo, labels = stored.undo, between(stored, None)
    back = given_back(undo, view, labels) if undo is not None and not view.deleting else None
    if back is not None and own_set_taken(view):
        return back
    off = labels.changes(view.labels)
    held, queued = HOLD_LABEL in off, undo is not None and QUEUE_LABEL in off
    if off or view.override == stored.id or (undo is not None and view.override == undo.id):
        # All of it in one patch: with none of the labels left it has happened, and a pause is somebody else's.
        holds = stored.paused is not None and (held or stored.enforced)
        undoes = queued and undo is not None and not undo.paused_before and not view.paused_by_other
        if view.override is not None:
            off[OVERRIDE_LABEL] = None
        return _patch(view, off, False if view.paused and (holds or undoes) else None, exact=undo is None)
    return back or marked(view, labels)


def _patch(view: Deployment, labels: Mapping[str, str | None], paused: bool | None, *, exact: bool) -> PatchWorkload:
    """With `exact` nothing at all may have changed since; else the spec alone: a rollout writes many a status."""
    if exact:
        return PatchWorkload(view.workload, view.resource_version, labels, paused)
    return PatchWorkload(view.workload, view.resource_version, labels, paused, view.uid, view.generation)
