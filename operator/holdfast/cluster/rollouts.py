"""The pods of a workload whose release is on trial: of which revision each is, and whether it gets anywhere.

Rule: asked for only while a release is on trial, and once a look. A pod is the workload's when a set of the workload controls it;
one that was set aside (detached) keeps its name, and so do its pods their controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from holdfast.core.objective import Workload
from holdfast.core.pods import Pod
from holdfast.core.quantities import Instant, parse_instant
from holdfast.core.stall import Rollout

from .client import Client
from .errors import NotFound
from .owners import selector
from .resources import PODS, WORKLOADS, Body
from .templates import HASH_LABEL

REVISION_LABEL: Final = "controller-revision-hash"
OVERDUE: Final = "ProgressDeadlineExceeded"


async def read_rollout(client: Client, workload: Workload) -> Rollout | None:
    """The pods of a workload now; None when there is no such workload. Raises ClusterError."""
    try:
        found = await client.get(WORKLOADS[workload.kind], workload.namespace, workload.name)
    except NotFound:
        return None
    chosen = selector((found.get("spec") or {}).get("selector") or {})
    pods = [
        pod_of(workload, body)
        async for page in client.pages(PODS, workload.namespace, labels=chosen)
        for body in page.items
        if is_of(workload, found["metadata"]["uid"], body)
    ]
    return Rollout(tuple(pods), _overdue(found))


def is_of(workload: Workload, uid: str, body: Body) -> bool:
    """Whether a pod is one of the workload. The ReplicaSet of a Deployment is named after it and the hash of its pods."""
    owners = body["metadata"].get("ownerReferences") or ()
    owner = next((one for one in owners if one.get("controller")), None)
    if owner is None:
        return False
    if workload.kind == "Deployment":
        revision = _revision(workload, body)
        return revision != "" and (owner["kind"], owner["name"]) == ("ReplicaSet", f"{workload.name}-{revision}")
    return bool(owner["uid"] == uid)


def pod_of(workload: Workload, body: Body) -> Pod:
    """What counts of a pod."""
    metadata, status = body["metadata"], body.get("status") or {}
    containers = status.get("containerStatuses") or ()
    ready: Mapping[str, Any] = next((one for one in status.get("conditions") or () if one["type"] == "Ready"), {})
    is_ready = ready.get("status") == "True"
    waiting = (_waiting(one) for one in (*containers, *(status.get("initContainerStatuses") or ())))
    return Pod(
        name=metadata["name"],
        uid=metadata["uid"],
        revision=_revision(workload, body),
        created=parse_instant(metadata["creationTimestamp"]),
        ready=is_ready,
        ready_since=_time(ready.get("lastTransitionTime")) if is_ready else None,
        restarts=max((one.get("restartCount", 0) for one in containers), default=0),
        waiting=next(filter(None, waiting), ""),
        leaving="deletionTimestamp" in metadata,
    )


def _waiting(container: Mapping[str, Any]) -> str:
    return str((((container.get("state") or {}).get("waiting")) or {}).get("reason") or "")


def _revision(workload: Workload, body: Body) -> str:
    labels = body["metadata"].get("labels") or {}
    return str(labels.get(HASH_LABEL if workload.kind == "Deployment" else REVISION_LABEL, ""))


def _overdue(body: Body) -> Instant | None:
    """Since when the progress deadline of a Deployment has passed, by a controller that has seen the present spec."""
    status = body.get("status") or {}
    if status.get("observedGeneration", 0) < body["metadata"].get("generation", 0):
        return None
    late = (one for one in status.get("conditions") or () if one.get("reason") == OVERDUE)
    return next((_time(one.get("lastTransitionTime")) for one in late), None)


def _time(text: str | None) -> Instant | None:
    return None if text is None else parse_instant(text)
