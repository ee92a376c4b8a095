"""The next request for a StatefulSet or a DaemonSet: the smallest difference to what is wanted.

A label closes the gate. What stops a rollout in flight, the partition of a StatefulSet, is noted on the record before it
is changed, and put back in the same patch that takes the label off.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from ..hold import HoldRecord
from ..quantities import Instant
from ..request import HOLD_LABEL, OVERRIDE_LABEL, Done, PatchSet, Step, Wait, WriteRecord
from ..wanted import Free, Held, Wanted
from .daemonset import DaemonSet
from .lifting import lifted
from .statefulset import STOPPED, StatefulSet

Set = StatefulSet | DaemonSet


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
    """The record with what must be known to put things back, and with what a person should know of this object."""
    found = record.found if record.paused is not None else None
    if record.paused is not None and found is None and not view.paused:
        found = view.partition
    message = record.message
    if view.caveat and view.caveat not in message:
        message = f"{message} {view.caveat}"
    return replace(record, found=found, message=message)


def _hold(record: HoldRecord, resume: bool, view: Set, stored: HoldRecord | None) -> Step:
    """Record, then label and partition in one patch, then say that it is in force."""
    if record != stored:
        return WriteRecord(record)
    if view.hold != record.id:
        stop = STOPPED if record.paused is not None and not record.enforced and not view.paused else None
        return PatchSet(view.workload, view.resource_version, {HOLD_LABEL: record.id}, stop)
    if resume and view.paused and record.found is not None:
        return PatchSet(view.workload, view.resource_version, {}, record.found)
    if not record.enforced and view.observed_generation < view.generation:
        return Wait(f"the controller has not seen the last change of {view.workload} yet")
    return Done() if record.enforced else WriteRecord(replace(record, enforced=True))


def _free(want: Free, view: Set, stored: HoldRecord | None, now: Instant) -> Step:
    """Labels off and the partition put back in one patch, then the record. A label without a record stays."""
    if stored is None:
        return Done()
    ours, override = view.hold == stored.id, view.override == stored.id
    if ours or override:
        back = stored.found if view.paused and (ours or stored.enforced) else None
        labels: dict[str, str | None] = {HOLD_LABEL: None} if ours else {}
        if view.override is not None:
            labels[OVERRIDE_LABEL] = None
        return PatchSet(view.workload, view.resource_version, labels, back)
    if not stored.in_force:
        return Done() if stored.worn == want.worn else WriteRecord(replace(stored, worn=want.worn))
    return WriteRecord(lifted(stored, want, now))
