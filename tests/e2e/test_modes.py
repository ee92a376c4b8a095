"""What is asked and what is done: Audit and Enforce, causes that go away, policies that disagree, two objectives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.chart import InstalledChart
from tests.e2e.scene import APP, EXHAUSTED, Scene, settle

pytestmark = pytest.mark.lab

NOTIFY = {"name": "empty", "when": {"budgetRemaining": {"below": "0"}}, "then": {"action": "Notify"}}


def told(scene: Scene) -> list[str]:
    """The sentences about the Deployment."""
    return [note for kind, _, note in scene.events() if kind == "Deployment"]


def test_audit_says_so_and_touches_nothing_until_a_rule_enforces(scene: Scene, chart: InstalledChart) -> None:
    """In Audit the table says "Hold (audit)" and no workload is written to; Enforce for the rule holds at once."""
    scene.policy(mode="Audit")
    scene.burn()
    scene.until(lambda: scene.slo()["summary"]["verdict"] == "Hold (audit)", "the verdict")
    line = scene.kubectl("get", "slo").stdout.splitlines()[1].split()
    assert line[:3] == ["availability", "99%", "1m"]
    assert line[-5:-1] == ["Fresh", "Hold", "(audit)", "0"]
    settle(3)
    touched = [e for e in scene.cluster.audit(user=chart.user) if e.namespace == scene.namespace]
    assert {e.resource for e in touched} <= {"servicelevelobjectives", "errorbudgetpolicies", "events"}
    assert scene.slo()["verdict"] == "Open"
    assert not scene.marks()
    scene.policy({**EXHAUSTED, "mode": "Enforce"}, mode="Audit")
    scene.held()


def test_a_cause_that_goes_away_lifts(scenes: Callable[[], Scene]) -> None:
    """Deleting the policy or the objective, or setting Audit, lifts what it held, and says that the cause is gone."""
    ways: dict[str, Callable[[Scene], None]] = {
        "the policy is deleted": lambda s: s.remove("errorbudgetpolicy", "budget"),
        "the objective is deleted": lambda s: s.remove("servicelevelobjective", "availability"),
        "the policy is set to Audit": lambda s: s.policy(mode="Audit"),
    }
    stages = {why: scenes() for why in ways}
    for scene in stages.values():
        scene.policy()
        scene.burn()
    ids = {why: scene.held() for why, scene in stages.items()}
    for why, scene in stages.items():
        ways[why](scene)
    for why, scene in stages.items():
        scene.free()
        assert scene.hold()["history"][-1]["reason"] == "CauseRemoved", why
        assert told(scene)[-1] == (
            f"Deployment {scene.namespace}/{APP} is free again ({ids[why]}): "
            "no rule that is in force asks for the hold any longer."
        ), why


def test_of_two_policies_that_disagree_the_stricter_one_counts(scene: Scene) -> None:
    """One says Notify, the other one Hold: it is held, and freed when the stricter one is gone."""
    scene.policy(NOTIFY, name="lenient")
    scene.policy(name="strict")
    scene.burn()
    scene.held()
    scene.until(lambda: scene.slo()["verdict"] == "Hold", "the verdict of the stricter policy")
    assert [f["policy"] for f in scene.slo()["findings"]] == ["strict", "lenient"]
    scene.remove("errorbudgetpolicy", "strict")
    scene.free()
    scene.until(lambda: scene.slo()["verdict"] == "Notify", "the verdict of the other policy")


def test_two_objectives_hold_one_workload_until_both_have_recovered(scene: Scene) -> None:
    """A workload with two budgets is held by the emptier one; the Hold names both causes, and one alone still holds."""
    scene.objective("strict", target="99.5")
    scene.policy()
    scene.burn()
    scene.held()
    scene.until(lambda: scene.hold()["slo"] == "availability, strict", "both causes")
    scene.cluster.shop.set_fault(None, namespace=scene.namespace, app=APP)
    hold_id = scene.hold()["id"]
    scene.remove("servicelevelobjective", "availability")
    scene.until(lambda: scene.hold()["slo"] == "strict", "the one cause that is left")
    assert (scene.hold()["state"], scene.hold()["id"]) == ("Active", hold_id)
    scene.recover()
    scene.free()


def test_a_deleted_workload_takes_its_hold_along(scene: Scene) -> None:
    """The Deployment is deleted while held: its Hold ends with that reason, and the objective says what is missing."""
    scene.policy()
    scene.burn()
    scene.held()
    scene.kubectl("delete", "deployment", APP, "--wait=false")
    scene.until(lambda: scene.hold().get("state") == "Lifted", "the record to end")
    assert scene.hold()["history"][-1]["reason"] == "WorkloadGone"
    scene.until(lambda: scene.condition("Ready", field="reason") == "WorkloadMissing", "the condition")
    assert scene.condition("Ready", field="message") == (
        f"There is no Deployment {APP} in this namespace; nothing is held there."
    )
