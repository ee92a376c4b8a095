"""What a workload declares, and what its controller made of it: all that releases are told from.

Rule: what the controller says counts once it has seen the present declaration. Without that, and with no pod at all,
nothing is complete.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from holdfast.core.hold import Template
from holdfast.core.objective import Workload
from holdfast.core.quantities import Instant
from holdfast.core.releases import Declared, Revision

from .fields import TEMPLATE, entries, owns
from .resources import DAEMONSETS, DEPLOYMENTS, STATEFULSETS, Body
from .revisions import HASH, template_of
from .strategy import is_rolling, partition_of
from .templates import HASH_LABEL, REVISION, read_template


def declared(workload: Workload, body: Body, made: Iterable[Body]) -> Declared:
    """The core's value of a workload; `made` are the ReplicaSets or ControllerRevisions that it controls."""
    spec = body.get("spec") or {}
    revisions = [_replica_set(m) if workload.kind == DEPLOYMENTS.kind else _revision(body, m) for m in made]
    return Declared(
        workload=workload,
        uid=body["metadata"]["uid"],
        template=read_template(spec.get("template") or {}),
        paused=_paused(workload.kind, body),
        complete=_complete(workload.kind, body),
        revisions=tuple(revisions),
        changed_by=changed_by(body),
    )


def changed_by(body: Body) -> str:
    """The manager of the last change of the pod template, to the second; empty where nobody knows."""
    owners = [entry for entry in entries(body) if owns(entry, TEMPLATE)]
    last = max(owners, key=lambda entry: entry.get("time") or "", default=None)
    return "" if last is None else str(last["manager"])[:253]


def _paused(kind: str, body: Body) -> bool:
    """Whether no pod gets the declared template by itself."""
    spec = body.get("spec") or {}
    if kind == DEPLOYMENTS.kind:
        return bool(spec.get("paused"))
    held = kind == STATEFULSETS.kind and partition_of(body) >= max(1, spec.get("replicas", 1))
    return held or not is_rolling(body)


def _complete(kind: str, body: Body) -> bool:
    """Whether all pods are of the declared template and available, as the controller says who has seen it."""
    spec, status = body.get("spec") or {}, body.get("status") or {}
    if status.get("observedGeneration", 0) < body["metadata"].get("generation", 0):
        return False
    if kind == DAEMONSETS.kind:
        wanted, of_it = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
        return bool(wanted and wanted == of_it == status.get("numberAvailable", 0))
    wanted = spec.get("replicas", 1)
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return bool(wanted and all(count == wanted for count in counts))


def _replica_set(body: Body) -> Revision:
    metadata, status = body["metadata"], body.get("status") or {}
    number = (metadata.get("annotations") or {}).get(REVISION, "")
    return Revision(
        template=_template(body.get("spec") or {}),
        hash=(metadata.get("labels") or {}).get(HASH_LABEL, ""),
        number=int(number) if number.isdecimal() else 0,
        created=_created(body),
        pods=status.get("replicas", 0),
    )


def _revision(workload: Body, body: Body) -> Revision:
    """Of which revision how many pods are, a StatefulSet tells of two of them, a DaemonSet of the newest one alone."""
    metadata, status = body["metadata"], workload.get("status") or {}
    number, pods = body.get("revision", 0), 0
    if "updateRevision" in status:
        hash_ = metadata["name"]
        told = {status.get("currentRevision"): "currentReplicas", status["updateRevision"]: "updatedReplicas"}
        pods = status.get(told.get(hash_, ""), 0)
    else:
        hash_ = (metadata.get("labels") or {}).get(HASH, "")
    return Revision(read_template(template_of(body)), hash_, number, _created(body), pods)


def _template(spec: dict[str, Any]) -> Template:
    return read_template(spec.get("template") or {})


def _created(body: Body) -> Instant:
    return datetime.fromisoformat(body["metadata"]["creationTimestamp"]).timestamp()
