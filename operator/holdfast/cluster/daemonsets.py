"""A DaemonSet, its revisions and its pods as they are now, read from the server itself just before acting."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.core.kinds.daemonset import DaemonSet
from holdfast.core.objective import Workload

from .client import Client
from .declared import declared
from .errors import NotFound
from .fields import disowned
from .owners import owned
from .resources import DAEMONSETS, PODS, REVISIONS, Body
from .revisions import pod, revision
from .strategy import is_rolling
from .templates import read_template


async def read(client: Client, workload: Workload) -> DaemonSet | None:
    """What there is of it; None when there is no such DaemonSet. Raises ClusterError."""
    try:
        found = await client.get(DAEMONSETS, workload.namespace, workload.name)
    except NotFound:
        return None
    return daemonset(workload, found, await owned(client, REVISIONS, found), await owned(client, PODS, found))


def daemonset(workload: Workload, body: Body, revisions: Sequence[Body], pods: Sequence[Body]) -> DaemonSet:
    """The core's value of a DaemonSet with what it owns."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    return DaemonSet(
        workload=workload,
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
        observed_generation=status.get("observedGeneration", 0),
        template=read_template(spec.get("template") or {}),
        replicas=status.get("desiredNumberScheduled", 0),
        rolling=is_rolling(body),
        labels=dict(metadata.get("labels") or {}),
        revisions=tuple(revision(workload.kind, each) for each in revisions),
        pods=tuple(pod(each) for each in pods),
        deleting="deletionTimestamp" in metadata,
        declared=declared(workload, body, revisions),
        disowned=disowned(body),
    )
