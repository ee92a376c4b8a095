"""Letting everything go as a cluster admin, past the gate; and how the gate itself is seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from holdfast.cluster.act import Acting, Carried
from holdfast.cluster.client import Client
from holdfast.cluster.connection import connect
from holdfast.cluster.deployments import read
from holdfast.cluster.gate import read_gate
from holdfast.cluster.lift import Deed, lift_all
from holdfast.cluster.resources import DEPLOYMENTS, HOLDS, REPLICASETS
from holdfast.core.hold import Undo
from holdfast.core.kinds.deployment import Deployment
from holdfast.core.objective import Workload
from holdfast.core.request import (
    DETACHED_LABEL,
    HOLD_LABEL,
    OVERRIDE_LABEL,
    QUEUE_LABEL,
    PatchReplicaSet,
    PatchWorkload,
    WriteRecord,
)
from lab import Cluster
from tests.cluster.making import ID, record
from tests.fixtures_chart import BINDING_PATH, InstalledChart

pytestmark = pytest.mark.lab


@dataclass
class Held:
    """A Deployment that the operator holds."""

    workload: Workload
    client: Client

    async def view(self) -> Deployment:
        found = await read(self.client, self.workload)
        assert found is not None
        return found

    async def free(self) -> bool:
        view = await self.view()
        labels = [view.labels, *(s.labels for s in view.sets)]
        return not any(label in found for found in labels for label in (HOLD_LABEL, OVERRIDE_LABEL))


async def hold(operator: Client, cluster: Cluster, namespace: str, *, ours: bool = True) -> Held:
    """Held and paused, as the operator does it; with `ours` the record says that the pause is Holdfast's."""
    cluster.deployment(namespace, "web", "shop:v1", 1)
    cluster.wait_rollout(namespace, "web")
    held = Held(Workload(namespace, "Deployment", "web"), operator)
    acting, view = Acting(operator), await held.view()
    await acting.carry_out(WriteRecord(record(held.workload, paused=view.template if ours else None)))
    assert (
        await acting.carry_out(PatchWorkload(held.workload, view.resource_version, {HOLD_LABEL: ID}, True)) == Carried()
    )
    owned = (await held.view()).sets[0]
    patch = PatchReplicaSet(held.workload, owned.name, owned.resource_version, {HOLD_LABEL: ID})
    assert await acting.carry_out(patch) == Carried()
    return held


def about(deeds: list[Deed], namespace: str) -> list[Deed]:
    return [deed for deed in deeds if f"{namespace}/" in deed.what]


