"""The record on a Hold, written and read.

Rule: reading what was written gives the same record, to the last digit. Causes are of the Hold's own namespace.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import ValidationError

from holdfast.core.hold import Cause, CauseKey, HoldRecord, HoldState, Template, Transition
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.policy import RuleKey
from holdfast.core.quantities import Instant, spell_instant

from .conditions import Condition, ConditionReason, ConditionType, render
from .problems import Invalid, Problem, problems
from .shown_hold import HISTORY, CauseName, CauseStatus, HoldSpec, HoldStatus, TemplateStatus
from .times import read_duration, read_instant, write_duration, write_instant

_TAG: Final = re.compile(r"[^/]:([\w.-]+)$")


def hold_status(record: HoldRecord, now: Instant | None = None, before: object = None) -> dict[str, object]:
    """The status of a Hold. `before` is its status so far: a condition that stands keeps its time."""
    status: dict[str, object] = {
        "state": record.state.value,
        "id": record.id,
        "reason": record.reason.value,
        "gate": "Deny",
        "message": record.message,
        "slo": ", ".join(dict.fromkeys(c.key.objective.name for c in record.causes))[:4096],
        "since": write_instant(record.since),
        "lifts": lifts(record),
        "declared": _template(record.declared),
        "causes": [_cause(cause) for cause in record.causes],
        "record": _kept(record),
        "history": [
            {"at": write_instant(t.at), "state": t.state.value, "reason": t.reason.value}
            for t in record.history[-HISTORY:]
        ],
        "conditions": render([_enforced(record)], None, before, record.since if now is None else now),
    }
    if record.serving is not None:
        status["serving"] = _template(record.serving)
    return status


def lifts(record: HoldRecord) -> str:
    """When it ends, in a few words for a column."""
    if record.state is HoldState.LIFTED:
        return "-"
    ends = [cause.ends for cause in record.causes]
    latest = [end for end in ends if end is not None]
    if not latest or len(latest) < len(ends):
        return "on recovery"
    return "by " + spell_instant(max(latest)).replace(" UTC", "Z")


def version(template: Template) -> str:
    """The tags of its images, for people; a short digest where there are none."""
    tags = dict.fromkeys(found[1] for image in template.images if (found := _TAG.search(image.partition("@")[0])))
    return ",".join(tags)[:128] or template.digest[:12]


def _template(template: Template) -> dict[str, object]:
    return {"template": template.digest, "version": version(template), "images": list(template.images)}


def _name(key: CauseKey) -> dict[str, object]:
    return {"policy": key.rule.policy, "rule": key.rule.rule, "slo": key.objective.name}


def _cause(cause: Cause) -> dict[str, object]:
    ends = {} if cause.at_most is None else {"atMost": write_duration(cause.at_most)}
    return _name(cause.key) | {"reason": cause.reason.value, "since": write_instant(cause.since)} | ends


def _kept(record: HoldRecord) -> dict[str, object]:
    paused = {} if record.paused is None else {"pausedBy": "Holdfast", "pausedTemplate": _template(record.paused)}
    found = {} if record.found is None else {"partition": record.found}
    return {**paused, **found, "worn": [_name(key) for key in record.worn]}


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
    )


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
