"""What is worth telling, and in which words: a status when a person would read something new, an Event when it happened.

Pure: the loop writes what is returned here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from holdfast.core.explain import explain_rule, lift_message
from holdfast.core.explain_release import called, undo_message
from holdfast.core.hold import HoldRecord, HoldState, Reason, Undo, UndoState
from holdfast.core.judge import Finding, Standing
from holdfast.core.policy import Verdict
from holdfast.core.quantities import Seconds, format_percent
from holdfast.core.release import ReleaseFinding, ReleaseRecord

QUIET: Final[Seconds] = 60
"""A status whose figures alone have moved is written at most this often (or every hundredth of a short window)."""

POINT: Final = Decimal(1)
"""Figures have moved when the remaining budget has, by this many percent points."""

Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Telling:
    """One Event to be: `warning` or normal, the reason, what was done, and the sentence."""

    warning: bool
    reason: Reason
    action: str
    note: str


def worth_writing(before: Status, after: Status, waited: Seconds, window: Seconds) -> bool:
    """Whether `after` tells a person something that `before` does not, given the time since the last write."""
    if _essence(before) != _essence(after):
        return True
    was, now = _remaining(before), _remaining(after)
    moved = was != now if was is None or now is None else abs(was - now) >= POINT
    return (moved or _note(before) != _note(after)) and waited >= min(QUIET, window / 100)


def _essence(status: Status) -> object:
    """The part that is told at once: verdict, evidence, conditions, workloads; no figures, no times."""
    conditions = status.get("conditions") or ()
    evidence = status.get("evidence") or {}
    return (
        status.get("observedGeneration"),
        status.get("verdict"),
        (status.get("summary") or {}).get("verdict"),
        (status.get("summary") or {}).get("target"),
        evidence.get("state"),
        evidence.get("reason"),
        status.get("held"),
        sorted((f["policy"], f["rule"], f["mode"], f["verdict"]) for f in status.get("findings") or ()),
        status.get("objectives"),
        status.get("enforceable"),
        sorted((n["objective"], n["reason"]) for n in status.get("notEnforceable") or ()),
        status.get("next"),
        sorted((a["name"], a.get("coarse"), a.get("reset")) for a in status.get("adjustments") or ()),
        sorted((w["kind"], w["name"], w["state"]) for w in status.get("workloads") or ()),
        sorted((c["type"], c["status"], c["reason"]) for c in conditions),
    )


def _remaining(status: Status) -> Decimal | None:
    try:
        return Decimal((status.get("budget") or {})["remaining"])
    except (KeyError, InvalidOperation, TypeError):
        return None


def _note(status: Status) -> object:
    """Why there is no evidence, in words: a source may go from one failure to the next."""
    return (status.get("evidence") or {}).get("message")


def of_objective(before: Status, standing: Standing) -> Telling | None:
    """What a change of an objective's verdict is worth; None when it is none, or the first one and good."""
    old = before.get("verdict")
    verdict = standing.verdict
    if verdict is None or old == verdict.label:
        return None
    if verdict is Verdict.OPEN:
        if old in {None, "Unknown"}:
            return None
        left = format_percent(standing.measured.budget.remaining)
        return Telling(
            False, Reason.BUDGET_RECOVERED, "Judge", f"Verdict {old} → Open: {left} % of the budget is left."
        )
    finding = _top(standing, verdict)
    note = f"Verdict {old or 'Unknown'} → {verdict.label}. {explain_rule(finding.rule, finding)}"
    return Telling(True, finding.reason, "Judge", note)


def of_release(before: ReleaseRecord | None, after: ReleaseRecord) -> Telling | None:
    """What a change of what its pods say of a release is worth; None when there is none that people must know."""
    found = after.finding
    if before is not None and before.finding is found:
        return None
    name = f"{called(after)} of {after.workload}"
    if found is ReleaseFinding.BAD:
        return Telling(True, Reason.BAD_RELEASE, "Judge", f"{name} is at fault. {after.message}".strip())
    if found is ReleaseFinding.SHARED:
        note = f"{name} fails, and so do the pods of other releases: an incident, and not this release."
        return Telling(True, Reason.SHARED_INCIDENT, "Judge", note)
    return None


def of_restraint(before: ReleaseRecord | None, after: ReleaseRecord) -> Telling | None:
    """That a release is not undone though a rule asks for it: told once, with why and what to do."""
    if after.restrained is None or (before is not None and before.restrained is not None):
        return None
    note = f"{called(after)} of {after.workload} is not undone by itself. {after.restrained.why}"
    return Telling(True, Reason.RESTRAINED, "Restrain", note)


def _top(standing: Standing, verdict: Verdict) -> Finding:
    return next(f for f in standing.found if f.enforced and f.verdict is verdict)


def of_hold(before: HoldRecord | None, after: HoldRecord) -> Telling | None:
    """What a written record is worth: a hold that came into force, was overridden or lifted, or an undo that went on."""
    was_enforced = before is not None and before.id == after.id and before.enforced
    if after.state is HoldState.LIFTED:
        if before is None or before.state is HoldState.LIFTED:
            return None
        return Telling(False, after.reason, "Lift", lift_message(after.workload, after.id, after.reason))
    if after.state is HoldState.OVERRIDDEN and (before is None or before.state is not HoldState.OVERRIDDEN):
        note = f"The hold {after.id} of {after.workload} is overridden: changes go through until it lifts."
        return Telling(True, Reason.OVERRIDDEN, "Override", note)
    undo = after.undo
    if undo is not None and after.enforced and (before is None or not before.enforced or _moved_on(before.undo, undo)):
        reason = Reason.ROLLBACK_STUCK if undo.state is UndoState.STUCK else _reason_of(undo, after)
        return Telling(True, reason, "Undo", f"{after.workload} ({undo.id}): {undo_message(after.workload, undo)}")
    if after.enforced and not was_enforced:
        paused = " The rollout in flight is paused." if after.paused is not None else ""
        return Telling(True, after.reason, "Hold", f"{after.workload} is on hold ({after.id}): {after.message}{paused}")
    return None


def _moved_on(before: Undo | None, after: Undo) -> bool:
    return before is None or (before.id, before.state) != (after.id, after.state)


def _reason_of(undo: Undo, hold: HoldRecord) -> Reason:
    """Why a release is undone: its id says it."""
    return next((reason for reason in Reason if undo.id.startswith(f"{reason.slug}-")), hold.reason)
