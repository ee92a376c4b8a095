"""Rules of the workloads that the lab makes: real controllers, and pods that do what their image tag says."""

from __future__ import annotations

import time
from typing import Any

import pytest

import lab
from lab.errors import WaitError
from lab.recorder import Recorder
from lab.shop.faults import fault_of
from lab.workload import autoscaler, complete, quota

Json = dict[str, Any]


def pods(cluster: lab.Cluster, namespace: str) -> list[Json]:
    """The pods of a namespace that are not being deleted, by name."""
    items: list[Json] = cluster.raw("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    return sorted(
        (p for p in items if "deletionTimestamp" not in p["metadata"]), key=lambda p: str(p["metadata"]["name"])
    )


def started(cluster: lab.Cluster, namespace: str, pod: str) -> float:
    """The process start time on a pod's page."""
    lines = cluster.shop.page(namespace, pod).splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("process_start_time_seconds "))


def test_when_a_tag_is_ready_does_not_change_what_it_does() -> None:
    """`bad-ready-8s` fails as `bad` does; a tag that only looks like one is unknown, so good."""
    assert fault_of("bad-ready-8s") == fault_of("bad")
    assert fault_of("err-5-ready-500ms") == fault_of("err-5")
    assert fault_of("bad-already") == fault_of("v1")


def test_a_rollout_is_complete_by_the_rules_of_its_kind() -> None:
    """What the controller has not seen is never complete; a DaemonSet counts nodes, the others replicas."""
    done = {"updatedReplicas": 2, "replicas": 2, "availableReplicas": 2, "observedGeneration": 3}
    body: Json = {"kind": "StatefulSet", "metadata": {"generation": 3}, "spec": {"replicas": 2}, "status": done}
    assert complete(body)
    assert not complete({**body, "metadata": {"generation": 4}})
    assert not complete({**body, "status": {**done, "replicas": 3}})
    counted = {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2, "observedGeneration": 1}
    nodes: Json = {"kind": "DaemonSet", "metadata": {"generation": 1}, "spec": {}, "status": counted}
    assert complete(nodes)
    assert not complete({**nodes, "status": {**counted, "numberAvailable": 1}})


@pytest.mark.lab
def test_a_pod_of_a_statefulset_is_another_process_under_the_same_name(
    lab_cluster: lab.Cluster, namespace: str
) -> None:
    """Names stay over a rollout; counters begin at zero with a later process start."""
    lab_cluster.statefulset(namespace, "web", replicas=2)
    lab_cluster.wait_rollout(namespace, "web", kind="statefulset")
    lab_cluster.wait(lambda: lab_cluster.shop.truth(namespace, "web").total.requests > 20, 10, "traffic")
    names = [p["metadata"]["name"] for p in pods(lab_cluster, namespace)]
    assert names == ["web-0", "web-1"]
    before = [started(lab_cluster, namespace, name) for name in names]
    lab_cluster.set_image(namespace, "statefulset", "web", "shop:v3")
    lab_cluster.wait_rollout(namespace, "web", kind="statefulset")
    assert [p["metadata"]["name"] for p in pods(lab_cluster, namespace)] == names
    assert all(
        now > then for now, then in zip([started(lab_cluster, namespace, n) for n in names], before, strict=True)
    )
    assert len(lab_cluster.shop.truth(namespace, "web").releases) == 2


@pytest.mark.lab
def test_ordered_ready_waits_for_ever_for_a_pod_that_never_is(lab_cluster: lab.Cluster, namespace: str) -> None:
    """One pod of the new revision, not ready; the others are old ones and serve, and putting the template back alone
    does not replace it: the trap of OrderedReady.
    """
    lab_cluster.statefulset(namespace, "web")
    lab_cluster.wait_rollout(namespace, "web", kind="statefulset")
    with Recorder(lab_cluster, namespace, "web") as seen:
        lab_cluster.set_image(namespace, "statefulset", "web", "shop:never")
        lab_cluster.wait(lambda: seen.moments[-1].of("never"), 15, "a pod of the new revision")
        lab_cluster.set_image(namespace, "statefulset", "web", "shop:v1")
        time.sleep(3)
        assert (seen.moments[-1].of("never"), seen.moments[-1].ready) == (1, 2)
        lab_cluster.kubectl("delete", "pod", "web-2", "-n", namespace, "--wait=false")
        lab_cluster.wait_rollout(namespace, "web", kind="statefulset")
    assert seen.appearances("never") == 1


