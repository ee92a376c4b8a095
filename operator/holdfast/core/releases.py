"""Which releases a workload has had: told from the pod template that it declares, look by look.

Rule: templates identify, nothing else does: revisions are renumbered and removed, and a controller that is away says
nothing. A restart and a change of replicas are the same template, so no releases. However often one looks, and whoever
looked before, the same records follow from what was there to be seen.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from .hold import Template
from .keeping import judged, needed
from .objective import Workload
from .quantities import Instant, Seconds
from .release import ReleaseRecord, ReleaseState

SECOND: Final[Seconds] = 1.0
"""Times of creation are whole seconds: the object may be younger by up to this."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What a controller made of one pod template: a ReplicaSet or a ControllerRevision. `pods` is how many are of it."""

    template: Template
    hash: str
    number: int
    created: Instant
    pods: int = 0


@dataclass(frozen=True, slots=True)
class Declared:
    """What a workload declares, and what its controller made of it.

    `paused` says that a new template would not start. `complete` says that the controller has seen the present
    declaration, and that all pods, at least one, are of its template and available.
    """

    workload: Workload
    uid: str
    template: Template
    paused: bool
    complete: bool
    revisions: tuple[Revision, ...] = ()
    changed_by: str = ""

    @property
    def newest(self) -> Revision | None:
        """The newest revision of the declared template: there are several after a restart."""
        ours = (r for r in self.revisions if r.template.digest == self.template.digest)
        return max(ours, key=lambda r: (r.number, r.created), default=None)


def follow(
    declared: Declared | None,
    records: Sequence[ReleaseRecord],
    now: Instant,
    quarantined: Collection[str] = (),
) -> tuple[ReleaseRecord, ...]:
    """The records of one workload as they should be, the newest last. `declared` is None when the workload is gone.

    `quarantined` are digests of templates that were undone.
    """
    if declared is None:
        followed = [_gone(record, now) for record in records]
    else:
        digest = declared.template.digest
        missed = _missed(declared, records, now)
        mine = _present(declared, records, missed, now)
        others = [_ended(r, mine, now) for r in (*records, *missed) if r.template.digest != digest]
        others = [judged(r, (*others, mine), now) for r in others]
        followed = [*others, judged(mine, others, now)]
    followed.sort(key=lambda r: (r.ended is None, r.began, r.ended or now, r.template.digest))
    wanted = needed(followed, quarantined)
    return tuple(replace(r, kept=r.kept and r.template.digest in wanted) for r in followed)


def _present(
    declared: Declared, records: Sequence[ReleaseRecord], missed: Sequence[ReleaseRecord], now: Instant
) -> ReleaseRecord:
    """The record of the declared template: it goes on, is taken up where it was, or begins."""
    record = next((r for r in records if r.template.digest == declared.template.digest), None)
    if record is None:
        record = _first(declared, records, now)
    elif record.uid != declared.uid or any(m.began > record.began for m in missed):
        record = _again(record, declared, now)
    elif record.ended is not None:
        since = record.ended
        nothing = all(r.started is None or r.started < since for r in records)
        record = _taken_up(record) if nothing else _again(record, declared, now)
    return _numbered(_moved(record, declared, now), declared)


def _first(declared: Declared, records: Sequence[ReleaseRecord], now: Instant) -> ReleaseRecord:
    """A template without a record. One whose revision is older than the last release had rolled out before we looked."""
    born = min((r.created for r in declared.revisions if r.template.digest == declared.template.digest), default=now)
    last = max((r.began for r in records), default=None)
    again = last is not None and born + SECOND <= last
    return ReleaseRecord(
        workload=declared.workload,
        uid=declared.uid,
        template=declared.template,
        began=now if again else min(now, born),
        state=ReleaseState.QUEUED,
        changed_by=declared.changed_by,
        again=again,
    )


def _again(record: ReleaseRecord, declared: Declared, now: Instant) -> ReleaseRecord:
    """Declared anew. What it cost the last time is kept until the next rollout starts."""
    return replace(
        record,
        uid=declared.uid,
        began=now,
        ended=None,
        state=ReleaseState.QUEUED,
        again=record.again or record.started is not None,
        started=None,
        completed=None,
        changed_by=declared.changed_by or record.changed_by,
    )


