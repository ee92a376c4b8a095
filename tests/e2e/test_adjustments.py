"""Adjustments of budgets as people see them: understood, for whom, and what comes next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.core.quantities import format_instant
from lab.operator import Operator
from tests.api.samples import adjustment, recurring, renamed
from tests.e2e.scene import APP, Scene, holdfast

if TYPE_CHECKING:
    from lab import Cluster

pytestmark = pytest.mark.lab


def test_the_status_of_adjustments(lab_cluster: Cluster, operator: Operator, namespace: str) -> None:
    """What is understood says for how many objectives and when; what is not says how to mend it, and changes with the spec."""

    def status(name: str) -> dict[str, Any]:
        path = f"/apis/holdfast.dev/v1alpha1/namespaces/{namespace}/budgetadjustments/{name}"
        return dict(lab_cluster.raw("GET", path).get("status") or {})

    def ready(name: str) -> str:
        return next((str(c["reason"]) for c in status(name).get("conditions", ())), "")

    broken = renamed(recurring(timeZone="Europe/Holdfast"), namespace, "weekly")
    lab_cluster.apply([renamed(adjustment(reset={"at": "2026-01-01T00:00:00Z"}), namespace, "fresh-start"), broken])
    lab_cluster.wait(lambda: ready("fresh-start") == "Accepted", 20, "the reset to be accepted")
    assert status("fresh-start")["summary"] == {"does": "Resets", "when": "at 2026-01-01T00:00:00Z"}
    assert status("fresh-start")["objectives"] == 0
    lab_cluster.wait(lambda: ready("weekly") == "Invalid", 20, "the zone to be refused")
    (condition,) = status("weekly")["conditions"]
    assert condition["message"].startswith("spec.exclude.timeZone: there is no time zone Europe/Holdfast; give a name")
    assert "next" not in status("weekly")

    lab_cluster.apply(renamed(recurring(timeZone="Europe/Berlin"), namespace, "weekly"))
    lab_cluster.wait(lambda: ready("weekly") == "Accepted", 20, "the mended one to be accepted")
    assert status("weekly")["next"].keys() == {"from", "to"}
    assert status("weekly")["observedGeneration"] == 2


def test_what_is_forgiven_lifts_a_hold_and_is_listed(scene: Scene) -> None:
    """A reset takes the failures out of the budget, the hold ends on it, and the status says which adjustment took how many;
    without the adjustment they count again.
    """
    scene.policy()
    scene.burn()
    scene.held()
    scene.cluster.shop.set_fault(None, namespace=scene.namespace, app=APP)
    time.sleep(3)  # the last failures are known; the window would forget them a minute later
    reset = {"reset": {"at": format_instant(time.time())}, "reason": "agreed", "requestedBy": "admin"}
    scene.apply("BudgetAdjustment", "agreed", reset)
    scene.free()
    (effect,) = scene.until(lambda: scene.slo().get("adjustments"), "the effect")
    assert effect["name"] == "agreed"
    assert int(effect["badEvents"]) > 0
    assert "totalEvents" in effect
    said = holdfast(scene.cluster, "explain", "slo/availability", "-n", scene.namespace)
    assert "BudgetAdjustment agreed forgives" in said.stdout
    scene.remove("BudgetAdjustment", "agreed")
    scene.until(lambda: not scene.slo().get("adjustments"), "its end")
