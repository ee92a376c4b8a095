"""Releases as they are told from real workloads and their controllers."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from holdfast.cluster.client import Client
from holdfast.cluster.declared import changed_by, declared
from holdfast.cluster.workloads import read
from holdfast.core.objective import Workload
from holdfast.core.release import ReleaseRecord
from holdfast.core.releases import Declared, follow
from lab import Cluster
from tests.cluster.making import body

LAB = pytest.mark.lab


class Follower:
    """Follows one workload as the operator does, by reading it when it is asked to."""

    def __init__(self, client: Client, cluster: Cluster, workload: Workload) -> None:
        self.client, self.cluster, self.workload = client, cluster, workload
        self.records: tuple[ReleaseRecord, ...] = ()

    async def look(self) -> Declared | None:
        view = await read(self.client, self.workload)
        seen = view.declared if view is not None else None
        self.records = follow(seen, self.records, time.time())
        return seen

    async def until(self, *states: str) -> None:
        """Look until these are the states, by the images, the newest last."""
        for _ in range(150):
            await self.look()
            if self.states == states:
                return
            time.sleep(0.2)  # noqa: ASYNC251 - the lab runs in other processes
        raise AssertionError(f"{self.states} instead of {states}")

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(f"{r.template.images[0].split(':')[1]} {r.state}{' again' * r.again}" for r in self.records)

    def image(self, tag: str) -> None:
        self.cluster.set_image(self.workload.namespace, self.workload.kind.lower(), self.workload.name, f"shop:{tag}")

    def kubectl(self, *words: str) -> None:
        self.cluster.kubectl("-n", self.workload.namespace, *words, f"{self.workload.kind.lower()}/web")


@pytest.fixture(params=["Deployment", "StatefulSet", "DaemonSet"])
def follower(
    request: pytest.FixtureRequest, operator: Client, lab_cluster: Cluster, namespace: str
) -> Iterator[Follower]:
    kind = request.param
    if kind == "DaemonSet":
        lab_cluster.daemonset(namespace, "web", "shop:v1")
    else:
        (lab_cluster.deployment if kind == "Deployment" else lab_cluster.statefulset)(namespace, "web", "shop:v1", 2)
    yield Follower(operator, lab_cluster, Workload(namespace, kind, "web"))


@LAB
async def test_a_life_of_releases(follower: Follower) -> None:
    """First release, a second, a restart, a change of size, the return to the first: told as what they are."""
    await follower.until("v1 Complete")
    first = follower.records[0]
    assert first.good
    assert first.revision == 1
    assert first.hash
    time.sleep(1)  # noqa: ASYNC251 - managers are told apart by whole seconds
    follower.image("v2")
    await follower.until("v1 Superseded", "v2 Complete")
    second = follower.records[1]
    assert (second.revision, second.changed_by) == (2, "kubectl-set")
    assert second.hash != first.hash
    follower.kubectl("rollout", "restart")
    if follower.workload.kind != "DaemonSet":
        follower.kubectl("scale", "--replicas=3")
    follower.cluster.wait_rollout(follower.workload.namespace, "web", kind=follower.workload.kind.lower())
    await follower.until("v1 Superseded", "v2 Complete")
    assert follower.records[1].completed == second.completed
    assert follower.records[1].revision == 3
    follower.image("v1")
    await follower.until("v2 Superseded", "v1 Complete again")


@LAB
async def test_one_that_gets_nowhere_and_the_way_back(follower: Follower) -> None:
    """Pods that never become ready complete nothing; two changes while nobody looked are both on record afterwards."""
    await follower.until("v1 Complete")
    follower.image("never")
    await follower.until("v1 Superseded", "never RollingOut")
    seen = await follower.look()
    assert seen is not None
    assert not seen.complete
    newest = seen.newest
    assert newest is not None
    follower.cluster.wait(lambda: _pods(follower, newest.hash) > 0, 20, "a pod of it")
    for tag in ("v3", "v4"):
        follower.image(tag)
        await _revised(follower)
    await follower.look()
    *past, last = follower.states
    assert past == ["v1 Superseded", "never Superseded", "v3 Superseded"]
    assert last in ("v4 RollingOut", "v4 Complete")


@LAB
async def test_deleted_and_created_again(follower: Follower) -> None:
    """The record outlives the workload, and tells that its template rolls out again."""
    await follower.until("v1 Complete")
    stored = follower.cluster.get(f"{follower.workload.kind.lower()}s", follower.workload.namespace, "web")
    follower.kubectl("delete", "--wait=true")
    assert await follower.look() is None
    assert follower.records[0].ended is not None
    kept = {k: v for k, v in stored["metadata"].items() if k in ("name", "namespace", "labels")}
    spec = {"apiVersion": "apps/v1", "kind": stored["kind"], "metadata": kept, "spec": stored["spec"]}
    follower.cluster.apply(spec)
    await follower.until("v1 Complete again")
    assert follower.records[0].good


async def _revised(follower: Follower) -> None:
    """Return when the controller has a revision of the declared template; nothing is followed."""
    for _ in range(150):
        view = await read(follower.client, follower.workload)
        seen = view.declared if view is not None else None
        if seen is not None and seen.newest is not None:
            return
        time.sleep(0.2)  # noqa: ASYNC251 - the lab runs in other processes
    raise AssertionError("the controller made no revision")


def _pods(follower: Follower, hash_: str) -> int:
    """Pods that carry this hash, in either label."""
    names = follower.cluster.kubectl(
        "-n", follower.workload.namespace, "get", "pods", "--show-labels", "--no-headers"
    ).stdout
    return names.count(f"hash={hash_}")


@LAB
async def test_a_paused_deployment_queues(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """A template that is declared while it is paused is queued; back to the old one, nothing has happened."""
    lab_cluster.deployment(namespace, "web", "shop:v1", 2)
    follower = Follower(operator, lab_cluster, Workload(namespace, "Deployment", "web"))
    await follower.until("v1 Complete")
    before = follower.records
    follower.kubectl("rollout", "pause")
    follower.image("v2")
    await follower.until("v1 Superseded", "v2 Queued")
    follower.image("v1")
    await follower.look()
    assert [r for r in follower.records if r.ended is None] == list(before)
    follower.image("v2")
    await follower.look()
    follower.kubectl("rollout", "resume")
    await follower.until("v1 Superseded", "v2 Complete")


@LAB
async def test_nothing_is_complete_without_pods(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """A workload that is scaled to zero has not proved anything."""
    lab_cluster.deployment(namespace, "web", "shop:v1", 0)
    workload = Workload(namespace, "Deployment", "web")
    time.sleep(1)  # noqa: ASYNC251
    view = await read(operator, workload)
    seen = view.declared if view is not None else None
    assert seen is not None
    assert not seen.complete
    assert await read(operator, Workload(namespace, "Deployment", "none")) is None


def managed(*managers: tuple[str, str, str]) -> list[dict[str, object]]:
    """Entries of managed fields: who, when, and the field of the spec."""
    return [
        {"manager": who, "operation": "Update", "time": when, "fieldsV1": {"f:spec": {f"f:{what}": {}}}}
        for who, when, what in managers
    ]


def test_who_changed_the_template() -> None:
    """The latest of those who own a part of it; who scales or writes the status does not count."""
    made = body(status={"observedGeneration": 1})
    assert changed_by(made) == ""
    made["metadata"]["managedFields"] = [
        *managed(
            ("kubectl", "2026-11-21T06:00:00Z", "template"),
            ("argocd-controller", "2026-11-21T07:00:00Z", "template"),
            ("hpa", "2026-11-21T08:00:00Z", "replicas"),
        ),
        {**managed(("kube-controller-manager", "2026-11-21T09:00:00Z", "template"))[0], "subresource": "status"},
    ]
    assert changed_by(made) == "argocd-controller"


@pytest.mark.parametrize(
    ("kind", "spec", "status", "complete"),
    [
        ("Deployment", {"replicas": 2}, {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}, True),
        ("Deployment", {"replicas": 2}, {"replicas": 3, "updatedReplicas": 2, "availableReplicas": 2}, False),
        ("Deployment", {"replicas": 2}, {"replicas": 2, "availableReplicas": 2}, False),
        ("Deployment", {"replicas": 0}, {}, False),
        ("StatefulSet", {}, {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}, True),
        (
            "DaemonSet",
            {},
            {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2},
            True,
        ),
        ("DaemonSet", {}, {"desiredNumberScheduled": 2, "updatedNumberScheduled": 1, "numberAvailable": 2}, False),
        ("DaemonSet", {}, {}, False),
    ],
)
def test_when_a_rollout_is_complete(kind: str, spec: object, status: dict[str, int], complete: bool) -> None:
    """All pods, at least one, are of it and available; a controller that has not seen the change says nothing."""
    workload = Workload("ns", kind, "a")
    made = body(status={"observedGeneration": 3, **status})
    made["spec"], made["metadata"]["generation"] = spec, 3
    assert declared(workload, made, ()).complete is complete
    made["metadata"]["generation"] = 4
    assert not declared(workload, made, ()).complete


@pytest.mark.parametrize(
    ("kind", "spec", "paused"),
    [
        ("Deployment", {}, False),
        ("Deployment", {"paused": True}, True),
        ("StatefulSet", {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}}, False),
        ("StatefulSet", {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 3}}}, True),
        ("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, True),
        ("DaemonSet", {}, False),
        ("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, True),
    ],
)
def test_when_a_new_template_would_not_start(kind: str, spec: dict[str, object], paused: bool) -> None:
    """Paused, parted off, or left to whoever deletes pods."""
    made = body(status={})
    made["spec"] = spec
    assert declared(Workload("ns", kind, "a"), made, ()).paused is paused
