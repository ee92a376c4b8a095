"""StatefulSets and DaemonSets: held, undone and let go, by real controllers, with the operator's own rights."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from holdfast.cluster.client import Client
from holdfast.cluster.lift import lift_all
from holdfast.cluster.workloads import read
from holdfast.core.hold import Template, UndoState
from holdfast.core.kinds import DaemonSet, StatefulSet
from holdfast.core.kinds.statefulset import STOPPED
from holdfast.core.objective import Workload
from holdfast.core.request import HOLD_LABEL, OVERRIDE_LABEL, QUEUE_LABEL
from lab import Cluster
from lab.gitops import GitOps
from tests.cluster.making import ID
from tests.cluster.undoing import UNDO, Hand

pytestmark = pytest.mark.lab

Json = dict[str, Any]


def pods(cluster: Cluster, namespace: str) -> list[Json]:
    items: list[Json] = cluster.raw("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    return items


def running(cluster: Cluster, namespace: str) -> dict[str, int]:
    """How many pods run which image, those on their way out left aside."""
    found: dict[str, int] = {}
    for pod in pods(cluster, namespace):
        if "deletionTimestamp" not in pod["metadata"]:
            image = pod["spec"]["containers"][0]["image"]
            found[image] = found.get(image, 0) + 1
    return found


def body(cluster: Cluster, workload: Workload) -> Json:
    path = f"/apis/apps/v1/namespaces/{workload.namespace}/{workload.kind.lower()}s/{workload.name}"
    found: Json = cluster.raw("GET", path)
    return found


async def template(client: Client, workload: Workload) -> Template:
    view = await read(client, workload)
    assert view is not None
    return view.template


def statefulset(cluster: Cluster, namespace: str, replicas: int = 3, **spec: Any) -> Workload:
    cluster.statefulset(namespace, "db", "shop:v1", replicas, **spec)
    cluster.wait_rollout(namespace, "db", kind="statefulset")
    return Workload(namespace, "StatefulSet", "db")


def daemonset(cluster: Cluster, namespace: str) -> Workload:
    cluster.daemonset(namespace, "agent", "shop:v1")
    cluster.wait_rollout(namespace, "agent", kind="daemonset")
    return Workload(namespace, "DaemonSet", "agent")


def declare_partition(cluster: Cluster, workload: Workload) -> None:
    """As a GitOps tool would, whose Git says so."""
    where = {"name": workload.name, "namespace": workload.namespace}
    spec = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}
    text = json.dumps({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": where, "spec": spec})
    cluster.kubectl("apply", "--server-side", "--field-manager=flux", "-f", "-", input=text)


def release(cluster: Cluster, workload: Workload, image: str, *, whole: bool = False, pods_new: int = 1) -> None:
    """Another image; returns when the rollout is over, or so many pods have it."""
    kind = workload.kind.lower()
    cluster.set_image(workload.namespace, kind, workload.name, image)
    if whole:
        cluster.wait_rollout(workload.namespace, workload.name, kind=kind)
    else:
        cluster.wait(
            lambda: running(cluster, workload.namespace).get(image, 0) >= pods_new, 20, f"pods of {image}", every=0.02
        )


async def test_revisions_and_pods_are_those_of_the_workload(
    operator: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """The revision's template has the digest of the declared one; a pod names the revision it is of."""
    for workload in (statefulset(lab_cluster, namespace), daemonset(lab_cluster, namespace)):
        view, _ = await Hand(operator, workload).look()
        assert isinstance(view, StatefulSet | DaemonSet)
        assert {r.hash for r in view.revisions} == {p.hash for p in view.pods}
        assert [r.template for r in view.revisions] == [view.template]
        assert view.serving == view.template
        assert view.all_ready
        assert not view.in_flight


