"""What is wanted for one workload, and why: the most severe enforced rule over all its objectives.

Total and pure: every combination of evidence, policy, mode and override has an answer, and the same input always has
the same answer. That is how `explain` and the tests replay history.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from .carried import carried
from .course import course, outcome
from .evidence import Fresh
from .explain import hold_ending, hold_message
from .hold import Cause, CauseKey, HoldRecord, HoldState, Reason, Template, Undo
from .judge import Finding, findings, severest
from .judge_release import release_findings
from .kinds import View, end_undo
from .objective import ObjectKey
from .observed import Observed
from .policy import HoldReleases, Mode, Verdict
from .release import ReleaseRecord, ReleaseState
from .undoing import Undoing, undoing
from .wanted import Free, Held, Wanted


@dataclass(frozen=True, slots=True)
class Decision:
    """What is wanted, because of which findings; `would` is what rules in Audit would have wanted. `releases` are the records
    of the workload's releases as they should be, `told` the findings about them with what is carried out of each.
    """

    verdict: Verdict
    wanted: Wanted
    because: tuple[Finding, ...] = ()
    would: tuple[Finding, ...] = ()
    releases: tuple[ReleaseRecord, ...] = ()
    told: tuple[Finding, ...] = ()


def decide(seen: Observed) -> Decision:
    """What is wanted for this workload now. Never raises."""
    seen = course(seen)
    found = all_findings(seen)
    because = severest([f for f in found if f.enforced and seen.enforcing])
    would = severest([f for f in found if not (f.enforced and seen.enforcing)])
    undone = undoing(seen, because)
    wanted = _wanted(seen, because, undone)
    told = carried(seen, found, wanted)
    return Decision(_verdict(because, wanted), wanted, because, would, outcome(seen, because), told)


def all_findings(seen: Observed) -> tuple[Finding, ...]:
    """Every rule in force, on budgets and on the release that is declared."""
    before, holding = seen.in_force, remembered(seen.hold)
    budgets = [f for m in seen.measured for f in findings(m, seen.rules.get(m.objective.key, ()), before, holding)]
    return (*budgets, *release_findings(seen.trial, seen.measured, seen.rules, seen.blamed, seen.now))


def _verdict(because: tuple[Finding, ...], wanted: Wanted) -> Verdict:
    """What happens, which may be less than what is asked for."""
    if isinstance(wanted, Held):
        undo = wanted.record.undo
        return Verdict.ROLL_BACK if undo is not None and undo.serve is not None else Verdict.HOLD
    asked = because[0].verdict if because else Verdict.OPEN
    return min(asked, Verdict.NOTIFY)  # the hold has lasted as long as its rule allows, or there is no way back


def _wanted(seen: Observed, because: tuple[Finding, ...], undone: Undoing) -> Wanted:
    hold = seen.hold
    if seen.view is None or seen.view.deleting:
        gone = Reason.WORKLOAD_GONE if hold is not None and hold.in_force else None
        return Free(gone, hold.worn if hold else ())
    causes = _holding(seen, because)
    worn = _worn(seen, causes)
    live = tuple(c for c in causes if c.key not in worn)
    if not live and undone.undo is None:
        known = hold.quarantined if hold is not None else ()
        left = undone.quarantined if undone.quarantined != known else None
        return Free(_why_lifted(seen, worn, undone), worn, left)
    record = replace(_episode(seen, because, live, undone), causes=live, worn=worn, quarantined=undone.quarantined)
    return _held(seen, seen.view, because, record, undone)


def _holding(seen: Observed, because: Collection[Finding]) -> tuple[Cause, ...]:
    """The causes that ask for a hold: those found, and those on record about which nothing can be said now."""
    known = {c.key: c for c in seen.hold.causes} if seen.hold is not None and seen.hold.in_force else {}
    worn = frozenset(seen.hold.worn) if seen.hold is not None else frozenset()
    causes = []
    for finding in because:
        if finding.verdict is not Verdict.HOLD or finding.blames:
            continue  # what is put down to a release is undone, or stopped: another one may go
        at_most = finding.rule.then.at_most if isinstance(finding.rule.then, HoldReleases) else None
        begun = known.get(finding.key)
        since = begun.since if begun is not None else seen.now
        if begun is None and not isinstance(finding.measured.evidence, Fresh) and finding.key not in worn:
            continue  # silence begins nothing, whatever was remembered
        causes.append(Cause(finding.key, begun.reason if begun is not None else finding.reason, since, at_most))
    found = {c.key for c in causes}
    if seen.enforcing:
        causes.extend(c for key, c in known.items() if key not in found and _unreadable(seen, key))
    return tuple(sorted(causes, key=lambda c: c.key))


def _worn(seen: Observed, causes: tuple[Cause, ...]) -> tuple[CauseKey, ...]:
    """The causes whose time is up, and those that were worn before and have not been seen to cease since."""
    worn = {c.key for c in causes if c.ends is not None and seen.now >= c.ends}
    asked = {c.key for c in causes}
    before = seen.hold.worn if seen.hold is not None else ()
    return tuple(sorted(worn | {k for k in before if k in asked or not seen.enforcing or _unreadable(seen, k)}))


def _unreadable(seen: Observed, key: CauseKey) -> bool:
    policy = ObjectKey(seen.workload.namespace, key.rule.policy)
    return key.objective in seen.unreadable or policy in seen.unreadable


def _episode(seen: Observed, because: tuple[Finding, ...], live: tuple[Cause, ...], undone: Undoing) -> HoldRecord:
    """The record that goes on, or a new one. A hold beside an undo has an id of its own, and takes it along when it ends."""
    view, hold = seen.view, seen.hold
    assert view is not None  # noqa: S101 - the caller looked
    reason = live[0].reason if live else _blamed(because, undone)
    new_id = undone.undo.id if undone.undo is not None and not live else f"{reason.slug}-{seen.new_id}"
    if hold is not None and hold.in_force:
        undo_alone = hold.undo is not None and hold.id == hold.undo.id
        if hold.id == new_id or (live and not undo_alone):
            return hold
        again = replace(hold, id=new_id, reason=reason, since=seen.now, enforced=hold.enforced and not undo_alone)
        return again.moved(HoldState.ACTIVE, reason, seen.now)
    return HoldRecord(
        workload=seen.workload,
        id=new_id,
        state=HoldState.ACTIVE,
        reason=reason,
        since=seen.now,
        causes=live,
        message="",
        declared=view.template,
        serving=view.serving,
        history=hold.history if hold is not None else (),
    ).moved(HoldState.ACTIVE, reason, seen.now)


def _blamed(because: tuple[Finding, ...], undone: Undoing) -> Reason:
    """Why a release is undone: what is found against it now, or by a person; found before, it is bad."""
    found = next((f.reason for f in because if f.blames), None)
    by_hand = undone.undo is not None and undone.undo.id.startswith(Reason.UNDONE_BY_HAND.slug)
    return Reason.UNDONE_BY_HAND if by_hand else found or Reason.BAD_RELEASE


def _held(seen: Observed, view: View, because: tuple[Finding, ...], record: HoldRecord, undone: Undoing) -> Held:
    """Where the record has to follow the world: what was paused, what serves, whether it is overridden."""
    before = seen.hold if seen.hold is not None and seen.hold.in_force else None
    better = _is_better(seen, record)
    overridden = bool(record.causes) and view.override == record.id
    ended = record.undo is not None and undone.undo is None
    if ended:
        record = end_undo(record, view)
    elif record.causes and view.hold != record.id and not (overridden and record.enforced):
        # The deed is still to be done, or to be done again: what we are about to pause is what is in flight now.
        stops = view.in_flight and not view.paused and not overridden and undone.undo is None and not better
        record = replace(record, enforced=False, serving=view.serving, paused=view.template if stops else None)
    elif not view.paused:
        record = replace(record, paused=None)  # somebody resumed it: a later pause is not ours to take back
    record = replace(record, undo=undone.undo, declared=view.template, serving=_serving(record, view, undone.undo))
    state = HoldState.OVERRIDDEN if overridden else HoldState.ACTIVE
    if state is not record.state:
        record = record.moved(state, Reason.OVERRIDDEN if overridden else record.reason, seen.now)
    if before is None or _says_otherwise(before, record, because):
        record = replace(record, message=hold_message(record, because))
    changed = record.paused is not None and view.template.digest != record.paused.digest
    return Held(record, resume=(overridden and changed) or (better and record.paused is not None and not changed))


def _is_better(seen: Observed, record: HoldRecord) -> bool:
    """Whether the release in flight keeps every promise that it is held for, and the pods it takes the place of do not."""
    trial = seen.trial
    if trial is None or trial.release.state is not ReleaseState.ROLLING_OUT:
        return False
    better = {weighed.objective for weighed in trial.weighed if weighed.better}
    return bool(record.causes) and all(cause.key.objective in better for cause in record.causes)


def _serving(record: HoldRecord, view: View, undo: Undo | None) -> Template | None:
    """In the middle of a rollout it may go to and fro; after an undo it is what was brought back."""
    if undo is not None:
        return view.serving
    return record.serving if view.in_flight else view.serving


def _says_otherwise(before: HoldRecord, record: HoldRecord, because: tuple[Finding, ...]) -> bool:
    """Whether the sentence on record is about something else: figures that move are not worth a new one."""
    if {c.key for c in record.causes} != {c.key for c in before.causes} or record.id != before.id:
        return True
    was, now = before.undo, record.undo
    if (was.state if was is not None else None) is not (now.state if now is not None else None):
        return True
    return not before.message.endswith(hold_ending(record, because))


def _why_lifted(seen: Observed, worn: tuple[CauseKey, ...], undone: Undoing) -> Reason | None:
    """Why a hold that was in force no longer is; None when there was none."""
    hold = seen.hold
    if hold is None or not hold.in_force:
        return None
    if not hold.causes and undone.ended is not None:
        return undone.ended
    if not seen.enforcing:
        return Reason.LIFTED_BY_HAND
    if any(c.key in worn for c in hold.causes):
        return Reason.AT_MOST_REACHED
    listed = {m.objective.key for m in seen.measured}
    holding = {
        CauseKey(rule.key, objective)
        for objective in listed
        for rule in seen.rules.get(objective, ())
        if rule.mode is Mode.ENFORCE and rule.then.verdict is Verdict.HOLD
    }
    recovered = any(c.key in holding for c in hold.causes)
    return Reason.BUDGET_RECOVERED if recovered else Reason.CAUSE_REMOVED


def remembered(hold: HoldRecord | None) -> frozenset[CauseKey]:
    """The rules that were in force when the record was written; a restart knows no others."""
    if hold is None:
        return frozenset()
    return frozenset(hold.worn) | (frozenset(c.key for c in hold.causes) if hold.in_force else frozenset())
