"""Input that makes no sense: refused with a sentence where one object shows it, else a condition that says so."""

from __future__ import annotations

import json
from typing import Final

import pytest

from tests.e2e.scene import APP, Json, Scene, settle

pytestmark = pytest.mark.lab

TOTAL = f'http_requests_total{{job="{APP}"}}'


def objective(scene: Scene, **spec: object) -> Json:
    """An objective that is right but for `spec`."""
    ratio = {"bad": 'http_requests_total{code=~"5.."}', "total": TOTAL}
    right = {"target": "99", "window": {"rolling": "1m"}, "indicator": {"ratio": ratio}}
    return scene.document("ServiceLevelObjective", "odd", {**right, **spec})


REFUSED: Final[tuple[tuple[Json, str], ...]] = (
    ({"target": "100"}, "target must be"),
    ({"indicator": {"ratio": {"bad": "rate(x[5m])", "total": TOTAL}}}, "selector"),
    ({"indicator": {}}, "give exactly one indicator: "),
    ({"workloads": [{"kind": "CronJob", "name": "x"}]}, 'supported values: "Deployment", "StatefulSet", "DaemonSet"'),
    (
        {"workloads": [{"kind": "Deployment", "name": "x"}] * 2},
        "each workload may be listed once; remove the repeated one",
    ),
)


def test_nonsense_is_refused_when_it_is_applied(scene: Scene) -> None:
    """What one object shows to be wrong never gets in, and the refusal says how to mend it."""
    for spec, sentence in REFUSED:
        said = scene.kubectl("apply", "-f", "-", check=False, input=json.dumps(objective(scene, **spec)))
        assert said.returncode == 1, spec
        assert sentence in said.stderr


def test_what_only_the_cluster_shows_is_a_condition(scene: Scene) -> None:
    """A metric without series, a workload and a source that do not exist: the status says so, and nothing is held."""
    scene.policy()
    nothing = {"bad": 'no_such_total{code=~"5.."}', "total": "no_such_total"}
    scene.apply("ServiceLevelObjective", "no-metric", objective(scene, indicator={"ratio": nothing})["spec"])
    scene.apply("ServiceLevelObjective", "no-source", objective(scene, source="elsewhere")["spec"])
    missing = [{"kind": "Deployment", "name": "chekcout"}]
    scene.apply("ServiceLevelObjective", "no-workload", objective(scene, workloads=missing)["spec"])

    scene.until(lambda: scene.condition("EvidenceFresh", "no-metric", "reason") == "Absent", "no series")
    assert (
        scene.slo("no-metric")["evidence"]["message"]
        == "no_such_total matches no series; check its metric name and labels"
    )
    assert scene.slo("no-metric")["verdict"] == "Unknown"
    scene.until(lambda: scene.condition("Ready", "no-source", "reason") == "SourceUnknown", "no source")
    assert (
        scene.condition("Ready", "no-source", "message") == "No metrics source is called elsewhere; there is default."
    )
    scene.until(lambda: scene.condition("Ready", "no-workload", "reason") == "WorkloadMissing", "no workload")
    assert scene.condition("Ready", "no-workload", "message") == (
        "There is no Deployment chekcout in this namespace; nothing is held there."
    )


def test_what_slips_past_the_server_is_told_and_keeps_what_is_in_force(scene: Scene) -> None:
    """An objective edited into nonsense is told as Invalid; its hold stays, and lifts once it makes sense again."""
    scene.policy()
    scene.burn()
    hold_id = scene.held()
    good = scene.ours("servicelevelobjectives", "availability")["spec"]["indicator"]
    scene.objective(indicator={"ratio": {"bad": 'http_requests_total{code=~"5..("}', "total": TOTAL}})
    scene.until(lambda: scene.condition("Ready", field="reason") == "Invalid", "the condition")
    assert "bad" in scene.condition("Ready", field="message")
    settle(3)
    assert (scene.hold()["state"], scene.hold()["id"]) == ("Active", hold_id)
    scene.objective(indicator=good)
    scene.until(lambda: scene.condition("Ready") == "True", "the objective to be in use again")
    scene.recover()
    scene.free()
