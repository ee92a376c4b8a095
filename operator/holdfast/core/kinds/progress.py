"""How far an undo is, whatever the kind: what it has reached, and when it takes too long."""

from __future__ import annotations

from dataclasses import replace

from ..hold import Undo, UndoState
from ..quantities import Instant


def progressed(undo: Undo, now: Instant, *, arrived: bool, returned: bool, overdue: bool) -> Undo:
    """The same undo as it stands now: done, stuck because it takes too long, or under way again.

    `arrived` says that the last good release serves alone, `returned` that the one that was undone rolls out again. Pods
    that fail after it was done are no longer the business of an undo. One that is stuck goes on by itself.
    """
    state = undo.state
    if arrived:
        state = UndoState.UNDONE
    elif state is UndoState.UNDONE and returned:
        state = UndoState.UNDER_WAY
    elif state is UndoState.UNDER_WAY and overdue:
        state = UndoState.STUCK
    return undo if state is undo.state else replace(undo, state=state, since=now)
