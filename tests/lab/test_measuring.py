"""Rules of what can be measured: exporter, Prometheus and truth agree to the last request."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

import lab
from lab.errors import CommandError
from lab.shop.truth import Count, Truth
from lab.workload import deployment

pytestmark = pytest.mark.lab


def running(cluster: lab.Cluster, namespace: str, image: str = "shop:v1", replicas: int = 2) -> None:
    """A rolled-out workload `web`."""
    cluster.deployment(namespace, "web", image, replicas)
    cluster.wait_rollout(namespace, "web")


def pod_names(cluster: lab.Cluster, namespace: str) -> list[str]:
    """The names of the pods of a namespace."""
    return [pod["metadata"]["name"] for pod in cluster.raw("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]]


def exported(cluster: lab.Cluster, namespace: str, pod: str) -> dict[str, int]:
    """The request counters on a pod's page, by code."""
    found = re.findall(
        r'^http_requests_total\{code="(\d+)".*\} (\d+)$', cluster.shop.page(namespace, pod), re.MULTILINE
    )
    return {code: int(n) for code, n in found}


def after(cluster: lab.Cluster, namespace: str, requests: int) -> Truth:
    """The truth once so many requests were served."""
    cluster.wait(lambda: cluster.shop.truth(namespace, "web").total.requests >= requests, 30, f"{requests} requests")
    return cluster.shop.truth(namespace, "web")


def stopped(cluster: lab.Cluster, namespace: str) -> Count:
    """Stop the traffic and return the exact counts."""
    cluster.shop.set_rate(namespace, "web", 0)
    return cluster.shop.truth(namespace, "web").total


def test_the_exporters_show_the_truth(lab_cluster: lab.Cluster, namespace: str) -> None:
    """After traffic stops, the pages of all pods add up to the truth, per pod, good and bad."""
    running(lab_cluster, namespace, "shop:v2")
    after(lab_cluster, namespace, 200)
    lab_cluster.shop.set_rate(namespace, "web", 0)
    truth = lab_cluster.shop.truth(namespace, "web")
    for pod in pod_names(lab_cluster, namespace):
        codes = exported(lab_cluster, namespace, pod)
        assert sum(codes.values()) == truth.pods[pod].requests
        assert codes.get("500", 0) == truth.pods[pod].bad
    assert truth.total.bad == truth.total.requests // 20
    assert lab_cluster.shop.truth(namespace, "web").total == truth.total


def test_prometheus_counts_the_truth(lab_cluster: lab.Cluster, namespace: str) -> None:
    """After traffic stops, Prometheus has every request, per release, found by http_sd with the pod's labels."""
    running(lab_cluster, namespace, "shop:err-10")
    after(lab_cluster, namespace, 300)
    lab_cluster.shop.set_rate(namespace, "web", 0)
    truth = lab_cluster.shop.truth(namespace, "web").total
    selector = f'namespace="{namespace}",app="web",job="web",container="shop"'

    def measured() -> tuple[float | None, float | None]:
        total = lab_cluster.prometheus.value(f"sum(http_requests_total{{{selector}}})")
        return total, lab_cluster.prometheus.value(f'sum(http_requests_total{{{selector},code="500"}})')

    lab_cluster.wait(lambda: measured() == (truth.requests, truth.bad), 20, f"Prometheus to count {truth}")
    hashes = lab_cluster.prometheus.query(f"count by (pod_template_hash) (http_requests_total{{{selector}}})")
    assert {sample.labels["pod_template_hash"] for sample in hashes} == set(
        lab_cluster.shop.truth(namespace, "web").releases
    )
    lab_cluster.kubectl("get", "replicaset", f"web-{hashes[0].labels['pod_template_hash']}", "-n", namespace)


def test_the_rate_is_the_rate(lab_cluster: lab.Cluster, namespace: str) -> None:
    """A rate set at run time holds from that moment on."""
    running(lab_cluster, namespace)
    before, began = lab_cluster.shop.truth(namespace, "web"), lab_cluster.shop.set_rate(namespace, "web", 300)
    time.sleep(2)
    ended = lab_cluster.shop.set_rate(namespace, "web", 0)
    served = lab_cluster.shop.truth(namespace, "web").total.requests - before.total.requests
    assert abs(served - 300 * (ended - began) - 100 * (began - before.at)) < 3


