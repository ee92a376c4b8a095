"""The record of a hold that is over."""

from __future__ import annotations

from dataclasses import replace

from ..explain import lift_message
from ..hold import HoldRecord, HoldState, Reason
from ..quantities import Instant
from ..wanted import Free


def lifted(stored: HoldRecord, want: Free, now: Instant) -> HoldRecord:
    """It says why, forgets what was put back, and keeps what is worn and what happened."""
    reason = want.reason or Reason.CAUSE_REMOVED
    after = stored.moved(HoldState.LIFTED, reason, now)
    message = lift_message(stored.workload, stored.id, reason)
    return replace(
        after, reason=reason, message=message, enforced=False, paused=None, found=None, undo=None, worn=want.worn
    )
