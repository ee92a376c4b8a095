"""The record on a WorkloadRelease, written and read.

Rule: reading what was written gives the same record, to the last digit. Objectives are of the release's own namespace.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from pydantic import ValidationError

from holdfast.core.hold import Template
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.quantities import Instant
from holdfast.core.release import (
    Ask,
    Cost,
    Readiness,
    ReadinessReason,
    ReleaseRecord,
    Restrained,
    RestraintReason,
    release_name,
)

from .conditions import Condition, ConditionReason, ConditionType, render
from .problems import Invalid, Problem, problems
from .shown_release import AskSpec, CostStatus, ReleaseSpec, ReleaseStatus
from .times import read_instant, write_instant

DIGITS: Final = 64


def release_body(record: ReleaseRecord) -> dict[str, object]:
    """A new WorkloadRelease, without a status."""
    workload = record.workload
    return {
        "apiVersion": "holdfast.dev/v1alpha1",
        "kind": "WorkloadRelease",
        "metadata": {"name": record.name, "namespace": workload.namespace},
        "spec": {
            "workload": {"kind": workload.kind, "name": workload.name},
            "template": record.template.digest,
        },
    }


def release_status(
    record: ReleaseRecord,
    template: Mapping[str, object] | None = None,
    now: Instant | None = None,
    before: object = None,
) -> dict[str, object]:
    """The status of a WorkloadRelease; what is not known is left out.

    `template` is the whole pod template where it is kept, `before` the status so far: a condition that stands keeps its
    time.
    """
    status: dict[str, object | None] = {
        "state": record.state.value,
        "verdict": record.finding.value,
        "uid": record.uid,
        "revision": record.revision or None,
        "hash": record.hash or None,
        "version": record.template.version,
        "images": list(record.template.images),
        "changedBy": record.changed_by or None,
        "again": record.again,
        "began": write_instant(record.began),
        "started": _time(record.started),
        "completed": _time(record.completed),
        "ended": _time(record.ended),
        "good": record.good,
        "found": _time(record.found),
        "undone": _time(record.undone),
        "costs": [_cost(cost) for cost in record.costs],
        "bound": record.bound or None,
        "message": _message(record) or None,
        "template": None if template is None else dict(template),
        "summary": _summary(record),
        "conditions": render(_conditions(record), None, before, record.began if now is None else now),
    }
    return {key: value for key, value in status.items() if value is not None}


def _time(at: Instant | None) -> str | None:
    return None if at is None else write_instant(at)


def _cost(cost: Cost) -> dict[str, object]:
    seen = {} if cost.seen_after is None else {"seenAfter": cost.seen_after}
    return {
        "slo": cost.objective.name,
        "requests": _number(cost.total),
        "bad": _number(cost.bad),
        "spent": _percent(cost.spent),
        "finding": cost.finding.value,
        **seen,
    }


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _percent(share: float) -> str:
    """Exact, since it is read again; people get the rounded one of the summary."""
    exact = Decimal(repr(share)).scaleb(2).normalize()
    return f"{exact:f}" if -DIGITS // 2 < exact.adjusted() < DIGITS // 2 else str(exact)


def _summary(record: ReleaseRecord) -> dict[str, object]:
    workload = f"{record.workload.kind.lower()}/{record.workload.name}"
    dearest = record.dearest
    if dearest is None:
        return {"workload": workload}
    cost = f"{100 * dearest.spent:.1f}".removesuffix(".0")
    return {
        "workload": workload,
        "requests": f"{dearest.total:.0f}"[:DIGITS],
        "bad": f"{dearest.bad:.0f}"[:DIGITS],
        "cost": f"{cost}%" if len(cost) < DIGITS else f"{100 * dearest.spent:.1e}%",
    }


def _message(record: ReleaseRecord) -> str:
    """What there is to know about it, why it is left to people included."""
    why = record.restrained.why if record.restrained is not None else ""
    return f"{record.message} {why}" if record.message and why else record.message or why


def _conditions(record: ReleaseRecord) -> list[Condition]:
    kept_from = record.restrained
    if kept_from is None:
        return [_ready(record)]
    reason = ConditionReason(kept_from.reason.value)
    return [_ready(record), Condition(ConditionType.RESTRAINED, True, reason, kept_from.why)]


def _ready(record: ReleaseRecord) -> Condition:
    judged = record.readiness
    if judged is None:
        said = "It has not been judged yet whether this release could be undone."
        return Condition(ConditionType.ROLLBACK_READY, None, ConditionReason.NOT_JUDGED, said)
    return Condition(ConditionType.ROLLBACK_READY, judged.ready, ConditionReason(judged.reason.value), judged.why)


def parse_release(body: Mapping[str, object]) -> ReleaseRecord | None:
    """The record of a WorkloadRelease; None when nothing was recorded on it yet; raises Invalid when it cannot be read."""
    metadata = body.get("metadata")
    namespace, name = (
        (metadata.get("namespace"), metadata.get("name")) if isinstance(metadata, Mapping) else (None, None)
    )
    if not isinstance(namespace, str) or not namespace:
        raise Invalid((Problem("metadata.namespace", "a WorkloadRelease lives in a namespace; this one names none"),))
    given = body.get("status")
    found: tuple[Problem, ...] = ()
    try:
        spec = ReleaseSpec.model_validate(body.get("spec"))
    except ValidationError as error:
        found += problems(error, "spec")
    try:
        status = None if given is None or given == {} else ReleaseStatus.model_validate(given)
    except ValidationError as error:
        found += problems(error, "status")
    if found:
        raise Invalid(found)
    workload = Workload(namespace, spec.workload.kind, spec.workload.name)
    if name != release_name(workload, spec.template):
        said = f"this release is to be called {release_name(workload, spec.template)}; another name is of no use"
        raise Invalid((Problem("metadata.name", said),))
    try:
        return None if status is None else _record(workload, spec, status)
    except (ValueError, OverflowError) as error:
        raise Invalid((Problem("status", f"the record cannot be read: {error}"),)) from None


def _record(workload: Workload, spec: ReleaseSpec, status: ReleaseStatus) -> ReleaseRecord:
    restrained = _restrained(status)
    return ReleaseRecord(
        workload=workload,
        uid=status.uid,
        template=Template(spec.template, tuple(status.images or ())),
        began=read_instant(status.began),
        state=status.state,
        revision=status.revision or 0,
        hash=status.hash or "",
        changed_by=status.changed_by or "",
        again=bool(status.again),
        started=_instant(status.started),
        completed=_instant(status.completed),
        ended=_instant(status.ended),
        good=bool(status.good),
        found=_instant(status.found),
        undone=_instant(status.undone),
        kept=status.template is not None,
        costs=tuple(_read_cost(workload.namespace, cost) for cost in status.costs or ()),
        readiness=_readiness(status),
        bound=status.bound or "",
        message=_own_message(status.message or "", restrained),
        restrained=restrained,
        undo=_ask(spec.undo),
        allow=_ask(spec.allow),
    )


def _own_message(text: str, restrained: Restrained | None) -> str:
    """Without the reason of the restraint, which has a place of its own."""
    if restrained is None:
        return text
    return "" if text == restrained.why else text.removesuffix(f" {restrained.why}")


def _instant(text: str | None) -> Instant | None:
    return None if text is None else read_instant(text)


def _read_cost(namespace: str, status: CostStatus) -> Cost:
    return Cost(
        ObjectKey(namespace, status.slo),
        total=_read_number(status.requests),
        bad=_read_number(status.bad),
        spent=_read_number(status.spent, 2),
        finding=status.finding,
        seen_after=status.seen_after,
    )


def _read_number(text: str, places: int = 0) -> float:
    """A finite number of so many places more than it is to have: 2 for percent."""
    try:
        value = float(Decimal(text).scaleb(-places))
    except (InvalidOperation, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]!r} is no number")
    return value


def _readiness(status: ReleaseStatus) -> Readiness | None:
    for said in status.conditions or ():
        if said.type == ConditionType.ROLLBACK_READY and said.status != "Unknown":
            return Readiness(said.status == "True", ReadinessReason(said.reason), said.message)
    return None


def _restrained(status: ReleaseStatus) -> Restrained | None:
    for said in status.conditions or ():
        if said.type == ConditionType.RESTRAINED and said.status == "True":
            return Restrained(RestraintReason(said.reason), said.message)
    return None


def _ask(spec: AskSpec | None) -> Ask | None:
    return None if spec is None else Ask(spec.requested_by, spec.reason)