async def test_an_admin_lifts_everything_past_the_gate(
    operator: Client, admin: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """Labels go, our pause is taken back, the record goes last, and a second run finds nothing to do."""
    held = await hold(operator, lab_cluster, namespace)
    planned = about(await lift_all(admin, dry_run=True), namespace)
    assert not await held.free()
    done = about(await lift_all(admin), namespace)
    assert done == planned
    assert all(deed.done for deed in done)
    assert [deed.what.split()[0] for deed in done] == ["Deployment", "ReplicaSet", "Hold"]
    assert "rollout resumed" in done[0].what
    assert await held.free()
    assert not (await held.view()).paused
    assert about(await lift_all(admin), namespace) == []


async def test_an_undo_is_let_go_without_an_operator(
    operator: Client, admin: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """What was set aside is given back before the Deployment goes on, so the declared release comes under its own hash;
    no label, no pause, no second ReplicaSet for it is left, beside a hold as without."""
    lab_cluster.deployment(namespace, "web", "shop:v1", 2)
    lab_cluster.wait_rollout(namespace, "web")
    lab_cluster.kubectl("-n", namespace, "set", "image", "deployment/web", "*=shop:v2")
    lab_cluster.wait_rollout(namespace, "web")
    bodies = await operator.everything(REPLICASETS, namespace)
    bad = next(b for b in bodies if b["spec"]["template"]["spec"]["containers"][0]["image"] == "shop:v2")
    marks = {QUEUE_LABEL: "bad-release-q9q9q", HOLD_LABEL: ID}
    await operator.merge_patch(DEPLOYMENTS, namespace, "web", {"metadata": {"labels": marks}, "spec": {"paused": True}})
    (owner,) = bad["metadata"]["ownerReferences"]
    aside = {**dict.fromkeys(bad["metadata"]["labels"]), **marks, DETACHED_LABEL: owner["uid"]}
    loose = {"ownerReferences": [{**owner, "controller": False, "blockOwnerDeletion": False}]}
    name = bad["metadata"]["name"]
    await operator.merge_patch(REPLICASETS, namespace, name, {"metadata": {"labels": aside, **loose}})
    held = Held(Workload(namespace, "Deployment", "web"), operator)
    lab_cluster.wait(lambda: _images(lab_cluster, namespace) == {"shop:v1", "shop:v2"}, 15, "the good pods", every=0.1)
    await operator.merge_patch(REPLICASETS, namespace, name, {"spec": {"replicas": 0}})

    done = about(await lift_all(admin), namespace)
    assert all(deed.done for deed in done), done
    assert done[0].what.endswith("given back to its Deployment.")
    assert "rollout resumed" in done[1].what
    lab_cluster.wait_rollout(namespace, "web")
    assert _images(lab_cluster, namespace) == {"shop:v2"}
    view = await held.view()
    assert not view.paused
    assert len(await operator.everything(REPLICASETS, namespace)) == 2
    for labels in (view.labels, *(s.labels for s in view.sets)):
        assert not [key for key in labels if key.startswith("holdfast.dev/")]
    assert about(await lift_all(admin), namespace) == []


def _images(cluster: Cluster, namespace: str) -> set[str]:
    """What the pods run."""
    pods = cluster.raw("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    return {pod["spec"]["containers"][0]["image"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}


async def test_a_pause_of_somebody_else_stays(
    operator: Client, admin: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """Only what a record calls ours is resumed, and the sentence says so."""
    held = await hold(operator, lab_cluster, namespace, ours=False)
    done = about(await lift_all(admin), namespace)
    assert "stays paused" in done[0].what
    assert await held.free()
    assert (await held.view()).paused


async def test_a_pause_from_before_an_undo_stays(
    operator: Client, admin: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """Somebody had paused it before its release was undone, and the record says so: theirs to end."""
    lab_cluster.deployment(namespace, "web", "shop:v1", 1)
    held = Held(Workload(namespace, "Deployment", "web"), operator)
    lab_cluster.kubectl("-n", namespace, "rollout", "pause", "deployment/web")
    episode = record(held.workload)
    undo = Undo("bad-release-q9q9q", episode.declared, None, episode.since, paused_before=True)
    await Acting(operator).carry_out(WriteRecord(replace(episode, id=undo.id, undo=undo)))
    queued = {"metadata": {"labels": {QUEUE_LABEL: undo.id}}}
    await operator.merge_patch(DEPLOYMENTS, namespace, "web", queued)
    done = about(await lift_all(admin), namespace)
    assert "stays paused" in done[0].what
    view = await held.view()
    assert view.paused
    assert QUEUE_LABEL not in view.labels


async def test_labels_without_a_record_are_lifted_too(
    operator: Client, admin: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """Somebody deleted the Hold; the workload is held all the same, and let go."""
    held = await hold(operator, lab_cluster, namespace)
    await admin.delete(HOLDS, namespace, held.workload.hold_name)
    assert all(deed.done for deed in about(await lift_all(admin), namespace))
    assert await held.free()


async def test_a_run_cut_short_is_finished_by_the_next(
    operator: Client, admin: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """Cut after the workload: the pause that somebody sets then is theirs, and the rest is lifted."""
    held = await hold(operator, lab_cluster, namespace)
    view = await held.view()
    await Acting(operator).carry_out(PatchWorkload(held.workload, view.resource_version, {HOLD_LABEL: None}, False))
    lab_cluster.kubectl("-n", namespace, "rollout", "pause", "deployment/web")
    done = about(await lift_all(admin), namespace)
    assert [deed.what.split()[0] for deed in done] == ["ReplicaSet", "Hold"]
    assert await held.free()
    assert (await held.view()).paused


async def test_without_the_right_to_override_nothing_is_lifted(
    operator: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """Whoever may edit but not override gets the gate's sentence, and the record stays with its workload."""
    held = await hold(operator, lab_cluster, namespace)
    lab_cluster.kubectl("create", "clusterrolebinding", f"edit-{namespace}", "--clusterrole=edit", "--user=developer")
    lab_cluster.kubectl(
        "create", "clusterrole", f"holds-{namespace}", "--verb=list,get,delete", "--resource=holds.holdfast.dev"
    )
    lab_cluster.kubectl(
        "create", "clusterrolebinding", f"holds-{namespace}", f"--clusterrole=holds-{namespace}", "--user=developer"
    )
    kubeconfig = lab_cluster.kubeconfig_for(lab_cluster.access.tokens["developer"], f"developer-{namespace}")
    try:
        async with Client(await connect(kubeconfig)) as developer:
            done = about(await lift_all(developer), namespace)
    finally:
        lab_cluster.kubectl("delete", "clusterrolebinding", f"edit-{namespace}", f"holds-{namespace}")
        lab_cluster.kubectl("delete", "clusterrole", f"holds-{namespace}")
    assert not any(deed.done for deed in done)
    assert "needs the right to override holds" in done[0].what
    assert not await held.free()
    assert (await operator.get(HOLDS, namespace, held.workload.hold_name))["status"]["id"] == ID


async def test_the_gate_of_the_chart_is_effective(operator: Client) -> None:
    """As it ships, it is seen to refuse, with the operator's own rights."""
    gate = await read_gate(operator)
    assert (gate.installed, gate.effective, gate.why, gate.keeps) == (True, True, "", True)


async def test_a_gate_that_cannot_keep_is_effective_all_the_same(
    operator: Client, installed_chart: InstalledChart
) -> None:
    """Before Kubernetes 1.36 there is no mutating policy: what must be refused is refused, and it is known."""
    installed_chart.upgrade(gate__keep=False)
    try:
        gate = await read_gate(operator)
        assert (gate.effective, gate.keeps) == (True, False)
    finally:
        installed_chart.restore()


@pytest.mark.parametrize("name", ["hold.holdfast.dev", "queue.holdfast.dev"])
async def test_a_gate_that_only_records_is_not_effective(
    operator: Client, installed_chart: InstalledChart, name: str
) -> None:
    """Without Deny, or without its binding, a hold is a word, and the sentence says what is wrong."""
    cluster, path = installed_chart.cluster, BINDING_PATH + name
    binding = cluster.raw("GET", path)
    try:
        cluster.raw("PATCH", path, {"spec": {"validationActions": ["Audit"]}})
        gate = await read_gate(operator)
        assert (gate.installed, gate.effective) == (True, False)
        assert f"The binding {name} only records" in gate.why
        cluster.raw("DELETE", path)
        gate = await read_gate(operator)
        assert (gate.installed, gate.effective) == (False, False)
        assert f"The gate {name} is not installed" in gate.why
    finally:
        try:
            cluster.raw("PATCH", path, {"spec": binding["spec"]})
        except Exception:  # it was deleted
            metadata = {k: v for k, v in binding["metadata"].items() if k in ("name", "labels", "annotations")}
            cluster.raw("POST", BINDING_PATH.rstrip("/"), {**binding, "metadata": metadata})
        installed_chart.restore()
