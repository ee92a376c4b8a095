"""The releases of a workload at one look: followed, with what they cost so far, and with what is done about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .attribution import nobodys
from .budget import Measured
from .explain_release import bound_of, said_of
from .hold import HoldRecord, Undo, UndoState
from .judge import AT_FAULT, Finding
from .keeping import present
from .observed import Observed
from .policy import Verdict
from .release import Cost, ReleaseRecord, ReleaseState
from .releases import follow
from .trial import Trial, Weighed


def course(seen: Observed) -> Observed:
    """The same world, with the records of its releases as they should be, and the one that is declared on trial.

    A template may have been declared since the trial was looked up: what was found against the release before it, a fix
    often enough, is not held against this one.
    """
    if not seen.followed or (seen.view is not None and seen.view.declared is None):
        return seen
    view, hold = seen.view, seen.hold
    declared = view.declared if view is not None and not view.deleting else None
    known = [_told(record, seen.trial, seen.measured) for record in seen.releases]
    records = follow(declared, known, seen.now, quarantined_of(hold))
    release = present(records)
    if release is None:
        return replace(seen, releases=records, trial=None)
    same = seen.trial is not None and seen.trial.release.template.digest == release.template.digest
    if same and seen.trial is not None:
        return replace(seen, releases=records, trial=replace(seen.trial, release=release))
    blamed = {cause: reason for cause, reason in seen.blamed.items() if reason not in AT_FAULT}
    return replace(seen, releases=records, trial=Trial(release), blamed=blamed)


def outcome(seen: Observed, because: Sequence[Finding]) -> tuple[ReleaseRecord, ...]:
    """The records after the decision: what was found against the release that is declared, and what is done about it.

    That an undo was tried is noted once it is on the record of the hold: a crash in between must not take it for done.
    """
    undo = seen.hold.undo if seen.hold is not None and seen.hold.in_force else None
    return tuple(
        _restrained(_marked(r, undo, because, seen), undo, because, seen) if r.ended is None else r
        for r in seen.releases
    )


def quarantined_of(hold: HoldRecord | None) -> frozenset[str]:
    """The digests of the templates that may not roll out again."""
    return frozenset(q.template.digest for q in hold.quarantined) if hold is not None else frozenset()


def _marked(record: ReleaseRecord, undo: Undo | None, because: Sequence[Finding], seen: Observed) -> ReleaseRecord:
    if record.found is None and any(f.blames for f in because):
        record = replace(record, found=seen.now)
    ours = undo if undo is not None and undo.bad.digest == record.template.digest else None
    if ours is None and record.template.digest not in quarantined_of(seen.hold):
        return record
    state = ReleaseState.ROLLED_BACK if ours is not None and ours.state is UndoState.UNDONE else record.state
    return replace(record, undone=record.undone if record.undone is not None else seen.now, state=state, good=False)


def _restrained(record: ReleaseRecord, undo: Undo | None, because: Sequence[Finding], seen: Observed) -> ReleaseRecord:
    """Why it is not undone though a rule asks for it; or only stopped, for as long as it is."""
    asked = record.allow is None and any(f.blames and f.verdict > Verdict.NOTIFY for f in because)
    if undo is None or undo.bad.digest != record.template.digest:
        return replace(record, restrained=seen.restrained if asked else None)
    return record if undo.state is UndoState.STOPPED else replace(record, restrained=None)


def _told(record: ReleaseRecord, trial: Trial | None, measured: Sequence[Measured]) -> ReleaseRecord:
    """With the figures of its trial; what is not on trial any more keeps its last ones."""
    if trial is None or not trial.weighed or trial.release.template.digest != record.template.digest:
        return record
    message = " ".join(filter(None, (said_of(trial), nobodys(trial))))
    return replace(record, costs=costs(trial, measured), message=message, bound=bound_of(trial))


def costs(trial: Trial, measured: Sequence[Measured]) -> tuple[Cost, ...]:
    """What the release on trial has cost each objective so far."""
    by_key = {one.objective.key: one for one in measured}
    return tuple(_cost(w, by_key[w.objective]) for w in trial.weighed if w.objective in by_key)


def _cost(weighed: Weighed, measured: Measured) -> Cost:
    """To six digits, which is all that anybody reads. Of slices of time no share of the budget can be told."""
    allowed = float(measured.budget.allowed)
    spent = weighed.bad / allowed if allowed > 0 and measured.objective.slices is None else 0.0
    spent = float(f"{spent:.6g}")
    return Cost(weighed.objective, weighed.total, weighed.bad, spent, weighed.finding, weighed.seen_after)
