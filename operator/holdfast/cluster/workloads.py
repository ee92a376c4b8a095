"""Workloads of any kind: where each kind lives, and who reads it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from holdfast.core.kinds import View
from holdfast.core.objective import ObjectKey, Workload

from . import daemonsets, deployments, statefulsets
from .client import Client
from .resources import WORKLOADS, Body
from .store import Store

_READERS: Final[Mapping[str, Callable[[Client, Workload], Awaitable[View | None]]]] = {
    "Deployment": deployments.read,
    "StatefulSet": statefulsets.read,
    "DaemonSet": daemonsets.read,
}


async def read(client: Client, workload: Workload) -> View | None:
    """What there is of it now, from the server itself; None when there is no such object. Raises ClusterError."""
    return await _READERS[workload.kind](client, workload)


def stored(store: Store, workload: Workload) -> Body | None:
    """What the watch knows of it."""
    return store.get(WORKLOADS[workload.kind], ObjectKey(workload.namespace, workload.name))
