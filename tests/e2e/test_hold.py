"""From the empty budget to the lift: what a hold does to a rollout, to people, and to what they read."""

from __future__ import annotations

import json
import re

import pytest

from lab.chart import InstalledChart
from tests.e2e.scene import APP, EXHAUSTED, HOLD, OVERRIDE, Scene, settle

pytestmark = pytest.mark.lab


def slow(seconds: int) -> str:
    """A rollout that stays half-way for long enough: a pod serves so many seconds before the next one is replaced."""
    return json.dumps({"spec": {"minReadySeconds": seconds}})


def history(scene: Scene, *images: str) -> None:
    """Release these, one after the other, each to its end."""
    for image in images:
        assert not scene.release(image)
        scene.cluster.wait_rollout(scene.namespace, APP)


def half_way(scene: Scene, image: str, seconds: int = 8) -> None:
    """Begin a release that stays half-way, with pods of both templates serving."""
    scene.kubectl("patch", "deployment", APP, "-p", slow(seconds))
    scene.until(lambda: in_step(scene) and scene.deployment()["status"].get("availableReplicas") == 3, "three old pods")
    assert not scene.release(image)
    scene.until(lambda: len([s for s in scene.sets() if s["status"].get("readyReplicas")]) == 2, "two releases")


def template(scene: Scene) -> str:
    """The image that the Deployment declares."""
    return str(scene.deployment()["spec"]["template"]["spec"]["containers"][0]["image"])


def in_step(scene: Scene) -> bool:
    """Whether the deployment controller has seen the Deployment as it is."""
    found = scene.deployment()
    return bool(found["status"].get("observedGeneration") == found["metadata"]["generation"])


def test_a_rollout_in_flight_is_held_and_lifted(scene: Scene, chart: InstalledChart) -> None:
    """An empty budget pauses the rollout and closes the gate in one patch; a full one takes both back, and says so."""
    scene.people()
    scene.policy()
    half_way(scene, "shop:bad", 20)  # the hold comes while most pods are old ones
    hold_id = scene.held()

    assert re.fullmatch(r"budget-exhausted-[b-df-hj-np-tv-xz24-9]{5}", hold_id)
    assert scene.paused
    assert scene.marks() == {APP: {HOLD: hold_id}, **{s["metadata"]["name"]: {HOLD: hold_id} for s in scene.sets()}}
    patches = [
        e for e in scene.cluster.audit(user=chart.user) if (e.namespace, e.resource) == (scene.namespace, "deployments")
    ]
    assert [p.code for p in patches if p.code != 409] == [200]  # label and pause together; a conflict looks again

    hold = scene.hold()
    assert hold["message"].startswith(f"Error budget of {scene.namespace}/availability is exhausted (-")
    assert hold["message"].endswith(" % left); lifts above 5 %.")
    assert (hold["declared"]["version"], hold["serving"]["version"]) == ("bad", "v1")
    denial = scene.release("shop:v3", "developer")
    assert (
        f"Deployment {scene.namespace}/{APP} is on hold ({hold_id}): no new release until its error budget recovers, "
        "so spec.template may not change. Still allowed: scale, restart, resources, delete. "
        f"Why and until when: kubectl get hold deployment-{APP} -n {scene.namespace}. Way out: "
    ) in denial
    resumed = scene.kubectl("rollout", "resume", f"deployment/{APP}", user="developer", check=False)
    assert "so it stays paused" in resumed.stderr
    scene.kubectl("scale", f"deployment/{APP}", "--replicas=4", user="developer")
    scene.kubectl("set", "resources", f"deployment/{APP}", "--limits=cpu=1", user="developer")

    scene.recover()
    scene.free()
    assert not scene.paused
    assert template(scene) == "shop:bad"  # what was declared stays declared
    told = [(kind, reason) for kind, reason, _ in scene.events() if kind != "ServiceLevelObjective"]
    assert told == [
        ("Deployment", "BudgetExhausted"),
        ("Hold", "BudgetExhausted"),
        ("Deployment", "BudgetRecovered"),
        ("Hold", "BudgetRecovered"),
    ]
    held, lifted = (note for kind, _, note in scene.events() if kind == "Deployment")
    assert (
        held
        == f"Deployment {scene.namespace}/{APP} is on hold ({hold_id}): {hold['message']} The rollout in flight is paused."
    )
    assert lifted == f"Deployment {scene.namespace}/{APP} is free again ({hold_id}): its error budget has recovered."


