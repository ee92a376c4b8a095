"""The shadow rollback: the pods of the last good release serve, and the template that is declared stays as it is.

While a Deployment is paused and owns no ReplicaSet of the declared template, its controller starts none, and fills the one
that is left. So every ReplicaSet that could be filled instead of the good one is taken from it; once the good pods are
available, the others go. Nothing is ever taken away before: whoever stops in the middle leaves both serving.
"""

from __future__ import annotations

from dataclasses import replace

from ..hold import HoldRecord, Template, Undo, UndoState
from ..quantities import Instant
from ..request import (
    AttachReplicaSet,
    CreateReplicaSet,
    DetachReplicaSet,
    PatchReplicaSet,
    Request,
    ScaleReplicaSet,
    Wait,
)
from .deployment_view import Deployment, ReplicaSet
from .marks import Marks
from .progress import progressed


def begin_undo(
    view: Deployment,
    stored: HoldRecord | None,
    undo_id: str,
    serve: Template | None,
    now: Instant,
    *,
    at_once: bool = False,
) -> Undo:
    """The undo of the template that is declared now; without one to `serve`, it is only stopped.

    A pause that is there already is somebody else's, unless the record says that it is ours.
    """
    ours = stored is not None and stored.in_force and (stored.paused is not None or _paused_by(stored.undo))
    return Undo(
        id=undo_id,
        bad=view.template,
        serve=serve,
        since=now,
        state=UndoState.UNDER_WAY if serve is not None else UndoState.STOPPED,
        paused_before=view.paused and view.paused_by_other and not ours,
        at_once=at_once,
    )


def keep_undo(view: Deployment, undo: Undo, now: Instant) -> Undo:
    """The same undo as it stands now: done, stuck because it takes too long, or under way again."""
    if view.queue != undo.id or not view.paused:  # what is paused now was not paused by this undo
        before = view.paused and view.paused_by_other
        undo = undo if undo.paused_before is before else replace(undo, paused_before=before)
    if undo.serve is None:
        return undo
    overdue = now - undo.since >= view.deadline
    return progressed(undo, now, arrived=arrived(view, undo), returned=bool(strays(view, undo)), overdue=overdue)


def end_undo(record: HoldRecord, view: Deployment) -> HoldRecord:
    """The record without its undo. A pause that a hold still needs becomes the pause of the hold."""
    undo = record.undo
    passes = (
        undo is not None
        and not undo.paused_before
        and record.denies
        and bool(record.causes)
        and view.override != record.id
        and view.paused
        and view.in_flight
    )
    return replace(record, undo=None, paused=view.template if passes else record.paused)


def own_set_taken(view: Deployment) -> bool:
    """Whether the ReplicaSet of the declared template is not back yet.

    Let go before, the Deployment would get a second one of the same template. Otherwise it is let go first: a controller
    that is paused shares the pods among all it owns, whether they are available or not.
    """
    return view.unadopted or any(s.template.digest == view.template.digest for s in view.detached)


def given_back(undo: Undo, view: Deployment, marks: Marks) -> Request | Wait | None:
    """What was detached is attached, and adopted; without its pods, where the good ones can do without them."""
    for one in view.detached:
        if one.desired > 0 and one.template.digest != view.template.digest and available(view, undo):
            return ScaleReplicaSet(view.workload, one.name, one.uid, view.uid, 0)
        return AttachReplicaSet(view.workload, one.name, one.uid, view.uid, marks.on)
    return Wait("the deployment controller has not taken its ReplicaSets back yet") if view.unadopted else None


def good_set(view: Deployment, undo: Undo) -> ReplicaSet | None:
    """The ReplicaSet that is to serve: of those with its template the one with most pods, then the newest."""
    same = [s for s in view.sets if undo.serve is not None and s.template.digest == undo.serve.digest]
    return max(same, key=lambda s: (s.available, s.desired, s.created, s.name), default=None)