async def test_a_rollout_of_a_statefulset_is_stopped_and_goes_on_after_the_lift(
    operator: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """The partition is moved together with the label, a pod that goes away comes back old, and the lift puts it back."""
    workload = statefulset(lab_cluster, namespace, 5)
    by_hand = '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":1}}}}'
    lab_cluster.kubectl("-n", namespace, "patch", "statefulset", "db", "-p", by_hand)
    release(lab_cluster, workload, "shop:v2")
    hand = Hand(operator, workload)
    assert await hand.hold() == ["WriteRecord", "PatchSet", "WriteRecord"]
    held = body(lab_cluster, workload)
    assert held["spec"]["updateStrategy"]["rollingUpdate"]["partition"] == STOPPED
    assert held["metadata"]["labels"][HOLD_LABEL] == ID
    stored = await hand.stored()
    assert (stored.found, stored.enforced) == (1, True)
    before = running(lab_cluster, namespace)
    assert before["shop:v1"] >= 2
    lab_cluster.kubectl("-n", namespace, "delete", "pod", "db-0", "db-4")
    lab_cluster.wait(lambda: sum(running(lab_cluster, namespace).values()) == 5, 20, "all pods")
    assert running(lab_cluster, namespace)["shop:v1"] == before["shop:v1"] + 1
    await hand.free()
    lab_cluster.wait(
        lambda: running(lab_cluster, namespace) == {"shop:v1": 1, "shop:v2": 4}, 30, "the rollout to go on"
    )
    freed = body(lab_cluster, workload)
    assert freed["spec"]["updateStrategy"]["rollingUpdate"]["partition"] == 1
    assert not freed["metadata"]["labels"].keys() & {HOLD_LABEL, QUEUE_LABEL}


async def test_what_others_declare_is_not_moved(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """A partition that Git declares would be put back at every apply: the label alone, and the record says why."""
    workload = statefulset(lab_cluster, namespace)
    declare_partition(lab_cluster, workload)
    release(lab_cluster, workload, "shop:v2")
    hand = Hand(operator, workload)
    await hand.hold()
    assert body(lab_cluster, workload)["spec"]["updateStrategy"]["rollingUpdate"]["partition"] == 0
    stored = await hand.stored()
    assert "flux declares its partition" in stored.message
    assert stored.paused is None


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
@pytest.mark.parametrize("image", ["shop:v2", "shop:never"])
async def test_a_release_of_a_statefulset_in_flight_is_undone_by_the_partition(
    operator: Client, lab_cluster: Cluster, namespace: str, policy: str, image: str
) -> None:
    """The bad pods come back as the last good release, what is declared stays, and a fix goes straight from old to new."""
    workload = statefulset(lab_cluster, namespace, 4, podManagementPolicy=policy)
    good = await template(operator, workload)
    release(lab_cluster, workload, image, pods_new=1)
    hand = Hand(operator, workload)
    asked = await hand.undo(good)
    assert asked[:3] == ["WriteRecord", "PatchSet", "WriteRecord"]
    assert set(asked[3:-1]) <= {"DeletePod"}
    undo = (await hand.stored()).undo
    assert undo is not None
    assert undo.state is UndoState.UNDONE
    undone = body(lab_cluster, workload)
    assert undone["spec"]["template"]["spec"]["containers"][0]["image"] == image
    assert running(lab_cluster, namespace) == {"shop:v1": 4}
    assert undone["metadata"]["labels"][QUEUE_LABEL] == UNDO
    assert HOLD_LABEL not in undone["metadata"]["labels"]
    lab_cluster.set_image(namespace, "statefulset", "db", "shop:v3")
    assert running(lab_cluster, namespace) == {"shop:v1": 4}
    await hand.follow()
    lab_cluster.wait(lambda: running(lab_cluster, namespace) == {"shop:v3": 4}, 30, "the fix")
    freed = body(lab_cluster, workload)
    assert freed["spec"]["updateStrategy"]["rollingUpdate"]["partition"] == 0
    assert QUEUE_LABEL not in freed["metadata"]["labels"]


@pytest.mark.parametrize(
    ("policy", "whole", "image"), [("OrderedReady", True, "shop:v2"), ("Parallel", True, "shop:v2")]
)
async def test_a_complete_release_of_a_statefulset_is_undone_by_its_template(
    operator: Client, lab_cluster: Cluster, namespace: str, policy: str, whole: bool, image: str
) -> None:
    """The template of the last good release is put back, the gate keeps the other ones out, and the pods follow."""
    workload = statefulset(lab_cluster, namespace, 3, podManagementPolicy=policy)
    good = await template(operator, workload)
    release(lab_cluster, workload, image, whole=whole)
    hand = Hand(operator, workload)
    asked = await hand.undo(good)
    assert asked[:2] == ["WriteRecord", "PutTemplateBack"]
    assert running(lab_cluster, namespace) == {"shop:v1": 3}
    undone = body(lab_cluster, workload)
    assert undone["spec"]["template"]["spec"]["containers"][0]["image"] == "shop:v1"
    assert (undone["metadata"]["labels"][QUEUE_LABEL], undone["metadata"]["labels"][HOLD_LABEL]) == (UNDO, UNDO)
    refused = lab_cluster.kubectl("-n", namespace, "set", "image", "statefulset/db", f"shop={image}", check=False)
    assert "denied request" in refused.stderr
    await hand.free()
    assert not body(lab_cluster, workload)["metadata"]["labels"].keys() & {HOLD_LABEL, QUEUE_LABEL}


async def test_a_pod_that_is_never_ready_does_not_stand_in_the_way(
    operator: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """Where Git declares the partition the template is put back, in flight too. OrderedReady would then wait for ever for a
    pod of the bad release that never gets ready; so it is deleted.
    """
    workload = statefulset(lab_cluster, namespace, 3)
    good = await template(operator, workload)
    declare_partition(lab_cluster, workload)
    release(lab_cluster, workload, "shop:never", pods_new=1)
    hand = Hand(operator, workload)
    asked = await hand.undo(good)
    assert asked[:2] == ["WriteRecord", "PutTemplateBack"]
    assert "DeletePod" in asked
    assert running(lab_cluster, namespace) == {"shop:v1": 3}


@pytest.mark.parametrize("whole", [True, False])
async def test_a_release_of_a_daemonset_is_undone_by_its_template(
    operator: Client, lab_cluster: Cluster, namespace: str, whole: bool
) -> None:
    """In flight and complete alike; the gate keeps every other template out."""
    workload = daemonset(lab_cluster, namespace)
    good, nodes = await template(operator, workload), sum(running(lab_cluster, namespace).values())
    release(lab_cluster, workload, "shop:v2" if whole else "shop:never", whole=whole)
    hand = Hand(operator, workload)
    await hand.undo(good)
    assert running(lab_cluster, namespace) == {"shop:v1": nodes}
    labels = body(lab_cluster, workload)["metadata"]["labels"]
    assert (labels[QUEUE_LABEL], labels[HOLD_LABEL]) == (UNDO, UNDO)
    await hand.free()
    assert not body(lab_cluster, workload)["metadata"]["labels"].keys() & {HOLD_LABEL, QUEUE_LABEL}


@pytest.mark.parametrize("undone", [True, False])
async def test_lift_all_puts_the_partition_back(
    operator: Client, admin: Client, lab_cluster: Cluster, namespace: str, undone: bool
) -> None:
    """With or without an operator: labels off, the partition that was there, and no record left."""
    workload = statefulset(lab_cluster, namespace)
    good = await template(operator, workload)
    release(lab_cluster, workload, "shop:never")
    hand = Hand(operator, workload)
    await (hand.undo(good) if undone else hand.hold())
    assert body(lab_cluster, workload)["spec"]["updateStrategy"]["rollingUpdate"]["partition"] == STOPPED
    done = [deed for deed in await lift_all(admin) if f"{namespace}/" in deed.what]
    assert [(deed.what.split()[0], deed.done) for deed in done] == [("StatefulSet", True), ("Hold", True)]
    assert "rollout resumed" in done[0].what
    freed = body(lab_cluster, workload)
    assert freed["spec"]["updateStrategy"]["rollingUpdate"]["partition"] == 0
    assert not freed["metadata"]["labels"].keys() & {HOLD_LABEL, QUEUE_LABEL, OVERRIDE_LABEL}


SERVER: Final = ("apply", "--server-side", "--field-manager=argocd-controller")
WAYS: Final = {
    "client": ("apply",),
    "server": SERVER,
    "server, force": (*SERVER, "--force-conflicts"),
}


def manifest(kind: str, namespace: str, version: int, name: str = "app") -> Json:
    """Version 1 has things that 2 and 3 have not: a container, an init container, a variable, a label."""
    app: Json = {"name": "app", "image": f"shop:v{version}", "env": [{"name": "B", "value": str(version)}]}
    pod: Json = {"containers": [app]}
    labels = {"app": name}
    if version == 1:
        app["env"].insert(0, {"name": "A", "value": "1"})
        pod["containers"].append({"name": "side", "image": "shop:v1"})
        pod["initContainers"] = [{"name": "init", "image": "shop:v1"}]
        labels["old"] = "x"
    spec: Json = {"selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    if kind == "StatefulSet":
        spec |= {"replicas": 2, "serviceName": name, "podManagementPolicy": "Parallel"}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
@pytest.mark.parametrize("way", WAYS)
async def test_the_next_apply_gives_exactly_what_git_says(
    operator: Client, lab_cluster: Cluster, namespace: str, kind: str, way: str
) -> None:
    """What the last good release had and Git has no longer goes with the next apply, and nobody meets a conflict."""
    workload = Workload(namespace, kind, "app")

    def apply(version: int) -> None:
        text = json.dumps(manifest(kind, namespace, version))
        lab_cluster.kubectl(*WAYS[way], "-f", "-", input=text)

    def fresh(version: int) -> Json:
        """The template of an object that was never anything else."""
        text = json.dumps(manifest(kind, namespace, version))
        said = lab_cluster.kubectl(
            "create",
            "--dry-run=server",
            "-o",
            "json",
            "-f",
            "-",
            input=text.replace('"name": "app", "n', '"name": "fresh", "n'),
        )
        found: Json = json.loads(said.stdout)["spec"]["template"]
        return found

    apply(1)
    lab_cluster.wait_rollout(namespace, "app", kind=kind.lower())
    first, _ = await Hand(operator, workload).look()
    apply(2)
    lab_cluster.wait_rollout(namespace, "app", kind=kind.lower())
    hand = Hand(operator, workload)
    asked = await hand.undo(first.template)
    assert ("GiveTemplateBack" in asked) is way.startswith("server")
    assert body(lab_cluster, workload)["spec"]["template"] == fresh(1)
    again, _ = await Hand(operator, workload).look()
    assert isinstance(first, StatefulSet | DaemonSet)
    assert isinstance(again, StatefulSet | DaemonSet)
    assert {p.hash for p in again.pods} == {p.hash for p in first.pods}  # the old revision is used again
    await hand.free()
    for version in (2, 3):
        apply(version)
        assert body(lab_cluster, workload)["spec"]["template"] == fresh(version)


def sets_of(kind: str, *, whole: bool) -> Any:
    """A release that is bad, in flight or complete, of what somebody applies on the server side."""

    def begin(cluster: Cluster, namespace: str) -> Workload:
        for version in (1, 2):
            text = json.dumps(manifest(kind, namespace, version) if whole or version == 1 else never(kind, namespace))
            cluster.kubectl(*WAYS["server, force"], "-f", "-", input=text)
            if whole or version == 1:
                cluster.wait_rollout(namespace, "app", kind=kind.lower())
        cluster.wait(lambda: whole or "shop:never" in running(cluster, namespace), 20, "the bad release")
        return Workload(namespace, kind, "app")

    return begin


def never(kind: str, namespace: str) -> Json:
    """A release whose pods never get ready."""
    body = manifest(kind, namespace, 2)
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "shop:never"
    return body


@pytest.mark.parametrize(
    ("kind", "whole"), [("StatefulSet", False), ("StatefulSet", True), ("DaemonSet", False), ("DaemonSet", True)]
)
async def test_an_operator_that_is_killed_after_every_request_comes_to_the_same_end(
    operator: Client, lab_cluster: Cluster, namespace: str, kind: str, whole: bool
) -> None:
    """All that it knows is on record or in the world; undone, and let go again."""
    ends = []
    for where, mortal in ((namespace, False), (lab_cluster.namespace(), True)):
        workload = sets_of(kind, whole=whole)(lab_cluster, where)
        before = await Hand(operator, workload).look()
        hand = Hand(operator, workload, mortal=mortal)
        good = next(r.template for r in before[0].revisions if r.template != before[0].template)  # type: ignore[union-attr]
        asked = [name for name in await hand.undo(good) if name != "DeletePod"]  # how many pods are new is chance
        stored, found = await hand.stored(), body(lab_cluster, workload)
        assert stored.undo is not None
        asked += [name for name in (await Hand(operator, workload, mortal=mortal).free()) if name != "DeletePod"]
        ends.append((asked, running(lab_cluster, where), stored.undo.state, found["spec"], found["metadata"]["labels"]))
        freed = body(lab_cluster, workload)
        assert not freed["metadata"].get("labels", {}).keys() & {HOLD_LABEL, QUEUE_LABEL}
    assert ends[0] == ends[1]
    assert ends[0][2] is UndoState.UNDONE


@pytest.mark.parametrize("way", ["client", "server"])
async def test_a_gitops_loop_does_not_undo_an_undo_by_the_partition(
    operator: Client, lab_cluster: Cluster, namespace: str, way: str
) -> None:
    """Nothing flaps while it applies the bad release every two seconds, and its fix goes out by itself."""
    workload = Workload(namespace, "StatefulSet", "app")
    with GitOps(lab_cluster, namespace, way) as git:
        git.commit(manifest("StatefulSet", namespace, 1))
        lab_cluster.wait_rollout(namespace, "app", kind="statefulset")
        good = await template(operator, workload)
        git.commit(never("StatefulSet", namespace))
        lab_cluster.wait(lambda: "shop:never" in running(lab_cluster, namespace), 20, "the bad release")
        hand = Hand(operator, workload)
        await hand.undo(good)
        before = body(lab_cluster, workload)
        git.cycle(3)
        after = body(lab_cluster, workload)
        assert (after["spec"], after["metadata"]["generation"]) == (before["spec"], before["metadata"]["generation"])
        assert running(lab_cluster, namespace) == {"shop:v1": 2}
        git.commit(manifest("StatefulSet", namespace, 3))
        await hand.follow()
        lab_cluster.wait_rollout(namespace, "app", kind="statefulset")
        assert git.refused == []


async def test_a_gitops_loop_is_told_at_every_turn_where_a_template_was_put_back(
    operator: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """The bad release stays out, and so does a fix until a person lets it in."""
    workload = Workload(namespace, "DaemonSet", "app")
    with GitOps(lab_cluster, namespace, "server") as git:
        for version in (1, 2):
            git.commit(manifest("DaemonSet", namespace, version))
            lab_cluster.wait_rollout(namespace, "app", kind="daemonset")
            if version == 1:
                good = await template(operator, workload)
        hand = Hand(operator, workload)
        await hand.undo(good)
        undone = body(lab_cluster, workload)["metadata"]["generation"]
        git.cycle(2)
        git.commit(manifest("DaemonSet", namespace, 3))
        git.cycle(1)
        assert body(lab_cluster, workload)["metadata"]["generation"] == undone
        assert f"({UNDO})" in git.refused[-1].said
        await hand.free()
        git.cycle(1)
        lab_cluster.wait_rollout(namespace, "app", kind="daemonset")
        assert body(lab_cluster, workload)["spec"]["template"]["spec"]["containers"][0]["image"] == "shop:v3"
