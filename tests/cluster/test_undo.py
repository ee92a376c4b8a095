"""Undoing releases of real Deployments: the pods of the last good one serve again, and Git's template stays."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.cluster.act import Acting, LookAgain, Refused
from holdfast.cluster.client import Client
from holdfast.cluster.resources import DEPLOYMENTS, PODS, REPLICASETS
from holdfast.core.hold import Reason, UndoState
from holdfast.core.objective import Workload
from holdfast.core.request import (
    HOLD_LABEL,
    QUEUE_LABEL,
    AttachReplicaSet,
    CreateReplicaSet,
    DetachReplicaSet,
    PatchWorkload,
    ScaleReplicaSet,
)
from lab import Cluster
from tests.cluster.story import Story, Watch
from tests.core.verdicts import Verdicts

pytestmark = pytest.mark.lab

GOOD, BAD, WORSE, FIX = "shop:v1", "shop:v2", "shop:v3", "shop:v4"


Clients = tuple[Client, Client]


@pytest.fixture
def clients(admin: Client, operator: Client) -> Clients:
    """One that looks on, and the operator's own, with the chart's rights and under its gates."""
    return admin, operator


async def released(lab: Cluster, clients: Clients, name: str = "web", replicas: int = 4, **spec: Any) -> Story:
    """v1 is out and good."""
    namespace = lab.namespace()
    lab.deployment(namespace, name, GOOD, replicas, **spec)
    lab.wait_rollout(namespace, name)
    story = Story(*clients, Workload(namespace, "Deployment", name), Verdicts())
    story.verdicts.serve = (await story.view()).template
    await story.remember()
    return story


async def ships(lab: Cluster, story: Story, image: str, *, bad: bool = False, wait: bool = False) -> None:
    """Another image is declared."""
    lab.set_image(story.workload.namespace, "deployment", story.workload.name, image)
    if wait:
        lab.wait_rollout(story.workload.namespace, story.workload.name)
    if bad:
        story.verdicts.bad.add((await story.view()).template)


async def test_a_complete_release_is_undone_and_a_fix_goes_through(clients: Clients, lab_cluster: Cluster) -> None:
    """Never fewer pods than asked for; the template stays; the fix comes straight after the good pods."""
    story = await released(lab_cluster, clients)
    await ships(lab_cluster, story, BAD, bad=True, wait=True)
    declared = (await story.view()).template
    async with Watch(story) as watch:
        await story.settle(state=UndoState.UNDONE)
        await story.settle()
        assert watch.least >= 4
    view = await story.view()
    assert (view.template, view.paused, view.serving) == (declared, True, story.verdicts.serve)
    assert await story.pods() == {GOOD: 4}
    assert story.asked[:4] == ["WriteRecord", "PatchWorkload", "PatchReplicaSet", "DetachReplicaSet"]
    record = await story.record()
    assert record is not None
    assert record.enforced
    async with Watch(story) as watch:
        await ships(lab_cluster, story, FIX)
        await story.settle()
        lab_cluster.wait_rollout(story.workload.namespace, "web")
        assert watch.least >= 3  # what maxUnavailable allows
        assert watch.images <= {GOOD, FIX}
    await story.clean()
    assert (await story.record()).reason is Reason.TEMPLATE_CHANGED  # type: ignore[union-attr]
    assert {s.labels.get("pod-template-hash") for s in (await story.view()).sets} == {
        s.hash for s in (await story.view()).sets
    }


async def test_a_release_in_flight_is_undone_and_reverted(clients: Clients, lab_cluster: Cluster) -> None:
    """The good pods that are there stay; when Git reverts no pod moves."""
    story = await released(lab_cluster, clients, replicas=6)
    await ships(lab_cluster, story, "shop:never")
    story.verdicts.bad.add((await story.view()).template)
    lab_cluster.wait(
        lambda: len(lab_cluster.raw("GET", f"{sets(story)}")["items"]) == 2, 20, "the new ReplicaSet", every=0.02
    )
    async with Watch(story) as watch:
        await story.settle(state=UndoState.UNDONE)
        assert watch.least >= 4  # the rollout itself had taken that much
    assert await story.pods() == {GOOD: 6}
    before = await pods(story)
    await ships(lab_cluster, story, GOOD)
    await story.settle()
    await story.clean()
    assert await pods(story) == before


async def test_two_bad_releases_in_a_row(clients: Clients, lab_cluster: Cluster) -> None:
    """Both go, and of neither does a pod come back."""
    story = await released(lab_cluster, clients)
    await ships(lab_cluster, story, BAD, bad=True)
    await ships(lab_cluster, story, WORSE, bad=True)
    await story.settle(state=UndoState.UNDONE)
    assert await story.pods() == {GOOD: 4}
    await ships(lab_cluster, story, BAD)  # quarantined: not a single pod of it
    async with Watch(story) as watch:
        await story.settle()
        await story.settle(state=UndoState.UNDONE)
        assert watch.images == {GOOD}
    await ships(lab_cluster, story, FIX)
    await story.settle()
    lab_cluster.wait_rollout(story.workload.namespace, "web")
    await story.clean()


async def test_recreate_never_runs_two_sets(clients: Clients, lab_cluster: Cluster) -> None:
    """Where two sets must not run together the bad pods go in the request that detaches them."""
    story = await released(lab_cluster, clients, strategy={"type": "Recreate", "rollingUpdate": None})
    await ships(lab_cluster, story, BAD, bad=True, wait=True)
    await story.settle(state=UndoState.UNDONE)
    assert await story.pods() == {GOOD: 4}
    assert "ScaleReplicaSet" not in story.asked
    await ships(lab_cluster, story, FIX)
    await story.settle()
    lab_cluster.wait_rollout(story.workload.namespace, "web")
    await story.clean()


async def test_without_history_the_good_set_is_made_anew(clients: Clients, lab_cluster: Cluster) -> None:
    """revisionHistoryLimit 0 leaves nothing to go back to but the record; also after a night at zero."""
    story = await released(lab_cluster, clients, revisionHistoryLimit=0)
    await ships(lab_cluster, story, BAD, bad=True, wait=True)
    lab_cluster.wait(lambda: len(lab_cluster.raw("GET", sets(story))["items"]) == 1, 20, "the history to be cleaned up")
    async with Watch(story) as watch:
        await story.settle(state=UndoState.UNDONE)
        assert watch.least >= 4
    assert "CreateReplicaSet" in story.asked
    assert await story.pods() == {GOOD: 4}
    scale(lab_cluster, story, 0)
    lab_cluster.wait(lambda: not lab_cluster.raw("GET", pods_of(story))["items"], 20, "all pods to go")
    await story.settle()
    scale(lab_cluster, story, 3)
    async with Watch(story) as watch:
        await story.settle()
        await until(story, {GOOD: 3})
        assert watch.images <= {GOOD}
    await ships(lab_cluster, story, GOOD)
    await story.settle()
    lab_cluster.wait_rollout(story.workload.namespace, "web")
    await story.clean()
    assert (await story.view()).sets[0].template == story.verdicts.serve


async def test_good_pods_that_cannot_start_take_nothing_away(clients: Clients, lab_cluster: Cluster) -> None:
    """It is stuck and says so, both sets stay; a fix goes through from there."""
    story = await released(lab_cluster, clients, progressDeadlineSeconds=2, minReadySeconds=0)
    namespace = story.workload.namespace
    lab_cluster.set_image(namespace, "deployment", "web", "shop:never")
    story.verdicts.serve = (await story.view()).template
    await ships(lab_cluster, story, BAD, bad=True, wait=True)
    async with Watch(story) as watch:
        await story.settle(state=UndoState.STUCK)
        assert watch.least >= 4
        assert await story.pods() == {BAD: 4}
        await ships(lab_cluster, story, FIX)
        await story.settle()
        lab_cluster.wait_rollout(namespace, "web")
        assert watch.least >= 3  # what maxUnavailable allows
    await story.clean()


async def test_it_holds_while_it_is_scaled(clients: Clients, lab_cluster: Cluster) -> None:
    """Up in the middle, to nothing and back: only good pods come."""
    story = await released(lab_cluster, clients)
    await ships(lab_cluster, story, BAD, bad=True, wait=True)
    await story.once(lives=4)  # detached, and not more
    scale(lab_cluster, story, 7)
    async with Watch(story) as watch:
        await story.settle(state=UndoState.UNDONE)
        await until(story, {GOOD: 7})
        assert watch.least >= 4
    scale(lab_cluster, story, 0)
    await until(story, {})
    scale(lab_cluster, story, 3)
    async with Watch(story) as watch:
        await until(story, {GOOD: 3})
        assert watch.images <= {GOOD}
    (taken,) = (await story.view()).detached
    lab_cluster.kubectl("-n", story.workload.namespace, "scale", f"replicaset/{taken.name}", "--replicas=2")
    await story.settle()
    await until(story, {GOOD: 3})


async def test_resumed_by_somebody_it_is_undone_again(clients: Clients, lab_cluster: Cluster) -> None:
    """As where there is no gate: the template rolls out under another hash; templates are compared, not hashes."""
    story = await released(lab_cluster, clients)
    await ships(lab_cluster, story, BAD, bad=True, wait=True)
    await story.settle(state=UndoState.UNDONE)
    body = {"spec": {"paused": None}}
    await story.operator.merge_patch(DEPLOYMENTS, story.workload.namespace, "web", body)  # the one whom the gate lets
    lab_cluster.wait_rollout(story.workload.namespace, "web")
    assert await story.pods() == {BAD: 4}
    async with Watch(story) as watch:
        await story.settle()
        await story.settle(state=UndoState.UNDONE)
        assert watch.least >= 4
    assert await story.pods() == {GOOD: 4}
    assert len((await story.view()).detached) == 2


async def test_allowed_by_a_person_it_is_the_same_release(clients: Clients, lab_cluster: Cluster) -> None:
    """The ReplicaSet that was taken away is used again: same hash, no collision."""
    story = await released(lab_cluster, clients)
    await ships(lab_cluster, story, BAD, bad=True, wait=True)
    before = {s.hash for s in (await story.view()).sets}
    await story.settle(state=UndoState.UNDONE)
    story.verdicts.allowed = set(story.verdicts.bad)
    await story.settle()
    lab_cluster.wait_rollout(story.workload.namespace, "web")
    assert await story.pods() == {BAD: 4}
    assert {s.hash for s in (await story.view()).sets} == before
    await story.clean()
    assert (await story.record()).reason is Reason.ALLOWED_BY_HAND  # type: ignore[union-attr]


async def test_a_pause_of_somebody_stays(clients: Clients, lab_cluster: Cluster) -> None:
    """Who paused the Deployment before finds it paused after."""
    story = await released(lab_cluster, clients)
    await ships(lab_cluster, story, BAD, bad=True, wait=True)
    lab_cluster.kubectl("-n", story.workload.namespace, "rollout", "pause", "deployment/web")
    await story.settle(state=UndoState.UNDONE)
    await ships(lab_cluster, story, FIX)
    await story.settle()
    await story.clean()
    assert (await story.view()).paused


@pytest.mark.parametrize("lives", range(1, 13))
async def test_killed_after_any_request_it_ends_the_same(clients: Clients, lab_cluster: Cluster, lives: int) -> None:
    """Bad, undone, fixed; the operator dies once on the way, and with it all that it did not store."""
    story = await released(lab_cluster, clients, replicas=2)
    await ships(lab_cluster, story, BAD, bad=True, wait=True)
    while len(story.asked) < lives and not await story.once(lives - len(story.asked)):
        pass
    async with Watch(story) as watch:
        await story.settle(state=UndoState.UNDONE)
        assert watch.least >= 2
    assert await story.pods() == {GOOD: 2}
    done = len(story.asked)
    await ships(lab_cluster, story, FIX)
    while len(story.asked) < done + lives and not await story.once(done + lives - len(story.asked)):
        pass
    await story.settle()
    lab_cluster.wait_rollout(story.workload.namespace, "web")
    await story.clean()
    assert await story.pods() == {FIX: 2}
    status = await story.client.get(DEPLOYMENTS, story.workload.namespace, "web")
    assert "collisionCount" not in status["status"]


async def test_long_names_and_many_pods(clients: Clients, lab_cluster: Cluster) -> None:
    """A name of 60 characters, whose pods do not carry the hash in their names; a hundred pods."""
    story = await released(lab_cluster, clients, name="w" * 60, replicas=100)
    await ships(lab_cluster, story, BAD, bad=True, wait=True)
    async with Watch(story) as watch:
        await story.settle(within=60, state=UndoState.UNDONE)
        assert watch.least >= 100
    assert await story.pods() == {GOOD: 100}
    await ships(lab_cluster, story, GOOD)
    await story.settle()
    await story.clean()


async def test_a_hold_beside_an_undo(clients: Clients, lab_cluster: Cluster) -> None:
    """Each under its own label; a release that is let out of its quarantine waits for the budget all the same."""
    story = await released(lab_cluster, clients)
    await ships(lab_cluster, story, BAD, bad=True, wait=True)
    await story.settle(state=UndoState.UNDONE)
    story.verdicts.empty = True
    await story.settle()
    record = await story.record()
    assert record is not None
    assert record.undo is not None
    assert record.id != record.undo.id
    view = await story.view()
    for labels in (view.labels, *(s.labels for s in view.every_set())):
        assert (labels.get(HOLD_LABEL), labels.get(QUEUE_LABEL)) == (record.id, record.undo.id)
    story.verdicts.allowed = set(story.verdicts.bad)
    await story.settle()
    view = await story.view()
    assert (view.hold, view.queue, view.paused, len(view.sets)) == (record.id, None, True, 2)
    assert sum((await story.pods()).values()) == 4
    story.verdicts.empty = False
    await story.settle()
    lab_cluster.wait_rollout(story.workload.namespace, "web")
    assert await story.pods() == {BAD: 4}
    await story.clean()


async def test_requests_meet_a_changed_world(clients: Clients, lab_cluster: Cluster) -> None:
    """Another object of the same name, or one that is no longer so, is left alone: look again."""
    story = await released(lab_cluster, clients, replicas=1)
    acting, view = Acting(story.operator), await story.view()
    owned, workload = view.sets[0], story.workload
    for request in (
        DetachReplicaSet(workload, owned.name, "other", view.uid),
        DetachReplicaSet(workload, owned.name, owned.uid, "other"),
        AttachReplicaSet(workload, owned.name, owned.uid, view.uid),  # it is not detached
        ScaleReplicaSet(workload, owned.name, owned.uid, view.uid, 0),
        PatchWorkload(workload, "0", {}, True, view.uid, view.generation - 1),
        PatchWorkload(workload, "0", {}, True, "other", view.generation),
    ):
        assert isinstance(await acting.carry_out(request), LookAgain), request
    refused = await acting.carry_out(CreateReplicaSet(workload, view.uid, "0123", 1))
    assert isinstance(refused, Refused)
    assert "not on record" in refused.why
    remembering = Acting(story.operator, template_of=story.template_of)
    other = CreateReplicaSet(workload, "other", view.template.digest, 1)
    assert isinstance(await remembering.carry_out(other), LookAgain)
    assert await story.view() == view


def sets(story: Story) -> str:
    return f"/apis/apps/v1/namespaces/{story.workload.namespace}/{REPLICASETS.plural}"


def pods_of(story: Story) -> str:
    return f"/api/v1/namespaces/{story.workload.namespace}/pods"


async def pods(story: Story) -> list[str]:
    found = await story.client.everything(PODS, story.workload.namespace)
    return sorted(pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"])


def scale(lab: Cluster, story: Story, replicas: int) -> None:
    lab.kubectl("-n", story.workload.namespace, "scale", f"deployment/{story.workload.name}", f"--replicas={replicas}")


async def until(story: Story, images: dict[str, int]) -> None:
    """The operator looks on until exactly these pods are ready."""
    for _ in range(300):
        await story.once()
        if await story.pods() == images:
            return
    raise AssertionError(f"{await story.pods()}, {await story.view()}")
