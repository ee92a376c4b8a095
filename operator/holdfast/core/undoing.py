"""Whether the declared release is undone: what its rules ask for, what people asked, and what stands in the way.

A template that was undone is quarantined: it is undone again whenever it is declared, until a person allows it. No rule
undoes again what a person allowed, and none undoes a release twice. Switched off, nothing is undone, and nothing stays in
quarantine: what was let go then is not undone again afterwards, unless a person asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .evidence import Fresh
from .hold import CauseKey, HoldRecord, Quarantined, Reason, Undo
from .judge import Finding
from .keeping import last_good, present
from .kinds import View, begin_undo, keep_undo, lasts
from .objective import BadOverTotal, GoodOverTotal, ObjectKey
from .observed import Observed
from .policy import Mode, Rule, Verdict
from .quantities import Seconds
from .release import ReleaseFinding, ReleaseRecord, RestraintReason

KEPT: Final[Seconds] = 30 * 86_400
"""So long a template stays quarantined, and for as long as it is declared."""

ENOUGH: Final = 20
"""So many failures without one success show that pods serve nothing."""

MOST: Final = 10
"""So many templates of one workload are quarantined; the newest stay."""


@dataclass(frozen=True, slots=True)
class Undoing:
    """The undo that is wanted, every template in quarantine, and why an undo ends if it does."""

    undo: Undo | None = None
    quarantined: tuple[Quarantined, ...] = ()
    ended: Reason | None = None


def undoing(seen: Observed, because: Sequence[Finding]) -> Undoing:
    """What is wanted of the declared release. Never raises."""
    view, hold = seen.view, seen.hold
    known, before = (hold.quarantined, hold.undo) if hold is not None else ((), None)
    if view is None or view.deleting:
        return Undoing(quarantined=known)
    if not seen.enforcing:
        return Undoing(ended=Reason.LIFTED_BY_HAND if before is not None else None)
    allowed = _allowed(seen)
    kept = tuple(q for q in known if q.template.digest not in allowed and _stands(seen, view, q))
    if before is not None and lasts(view, before) and any(q.id == before.id for q in kept):
        return Undoing(keep_undo(view, before, seen.now), kept)
    declared = view.template.digest
    entry = next((q for q in kept if q.template.digest == declared), None)
    if entry is not None:
        return Undoing(_begin(seen, view, entry, kept), kept)
    entry = _new(seen, view, because) if declared not in allowed else None
    if entry is not None:
        kept = (*kept, entry)[-MOST:]
        return Undoing(_begin(seen, view, entry, kept, fresh=True), kept)
    return Undoing(quarantined=kept, ended=None if hold is None else _why_ended(hold, declared, allowed))


def _why_ended(hold: HoldRecord, declared: str, allowed: frozenset[str]) -> Reason | None:
    """Why its undo ends. What was let out of quarantine at an earlier look is on record with its reason."""
    before = hold.undo
    if before is None:
        return None
    if before.bad.digest in allowed:
        return Reason.ALLOWED_BY_HAND
    if hold.reason is Reason.ALLOWED_BY_HAND:
        return hold.reason
    return Reason.CAUSE_REMOVED if before.bad.digest == declared else Reason.TEMPLATE_CHANGED


def _stands(seen: Observed, view: View, entry: Quarantined) -> bool:
    """Whether a template stays in quarantine: not for ever, and not when the rule that asked is gone or only reports.

    While it is declared time alone does not let it out.
    """
    undo = seen.hold.undo if seen.hold is not None else None
    undone = undo is not None and undo.id == entry.id and lasts(view, undo)
    if seen.now - entry.since >= KEPT and not undone and entry.template.digest != view.template.digest:
        return False
    cause = entry.cause
    if cause is None or cause.objective in seen.unreadable:
        return True
    if ObjectKey(seen.workload.namespace, cause.rule.policy) in seen.unreadable:
        return True
    rule = _rule(seen, cause)
    return rule is not None and rule.mode is Mode.ENFORCE


def _rule(seen: Observed, cause: CauseKey) -> Rule | None:
    return next((r for r in seen.rules.get(cause.objective, ()) if r.key == cause.rule), None)


def _allowed(seen: Observed) -> frozenset[str]:
    """The digests of what people let roll out again: on the release, or by the override label with the id of its undo."""
    allowed = {r.template.digest for r in seen.releases if r.allow is not None}
    if seen.hold is not None and seen.view is not None:
        known = {q.id: q.template for q in seen.hold.quarantined}
        if seen.hold.undo is not None:
            known[seen.hold.undo.id] = seen.hold.undo.bad
        override = seen.view.override
        allowed |= {known[override].digest} if override in known else set()
    return frozenset(allowed)


def _new(seen: Observed, view: View, because: Sequence[Finding]) -> Quarantined | None:
    """The declared template, when a rule or a person asks to undo it now, and nothing stands in the way."""
    release = _declared(seen)
    if release is None:
        return None
    blamed = next((f for f in because if f.blames and f.verdict > Verdict.NOTIFY and _knows(f)), None)
    by_hand = release.undo is not None and not _opened(seen, view)
    if not by_hand and (blamed is None or release.attempted or not _may_stop(seen)):
        return None
    if _serve(seen, release, ()) is None and not view.in_flight:
        return None  # it is out, and there is nothing to go back to
    reason = Reason.UNDONE_BY_HAND if by_hand or blamed is None else blamed.reason
    cause = None if by_hand or blamed is None else blamed.key
    return Quarantined(f"{reason.slug}-{seen.new_id}", view.template, seen.now, cause)


def _opened(seen: Observed, view: View) -> bool:
    """Whether what a person asked was done, and a person let the declared template out again: that is answered."""
    hold = seen.hold
    if hold is None or hold.in_force or hold.reason is not Reason.ALLOWED_BY_HAND:
        return False
    return hold.declared.digest == view.template.digest and hold.id.startswith(Reason.UNDONE_BY_HAND.slug)


def _knows(finding: Finding) -> bool:
    """Silence begins nothing, whatever was found before it."""
    return isinstance(finding.measured.evidence, Fresh)


def _may_stop(seen: Observed) -> bool:
    """Restraint leaves a release alone; only where undoing does not help it is stopped all the same."""
    return seen.restrained is None or seen.restrained.reason is RestraintReason.UNDONE_AGAIN_AND_AGAIN


def _begin(
    seen: Observed, view: View, entry: Quarantined, quarantined: Sequence[Quarantined], *, fresh: bool = False
) -> Undo:
    """With the release that is to serve, where the rule asks for that and there is one; else it is only stopped."""
    serve = _serve(seen, _declared(seen), quarantined)
    rule = _rule(seen, entry.cause) if entry.cause is not None else None
    if rule is not None and rule.then.verdict is not Verdict.ROLL_BACK:
        serve = None
    if fresh and seen.restrained is not None and entry.cause is not None:
        serve = None
    template = None if serve is None else serve.template
    return begin_undo(view, seen.hold, entry.id, template, seen.now, at_once=_serves_nothing(seen))


def _serves_nothing(seen: Observed) -> bool:
    """Whether every request to the release's pods failed, as all objectives that count success have it: then nothing is
    lost with them, and the good pods need not be waited for.
    """
    told = {m.objective.key for m in seen.measured if isinstance(m.objective.indicator, BadOverTotal | GoodOverTotal)}
    weighed = seen.trial.weighed if seen.trial is not None else ()
    counted = [w for w in weighed if w.objective in told and w.finding is not ReleaseFinding.NOT_ATTRIBUTABLE]
    return bool(counted) and all(w.total >= ENOUGH and w.bad >= w.total for w in counted)


def _serve(seen: Observed, release: ReleaseRecord | None, quarantined: Sequence[Quarantined]) -> ReleaseRecord | None:
    """What can serve instead of the declared release."""
    if release is not None and release.readiness is not None and not release.readiness.ready:
        return None
    return last_good(seen.releases, [q.template.digest for q in quarantined])


def _declared(seen: Observed) -> ReleaseRecord | None:
    found = present(seen.releases)
    return found if found is not None and seen.view is not None and found.template == seen.view.template else None
