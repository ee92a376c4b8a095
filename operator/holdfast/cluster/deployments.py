"""A Deployment and its ReplicaSets as they are now.

Rule: read just before acting, from the server itself. A ReplicaSet belongs to the Deployment whose uid its controller
reference names; a selector that matches the ReplicaSets of another one changes nothing.
"""

from __future__ import annotations

from typing import Final

from holdfast.core.kinds.deployment import Deployment, ReplicaSet
from holdfast.core.objective import Workload

from .client import Client
from .errors import NotFound
from .owners import owned
from .resources import DEPLOYMENTS, REPLICASETS, Body
from .templates import read_template

REVISION: Final = "deployment.kubernetes.io/revision"


async def read(client: Client, workload: Workload) -> Deployment | None:
    """What there is of it; None when there is no such Deployment. Raises ClusterError."""
    try:
        found = await client.get(DEPLOYMENTS, workload.namespace, workload.name)
    except NotFound:
        return None
    return deployment(workload, found, await owned(client, REPLICASETS, found))


def deployment(workload: Workload, body: Body, sets: list[Body]) -> Deployment:
    """The core's value of a Deployment and the ReplicaSets it owns."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
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
    )


def _replica_set(body: Body) -> ReplicaSet:
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    revision = (metadata.get("annotations") or {}).get(REVISION, "")
    return ReplicaSet(
        name=metadata["name"],
        resource_version=metadata["resourceVersion"],
        template=read_template(spec.get("template") or {}),
        desired=spec.get("replicas", 1),
        ready=status.get("readyReplicas", 0),
        revision=int(revision) if revision.isdecimal() else 0,
        labels=dict(metadata.get("labels") or {}),
    )
