"""Does the ledger outlive the process, the objective, and what Prometheus remembers?"""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from holdfast.cluster.checkpoints import KIND, LABEL, PREFIX
from lab.chart import InstalledChart
from lab.operator import Operator
from tests.e2e.scene import APP, RATE, Scene, settle
from tests.e2e.test_ledger import compare, counted, happened, quiet, rollouts

__all__ = ["quiet"]
pytestmark = pytest.mark.lab
Json = dict[str, Any]


def forget_the_past(scene: Scene) -> None:
    """Prometheus loses all it has of this service: its retention is shorter than the window."""
    scene.cluster.prometheus.forget(f'{{namespace="{scene.namespace}"}}')
    seen = f'count_over_time(http_request_duration_seconds_count{{namespace="{scene.namespace}"}}[10m])'
    assert all(sample.value < 10 for sample in scene.cluster.prometheus.query(seen))


def serve(scene: Scene, seconds: float = 2) -> None:
    """Some traffic, all of which is scraped before this returns."""
    scene.cluster.shop.set_rate(scene.namespace, APP, RATE)
    settle(seconds)
    scene.cluster.shop.set_rate(scene.namespace, APP, 0)
    settle(1.5)


def metric(operator: Operator, name: str) -> float:
    """The value of a metric of the operator; 0 when it has none."""
    line = re.search(rf"^{re.escape(name)} (\S+)", operator.ask("/metrics")[1], re.MULTILINE)
    return float(line[1]) if line else 0.0


def shards(scene: Scene, chart: InstalledChart) -> list[Json]:
    """The ConfigMaps of the checkpoint."""
    return list(scene.raw(f"/api/v1/namespaces/{chart.namespace}/configmaps?labelSelector={LABEL}%3D{KIND}")["items"])


def test_a_ledger_outlives_the_process_and_the_retention(
    quiet: Scene, operator: Operator, chart: InstalledChart
) -> None:
    """Pods that are gone count on when neither the process nor Prometheus remembers them; so they do after a SIGKILL
    some time after the checkpoint, and when the objective was deleted and is created anew. To the request, each time.
    """
    quiet.cluster.shop.set_rate(quiet.namespace, APP, RATE)
    rollouts(quiet, "shop:err-20", "shop:v2")
    compare(operator, quiet)
    operator.process.stop()
    stored = shards(quiet, chart)
    assert [s["metadata"]["name"] for s in stored] == [f"{PREFIX}{n}" for n in range(len(stored))]
    forget_the_past(quiet)
    operator.start()
    compare(operator, quiet)
    assert any("restored" in line and "shards" in line for line in operator.log_lines())
    assert metric(operator, "holdfast_checkpoint_bytes") > 500

    serve(quiet)
    compare(operator, quiet)
    operator.process.kill()
    serve(quiet)
    forget_the_past(quiet)
    operator.start()
    serve(quiet)
    compare(operator, quiet)

    body = quiet.ours("servicelevelobjectives", "availability")
    quiet.remove("slo", "availability")
    quiet.until(lambda: counted(operator, quiet) == (-1, -1), "the objective to be gone")
    serve(quiet)
    forget_the_past(quiet)
    quiet.apply("ServiceLevelObjective", "availability", body["spec"])
    serve(quiet)
    compare(operator, quiet)
    total, bad = happened(quiet)
    assert total > 2_000
    assert bad > 50


def test_a_corrupt_shard_is_told_and_its_ledgers_are_read_again(
    quiet: Scene, operator: Operator, chart: InstalledChart
) -> None:
    """One sentence, one count in the metrics, and the same figures as before, from Prometheus; the next stop mends it."""
    serve(quiet)
    compare(operator, quiet)
    operator.process.stop()
    for shard in shards(quiet, chart):
        data = bytearray(base64.b64decode(shard["binaryData"][KIND]))
        data[len(data) // 2] ^= 1
        broken = {"binaryData": {KIND: base64.b64encode(bytes(data)).decode()}}
        name = shard["metadata"]["name"]
        quiet.cluster.raw("PATCH", f"/api/v1/namespaces/{chart.namespace}/configmaps/{name}", broken)
    operator.start()
    compare(operator, quiet)
    assert metric(operator, 'holdfast_checkpoint_errors_total{doing="read"}') == len(shards(quiet, chart))
    told = [line for line in operator.log_lines() if "a shard is lost" in line]
    assert f"Checkpoint {PREFIX}0 is corrupt: its checksum is another." in told[-1]
    operator.process.stop()
    operator.start()
    compare(operator, quiet)
    assert metric(operator, 'holdfast_checkpoint_errors_total{doing="read"}') == 0


def test_another_indicator_lifts_nothing_before_it_is_known_as_well(scene: Scene, operator: Operator) -> None:
    """Held, then made to count what never fails: the hold stays, over a restart too, until the new ledger covers as much
    as the old one did, which was the whole window.
    """

    def covered() -> float:
        labels = f'{{namespace="{scene.namespace}",slo="availability"}}'
        return metric(operator, f"holdfast_window_coverage_ratio{labels}")

    scene.until(lambda: covered() > 0.99, "the whole window to be covered", 60)
    scene.policy()
    scene.burn()
    hold_id = scene.held()
    forget_the_past(scene)
    where = f'namespace="{scene.namespace}",job="{APP}"'
    harmless = {"bad": f'http_requests_total{{{where},code="599"}}', "total": f"http_requests_total{{{where}}}"}
    scene.objective(indicator={"ratio": harmless})
    scene.until(lambda: 0.15 < covered() < 0.9, "the new ledger to know enough to act on it")
    assert scene.in_force()
    operator.process.stop()
    operator.start()
    assert scene.in_force()
    assert 0.15 < covered() < 0.9
    seen = [covered()]
    while scene.in_force() and len(seen) < 1_000:
        settle(0.1)
        seen.append(covered())
    assert seen[-1] > 0.95
    scene.free()
    assert scene.hold()["id"] == hold_id