def strays(view: Deployment, undo: Undo) -> list[ReplicaSet]:
    """What the controller could fill instead of the good ReplicaSet, the smallest first.

    That is what has pods, the set of the declared template, and, when all are empty, the newest one. Taking the largest
    one last matters: of two that are left one gets all pods.
    """
    good = good_set(view, undo)
    others = [s for s in view.sets if good is None or s.name != good.name]
    found = [
        s
        for s in others
        if s.active or good is None or s.template.digest == view.template.digest or s.created >= good.created
    ]
    return sorted(found, key=lambda s: (s.desired, s.pods, s.name))


def available(view: Deployment, undo: Undo) -> bool:
    """Whether the good pods can serve alone, as many as are asked for now."""
    good = good_set(view, undo)
    return view.replicas == 0 or (good is not None and good.available >= view.replicas)


def arrived(view: Deployment, undo: Undo) -> bool:
    """Whether the good pods serve alone."""
    closed = view.queue == undo.id and view.paused and view.observed
    gone = not any(s.active for s in view.detached)
    return closed and gone and not view.unadopted and not strays(view, undo) and available(view, undo)


def shadow(undo: Undo, view: Deployment, marks: Marks) -> Request | Wait | None:
    """The next request about ReplicaSets; None when nothing is left to do, or when there is no way back."""
    if undo.serve is None:
        return marked(view, marks)
    if view.unadopted:
        return Wait("the deployment controller has not taken a ReplicaSet back yet")
    return _taken(undo, view, marks) or _restored(undo, view, marks) or marked(view, marks) or _emptied(undo, view)


def _taken(undo: Undo, view: Deployment, marks: Marks) -> Request | Wait | None:
    """The good ReplicaSet marked, then all others detached. Only under a pause that was observed."""
    found, good = strays(view, undo), good_set(view, undo)
    if not found:
        return None
    if not view.observed:
        return Wait("the deployment controller has not seen the last change yet")
    if good is not None and (changes := marks.changes(good.labels)):
        return PatchReplicaSet(view.workload, good.name, good.resource_version, changes)
    pods = 0 if undo.at_once or view.recreate else None
    return DetachReplicaSet(view.workload, found[0].name, found[0].uid, view.uid, marks.on, pods)


def _restored(undo: Undo, view: Deployment, marks: Marks) -> Request | None:
    """A good ReplicaSet that is gone comes back: from where we put it, or from the record.

    Never empty: the controller would clean it up at once where no history is kept.
    """
    if undo.serve is None or view.replicas == 0 or good_set(view, undo) is not None:
        return None
    digest = undo.serve.digest
    kept = max((s for s in view.detached if s.template.digest == digest), key=lambda s: s.created, default=None)
    if kept is not None:
        return AttachReplicaSet(view.workload, kept.name, kept.uid, view.uid, marks.on)
    return CreateReplicaSet(view.workload, view.uid, digest, view.replicas, marks.on)


def marked(view: Deployment, marks: Marks) -> Request | None:
    """Every ReplicaSet carries the marks: a paused Deployment lets anybody edit the one it serves from."""
    for one in view.every_set():
        if changes := marks.changes(one.labels):
            return PatchReplicaSet(view.workload, one.name, one.resource_version, changes)
    return None


def _emptied(undo: Undo, view: Deployment) -> Request | Wait | None:
    """Detached ReplicaSets to no pods, when the good ones are there; at any time after, too."""
    full = next((s for s in view.detached if s.desired > 0), None)
    at_once = undo.at_once or view.recreate or undo.state is UndoState.UNDONE
    if full is not None and (at_once or available(view, undo)):
        return ScaleReplicaSet(view.workload, full.name, full.uid, view.uid, 0)
    if undo.state is UndoState.UNDONE or arrived(view, undo):
        return None
    good = good_set(view, undo)
    ready = good.available if good is not None else 0
    if ready < view.replicas:
        return Wait(f"{ready} of {view.replicas} pods of the last good release are available")
    return Wait("the pods of the release that is undone are not gone yet")


def _paused_by(undo: Undo | None) -> bool:
    return undo is not None and not undo.paused_before
