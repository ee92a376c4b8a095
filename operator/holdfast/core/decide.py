"""What is wanted for one workload, and why: the most severe enforced rule over all its objectives.

Total and pure: every combination of evidence, policy, mode and override has an answer, and the same input always has
the same answer. That is how `explain` and the tests replay history.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from .evidence import Fresh
from .explain import hold_ending, hold_message
from .hold import Cause, CauseKey, HoldRecord, HoldState, Reason
from .judge import Finding, findings
from .objective import ObjectKey
from .observed import Observed
from .policy import HoldReleases, Mode, Verdict
from .wanted import Free, Held, Wanted


@dataclass(frozen=True, slots=True)
class Decision:
    """What is wanted, because of which findings; `would` is what rules in Audit would have wanted."""

    verdict: Verdict
    wanted: Wanted
    because: tuple[Finding, ...] = ()
    would: tuple[Finding, ...] = ()


def decide(seen: Observed) -> Decision:
    """What is wanted for this workload now. Never raises."""
    before, holding = seen.in_force, remembered(seen.hold)
    found = [f for m in seen.measured for f in findings(m, seen.rules.get(m.objective.key, ()), before, holding)]
    because = tuple(sorted((f for f in found if f.enforced and seen.enforcing), key=lambda f: (-f.verdict, f.key)))
    would = tuple(sorted((f for f in found if not (f.enforced and seen.enforcing)), key=lambda f: (-f.verdict, f.key)))
    wanted = _wanted(seen, because)
    holds = any(f.verdict is Verdict.HOLD for f in because)
    verdict = because[0].verdict if because else Verdict.OPEN
    if holds and isinstance(wanted, Free):
        verdict = Verdict.NOTIFY  # the hold has lasted as long as its rule allows
    elif isinstance(wanted, Held):
        verdict = Verdict.HOLD
    return Decision(verdict, wanted, because, would)


def _wanted(seen: Observed, because: tuple[Finding, ...]) -> Wanted:
    hold = seen.hold
    if seen.view is None or seen.view.deleting:
        return Free(Reason.WORKLOAD_GONE if hold is not None and hold.in_force else None, hold.worn if hold else ())
    causes = _holding(seen, because)
    worn = _worn(seen, causes)
    live = tuple(c for c in causes if c.key not in worn)
    if not live:
        return Free(_why_lifted(seen, worn), worn)
    return _held(seen, because, live, worn)


def _holding(seen: Observed, because: Collection[Finding]) -> tuple[Cause, ...]:
    """The causes that ask for a hold: those found, and those on record about which nothing can be said now."""
    known = {c.key: c for c in seen.hold.causes} if seen.hold is not None and seen.hold.in_force else {}
    worn = frozenset(seen.hold.worn) if seen.hold is not None else frozenset()
    causes = []
    for finding in because:
        if finding.verdict is not Verdict.HOLD:
            continue
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


def _held(seen: Observed, because: tuple[Finding, ...], live: tuple[Cause, ...], worn: tuple[CauseKey, ...]) -> Held:
    view, hold = seen.view, seen.hold
    assert view is not None  # noqa: S101 - the caller looked
    if hold is None or not hold.in_force:
        reason = live[0].reason
        record = HoldRecord(
            workload=seen.workload,
            id=f"{reason.slug}-{seen.new_id}",
            state=HoldState.ACTIVE,
            reason=reason,
            since=seen.now,
            causes=live,
            message="",
            declared=view.template,
            serving=view.serving,
            paused=view.template if view.in_flight and not view.paused else None,
            worn=worn,
            history=hold.history if hold is not None else (),
        ).moved(HoldState.ACTIVE, reason, seen.now)
        return Held(replace(record, message=hold_message(record, because)))
    record = replace(hold, causes=live, worn=worn)
    overridden = view.override == hold.id
    if view.hold != hold.id and not (overridden and hold.enforced):
        # The deed is still to be done, or to be done again: what we are about to pause is what is in flight now.
        record = replace(record, enforced=False, serving=view.serving)
        stops = view.in_flight and not view.paused and not overridden
        record = replace(record, paused=view.template if stops else None)
    elif not view.paused:
        record = replace(record, paused=None)  # somebody resumed it: a later pause is not ours to take back
    serving = record.serving if view.in_flight else view.serving  # in the middle of a rollout it may go to and fro
    record = replace(record, declared=view.template, serving=serving)
    state = HoldState.OVERRIDDEN if overridden else HoldState.ACTIVE
    if state is not hold.state:
        record = record.moved(state, Reason.OVERRIDDEN if overridden else hold.reason, seen.now)
    ending = hold_ending(record, because)
    if {c.key for c in live} != {c.key for c in hold.causes} or not hold.message.endswith(ending):
        record = replace(record, message=hold_message(record, because))
    changed = record.paused is not None and view.template.digest != record.paused.digest
    return Held(record, resume=overridden and changed)


def _why_lifted(seen: Observed, worn: tuple[CauseKey, ...]) -> Reason | None:
    """Why a hold that was in force no longer is; None when there was none."""
    hold = seen.hold
    if hold is None or not hold.in_force:
        return None
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
