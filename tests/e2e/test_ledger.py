"""Is every request counted, once? The operator's ledger against what really happened."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from lab import Cluster
from lab.operator import Operator
from tests.e2e.scene import APP, RATE, Scene, settle

pytestmark = pytest.mark.lab

IMAGES = ("shop:v2", "shop:v3", "shop:err-20", "shop:v4", "shop:v1")


@pytest.fixture
def quiet(lab_cluster: Cluster, operator: Operator) -> Iterator[Scene]:
    """A service without a request so far, whose objective of an hour has been measured from the beginning."""
    scene = Scene(lab_cluster, rate=0)
    where = f'namespace="{scene.namespace}",job="{APP}"'
    ratio = {  # a histogram shows itself before its first request, a labelled counter does not
        "bad": f'http_requests_total{{{where},code=~"5.."}}',
        "total": f"http_request_duration_seconds_count{{{where}}}",
    }
    scene.objective(window={"rolling": "1h"}, indicator={"ratio": ratio}, workloads=[])
    scene.until(lambda: counted(operator, scene) == (0, 0) and scene.fresh, "a ledger that begins at nothing")
    yield scene
    lab_cluster.raw("DELETE", f"/api/v1/namespaces/{scene.namespace}")


def counted(operator: Operator, scene: Scene) -> tuple[int, int]:
    """Total and bad events of the window, as the operator's metrics show them."""
    text = operator.ask("/metrics")[1]
    wanted = f'{{namespace="{scene.namespace}",result="%s",slo="availability"}}'
    found = []
    for result in ("total", "bad"):
        line = re.search("holdfast_window_events" + re.escape(wanted % result) + r" (\S+)", text)
        found.append(int(float(line[1])) if line else -1)
    return found[0], found[1]


def happened(scene: Scene) -> tuple[int, int]:
    """Total and bad requests that were served."""
    total = scene.cluster.shop.truth(scene.namespace, APP).total
    return total.requests, total.bad


def rollouts(scene: Scene, *images: str) -> None:
    """Rolling updates, and in between what else makes pods come and go.

    Each waits until its pods are scraped: Prometheus takes up to 5 s to hear of a pod, and who dies before is unknown to all.
    """
    for number, image in enumerate(images):
        assert not scene.release(image)
        scene.cluster.wait_rollout(scene.namespace, APP)
        pods = settled(scene)
        match number:
            case 0:
                scene.kubectl("delete", "pod", pods[0], "--wait=false")
                settled(scene)
            case 1:  # what a process counts after its last scrape dies with it, so that one is awaited
                scene.cluster.shop.set_rate(scene.namespace, APP, 0)
                settle(1.5)
                scene.cluster.shop.reset(scene.namespace, pods[-1])
                scene.cluster.shop.set_rate(scene.namespace, APP, RATE)
            case 2:
                scene.kubectl("scale", f"deployment/{APP}", "--replicas=4")
                settled(scene)
            case _:
                pass


def settled(scene: Scene) -> list[str]:
    """The pods of the service, all of them wanted and all of them scraped."""

    def all_scraped() -> list[str]:
        every = scene.raw(f"/api/v1/namespaces/{scene.namespace}/pods")["items"]
        alive = sorted(p["metadata"]["name"] for p in every if "deletionTimestamp" not in p["metadata"])
        fresh = f'last_over_time(http_request_duration_seconds_count{{namespace="{scene.namespace}"}}[2s])'
        known = {sample.labels["pod"] for sample in scene.cluster.prometheus.query(fresh)}
        return alive if len(alive) == scene.deployment()["spec"]["replicas"] and known.issuperset(alive) else []

    return list(scene.until(all_scraped, "all pods to be scraped"))


def compare(operator: Operator, scene: Scene) -> None:
    """Stop the traffic, wait for the last scrape to be read, and compare."""
    scene.cluster.shop.set_rate(scene.namespace, APP, 0)
    truth = happened(scene)
    try:
        scene.until(lambda: counted(operator, scene) == truth, "the ledger to catch up", 12)
    finally:
        assert counted(operator, scene) == truth, unseen(scene)


def unseen(scene: Scene) -> dict[str, tuple[int, float]]:
    """Pods of which Prometheus itself has not seen the last requests: (served, seen)."""
    served = {pod: count.requests for pod, count in scene.cluster.shop.truth(scene.namespace, APP).pods.items()}
    seen = f'sum by (pod) (max_over_time(http_request_duration_seconds_count{{namespace="{scene.namespace}"}}[10m]))'
    found = {s.labels["pod"]: s.value for s in scene.cluster.prometheus.query(seen)}
    return {pod: (n, found.get(pod, 0.0)) for pod, n in served.items() if found.get(pod) != n}


def test_nothing_is_missed_or_counted_twice(quiet: Scene, operator: Operator) -> None:
    """Over five rolling updates with pod churn total and bad equal the truth; so they do after more of them, in
    whose middle the operator was killed and another one filled its ledger from Prometheus.
    """
    quiet.cluster.shop.set_rate(quiet.namespace, APP, RATE)
    rollouts(quiet, *IMAGES)
    compare(operator, quiet)

    quiet.cluster.shop.set_rate(quiet.namespace, APP, RATE)
    operator.process.kill()
    rollouts(quiet, "shop:v2", "shop:v5")
    operator.start()
    rollouts(quiet, "shop:err-20")
    compare(operator, quiet)

    total, bad = happened(quiet)
    assert total > 5000
    assert bad > 100


def test_what_happened_behind_a_silent_source_is_counted_afterwards(quiet: Scene, operator: Operator) -> None:
    """A rolling update while the source hangs: once it answers again, the last requests of the old pods are there too."""
    quiet.cluster.shop.set_rate(quiet.namespace, APP, RATE)
    rollouts(quiet, "shop:err-20")
    quiet.cluster.proxy.mode("hang")
    rollouts(quiet, "shop:v6")
    quiet.cluster.proxy.mode("pass")
    compare(operator, quiet)