def test_faults_change_while_the_shop_runs(lab_cluster: lab.Cluster, namespace: str) -> None:
    """A fault set for one tag in one namespace makes good pods bad, and clearing it makes them good again."""
    running(lab_cluster, namespace)
    after(lab_cluster, namespace, 50)
    start = stopped(lab_cluster, namespace)
    lab_cluster.shop.set_fault("v1", errors=0.5, slow=1.0, namespace=namespace)
    lab_cluster.shop.set_rate(namespace, "web", 100)
    after(lab_cluster, namespace, start.requests + 100)
    end = stopped(lab_cluster, namespace)
    assert (start.bad, end.bad) == (0, (end.requests - start.requests) // 2)
    assert (start.slow, end.slow) == (0, end.requests - start.requests)
    lab_cluster.shop.clear_faults()
    lab_cluster.shop.set_rate(namespace, "web", 100)
    assert after(lab_cluster, namespace, end.requests + 50).total.bad == end.bad


def test_the_image_tag_chooses_the_fault(lab_cluster: lab.Cluster, namespace: str) -> None:
    """`slow` answers 30 % of requests after more than 0.2 s, and the histogram says the same as the truth."""
    running(lab_cluster, namespace, "shop:slow", replicas=1)
    after(lab_cluster, namespace, 100)
    lab_cluster.shop.set_rate(namespace, "web", 0)
    truth = lab_cluster.shop.truth(namespace, "web").total
    page = lab_cluster.shop.page(namespace, pod_names(lab_cluster, namespace)[0])
    fast = int(page.split('le="0.2"} ')[1].split("\n")[0])
    assert (truth.bad, truth.slow) == (0, truth.requests * 3 // 10)
    assert fast == truth.requests - truth.slow


def test_a_restarted_container_counts_from_zero(lab_cluster: lab.Cluster, namespace: str) -> None:
    """Counters fall, the process start time moves, the truth goes on."""
    running(lab_cluster, namespace, replicas=1)
    after(lab_cluster, namespace, 100)
    lab_cluster.shop.set_rate(namespace, "web", 0)
    truth, pod = lab_cluster.shop.truth(namespace, "web").total, pod_names(lab_cluster, namespace)[0]
    at = lab_cluster.shop.reset(namespace, pod)
    assert exported(lab_cluster, namespace, pod) == {}
    assert f"process_start_time_seconds {at:.3f}" in lab_cluster.shop.page(namespace, pod)
    assert lab_cluster.shop.truth(namespace, "web").total == truth


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_other_workload_kinds_are_shops_too(lab_cluster: lab.Cluster, namespace: str, kind: str) -> None:
    """Pods of every kind get traffic; a StatefulSet's next pod of the same name begins at zero."""
    document = deployment(namespace, "web", "shop:v1", 1, {})
    document["kind"] = kind
    if kind == "DaemonSet":
        del document["spec"]["replicas"]
    lab_cluster.apply(document)
    after(lab_cluster, namespace, 50)
    pod = pod_names(lab_cluster, namespace)[0]
    before = sum(exported(lab_cluster, namespace, pod).values())
    lab_cluster.set_image(namespace, kind, "web", "shop:v3")
    lab_cluster.wait(lambda: len(lab_cluster.shop.truth(namespace, "web").releases) == 2, 20, "a second release")
    if kind == "StatefulSet":
        assert pod_names(lab_cluster, namespace) == [pod] == ["web-0"]
        assert sum(exported(lab_cluster, namespace, pod).values()) < before


def test_a_paused_exporter_hides_a_serving_pod(lab_cluster: lab.Cluster, namespace: str) -> None:
    """Its page is refused while its requests go on; afterwards nothing of them is missing."""
    running(lab_cluster, namespace, replicas=1)
    pod = pod_names(lab_cluster, namespace)[0]
    lab_cluster.shop.pause_exporter(namespace, pod)
    with pytest.raises(CommandError, match="503"):
        lab_cluster.shop.page(namespace, pod)
    after(lab_cluster, namespace, 100)
    lab_cluster.shop.resume_exporter(namespace, pod)
    lab_cluster.shop.set_rate(namespace, "web", 0)
    served = lab_cluster.shop.truth(namespace, "web").total.requests
    assert sum(exported(lab_cluster, namespace, pod).values()) == served


def test_a_terminating_pod_is_still_scraped(lab_cluster: lab.Cluster, namespace: str) -> None:
    """It gets no more requests, but its page stays until the object is gone: its last counts can be read."""
    running(lab_cluster, namespace, replicas=1)
    before = after(lab_cluster, namespace, 50).unserved
    pod = pod_names(lab_cluster, namespace)[0]
    lab_cluster.kubectl("scale", "deployment/web", "-n", namespace, "--replicas=0")
    lab_cluster.wait(
        lambda: lab_cluster.shop.truth(namespace, "web").unserved > before, 5, "traffic without a pod", every=0.02
    )
    assert (
        sum(exported(lab_cluster, namespace, pod).values()) == lab_cluster.shop.truth(namespace, "web").total.requests
    )
    lab_cluster.wait(lambda: pod_names(lab_cluster, namespace) == [], 10, "the pod to go")
    with pytest.raises(CommandError, match="404"):
        lab_cluster.shop.page(namespace, pod)


def test_prometheus_keeps_its_data_over_a_kill(lab_cluster: lab.Cluster, namespace: str) -> None:
    """Killed and started, it answers on the same address about the time before."""
    running(lab_cluster, namespace, replicas=1)
    query = f'count(up{{namespace="{namespace}"}} == 1)'
    lab_cluster.wait(lambda: lab_cluster.prometheus.value(query) == 1, 20, "a first scrape")
    seen = time.time()
    lab_cluster.prometheus.kill()
    assert not lab_cluster.prometheus.running
    lab_cluster.prometheus.start()
    lab_cluster.prometheus.wait_ready()
    assert lab_cluster.prometheus.value(query, at=seen) == 1


def test_several_prometheus_with_their_own_interval(lab_cluster: lab.Cluster, namespace: str) -> None:
    """A further server has another address and scrapes at its own pace."""
    running(lab_cluster, namespace, replicas=1)
    slow = lab_cluster.add_prometheus("slow", "3s")
    try:
        query = f'count(up{{namespace="{namespace}"}} == 1)'
        lab_cluster.wait(lambda: slow.value(query) == 1, 30, "a first scrape")
        time.sleep(7)
        counts = [
            p.value(f'max(count_over_time(up{{namespace="{namespace}"}}[6s]))') for p in (slow, lab_cluster.prometheus)
        ]
        assert counts[0] in {2, 3}
        assert (counts[1] or 0) >= 5
    finally:
        lab_cluster.remove_prometheus("slow")


def test_history_can_be_imported(lab_cluster: lab.Cluster, tmp_path: Path) -> None:
    """OpenMetrics text becomes blocks that queries reach, while the series of today go on."""
    then = int(time.time()) - 5 * 86400
    lines = [f'history_total{{kind="imported"}} {n * 10} {then + n * 60}' for n in range(100)]
    file = tmp_path / "history.om"
    file.write_text("# TYPE history counter\n" + "\n".join(lines) + "\n# EOF\n")
    lab_cluster.prometheus.import_openmetrics(file)
    assert lab_cluster.prometheus.value("history_total", at=then + 3000) == 500
    points = lab_cluster.prometheus.query_range("history_total", then, then + 5940, 60)
    assert len(points[0]["values"]) == 100


def test_rules_are_loaded(lab_cluster: lab.Cluster) -> None:
    """A recording rule is evaluated after `set_rules`; a wrong one is refused with Prometheus's words."""
    rules = "groups: [{name: g, rules: [{record: lab:one, expr: vector(1)}]}]"
    lab_cluster.prometheus.set_rules("one", rules)
    lab_cluster.wait(lambda: lab_cluster.prometheus.value("lab:one") == 1, 10, "the rule's result")
    with pytest.raises(CommandError):
        lab_cluster.prometheus.set_rules("one", rules.replace("vector(1)", "vector("))
    lab_cluster.prometheus.set_rules("one", rules)
