"""Undoing a release of a StatefulSet or a DaemonSet.

*By the partition*, where pods come back as the last good release: no pod gets the declared template, and those that have
it are deleted. What Git declares stays as it is, and another template queues.

*By the template*, elsewhere: that of the last good release is put back, once. A tool that applies what Git says would put
the bad one back at every turn, so the gate is closed to every other template until a person opens it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..hold import HoldRecord, Template, Undo, UndoState, by_template
from ..quantities import Instant, Seconds
from ..request import Request, Wait
from ..request_sets import DeletePod, GiveTemplateBack, PutTemplateBack
from .daemonset import DaemonSet
from .progress import progressed
from .revisions import Pod, templates
from .statefulset import StatefulSet

Set = StatefulSet | DaemonSet

PATIENCE: Final[Seconds] = 600
"""The pods of the last good release are to be ready by then: these kinds have no deadline of their own."""


def begin_undo(
    view: Set, stored: HoldRecord | None, undo_id: str, serve: Template | None, now: Instant, *, at_once: bool = False
) -> Undo:
    """The undo of the template that is declared now; without one to `serve`, it is only stopped, where that is possible.

    `found` is the partition to put back: the one that was there before we moved it for anything else.
    """
    return Undo(
        id=undo_id,
        bad=view.template,
        serve=serve,
        since=now,
        state=UndoState.UNDER_WAY if serve is not None else UndoState.STOPPED,
        at_once=at_once,
        found=_before(view, stored) if _can_stop(view, serve) else None,
    )


def keep_undo(view: Set, undo: Undo, now: Instant) -> Undo:
    """The same undo as it stands now: done, stuck because it takes too long, or under way again."""
    if undo.serve is None:
        return undo
    if too_late(view, undo) and view.queue != undo.id:
        return replace(undo, found=None)
    returned = undo.found is not None and bool(strays(view, undo))  # a template is put back once only
    overdue = now - undo.since >= PATIENCE
    return progressed(undo, now, arrived=arrived(view, undo), returned=returned, overdue=overdue)


def end_undo(record: HoldRecord, view: Set) -> HoldRecord:
    """The record without its undo. A partition that a hold still needs becomes the one of the hold."""
    undo = record.undo
    held = bool(record.causes) and view.override != record.id and view.paused and view.in_flight
    held = held and undo is not None and view.queue == undo.id  # else the stop is somebody else's
    if undo is None or undo.found is None or not held:
        return replace(record, undo=None)
    return replace(record, undo=None, paused=view.template, found=undo.found)


def lasts(view: Set, undo: Undo) -> bool:
    """Whether an undo goes on: the bad template is declared, or the one that was put in its place."""
    same = {undo.bad.digest, undo.serve.digest} if by_template(undo) and undo.serve is not None else {undo.bad.digest}
    return view.template.digest in same


def arrived(view: Set, undo: Undo) -> bool:
    """Whether the pods of the last good release serve alone."""
    kept = view.paused if undo.found is not None else not declared(view, undo) and not view.disowned
    return view.queue == undo.id and view.observed and kept and view.all_ready and not strays(view, undo)


def declared(view: Set, undo: Undo) -> bool:
    """Whether the bad template is still declared."""
    return view.template.digest == undo.bad.digest


def template_back(undo: Undo, view: Set, labels: dict[str, str | None]) -> Request | None:
    """The good template in place of the bad one, in one request with the labels.

    The queue label says that it was sent: what is declared after it was put there by somebody else, and is not fought.
    """
    to_do = by_template(undo) and undo.state in (UndoState.UNDER_WAY, UndoState.STUCK) and view.queue != undo.id
    if not to_do or not declared(view, undo) or undo.serve is None:
        return None
    return PutTemplateBack(view.workload, view.uid, view.generation, undo.serve.digest, labels)


def pods_back(undo: Undo, view: Set) -> Request | Wait | None:
    """The next request about pods and what belongs to them; None when nothing is left to do, or there is no way back."""
    if undo.serve is None or undo.state is UndoState.UNDONE:
        return None
    if by_template(undo):
        if declared(view, undo):
            return Wait("somebody declared the release that was undone again; a template is put back once only")
        if view.disowned:
            return GiveTemplateBack(view.workload, view.resource_version)
    elif not view.paused:
        return Wait("somebody else moved the partition while the release was being undone; that is not fought")
    if not view.observed:
        return Wait(f"the controller of {view.workload} has not seen the last change yet")
    return _deletion(undo, view)


def _deletion(undo: Undo, view: Set) -> Request | Wait:
    """Bad pods that serve nobody go at once, since their controller may wait for them for ever. Others only where it does
    not replace them by itself, and one at a time: the next when all are ready again.
    """
    others = strays(view, undo)
    bad = [pod for pod in others if not pod.deleting]
    useless = next((pod for pod in bad if not pod.ready), None)
    by_hand = undo.found is not None or not view.rolling
    there = len(view.pods) == view.replicas and not any(pod.deleting for pod in view.pods)
    spared = there and all(pod.ready for pod in view.pods)
    chosen = useless or (bad[-1] if bad and by_hand and (undo.at_once or spared) else None)
    if chosen is not None:
        return DeletePod(view.workload, chosen.name, chosen.uid)
    good = sum(pod.ready for pod in view.pods if pod not in others)
    return Wait(f"{good} of {view.replicas} pods of the last good release are ready")


def too_late(view: Set, undo: Undo) -> bool:
    """Whether the bad release was completed before it could be stopped: now its pods come back as they are."""
    back = _comes_back(view)
    return undo.found is not None and undo.serve is not None and back is not None and back.digest == undo.bad.digest


def strays(view: Set, undo: Undo) -> list[Pod]:
    """The pods that run anything else than the last good release, where it is known what they run."""
    known = templates(view.revisions)
    good = undo.serve.digest if undo.serve is not None else None
    return [pod for pod in view.pods if pod.hash in known and known[pod.hash].digest != good]


def _can_stop(view: Set, serve: Template | None) -> bool:
    back = _comes_back(view)
    return view.in_flight and back is not None and (serve is None or serve.digest == back.digest)


def _comes_back(view: Set) -> Template | None:
    """The template with which a pod comes back while the rollout is stopped."""
    return templates(view.revisions).get(view.current) if isinstance(view, StatefulSet) else None


def _before(view: Set, stored: HoldRecord | None) -> int:
    """The partition before we moved it."""
    if stored is not None and stored.in_force and view.paused:
        for found in (stored.found, stored.undo.found if stored.undo is not None else None):
            if found is not None:
                return found
    return view.partition
