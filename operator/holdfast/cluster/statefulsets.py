"""A StatefulSet, its revisions and its pods as they are now, read from the server itself just before acting."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.core.kinds.statefulset import StatefulSet
from holdfast.core.objective import Workload

from .client import Client
from .declared import declared
from .errors import NotFound
from .fields import declared_by, disowned
from .owners import owned
from .resources import PODS, REVISIONS, STATEFULSETS, Body
from .revisions import pod, revision
from .strategy import PARTITION, is_rolling, partition_of
from .templates import read_template


async def read(client: Client, workload: Workload) -> StatefulSet | None:
    """What there is of it; None when there is no such StatefulSet. Raises ClusterError."""
    try:
        found = await client.get(STATEFULSETS, workload.namespace, workload.name)
    except NotFound:
        return None
    return statefulset(workload, found, await owned(client, REVISIONS, found), await owned(client, PODS, found))


def statefulset(workload: Workload, body: Body, revisions: Sequence[Body], pods: Sequence[Body]) -> StatefulSet:
    """The core's value of a StatefulSet with what it owns."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    return StatefulSet(
        workload=workload,
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
        observed_generation=status.get("observedGeneration", 0),
        template=read_template(spec.get("template") or {}),
        replicas=spec.get("replicas", 1),
        partition=partition_of(body),
        rolling=is_rolling(body),
        current=status.get("currentRevision", ""),
        labels=dict(metadata.get("labels") or {}),
        revisions=tuple(revision(workload.kind, each) for each in revisions),
        pods=tuple(pod(each) for each in pods),
        deleting="deletionTimestamp" in metadata,
        declared=declared(workload, body, revisions),
        declares=declared_by(body, PARTITION),
        disowned=disowned(body),
    )
