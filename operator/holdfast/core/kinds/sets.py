"""The next request for a StatefulSet or a DaemonSet: the smallest difference to what is wanted.

Labels close the gate. What stops a rollout in flight, the partition of a StatefulSet, is noted on the record before it is
moved, and put back in the same patch that takes the label off.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from ..hold import HoldRecord, by_template
from ..quantities import Instant
from ..request import HOLD_LABEL, OVERRIDE_LABEL, QUEUE_LABEL, Done, Step, Wait, WriteRecord
from ..request_sets import PatchSet
from ..wanted import Free, Held, Wanted
from .lifting import forgiven, lifted
from .marks import Marks, between
from .sets_undo import Set, pods_back, template_back, too_late
from .statefulset import STOPPED


def step(want: Wanted, view: Set, stored: HoldRecord | None, now: Instant) -> Step:
    """The next request that brings the world to what is wanted, `Done` when it is there. Running twice is running once."""
    match want:
        case Held():
            return _hold(replace(want, record=prepared(want.record, view)), view, stored)
        case Free():
            return _free(want, view, stored, now)
        case _:
            assert_never(want)


def prepared(record: HoldRecord, view: Set) -> HoldRecord:
    """The record with the partition to put back, and with what a person should know of this object."""
    paused = record.paused if view.paused or not by_template(record.undo) else None  # it would stop the way back
    found = record.found if paused is not None else None
    if paused is not None and found is None and not view.paused:
        found = view.partition
    message = record.message
    if not record.puts_back and view.caveat and view.caveat not in message:
        message = f"{view.caveat} {message}"  # its end is what tells whether it is still true
    return replace(record, paused=paused, found=found, message=message)


def _hold(want: Held, view: Set, stored: HoldRecord | None) -> Step:
    """The record; labels with the partition, or with the template; pods; then the record that it is in force."""
    kept = _until_let_go(want.record, view, stored)
    if kept != stored:
        return WriteRecord(kept)
    record, marks = want.record, between(kept, want.record)
    undo, labels = record.undo, marks.changes(view.labels)
    if undo is not None:
        if too_late(view, undo) and view.queue == undo.id:
            return PatchSet(view.workload, view.resource_version, {QUEUE_LABEL: None}, undo.found)
        if (back := template_back(undo, view, labels)) is not None:
            return back
    if any(view.override in marks.off[key] for key, value in labels.items() if value is None):
        labels[OVERRIDE_LABEL] = None
    partition = _stop(record, view) if not view.paused else _go(want, kept, marks, view)
    if labels or partition is not None:
        return PatchSet(view.workload, view.resource_version, labels, partition)
    if not record.enforced:
        if not view.observed:
            return Wait(f"the controller of {view.workload} has not seen the last change yet")
        return WriteRecord(replace(record, enforced=True))
    return (pods_back(undo, view) if undo is not None else None) or Done()


def _until_let_go(record: HoldRecord, view: Set, stored: HoldRecord | None) -> HoldRecord:
    """The record that is wanted, with what is still to be let go: nothing is forgotten before its labels are off."""
    if stored is None or not stored.in_force:
        return record
    left = Marks({}, between(stored, record).off).changes(view.labels)
    if HOLD_LABEL in left:
        return replace(stored, undo=record.undo, quarantined=record.quarantined)
    return replace(record, undo=stored.undo) if QUEUE_LABEL in left else record


def _stop(record: HoldRecord, view: Set) -> int | None:
    """The partition that stops a rollout, together with the first label and never again: nobody is fought."""
    hold = record.paused is not None and not record.enforced and view.hold != record.id
    undo = record.undo is not None and record.undo.found is not None and view.queue != record.undo.id
    return STOPPED if hold or undo else None


def _go(want: Held, kept: HoldRecord, marks: Marks, view: Set) -> int | None:
    """The partition that lets a stopped rollout go on; None while anything still stops it."""
    record = want.record
    if record.undo is not None and record.undo.found is not None:
        return None
    if by_template(record.undo) or want.resume:
        return record.found
    over = kept.undo is not None and view.queue in marks.off.get(QUEUE_LABEL, ())
    return kept.undo.found if over and kept.undo is not None and record.paused is None else None


def _free(want: Free, view: Set, stored: HoldRecord | None, now: Instant) -> Step:
    """Labels off and the partition put back in one patch, then the record. A label without a record stays."""
    if stored is None:
        return Done()
    if (first := forgiven(stored, want)) != stored:
        return WriteRecord(first)
    undo = stored.undo
    ids = {stored.id, undo.id if undo is not None else stored.id}
    labels = between(stored, None).changes(view.labels)
    if labels or view.override in ids:
        back = _found(stored) if view.paused and (labels or stored.enforced) else None
        if view.override is not None:
            labels[OVERRIDE_LABEL] = None
        return PatchSet(view.workload, view.resource_version, labels, back)
    after = lifted(stored, want, now)
    return Done() if after == stored else WriteRecord(after)


def _found(stored: HoldRecord) -> int | None:
    undo = stored.undo
    return undo.found if undo is not None and undo.found is not None else stored.found
