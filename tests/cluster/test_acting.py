"""Reading workloads and carrying out requests, with the operator's own rights and the gate in force."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.cluster.act import Acting, Carried, LookAgain, Refused
from holdfast.cluster.client import Client
from holdfast.cluster.connection import connect
from holdfast.cluster.deployments import read
from holdfast.cluster.resources import DEPLOYMENTS, HOLDS
from holdfast.core.hold import HoldState, Reason
from holdfast.core.kinds.deployment import Deployment, step
from holdfast.core.objective import Workload
from holdfast.core.request import HOLD_LABEL, Done, PatchReplicaSet, PatchWorkload, Wait, WriteRecord
from holdfast.core.wanted import Free, Held, Wanted
from lab import Cluster
from tests.cluster.making import ID, NOW, record

pytestmark = pytest.mark.lab


def released(cluster: Cluster, namespace: str, name: str = "web") -> Workload:
    cluster.deployment(namespace, name, "shop:v1", 2)
    cluster.wait_rollout(namespace, name)
    return Workload(namespace, "Deployment", name)


async def seen(client: Client, workload: Workload) -> Deployment:
    view = await read(client, workload)
    assert view is not None
    return view


async def test_a_rollout_in_flight_is_seen_as_one(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """The new ReplicaSet has the Deployment's digest, the old one another, and the old pods serve."""
    workload = released(lab_cluster, namespace)
    before = await seen(operator, workload)
    assert [s.template for s in before.sets] == [before.template]
    assert before.serving == before.template
    assert not before.in_flight
    lab_cluster.set_image(namespace, "deployment", "web", "shop:crash")
    lab_cluster.wait(lambda: len(lab_cluster.raw("GET", sets_of(namespace))["items"]) == 2, 20, "the new ReplicaSet")
    after = await seen(operator, workload)
    assert after.in_flight
    assert after.template.images == ("shop:crash",)
    assert after.serving == before.template
    assert {s.template.digest: s.revision for s in after.sets} == {before.template.digest: 1, after.template.digest: 2}


