"""When pods started, as the API server says, asked from another thread."""

from __future__ import annotations

import asyncio
import time

import pytest
import structlog

from holdfast.cluster.client import Client
from holdfast.cluster.connection import connect
from holdfast.cluster.pods import PodStarts
from lab import Cluster

pytestmark = pytest.mark.lab


async def test_starts_are_those_of_the_objects(lab_cluster: Cluster, admin: Client, namespace: str) -> None:
    """Every pod of the namespaces that were asked about, by namespace and name; listed once a minute at most."""
    began = time.time()
    lab_cluster.deployment(namespace, "web", replicas=2)
    names: set[str] = set()
    while len(names) < 2:
        pods = lab_cluster.raw("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
        names = {pod["metadata"]["name"] for pod in pods}
        await asyncio.sleep(0.1)
    starts = PodStarts(admin, asyncio.get_running_loop())
    found = await asyncio.to_thread(starts, [namespace])
    assert {name for _, name in found} == names
    assert all(began - 2 <= at <= time.time() for at in found.values())
    lab_cluster.raw("DELETE", f"/apis/apps/v1/namespaces/{namespace}/deployments/web")
    assert await asyncio.to_thread(starts, [namespace]) == found


async def test_without_the_right_no_starts_are_known(lab_cluster: Cluster, namespace: str) -> None:
    """Where pods may not be listed that is said, and nothing is made up."""
    nobody = lab_cluster.kubeconfig_for(lab_cluster.access.tokens["developer"], f"developer-{namespace}")
    async with Client(await connect(nobody)) as client:
        with structlog.testing.capture_logs() as logs:
            assert await asyncio.to_thread(PodStarts(client, asyncio.get_running_loop()), [namespace]) == {}
    assert [(line["event"], line["namespace"]) for line in logs] == [("the starts of pods are not known", namespace)]
    assert "pods" in logs[0]["why"]
