"""The record on a Hold, written and read.

Rule: reading what was written gives the same record, to the last digit. Causes are of the Hold's own namespace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import ValidationError

from holdfast.core.hold import (
    Cause,
    CauseKey,
    HoldRecord,
    HoldState,
    Quarantined,
    Template,
    Transition,
    Undo,
    UndoState,
)
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.policy import RuleKey
from holdfast.core.quantities import Instant, spell_instant

from .conditions import Condition, ConditionReason, ConditionType, render
from .problems import Invalid, Problem, problems
from .shown_hold import (
    HISTORY,
    CauseName,
    CauseStatus,
    HoldSpec,
    HoldStatus,
    QuarantinedStatus,
    TemplateStatus,
    UndoStatus,
)
from .times import read_duration, read_instant, write_duration, write_instant


def hold_status(record: HoldRecord, now: Instant | None = None, before: object = None) -> dict[str, object]:
    """The status of a Hold. `before` is its status so far: a condition that stands keeps its time."""
    status: dict[str, object] = {
        "state": record.state.value,
        "id": record.id,
        "reason": record.reason.value,
        "gate": "Queue" if _queued(record) else "Deny",
        "message": record.message,
        "since": write_instant(record.since),
        "lifts": lifts(record),
        "declared": _template(record.declared),
        "history": [
            {"at": write_instant(t.at), "state": t.state.value, "reason": t.reason.value}
            for t in record.history[-HISTORY:]
        ],
        "conditions": render([_enforced(record), *_undone(record)], None, before, record.since if now is None else now),
    }
    if record.serving is not None:
        status["serving"] = _template(record.serving)
    if asking := _asking(record):
        status["slo"] = ", ".join(dict.fromkeys(key.objective.name for key in asking))[:4096]
    if kept := _kept(record):
        status["record"] = kept  # an empty one, of which parts go, the server would store as null, and refuse
    if record.causes:
        status["causes"] = [_cause(cause) for cause in record.causes]
    return status


def _queued(record: HoldRecord) -> bool:
    """Whether it keeps, or kept until it was lifted, one release from rolling out, and lets any other one through."""
    if record.in_force:
        return not record.denies
    undone = any(q.id == record.id for q in record.quarantined)
    return undone and record.workload.kind == "Deployment"


def lifts(record: HoldRecord) -> str:
    """When it ends, in a few words for a column."""
    if record.state is HoldState.LIFTED:
        return "-"
    if record.undo is not None and not record.causes:
        return "by hand" if record.puts_back else "on another template"
    ends = [cause.ends for cause in record.causes]
    latest = [end for end in ends if end is not None]
    if not latest or len(latest) < len(ends):
        return "on recovery"
    return "by " + spell_instant(max(latest)).replace(" UTC", "Z")


def _asking(record: HoldRecord) -> list[CauseKey]:
    """The rules that ask for it: those that hold, and the one that undid the release."""
    ids = {record.id, *(() if record.undo is None else (record.undo.id,))}
    undone = [q.cause for q in record.quarantined if q.id in ids]
    return [c.key for c in record.causes] + [key for key in undone if key is not None]


def _template(template: Template) -> dict[str, object]:
    return {"template": template.digest, "version": template.version, "images": list(template.images)}


def _name(key: CauseKey) -> dict[str, object]:
    return {"policy": key.rule.policy, "rule": key.rule.rule, "slo": key.objective.name}


def _cause(cause: Cause) -> dict[str, object]:
    ends = {} if cause.at_most is None else {"atMost": write_duration(cause.at_most)}
    return _name(cause.key) | {"reason": cause.reason.value, "since": write_instant(cause.since)} | ends


def _kept(record: HoldRecord) -> dict[str, object]:
    paused = {} if record.paused is None else {"pausedBy": "Holdfast", "pausedTemplate": _template(record.paused)}
    undo = {} if record.undo is None else {"undo": _undo(record.undo)}
    quarantined = [_quarantined(q) for q in record.quarantined]
    listed = {"quarantined": quarantined} if quarantined else {}
    found = {} if record.found is None else {"partition": record.found}
    worn = {"worn": [_name(key) for key in record.worn]} if record.worn else {}
    return {**paused, **found, **worn, **undo, **listed}


def _undo(undo: Undo) -> dict[str, object]:
    status: dict[str, object] = {
        "id": undo.id,
        "state": undo.state.value,
        "since": write_instant(undo.since),
        "bad": _template(undo.bad),
        "pausedBefore": undo.paused_before,
        "atOnce": undo.at_once,
    }
    if undo.serve is not None:
        status["serve"] = _template(undo.serve)
    if undo.found is not None:
        status["found"] = undo.found
    return status


def _quarantined(quarantined: Quarantined) -> dict[str, object]:
    cause = {} if quarantined.cause is None else {"cause": _name(quarantined.cause)}
    since = write_instant(quarantined.since)
    return {"id": quarantined.id, "since": since, "template": _template(quarantined.template), **cause}


def _enforced(record: HoldRecord) -> Condition:
    if record.enforced:
        return Condition(
            ConditionType.ENFORCED,
            True,
            ConditionReason.SEEN_IN_FORCE,
            "The label and the pause were seen on the workload.",
        )
    if record.in_force:
        return Condition(
            ConditionType.ENFORCED,
            False,
            ConditionReason.NOT_SEEN_IN_FORCE,
            "Not everything has been seen in force yet.",
        )
    return Condition(ConditionType.ENFORCED, False, ConditionReason.LIFTED, "The workload is free.")


def _undone(record: HoldRecord) -> list[Condition]:
    """How far the undo is, where there is one."""
    undo = record.undo
    if undo is None:
        return []
    reason, message = _STATES[undo.state]
    stuck = undo.state is UndoState.STUCK
    return [
        Condition(ConditionType.UNDONE, undo.state is UndoState.UNDONE, reason, message),
        Condition(ConditionType.ROLLBACK_STUCK, stuck, reason, message),
    ]


_STATES: Final = {
    UndoState.UNDER_WAY: (ConditionReason.UNDER_WAY, "The pods of the last good release are on their way."),
    UndoState.UNDONE: (ConditionReason.LAST_GOOD_SERVES, "The last good release serves alone."),
    UndoState.STUCK: (
        ConditionReason.NOT_IN_TIME,
        "The pods of the last good release did not become available in time; it goes on when they do.",
    ),
    UndoState.STOPPED: (
        ConditionReason.NO_WAY_BACK,
        "There is no release to go back to: nothing more of this one starts, and what serves goes on.",
    ),
}


def parse_hold(body: Mapping[str, object]) -> HoldRecord | None:
    """The record of a Hold; None when nothing was recorded on it yet; raises Invalid when it cannot be read."""
    metadata = body.get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, Mapping) else None
    if not isinstance(namespace, str) or not namespace:
        raise Invalid((Problem("metadata.namespace", "a Hold lives in a namespace; this one names none"),))
    given = body.get("status")
    if given is None or given == {}:
        return None
    found: tuple[Problem, ...] = ()
    try:
        spec = HoldSpec.model_validate(body.get("spec"))
    except ValidationError as error:
        found += problems(error, "spec")
    try:
        status = HoldStatus.model_validate(given)
    except ValidationError as error:
        found += problems(error, "status")
    if found:
        raise Invalid(found)
    try:
        return _record(Workload(namespace, spec.workload.kind, spec.workload.name), status)
    except (ValueError, OverflowError) as error:
        raise Invalid((Problem("status", f"the record cannot be read: {error}"),)) from None


def _record(workload: Workload, status: HoldStatus) -> HoldRecord:
    kept = status.record
    return HoldRecord(
        workload=workload,
        id=status.id,
        state=status.state,
        reason=status.reason,
        since=read_instant(status.since),
        causes=tuple(_read_cause(workload.namespace, cause) for cause in status.causes or ()),
        message=status.message,
        declared=_read_template(status.declared),
        serving=None if status.serving is None else _read_template(status.serving),
        paused=None if kept is None or kept.paused_template is None else _read_template(kept.paused_template),
        found=None if kept is None else kept.partition,
        enforced=_is_true(status, ConditionType.ENFORCED),
        worn=tuple(_read_names(workload.namespace, () if kept is None else kept.worn or ())),
        history=tuple(Transition(read_instant(t.at), t.state, t.reason) for t in status.history or ()),
        undo=None if kept is None or kept.undo is None else _read_undo(kept.undo),
        quarantined=tuple(
            _read_quarantined(workload.namespace, q) for q in (() if kept is None else kept.quarantined or ())
        ),
    )


def _read_undo(status: UndoStatus) -> Undo:
    return Undo(
        id=status.id,
        bad=_read_template(status.bad),
        serve=None if status.serve is None else _read_template(status.serve),
        since=read_instant(status.since),
        state=status.state,
        paused_before=status.paused_before,
        at_once=status.at_once,
        found=status.found,
    )


def _read_quarantined(namespace: str, status: QuarantinedStatus) -> Quarantined:
    cause = None if status.cause is None else _read_names(namespace, (status.cause,))[0]
    return Quarantined(status.id, _read_template(status.template), read_instant(status.since), cause)


def _is_true(status: HoldStatus, kind: ConditionType) -> bool:
    return any(c.type == kind and c.status == "True" for c in status.conditions or ())


def _read_template(status: TemplateStatus) -> Template:
    return Template(status.template, tuple(status.images or ()))


def _read_names(namespace: str, names: Sequence[CauseName]) -> list[CauseKey]:
    return [CauseKey(RuleKey(n.policy, n.rule), ObjectKey(namespace, n.slo)) for n in names]


def _read_cause(namespace: str, status: CauseStatus) -> Cause:
    (key,) = _read_names(namespace, (status,))
    return Cause(
        key,
        status.reason,
        read_instant(status.since),
        None if status.at_most is None else read_duration(status.at_most),
    )
