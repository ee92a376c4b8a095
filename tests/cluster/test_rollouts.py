"""The pods of a workload and how far its release gets, as the API server says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from holdfast.cluster.client import Client
from holdfast.cluster.rollouts import is_of, pod_of, read_rollout
from holdfast.core.objective import Workload
from holdfast.core.stall import CRASHING, Rollout
from lab import Cluster

lab = pytest.mark.lab


async def until(client: Client, workload: Workload, so: Callable[[Rollout], object]) -> Rollout:
    """What there is of it, once it is so."""
    for _ in range(300):
        found = await read_rollout(client, workload)
        if found is not None and so(found):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(found)


def ready(pods: int) -> Callable[[Rollout], object]:
    """Whether so many pods are there, all of them ready."""
    return lambda rollout: len(rollout.pods) == pods and all(pod.ready for pod in rollout.pods)


@lab
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
async def test_pods_carry_their_revision(lab_cluster: Cluster, operator: Client, namespace: str, kind: str) -> None:
    """Those of both releases while one rolls out, told apart; read with no more rights than the chart gives."""
    began, workload = float(int(time.time())), Workload(namespace, kind, "web")
    getattr(lab_cluster, kind.lower())(namespace, "web")
    await asyncio.to_thread(lab_cluster.wait_rollout, namespace, "web", kind=kind.lower())
    wanted = len(lab_cluster.raw("GET", f"/api/v1/namespaces/{namespace}/pods")["items"])
    found = await until(operator, workload, ready(wanted))
    assert len({pod.revision for pod in found.pods}) == 1
    assert found.pods[0].revision.startswith("web-" if kind == "StatefulSet" else "")
    assert len({pod.uid for pod in found.pods}) == wanted
    for pod in found.pods:
        assert began <= pod.created <= (pod.ready_since or 0) <= time.time()
        assert (pod.restarts, pod.waiting, pod.leaving) == (0, "", False)
    assert found.overdue is None

    lab_cluster.set_image(namespace, kind.lower(), "web", "shop:crash")
    crashing = await until(operator, workload, lambda now: any(pod.waiting == CRASHING for pod in now.pods))
    (bad,) = {pod.revision for pod in crashing.pods if pod.waiting == CRASHING}
    assert bad != found.pods[0].revision
    assert not any(pod.ready or pod.ready_since for pod in crashing.pods if pod.revision == bad)
    assert {pod.revision for pod in crashing.pods if pod.ready} == {found.pods[0].revision}


@lab
async def test_pods_of_others_are_not_listed(lab_cluster: Cluster, operator: Client, namespace: str) -> None:
    """Neither those whose labels a selector happens to match, nor those of a workload that is not there."""
    lab_cluster.deployment(namespace, "web", replicas=1)
    lab_cluster.deployment(
        namespace,
        "web-5d4",
        replicas=1,
        selector={"matchLabels": {"other": "x"}},
        template={"metadata": {"labels": {"other": "x"}}},
    )
    workload = Workload(namespace, "Deployment", "web")
    found = await until(operator, workload, ready(1))
    assert found.pods[0].name.startswith("web-")
    others = lab_cluster.raw("GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector=other%3Dx")["items"]
    assert not any(is_of(workload, "uid", pod) for pod in others)
    assert await read_rollout(operator, Workload(namespace, "Deployment", "nowhere")) is None


@lab
async def test_a_set_that_was_set_aside_keeps_its_pods(lab_cluster: Cluster, operator: Client, namespace: str) -> None:
    """Its labels are gone and its Deployment does not control it any more: its pods are told by its name."""
    lab_cluster.deployment(namespace, "web", replicas=1)
    workload = Workload(namespace, "Deployment", "web")
    before = await until(operator, workload, ready(1))
    (owned,) = lab_cluster.raw("GET", f"/apis/apps/v1/namespaces/{namespace}/replicasets")["items"]
    lab_cluster.kubectl("patch", "deployment/web", "-n", namespace, "-p", '{"spec":{"paused":true}}')
    detached = {"metadata": {"labels": {"app": None, "pod-template-hash": None}}}
    lab_cluster.raw("PATCH", f"/apis/apps/v1/namespaces/{namespace}/replicasets/{owned['metadata']['name']}", detached)
    after = await until(operator, workload, lambda now: len(now.pods) >= 1)
    assert before.pods[0].name in {pod.name for pod in after.pods}


@lab
async def test_a_deadline_that_passed_is_read(lab_cluster: Cluster, operator: Client, namespace: str) -> None:
    """Since the controller said so; not of a spec that it has not seen."""
    lab_cluster.deployment(namespace, "web", "shop:never", replicas=1, progressDeadlineSeconds=2)
    found = await until(operator, Workload(namespace, "Deployment", "web"), lambda now: now.overdue)
    assert found.overdue is not None
    assert time.time() - 60 < found.overdue <= time.time()
    assert [pod.ready for pod in found.pods] == [False]


def body(**more: Any) -> dict[str, Any]:
    """A pod that says little of itself."""
    metadata = {"name": "web-x", "uid": "1", "creationTimestamp": "2026-01-01T00:00:00Z", **more}
    return {"metadata": metadata}


def test_a_pod_that_says_little_is_not_ready() -> None:
    """Nor is it anybody's without a controller, or of a revision without its label."""
    workload = Workload("shop", "Deployment", "web")
    pod = pod_of(workload, body(deletionTimestamp="2026-01-01T00:00:09Z"))
    assert (pod.revision, pod.ready, pod.ready_since, pod.restarts, pod.leaving) == ("", False, None, 0, True)
    assert not is_of(workload, "uid", body())
    assert not is_of(
        workload, "uid", body(ownerReferences=[{"kind": "ReplicaSet", "name": "web-", "uid": "2", "controller": True}])
    )


def test_a_pod_whose_init_container_fails_waits_for_it() -> None:
    """What stands in its way is told whichever container it is; of restarts the most count."""
    one = body()
    waiting = {"state": {"waiting": {"reason": CRASHING}}}
    one["status"] = {
        "containerStatuses": [{"restartCount": 1, "state": {"running": {}}}, {"restartCount": 4}],
        "initContainerStatuses": [waiting],
        "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
    }
    pod = pod_of(Workload("shop", "StatefulSet", "web"), one)
    assert (pod.restarts, pod.waiting, pod.ready) == (4, CRASHING, False)
