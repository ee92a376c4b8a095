"""The record of a hold that is to end, and that is over."""

from __future__ import annotations

from dataclasses import replace

from ..explain import lift_message
from ..hold import HoldRecord, HoldState, Reason
from ..quantities import Instant
from ..wanted import Free


def forgiven(stored: HoldRecord, want: Free) -> HoldRecord:
    """First of all the record says what may roll out again, and why: the label with which a person said so goes with ours."""
    if not stored.in_force or want.quarantined is None or want.quarantined == stored.quarantined:
        return stored
    return replace(stored, quarantined=want.quarantined, reason=want.reason or stored.reason)


def lifted(stored: HoldRecord, want: Free, now: Instant) -> HoldRecord:
    """It says why, forgets what was put back, and keeps what is worn and what happened.

    Of an episode that was over before only what outlives it can have changed.
    """
    after = replace(stored, worn=want.worn)
    if want.quarantined is not None:
        after = replace(after, quarantined=want.quarantined)
    if not stored.in_force:
        return after
    reason = want.reason or Reason.CAUSE_REMOVED
    after = after.moved(HoldState.LIFTED, reason, now)
    message = lift_message(stored.workload, stored.id, reason)
    return replace(after, reason=reason, message=message, enforced=False, paused=None, found=None, undo=None)
