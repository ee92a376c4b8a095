"""The next request for a StatefulSet or a DaemonSet: the smallest difference to what is wanted.

Labels close the gate. What stops a rollout in flight, the partition of a StatefulSet, is noted on the record before it is
moved, and put back in the same patch that takes the label off.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from ..hold import HoldRecord
from ..quantities import Instant
from ..request import HOLD_LABEL, OVERRIDE_LABEL, QUEUE_LABEL, Done, Step, Wait, WriteRecord
from ..request_sets import PatchSet
from ..wanted import Free, Held, Wanted
from .lifting import lifted
from .sets_undo import Set, by_template, pods_back, template_back, too_late
from .statefulset import STOPPED

Labels = dict[str, str | None]


def step(want: Wanted, view: Set, stored: HoldRecord | None, now: Instant) -> Step:
    """The next request that brings the world to what is wanted, `Done` when it is there. Running twice is running once."""
    match want:
        case Held():
            return _hold(prepared(want.record, view), want.resume, view, stored)
        case Free():
            return _free(want, view, stored, now)
        case _:
            assert_never(want)


def prepared(record: HoldRecord, view: Set) -> HoldRecord:
    """The record with the partition to put back, and with what a person should know of this object.

    Nothing is stopped while a template is put back: that would stop the way back.
    """
    paused = None if by_template(record.undo) else record.paused
    found = record.found if paused is not None else None
    if paused is not None and found is None and not view.paused:
        found = view.partition
    caveat, message = _caveat(record, view), record.message
    if caveat not in message:
        message = f"{message} {caveat}".strip()
    return replace(record, paused=paused, found=found, message=message)


def closes(record: HoldRecord) -> bool:
    """Whether changes of the template are refused: for a hold, and where a template was put back."""
    return bool(record.causes) or record.undo is None or by_template(record.undo)


def _caveat(record: HoldRecord, view: Set) -> str:
    if not by_template(record.undo):
        return view.caveat
    path = f"{record.workload.kind.lower()}/{record.workload.name}"
    return (
        "The pod template of the last good release was put back, and every other one is refused: "
        "a tool that applies the one that was undone is told so at every turn. "
        f"When a fix is declared where that tool reads, `holdfast lift {path} -n {record.workload.namespace}` lets it in."
    )


def _hold(record: HoldRecord, resume: bool, view: Set, stored: HoldRecord | None) -> Step:
    """An undo that is over let go; the record; labels with the partition, or with the template; pods; then in force."""
    if record.undo is None and (ended := _ended(record, view, stored)) is not None:
        return ended
    if record != stored:
        return WriteRecord(record)
    undo, labels = record.undo, _labels(record, view)
    if undo is not None:
        if too_late(view, undo) and view.queue == undo.id:
            return PatchSet(view.workload, view.resource_version, {QUEUE_LABEL: None}, undo.found)
        if (back := template_back(undo, view, labels)) is not None:
            return back
    partition = _stop(record, view)
    if partition is None and resume and view.paused:
        partition = record.found
    if labels or partition is not None:
        return PatchSet(view.workload, view.resource_version, labels, partition)
    if not record.enforced:
        if not view.observed:
            return Wait(f"the controller of {view.workload} has not seen the last change yet")
        return WriteRecord(replace(record, enforced=True))
    return (pods_back(undo, view) if undo is not None else None) or Done()


def _labels(record: HoldRecord, view: Set) -> Labels:
    """The labels that are not as they should be."""
    wanted: Labels = {
        HOLD_LABEL: record.id if closes(record) else None,
        QUEUE_LABEL: record.undo.id if record.undo is not None else None,
    }
    return {key: value for key, value in wanted.items() if view.labels.get(key) != value}


def _stop(record: HoldRecord, view: Set) -> int | None:
    """The partition that stops a rollout, together with the first label and never again: nobody is fought."""
    if view.paused:
        return None
    hold = record.paused is not None and not record.enforced and view.hold != record.id
    undo = record.undo is not None and record.undo.found is not None and view.queue != record.undo.id
    return STOPPED if hold or undo else None


def _ended(record: HoldRecord, view: Set, stored: HoldRecord | None) -> Step | None:
    """The undo on record is over: its labels off and its partition put back in one patch, but for what a hold needs."""
    if stored is None or stored.undo is None or view.queue != stored.undo.id:
        return None
    labels = _labels(record, view)
    if view.override == stored.undo.id:
        labels[OVERRIDE_LABEL] = None
    back = stored.undo.found if view.paused and record.paused is None else None
    return PatchSet(view.workload, view.resource_version, labels, back)


def _free(want: Free, view: Set, stored: HoldRecord | None, now: Instant) -> Step:
    """Labels off and the partition put back in one patch, then the record. A label without a record stays."""
    if stored is None:
        return Done()
    undo = stored.undo
    queued = undo is not None and view.queue == undo.id
    held, override = view.hold == stored.id, view.override in {stored.id, undo.id if undo is not None else stored.id}
    if held or queued or override:
        labels: Labels = {HOLD_LABEL: None} if held else {}
        if queued:
            labels[QUEUE_LABEL] = None
        if view.override is not None:
            labels[OVERRIDE_LABEL] = None
        back = _found(stored) if view.paused and (held or queued or stored.enforced) else None
        return PatchSet(view.workload, view.resource_version, labels, back)
    if not stored.in_force:
        return Done() if stored.worn == want.worn else WriteRecord(replace(stored, worn=want.worn))
    return WriteRecord(lifted(stored, want, now))


def _found(stored: HoldRecord) -> int | None:
    undo = stored.undo
    return undo.found if undo is not None and undo.found is not None else stored.found