@pytest.mark.lab
def test_a_daemonset_has_a_pod_on_every_node(lab_cluster: lab.Cluster, namespace: str) -> None:
    """One pod a node, replaced node by node, with traffic to all of them."""
    lab_cluster.daemonset(namespace, "web")
    lab_cluster.wait_rollout(namespace, "web", kind="daemonset")
    assert sorted(p["spec"]["nodeName"] for p in pods(lab_cluster, namespace)) == ["node-1", "node-2"]
    with Recorder(lab_cluster, namespace, "web") as seen:
        lab_cluster.set_image(namespace, "daemonset", "web", "shop:v2")
        lab_cluster.wait_rollout(namespace, "web", kind="daemonset")
    assert seen.least_ready() == 1
    lab_cluster.wait(lambda: lab_cluster.shop.truth(namespace, "web").total.bad, 10, "a failed request")


@pytest.mark.lab
def test_an_image_can_take_its_time(lab_cluster: lab.Cluster, namespace: str) -> None:
    """A tag that ends in `-ready-2s` is ready two seconds after its pod was made, an ordinary one within one."""
    lab_cluster.deployment(namespace, "web", "shop:v1", replicas=1)
    lab_cluster.wait_rollout(namespace, "web")
    with Recorder(lab_cluster, namespace, "web") as seen:
        began = time.time()
        lab_cluster.set_image(namespace, "deployment", "web", "shop:v3-ready-2s")
        lab_cluster.wait_rollout(namespace, "web")
        assert 2 <= time.time() - began < 6
        again = time.time()
        lab_cluster.set_image(namespace, "deployment", "web", "shop:v4")
        lab_cluster.wait_rollout(namespace, "web")
        assert time.time() - again < 2
    assert seen.least_ready() == 1


@pytest.mark.lab
def test_the_bounds_of_an_autoscaler_move_a_workload(lab_cluster: lab.Cluster, namespace: str) -> None:
    """The real controller raises a Deployment to the least number, and lowers it to the most, within seconds."""
    lab_cluster.deployment(namespace, "web", replicas=2)
    lab_cluster.apply(autoscaler(namespace, "web", 3, 6))
    lab_cluster.wait(lambda: len(pods(lab_cluster, namespace)) == 3, 10, "three pods")
    lab_cluster.kubectl("scale", "deployment/web", "--replicas=8", "-n", namespace)
    lab_cluster.wait(lambda: len(pods(lab_cluster, namespace)) == 8, 10, "eight pods")
    lab_cluster.wait(lambda: len(pods(lab_cluster, namespace)) == 6, 10, "six pods")


@pytest.mark.lab
def test_a_quota_stops_new_pods(lab_cluster: lab.Cluster, namespace: str) -> None:
    """With a quota of what is there, a rollout cannot make room; what runs goes on."""
    lab_cluster.deployment(namespace, "web", replicas=2)
    lab_cluster.wait_rollout(namespace, "web")
    lab_cluster.apply(quota(namespace, 2))
    used = f"/api/v1/namespaces/{namespace}/resourcequotas/pods"
    lab_cluster.wait(lambda: lab_cluster.raw("GET", used)["status"]["used"]["pods"] == "2", 10, "the quota to count")
    lab_cluster.set_image(namespace, "deployment", "web", "shop:v3")
    with pytest.raises(WaitError):
        lab_cluster.wait_rollout(namespace, "web", timeout=2)
    assert [p["spec"]["containers"][0]["image"] for p in pods(lab_cluster, namespace)] == ["shop:v1"] * 2