async def test_a_restart_is_no_new_release(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """`kubectl rollout restart` makes a ReplicaSet with the same digest."""
    workload = released(lab_cluster, namespace)
    before = await seen(operator, workload)
    lab_cluster.kubectl("-n", namespace, "rollout", "restart", "deployment/web")
    lab_cluster.wait_rollout(namespace, "web")
    after = await seen(operator, workload)
    assert len(after.sets) == 2
    assert {s.template.digest for s in after.sets} == {before.template.digest}


async def test_replicasets_of_a_neighbour_are_not_ours(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """Two Deployments whose selectors overlap: the owner decides."""
    labels = {"app": "web", "twin": "yes"}
    template = {"metadata": {"labels": labels}}
    lab_cluster.deployment(namespace, "twin", "shop:v1", 1, selector={"matchLabels": labels}, template=template)
    workload = released(lab_cluster, namespace)
    lab_cluster.wait_rollout(namespace, "twin")
    assert len((await seen(operator, workload)).sets) == 1
    assert await read(operator, Workload(namespace, "Deployment", "none")) is None


async def test_a_request_meets_a_changed_world(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """A stale version writes nothing, and neither does a workload that is gone."""
    workload = released(lab_cluster, namespace)
    acting = Acting(operator)
    stale = await seen(operator, workload)
    lab_cluster.kubectl("-n", namespace, "scale", "deployment/web", "--replicas=1")
    ask = PatchWorkload(workload, stale.resource_version, {HOLD_LABEL: ID}, True)
    assert isinstance(await acting.carry_out(ask), LookAgain)
    assert isinstance(
        await acting.carry_out(PatchReplicaSet(workload, stale.sets[0].name, "1", {HOLD_LABEL: ID})), LookAgain
    )
    assert (await seen(operator, workload)).hold is None
    gone = replace(ask, workload=Workload(namespace, "Deployment", "none"))
    assert isinstance(await acting.carry_out(gone), LookAgain)


async def test_without_the_right_it_is_refused_with_a_sentence(
    lab_cluster: Cluster, operator: Client, namespace: str
) -> None:
    """What the server denies is a value; the sentence names verb and resource."""
    workload = released(lab_cluster, namespace)
    version = (await seen(operator, workload)).resource_version
    nobody = lab_cluster.kubeconfig_for(lab_cluster.access.tokens["developer"], "developer-acting")
    async with Client(await connect(nobody)) as client:
        outcome = await Acting(client).carry_out(PatchWorkload(workload, version, {HOLD_LABEL: ID}))
    assert isinstance(outcome, Refused)
    assert "patch deployments.apps web" in outcome.why


async def brought(acting: Acting, workload: Workload, want: Wanted) -> list[str]:
    """Take the core's steps until it is done; the names of the requests."""
    asked: list[str] = []
    for _ in range(40):
        view, stored = await acting.look(workload)
        match step(want, view, stored, NOW + 60):
            case Done():
                return asked
            case Wait():
                continue
            case request:
                outcome = await acting.carry_out(request)
                if isinstance(outcome, Carried):
                    asked.append(type(request).__name__)
                assert not isinstance(outcome, Refused), outcome
                if isinstance(request, WriteRecord) and isinstance(want, Held):
                    want = Held(request.record)
    raise AssertionError(f"never done: {asked}")


async def test_a_whole_hold_and_its_lift(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """Record, label and pause, ReplicaSets, in force; then all of it taken back, and nothing left on the workload."""
    workload = released(lab_cluster, namespace)
    acting = Acting(operator)
    before = await seen(operator, workload)
    asked = await brought(acting, workload, Held(record(workload, paused=before.template)))
    assert asked == ["WriteRecord", "PatchWorkload", "PatchReplicaSet", "WriteRecord"]
    view, stored = await acting.look(workload)
    assert view is not None
    assert stored is not None
    assert (view.hold, view.paused, view.sets[0].labels[HOLD_LABEL], stored.enforced) == (ID, True, ID, True)
    assert isinstance(await acting.forget(workload), LookAgain)  # still in force

    await brought(acting, workload, Free(Reason.BUDGET_RECOVERED))
    view, stored = await acting.look(workload)
    assert view is not None
    assert stored is not None
    assert (view.hold, view.paused, stored.state) == (None, False, HoldState.LIFTED)
    assert HOLD_LABEL not in view.sets[0].labels
    assert isinstance(await acting.forget(workload), Carried)
    assert (await acting.look(workload))[1] is None
    assert isinstance(await acting.forget(workload), Carried)


async def test_a_record_relies_on_the_hold_that_was_looked_at(
    operator: Client, admin: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """Another operator that wrote meanwhile, or a Hold deleted or created meanwhile, means: look again."""
    workload = released(lab_cluster, namespace)
    one, two = Acting(operator), Acting(operator)
    await one.look(workload)
    await two.look(workload)
    assert isinstance(await one.carry_out(WriteRecord(record(workload))), Carried)
    assert isinstance(await two.carry_out(WriteRecord(record(workload))), LookAgain)
    await one.look(workload)
    await two.look(workload)
    enforced = replace(record(workload), enforced=True)
    assert isinstance(await two.carry_out(WriteRecord(enforced)), Carried)
    assert isinstance(await one.carry_out(WriteRecord(enforced)), LookAgain)
    await one.look(workload)
    await admin.delete(HOLDS, namespace, workload.hold_name)
    assert isinstance(await one.carry_out(WriteRecord(enforced)), LookAgain)


async def test_a_workload_deleted_under_a_hold_is_none(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """The record outlives its workload."""
    workload = released(lab_cluster, namespace)
    acting = Acting(operator)
    await acting.carry_out(WriteRecord(record(workload)))
    lab_cluster.raw("DELETE", f"/apis/apps/v1/namespaces/{namespace}/{DEPLOYMENTS.plural}/web")
    lab_cluster.wait(lambda: "web" not in lab_cluster.kubectl("-n", namespace, "get", "deploy").stdout, 20, "it to go")
    view, stored = await acting.look(workload)
    assert view is None
    assert stored == record(workload)


def sets_of(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/replicasets"