def test_a_full_history_is_held_overridden_fixed_and_lifted(scene: Scene) -> None:
    """With old ReplicaSets to trim, the fix of a person on call rolls out under the hold, and nothing gets stuck."""
    scene.people()
    scene.policy()
    scene.kubectl("patch", "deployment", APP, "-p", '{"spec": {"revisionHistoryLimit": 2}}')
    history(scene, "shop:v3", "shop:v4", "shop:v5")
    half_way(scene, "shop:bad")
    assert len(scene.sets()) >= 4  # three old ones and the bad one
    hold_id = scene.held()
    assert scene.paused
    assert len(scene.marks()) == 1 + len(scene.sets())

    denial = scene.release("shop:v6", "oncall")
    command = denial.partition("Way out: kubectl ")[2].partition(" and send the change again")[0]
    assert command, denial
    refused = scene.cluster.kubectl(*command.split(), user="developer", check=False)
    assert "setting it needs the right to override holds" in refused.stderr
    scene.cluster.kubectl(*command.split(), user="oncall")
    scene.until(lambda: scene.hold().get("state") == "Overridden", "the override to be seen")
    settle(3)
    assert scene.paused, "an override alone must not let the bad template go on"

    scene.kubectl("patch", "deployment", APP, "-p", '{"spec": {"minReadySeconds": 0}}', user="oncall")
    assert not scene.release("shop:v6", "oncall")
    scene.until(lambda: not scene.paused, "the changed template to be let go")
    scene.cluster.wait_rollout(scene.namespace, APP)
    assert scene.hold()["state"] == "Overridden"
    assert scene.deployment()["metadata"]["labels"][OVERRIDE] == hold_id

    scene.recover()
    scene.free()
    assert not scene.paused
    history(scene, "shop:v7")
    scene.until(lambda: in_step(scene) and len(scene.sets()) <= 3, "the history to be trimmed")
    reasons = [reason for kind, reason, _ in scene.events() if kind == "Deployment"]
    assert reasons == ["BudgetExhausted", "Overridden", "BudgetRecovered"]


def test_the_pause_of_a_person_is_left_alone(scene: Scene) -> None:
    """A rollout that a person had paused before the hold is still paused after it."""
    scene.policy()
    half_way(scene, "shop:v3")
    scene.kubectl("rollout", "pause", f"deployment/{APP}")
    scene.burn()
    scene.held()
    assert "pausedBy" not in scene.hold().get("record", {})
    scene.recover()
    scene.free()
    settle(2)
    assert scene.paused


def test_a_hold_removed_by_hand_is_put_back(scene: Scene) -> None:
    """Whoever deletes the Hold object does not open the gate: the workload is held again, under a record."""
    scene.policy()
    scene.burn()
    scene.held()
    scene.remove("hold", f"deployment-{APP}")
    hold_id = scene.held()
    assert scene.deployment()["metadata"]["labels"][HOLD] == hold_id


def test_a_second_hold_has_an_id_of_its_own(scene: Scene) -> None:
    """An id names one episode: an override of the last hold does not open the next one."""
    scene.policy(EXHAUSTED)
    scene.burn()
    first = scene.held()
    scene.recover()
    scene.free()
    scene.burn(1.0)
    scene.until(lambda: scene.hold().get("state") == "Active", "the next hold", 90)
    second = scene.held()
    assert second != first
    assert [h["state"] for h in scene.hold()["history"]] == ["Active", "Lifted", "Active"]
