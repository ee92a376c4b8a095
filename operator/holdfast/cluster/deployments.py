"""A Deployment and its ReplicaSets as they are now.

Rule: read just before acting, from the server itself. A ReplicaSet belongs to the Deployment whose uid its controller
reference names; a selector that matches the ReplicaSets of another one changes nothing. One that was taken from it is
found by the label that says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from holdfast.core.kinds.deployment import Deployment, ReplicaSet
from holdfast.core.objective import Workload
from holdfast.core.quantities import Seconds
from holdfast.core.request import DETACHED_LABEL

from .client import MANAGER, Client
from .declared import declared
from .errors import NotFound
from .owners import controller_uid, selector
from .resources import DEPLOYMENTS, REPLICASETS, Body
from .templates import HASH_LABEL, REVISION, read_template

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
USUAL_DEADLINE: Final[Seconds] = 600
_NO_DEADLINE: Final = 2**31 - 1  # what progressDeadlineSeconds says when nothing is expected


async def read(client: Client, workload: Workload) -> Deployment | None:
    """What there is of it; None when there is no such Deployment. Raises ClusterError."""
    try:
        found = await client.get(DEPLOYMENTS, workload.namespace, workload.name)
    except NotFound:
        return None
    chosen = selector((found.get("spec") or {}).get("selector") or {})
    sets = await client.everything(REPLICASETS, workload.namespace, labels=chosen)
    uid = found["metadata"]["uid"]
    taken = await client.everything(REPLICASETS, workload.namespace, labels=f"{DETACHED_LABEL}={uid}")
    return deployment(
        workload,
        found,
        [body for body in sets if controller_uid(body) == uid],
        [body for body in taken if controller_uid(body) != uid and _refers(body, uid)],
        unadopted=any(controller_uid(body) is None and _refers(body, uid) and not _detached(body) for body in sets),
    )


def deployment(
    workload: Workload, body: Body, sets: Sequence[Body], detached: Sequence[Body] = (), *, unadopted: bool = False
) -> Deployment:
    """The core's value of a Deployment and its ReplicaSets."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    deadline = spec.get("progressDeadlineSeconds", USUAL_DEADLINE)
    return Deployment(
        workload=workload,
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
        observed_generation=status.get("observedGeneration", 0),
        template=read_template(spec.get("template") or {}),
        paused=bool(spec.get("paused")),
        replicas=spec.get("replicas", 1),
        labels=dict(metadata.get("labels") or {}),
        sets=tuple(_replica_set(owned) for owned in sets),
        deleting="deletionTimestamp" in metadata,
        declared=declared(workload, body, sets),
        detached=tuple(_replica_set(taken) for taken in detached),
        unadopted=unadopted,
        recreate=(spec.get("strategy") or {}).get("type") == "Recreate",
        deadline=USUAL_DEADLINE if deadline == _NO_DEADLINE else deadline,
        paused_by_other=bool(spec.get("paused")) and bool(_owners_of_pause(body)),
        declares_pause="Apply" in _owners_of_pause(body) or _applied_pause(metadata),
    )


def _owners_of_pause(body: Body) -> set[str]:
    """How others than Holdfast came to own `spec.paused`: Apply or Update."""
    return {
        entry.get("operation", "Update")
        for entry in body["metadata"].get("managedFields") or ()
        if entry.get("manager") != MANAGER and "f:paused" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
    }


def _applied_pause(metadata: Mapping[str, Any]) -> bool:
    """Whether the manifest that `kubectl apply` left behind says something of `paused`."""
    try:
        applied = json.loads((metadata.get("annotations") or {}).get(LAST_APPLIED, "{}"))
        return "paused" in (applied.get("spec") or {})
    except (ValueError, AttributeError, TypeError):
        return False


def _refers(body: Body, uid: str) -> bool:
    return any(owner["uid"] == uid for owner in body["metadata"].get("ownerReferences") or ())


def _detached(body: Body) -> bool:
    return DETACHED_LABEL in (body["metadata"].get("labels") or {})


def _replica_set(body: Body) -> ReplicaSet:
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    revision = (metadata.get("annotations") or {}).get(REVISION, "")
    selected = (spec.get("selector") or {}).get("matchLabels") or {}
    return ReplicaSet(
        name=metadata["name"],
        resource_version=metadata["resourceVersion"],
        template=read_template(spec.get("template") or {}),
        desired=spec.get("replicas", 1),
        ready=status.get("readyReplicas", 0),
        revision=int(revision) if revision.isdecimal() else 0,
        labels=dict(metadata.get("labels") or {}),
        uid=metadata["uid"],
        available=status.get("availableReplicas", 0),
        pods=status.get("replicas", 0),
        created=datetime.fromisoformat(metadata["creationTimestamp"]).timestamp(),
        hash=selected.get(HASH_LABEL, ""),
    )
