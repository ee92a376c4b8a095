"""Whether a release gets nowhere: pods that never become ready, a crash loop, a deadline that has passed.

Rule: only what the release's own pods do, and only while those of other releases are fine: an image registry or a node that
is down is no fault of it. All of it can be read off the objects, so nothing has to be remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from .pods import Candidate, Pod
from .quantities import Instant, Seconds, format_duration, spell_instant
from .trial import Stall

RESTARTS: Final = 3
"""A container that was started anew this often, and waits for the next time, is in a crash loop."""

CRASHING: Final = "CrashLoopBackOff"

PATIENCE: Final[Seconds] = 600
"""Without progress for so long it makes none: what Kubernetes gives a Deployment by default."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """The pods of a workload, and since when its controller says that its progress deadline has passed."""

    pods: tuple[Pod, ...] = ()
    overdue: Instant | None = None


def stall(candidate: Candidate, rollout: Rollout, now: Instant) -> Stall | None:
    """Why the release gets nowhere; None while it does, or while nobody can tell."""
    alive = [pod for pod in rollout.pods if not pod.leaving]
    own = [pod for pod in alive if candidate.owns(pod.revision, pod.created)]
    others = [pod for pod in alive if candidate.owns(pod.revision, pod.created) is False]
    if not all(pod.ready for pod in others):
        return None
    return next(_reasons(candidate, rollout.overdue, own, others, now), None)


def _reasons(
    candidate: Candidate, overdue: Instant | None, own: list[Pod], others: list[Pod], now: Instant
) -> Iterator[Stall]:
    crashing = [pod for pod in own if pod.restarts >= RESTARTS and pod.waiting == CRASHING]
    if crashing and others:
        worst = max(crashing, key=lambda pod: (pod.restarts, pod.name))
        more = f" and {len(crashing) - 1} more of the new release" if len(crashing) > 1 else " of the new release"
        yield Stall(
            min(pod.created for pod in crashing),
            f"Pod {worst.name}{more} crashed {worst.restarts} times, while the pods of other releases are fine",
        )
    if overdue is not None and overdue >= candidate.began:
        yield Stall(
            overdue,
            f"Its progress deadline passed on {spell_instant(overdue)}: {_unready(own)}",
        )
    waiting = [pod for pod in own if not pod.ready]
    progress = max([candidate.began, *_progress(own)])
    if waiting and now - progress >= PATIENCE:
        yield Stall(
            progress,
            f"Nothing has moved for {format_duration(now - progress)}: {_unready(own)}",
        )


def _progress(pods: Iterable[Pod]) -> Iterator[Instant]:
    """When a pod came, or became ready."""
    for pod in pods:
        yield pod.created
        if pod.ready_since is not None:
            yield pod.ready_since


def _unready(own: list[Pod]) -> str:
    waiting = [pod for pod in own if not pod.ready]
    if not waiting:
        return "its pods are ready, but there are not enough of them" if own else "it has no pods"
    whys = sorted({pod.waiting for pod in waiting if pod.waiting})
    why = f" ({', '.join(whys)})" if whys else ""
    return f"pods that are not ready: {len(waiting)} of {len(own)}{why}"
