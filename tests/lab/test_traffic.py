"""Rules of the shop's arithmetic: integer counts, nothing lost, faults where they belong."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.shop.faults import Fault, Faults, Setting, fault_of, tag_of
from lab.shop.page import render
from lab.shop.pods import Counters, parse
from lab.shop.traffic import Traffic


def item(
    name: str, *, image: str = "shop:v1", ready: bool = True, deleted: bool = False, **labels: str
) -> dict[str, Any]:
    """A pod as the API server shows it."""
    metadata: dict[str, Any] = {
        "uid": f"uid-{name}",
        "namespace": "ns",
        "name": name,
        "labels": {"app": "web", **labels},
    }
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "shop", "image": image}]},
        "status": {
            "podIP": "10.1.0.1",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{"state": {"running": {}}}],
        },
    }


def shop(*items: dict[str, Any], rate: float = 100.0) -> Traffic:
    """A shop with these pods at time 0."""
    traffic = Traffic(rate)
    traffic.advance(0, 0)
    for one in items:
        put(traffic, one)
    return traffic


def put(traffic: Traffic, one: dict[str, Any]) -> None:
    """Add or change a pod."""
    pod = parse(one, 0.0)
    assert pod is not None
    traffic.put(pod)


@given(steps=st.lists(st.floats(0.001, 2.0), min_size=1, max_size=40), rate=st.floats(0.5, 500))
def test_the_steps_do_not_matter(steps: list[float], rate: float) -> None:
    """However time is cut, the count is the rate times the time, to the last whole request."""
    traffic = shop(item("a"), item("b"), rate=rate)
    clock = 0.0
    for step in steps:
        clock += step
        traffic.advance(clock, clock)
    assert abs(traffic.truth("ns", "web").total.requests - rate * clock) < 1.001


@given(pods=st.integers(1, 9), steps=st.integers(1, 200))
def test_the_split_is_even(pods: int, steps: int) -> None:
    """No pod gets more than one request more than another."""
    traffic = shop(*(item(f"p{n}") for n in range(pods)))
    for step in range(steps):
        traffic.advance(step * 0.03, 1)
    counts = [pod.counters.codes.get(200, 0) for pod in traffic.pods.values()]
    assert max(counts) - min(counts) <= 1


@given(
    share=st.sampled_from([0.001, 0.05, 0.1, 1 / 3, 0.5, 1.0]), requests=st.integers(0, 3000), pods=st.integers(1, 5)
)
def test_faults_come_at_even_distances(share: float, requests: int, pods: int) -> None:
    """After n requests exactly floor(n x share) failed, and every pod has its part of them to within one."""
    traffic = shop(*(item(f"p{n}", image="shop:x") for n in range(pods)), rate=1000)
    traffic.faults.set(Setting(Fault(errors=share)))
    for step in range(0, requests + 1, 7):
        traffic.advance(step / 1000, 1)
    total = traffic.truth("ns", "web").total
    assert total.bad == total.requests * round(share * 1e6) // 10**6
    each = [pod.counters.codes.get(500, 0) for pod in traffic.pods.values()]
    assert max(each) - min(each) <= 2


def test_the_truth_equals_the_counters_and_outlives_them() -> None:
    """Every request is in exactly one exporter; the truth keeps it after a restart and after the pod is gone."""
    traffic = shop(item("a", image="shop:v2"), item("b"))
    traffic.advance(10, 10)
    seen = sum(sum(pod.counters.codes.values()) for pod in traffic.pods.values())
    assert seen == traffic.truth("ns", "web").total.requests == 1000
    traffic.restart(traffic.pods["uid-a"], 10)
    traffic.remove("uid-b")
    traffic.advance(20, 20)
    assert sum(traffic.pods["uid-a"].counters.codes.values()) == 1000
    assert traffic.pods["uid-a"].counters.started == 10
    assert traffic.truth("ns", "web").total.requests == 2000


def test_only_serving_pods_get_requests() -> None:
    """Neither a pod that is not ready nor one that is being deleted is sent anything; its counters stay."""
    traffic = shop(item("a"), item("b", ready=False), item("c"))
    traffic.advance(1, 1)
    put(traffic, item("c", deleted=True))
    traffic.advance(2, 2)
    counts = {pod.name: sum(pod.counters.codes.values()) for pod in traffic.pods.values()}
    assert counts == {"a": 150, "b": 0, "c": 50}


def test_requests_that_meet_no_pod_are_counted_apart() -> None:
    """An outage is not silence: the truth knows how many requests nobody answered."""
    traffic = shop(item("a", ready=False))
    traffic.advance(3, 3)
    truth = traffic.truth("ns", "web")
    assert (truth.total.requests, truth.unserved) == (0, 300)


def test_releases_are_told_apart_and_first_errors_dated() -> None:
    """Counts and the times of the first request and the first error are kept per pod-template-hash."""
    old, new = {"pod-template-hash": "old"}, {"pod-template-hash": "new"}
    traffic = shop(item("a", **old))
    traffic.advance(5, 1005)
    put(traffic, item("b", image="shop:bad", **new))
    for tenth in range(1, 11):
        traffic.advance(5 + tenth / 10, 1005 + tenth / 10)
    releases = traffic.truth("ns", "web").releases
    assert releases["old"].bad == 0
    assert releases["new"].requests == 50
    assert releases["new"].bad == 25
    assert releases["new"].first_at == releases["new"].first_bad_at == 1005.1
    assert releases["new"].last_at == 1006


def test_chance_is_repeatable() -> None:
    """The same seed gives the same faults, and about as many as the share says."""
    counts = []
    for _ in range(2):
        traffic = shop(item("a", image="shop:v2"))
        traffic.use_chance("7")
        traffic.advance(100, 1)
        counts.append(traffic.truth("ns", "web").total.bad)
    assert counts[0] == counts[1]
    assert 400 < counts[0] < 600


def test_a_change_of_labels_or_state_keeps_the_counters() -> None:
    """Only a new container starts at 0: the first time a pod runs, or another pod of the same name."""
    traffic = shop(item("a"))
    traffic.advance(1, 1)
    put(traffic, item("a", version="2"))
    assert traffic.pods["uid-a"].counters.codes == {200: 100}
    successor = item("a")
    successor["metadata"]["uid"] = "other"
    put(traffic, successor)
    assert traffic.pods["other"].counters.codes == {}


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        ("shop:v1", Fault()),
        ("shop:v3", Fault()),
        ("registry.local:5000/shop", Fault()),
        ("shop:v2", Fault(errors=0.05)),
        ("shop:v2-fix", Fault()),
        ("registry.local:5000/team/shop:v2@sha256:abc", Fault(errors=0.05)),
        ("shop:bad", Fault(errors=0.5)),
        ("shop:err-0.5", Fault(errors=0.005)),
        ("shop:slow", Fault(slow=0.3)),
        ("shop:slow-20", Fault(slow=0.2)),
    ],
)
def test_the_tag_decides(image: str, fault: Fault) -> None:
    """The table of image tags."""
    assert fault_of(tag_of(image)) == fault


def test_the_newest_matching_setting_wins() -> None:
    """What a test set last is what happens, as far as it speaks about the pod; else the tag decides."""
    faults = Faults()
    faults.set(Setting(Fault(errors=0.2), tag="v2"))
    faults.set(Setting(Fault(errors=0.9), tag="v2", namespace="here"))
    assert faults.of("here", "web", "v2").errors == 0.9
    assert faults.of("there", "web", "v2").errors == 0.2
    faults.set(Setting(Fault(), tag="v2"))
    assert faults.of("here", "web", "v2").errors == 0.0
    assert faults.of("here", "web", "bad").errors == 0.5


def test_impossible_shares_are_refused() -> None:
    """A share is between 0 and 1; per cent by mistake is an error, not 100 % faults."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        Fault(errors=5)


def test_the_error_series_appears_with_the_first_error() -> None:
    """As in real client libraries: no 500 line, and no 200 line either, before the first such request."""
    counters = Counters(started=12.5)
    assert "http_requests_total{" not in render(counters)
    counters.add(200, 3)
    assert 'code="500"' not in render(counters)
    counters.add(500, 1)
    assert 'http_requests_total{code="500",method="GET"} 1' in render(counters).splitlines()


def test_the_histogram_is_cumulative() -> None:
    """Each bucket holds everything up to its bound, the bound included; +Inf equals the count."""
    counters = Counters(started=0)
    counters.observe(0.04, 7)
    counters.observe(0.5, 3)
    lines = dict(line.rsplit(" ", 1) for line in render(counters).splitlines() if not line.startswith("#"))
    name = "http_request_duration_seconds"
    buckets = Counter({key: int(value) for key, value in lines.items() if "_bucket" in key})
    assert [buckets[f'{name}_bucket{{le="{le}"}}'] for le in ("0.05", "0.2", "0.5", "+Inf")] == [7, 7, 10, 10]
    assert (lines[f"{name}_count"], lines[f"{name}_sum"]) == ("10", "1.780000")
