"""One pure module per kind of workload: what is seen of it, and the next request that brings it where it is wanted."""

from __future__ import annotations

from ..hold import HoldRecord, Template, Undo
from ..quantities import Instant
from ..request import Step
from ..wanted import Wanted
from . import deployment, sets, sets_undo
from .daemonset import DaemonSet
from .deployment import Deployment
from .statefulset import StatefulSet

View = Deployment | StatefulSet | DaemonSet
"""What is seen of a workload."""


def step(want: Wanted, view: View | None, stored: HoldRecord | None, now: Instant) -> Step:
    """The next request that brings the world to what is wanted, as the kind of the workload does it.

    Of a workload that is gone only its record is left, and all kinds end that alike.
    """
    match view:
        case StatefulSet() | DaemonSet():
            return sets.step(want, view, stored, now)
        case _:
            return deployment.step(want, view, stored, now)


def begin_undo(
    view: View, stored: HoldRecord | None, undo_id: str, serve: Template | None, now: Instant, *, at_once: bool = False
) -> Undo:
    """The undo of the template that is declared now; without one to `serve`, it is only stopped."""
    if isinstance(view, Deployment):
        return deployment.begin_undo(view, stored, undo_id, serve, now, at_once=at_once)
    return sets_undo.begin_undo(view, stored, undo_id, serve, now, at_once=at_once)


def keep_undo(view: View, undo: Undo, now: Instant) -> Undo:
    """The same undo as it stands now: done, stuck because it takes too long, or under way again."""
    return (
        deployment.keep_undo(view, undo, now) if isinstance(view, Deployment) else sets_undo.keep_undo(view, undo, now)
    )


def lasts(view: View, undo: Undo) -> bool:
    """Whether an undo goes on: the template that was undone is declared, or the one that we put in its place."""
    if isinstance(view, Deployment):
        return view.template.digest == undo.bad.digest
    return sets_undo.lasts(view, undo)


def end_undo(record: HoldRecord, view: View) -> HoldRecord:
    """The record without its undo. What a hold still needs of it becomes the hold's."""
    return deployment.end_undo(record, view) if isinstance(view, Deployment) else sets_undo.end_undo(record, view)


__all__ = ["DaemonSet", "Deployment", "StatefulSet", "View", "begin_undo", "end_undo", "keep_undo", "lasts", "step"]