def _taken_up(record: ReleaseRecord) -> ReleaseRecord:
    """Declared again before anything else started: nothing has happened."""
    if record.state is not ReleaseState.SUPERSEDED:
        return replace(record, ended=None)
    if record.started is None:
        return replace(record, ended=None, state=ReleaseState.QUEUED)
    state = ReleaseState.ROLLING_OUT if record.completed is None else ReleaseState.COMPLETE
    return replace(record, ended=None, state=state)


def _moved(record: ReleaseRecord, declared: Declared, now: Instant) -> ReleaseRecord:
    """Queued, started, complete: as far as it has got."""
    if record.state is ReleaseState.QUEUED and _has_started(record, declared):
        newest = declared.newest
        made = newest is not None and newest.created + SECOND > record.began
        record = _started(record, min(now, max(record.began, newest.created)) if newest is not None and made else now)
    elif record.state is ReleaseState.ROLLED_BACK and not declared.paused:
        record = _started(replace(record, again=True, began=now), now)
    if record.state is ReleaseState.ROLLING_OUT and declared.complete:
        record = replace(record, state=ReleaseState.COMPLETE, completed=now)
    return record


def _has_started(record: ReleaseRecord, declared: Declared) -> bool:
    """Not paused; or, though it is paused again, its pods are all there is or are of a revision that is new."""
    newest = declared.newest
    made = newest is not None and newest.pods > 0 and newest.created + SECOND > record.began
    return not declared.paused or declared.complete or made


def _started(record: ReleaseRecord, at: Instant) -> ReleaseRecord:
    """A rollout starts: what the last one of this template was like is no longer of interest."""
    return replace(
        record,
        state=ReleaseState.ROLLING_OUT,
        started=at,
        completed=None,
        found=None,
        costs=(),
        readiness=None,
        bound="",
        message="",
    )


def _numbered(record: ReleaseRecord, declared: Declared) -> ReleaseRecord:
    newest = declared.newest
    record = replace(record, kept=True)  # what is declared can always be read
    return record if newest is None else replace(record, revision=newest.number, hash=newest.hash)


def _missed(declared: Declared, records: Sequence[ReleaseRecord], now: Instant) -> list[ReleaseRecord]:
    """Releases that came and went between two looks, and left a revision behind: newer than what was on record before, and
    older than that of the declared template (a newer one is of what is declared since the workload was read).
    """
    newest, digest = declared.newest, declared.template.digest
    if newest is None or not records:
        return []
    known = {digest, *(r.template.digest for r in records)}
    since = max((r.began for r in records if r.template.digest != digest), default=records[0].began)
    left = [
        r
        for r in declared.revisions
        if r.template.digest not in known and r.number < newest.number and r.created + SECOND > since
    ]
    return [_passed(declared, revision, newest, now) for revision in {r.template.digest: r for r in left}.values()]


def _passed(declared: Declared, revision: Revision, newest: Revision, now: Instant) -> ReleaseRecord:
    began = min(now, revision.created)
    replaced = newest.created if newest.created > began else now
    return ReleaseRecord(
        workload=declared.workload,
        uid=declared.uid,
        template=revision.template,
        began=began,
        started=began,
        state=ReleaseState.SUPERSEDED,
        ended=min(now, replaced),
        revision=revision.number,
        hash=revision.hash,
        kept=False,
    )


def _ended(record: ReleaseRecord, by: ReleaseRecord, now: Instant) -> ReleaseRecord:
    """Another template is declared: back to a good one after an undo was tried is the undo itself."""
    if record.ended is not None:
        return record
    undone = record.state is ReleaseState.ROLLED_BACK or (record.attempted and by.good)
    state = ReleaseState.ROLLED_BACK if undone else ReleaseState.SUPERSEDED
    return replace(record, ended=max(record.began, min(now, by.began)), state=state)


def _gone(record: ReleaseRecord, now: Instant) -> ReleaseRecord:
    """The workload was deleted: nothing took the place of this release."""
    return record if record.ended is not None else replace(record, ended=now)
