"""What happens when parts of the cluster go away under us: the API server, the definitions, the gate, the operator itself.

These tests come last (by name): deleting a definition deletes everybody's objectives.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator

import pytest

from lab import Cluster
from lab.chart import BINDING_PATH, InstalledChart
from lab.operator import Operator
from tests.e2e.scene import HOLD, Scene, settle

pytestmark = pytest.mark.lab

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"


def test_the_api_server_goes_and_comes_back(scene: Scene, operator: Operator) -> None:
    """While it is gone /readyz says so and /healthz does not; a hold outlives it, and lifts afterwards."""
    scene.policy()
    scene.burn()
    hold_id = scene.held()
    scene.cluster.apiserver.kill()
    scene.until(lambda: "the cluster is not fully known: " in operator.ask("/readyz")[1], "the trouble to be noticed")
    assert operator.ask("/readyz")[0] == 503
    scene.recover()  # nobody can lift it now
    settle(3)
    assert operator.ask("/healthz") == (200, "ok\n")
    scene.cluster.apiserver.mend()
    scene.until(lambda: operator.ask("/readyz")[0] == 200, "the operator to be ready again", 60)
    scene.free()
    assert scene.hold()["id"] == hold_id
    assert operator.process.running


def test_a_kill_at_any_moment_of_a_hold_loses_nothing(scene: Scene, operator: Operator) -> None:
    """Killed while the hold is put up and again while it is lifted, the operator goes on where it was."""
    scene.policy()
    scene.burn()
    scene.until(scene.hold, "the record of the hold", every=0.002)
    operator.process.kill()
    operator.start()
    hold_id = scene.held()
    assert scene.marks() == {name: {HOLD: hold_id} for name in scene.marks()}
    scene.recover()
    scene.until(lambda: HOLD not in scene.deployment()["metadata"]["labels"], "the lift to begin", every=0.002)
    operator.process.kill()
    operator.start()
    scene.free()
    assert not scene.paused
    assert [h["state"] for h in scene.hold()["history"]] == ["Active", "Lifted"]


def test_sigterm_ends_it_in_good_order(operator: Operator, chart: InstalledChart) -> None:
    """SIGTERM, and within five seconds it has ended with 0."""
    operator.process.stop()
    env = {**os.environ, "POD_NAMESPACE": chart.namespace, "POD_NAME": "sigterm"}
    process = subprocess.Popen(
        operator.process.argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        chart.cluster.wait(lambda: operator.ask("/readyz")[0] == 200, 30, "the operator to be ready")
        began = time.monotonic()
        process.terminate()
        _, log = process.communicate(timeout=20)
    finally:
        process.kill()
    assert time.monotonic() - began < 5
    assert process.returncode == 0
    assert "Traceback" not in log
    assert "stopped" in log.splitlines()[-1]


@pytest.fixture
def whole_chart(chart: InstalledChart, lab_cluster: Cluster) -> Iterator[InstalledChart]:
    """The chart, put back as it was after the test."""
    yield chart
    chart.restore()


def test_what_is_missing_is_told_and_waited_for(
    scene: Scene, operator: Operator, whole_chart: InstalledChart, lab_cluster: Cluster
) -> None:
    """Definitions and the gate deleted: /readyz names both, nobody acts on the emptiness, the operator lives and recovers."""
    scene.policy()
    scene.burn()
    scene.held()
    lab_cluster.raw("DELETE", BINDING_PATH + "hold.holdfast.dev")
    lab_cluster.raw("DELETE", CRDS + "servicelevelobjectives.holdfast.dev")
    scene.until(lambda: "servicelevelobjectives" in operator.ask("/readyz")[1], "the definition to be missed", 60)
    assert (
        "the cluster is not fully known: the cluster has no servicelevelobjectives.holdfast.dev: "
        "install the custom resource definitions; waiting for them\n"
    ) in operator.ask("/readyz")[1]
    settle(2)
    assert scene.in_force()
    assert len(scene.marks()) == 1 + len(scene.sets())
    operator.process.kill()
    operator.process.start()  # without a definition at the start
    scene.until(lambda: "install the custom resource definitions" in operator.ask("/readyz")[1], "a start without", 30)
    assert (
        "the gate is not effective: The gate hold.holdfast.dev is not installed; install the chart."
        in operator.ask("/readyz")[1]
    )
    assert operator.ask("/healthz")[0] == 200
    assert "holdfast_gate_effective 0.0" in operator.ask("/metrics")[1]
    assert scene.in_force()

    whole_chart.restore()
    scene.until(lambda: operator.ask("/readyz") == (200, "ok\n"), "the operator to be ready again", 60)
    scene.free(60)  # lists that succeeded show the objective gone: that is a cause removed
    assert scene.hold()["history"][-1]["reason"] == "CauseRemoved"


def test_the_account_of_the_chart_is_enough(chart: InstalledChart, lab_cluster: Cluster, operator: Operator) -> None:
    """In all that was done here, the operator was never refused for want of a right, by RBAC or by its own gate."""
    wrote = list(lab_cluster.audit(user=chart.user))
    granted = {(e.verb, e.group, e.resource, e.subresource) for e in wrote if e.code < 400}
    refused = [
        (e.verb, e.uri, said)
        for e in wrote
        if e.code == 403
        # a namespace that is being deleted takes nothing new from anybody: that is no want of a right
        and "is being terminated" not in (said := e.raw["responseStatus"].get("message", ""))
        # and an API server that has just started knows no roles yet: what was allowed at another time is a right
        and not (" cannot " in said and (e.verb, e.group, e.resource, e.subresource) in granted)
    ]
    assert refused == []
    log = "\n".join(operator.log_lines())
    assert "Traceback" not in log, log[log.index("Traceback") - 2000 :][:6000]
