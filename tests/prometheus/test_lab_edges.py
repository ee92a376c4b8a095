"""Rules of the edges of counting, on real Prometheus servers: what is counted equals what happened, or less and it is said.

All stories are told at once, and the tests look at how they ended. Three servers scrape the same pods: the main one;
a pair of replicas whose samples nobody deduplicated; and one that keeps every histogram in its native form, and knows
the starts of containers and pods.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

import lab
from holdfast.core.evidence import Missing
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Latency, Objective, Selector
from holdfast.prometheus.poller import Poller, grid_time
from tests.prometheus.measuring import DELAY, LATENCY, RATIO, Watch, filled, latency, ratio, source
from tests.prometheus.stories import Story, Workload, begin, together

pytestmark = pytest.mark.lab

MAIN, PAIR, NATIVE = "main", "pair", "native"
COARSE = 5.0


@dataclass
class Told:
    """How all stories ended."""

    workloads: dict[str, Workload]
    watches: dict[str, Watch]
    urls: dict[str, str]
    until: float = 0.0
    at: dict[str, float] = field(default_factory=dict)  # when something happened
    then: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # the truth at that time

    def ledger(self, watch: str, name: str, kind: str) -> Ledger:
        """What a watch knows of a workload."""
        namespace = self.workloads[name].namespace
        ledgers = self.watches[watch].ledgers.items()
        return next(ledger for key, ledger in ledgers if (key.namespace, key.name) == (namespace, kind))

    def counted(self, watch: str, name: str, kind: str) -> tuple[float, float]:
        """Total and bad since the silence."""
        return self.of(self.ledger(watch, name, kind), name)

    def of(self, ledger: Ledger, name: str) -> tuple[float, float]:
        """The same of some ledger."""
        counts = ledger.counts((ledger.at or 0) - self.workloads[name].silent_at)
        return counts.total, pytest.approx(counts.bad, abs=1e-6)

    def true(self, name: str, kind: str) -> tuple[int, int]:
        """What the objective must count."""
        total, bad, slow = self.workloads[name].since
        return total, bad if kind == RATIO else slow


def twins(image: str) -> dict[str, Any]:
    """Two containers in each pod."""
    return {"template": {"spec": {"containers": [{"name": name, "image": image} for name in ("shop", "second")]}}}


def labelled(**labels: str) -> dict[str, Any]:
    """Labels of the pods, which say what their pages show."""
    return {"template": {"metadata": {"labels": labels}}}


def quiet_restart(workload: Workload, place: int, container: str = "") -> Story:
    """A container starts again when everything it counted was scraped."""
    workload.rate(0)
    yield 2.2
    pods = sorted(pod["metadata"]["name"] for pod in workload.pods())
    workload.cluster.shop.reset(workload.namespace, pods[place], container)
    workload.rate(100)


def two_containers(workload: Workload) -> Story:
    """One container of two starts again, then the pods are replaced, then the other one starts again."""
    yield from begin(workload, "shop:err-10", 2)
    yield 6.0
    yield from quiet_restart(workload, 0, "second")
    yield 6.0
    workload.release("shop:slow-20")
    yield workload.rolled
    yield workload.scraped
    yield 3.0
    yield from quiet_restart(workload, 1)
    yield 6.0
    workload.rate(0)


def crashes(workload: Workload) -> Story:
    """Containers that live for five seconds, then pods that are deleted as soon as they were seen."""
    yield from begin(workload, "shop:err-10", 2)
    for _ in range(5):
        yield 3.0
        workload.rate(0)
        yield 2.2
        for pod in workload.pods():
            workload.cluster.shop.reset(workload.namespace, pod["metadata"]["name"])
        workload.rate(100)
    for _ in range(3):
        yield workload.scraped
        name = workload.pods()[0]["metadata"]["name"]
        workload.cluster.raw("DELETE", f"/api/v1/namespaces/{workload.namespace}/pods/{name}")
        yield 3.0
        yield workload.rolled
    yield workload.scraped
    yield 2.0
    workload.rate(0)


def first_errors(workload: Workload, told: Told) -> Story:
    """A pod that never failed does so for a moment, and then new pods fail from their first request."""
    yield from begin(workload, "shop:v1", 2)
    yield 8.0
    workload.rate(0)
    told.then["before errors"], told.at["before errors"] = workload.since, time.time() + 2
    yield 4.0
    workload.cluster.shop.set_fault("v1", errors=1.0, namespace=workload.namespace)
    workload.rate(100)
    yield 1.0
    workload.rate(0)
    workload.release("shop:bad")
    yield workload.rolled
    workload.rate(100)
    yield workload.scraped
    yield 4.0
    workload.rate(0)


def perfect(workload: Workload) -> Story:
    """Nothing ever fails, and after some seconds nothing comes any more."""
    yield from begin(workload, "shop:v1", 2)
    yield 10.0
    workload.rate(0)


def idle(workload: Workload) -> Story:
    """Not one request since the silence."""
    yield from begin(workload, "shop:v1", 2)
    workload.rate(0)
    workload.before = workload.truth.total
    workload.silent_at = time.time() + 2


def births(workload: Workload, restart: bool) -> Story:
    """Pods that do not say when they started are replaced, and one of their containers starts again."""
    yield from begin(workload, "shop:err-10", 2)
    yield 4.0
    workload.release("shop:slow-20")
    yield workload.rolled
    yield workload.scraped
    yield 6.0
    if restart:
        yield from quiet_restart(workload, 0)
        yield 6.0
    workload.rate(0)


def resolutions(native: Workload, near: Workload, told: Told) -> Story:
    """Native histograms become coarser while they count. The requests of one lie in the bucket of the threshold then."""
    near.cluster.shop.set_fault("v1", latency=0.19, namespace=near.namespace)
    first, second = begin(native, "shop:slow-20", 2), begin(near, "shop:v1", 2)
    yield from first
    yield from second
    yield 8.0
    native.cluster.shop.set_resolution(0)
    told.then["coarser"], told.at["coarser"] = near.since, time.time()
    yield 8.0
    native.release("shop:slow-10")
    yield native.rolled
    yield native.scraped
    yield 3.0
    native.rate(0)
    near.rate(0)


EXACT = ("twin", "crashing", "first", "perfect", "idle")


@pytest.fixture(scope="module")
def told(lab_cluster: lab.Cluster) -> Iterator[Told]:
    """Everything, in the same minute and a half."""
    c = lab_cluster
    pair = c.add_prometheus(PAIR, "1s", replicas=("a", "b"))
    native = c.add_prometheus(NATIVE, "1s", native=True)
    for path in ("/cadvisor", "/kube-state-metrics"):
        native.add_target(path.strip("/"), c.shop.url.removeprefix("http://"), path)
    everywhere = (c.prometheus, pair, native)
    specs = {
        **dict.fromkeys(EXACT, ({}, everywhere)),
        "twin": (twins("shop:err-10"), everywhere),
        "contained": (labelled(start="container"), (native,)),
        "podded": (labelled(start="pod"), (native,)),
        "unknown": (labelled(start="none"), (native,)),
        "native": (labelled(histogram="native"), (native,)),
        "near": (labelled(histogram="native"), (native,)),
    }
    workloads = {
        name: Workload(c, c.namespace(), spec=spec, servers=servers) for name, (spec, servers) in specs.items()
    }
    urls = {MAIN: c.prometheus.url, PAIR: pair.url, NATIVE: native.url}
    exact = objectives(*(workloads[name] for name in EXACT))
    watches = {
        MAIN: Watch(urls[MAIN], exact, 1),
        PAIR: Watch(urls[PAIR], exact, 1),
        NATIVE: Watch(urls[NATIVE], objectives(*workloads.values()), 1),
    }
    told = Told(workloads, watches, urls)
    w = workloads
    together(
        two_containers(w["twin"]),
        crashes(w["crashing"]),
        first_errors(w["first"], told),
        perfect(w["perfect"]),
        idle(w["idle"]),
        births(w["contained"], True),
        births(w["podded"], True),
        births(w["unknown"], False),
        resolutions(w["native"], w["near"], told),
    )
    told.until = (time.time() + 2) // COARSE * COARSE + COARSE
    c.wait(lambda: grid_time(time.time(), COARSE, DELAY) >= told.until, 30, "the end of the coarse grid")
    time.sleep(2)
    for watch in watches.values():
        watch.end()
    yield told
    c.shop.set_resolution(3)
    c.shop.clear_faults()
    c.remove_prometheus(PAIR)
    c.remove_prometheus(NATIVE)
    for workload in workloads.values():
        c.raw("DELETE", f"/api/v1/namespaces/{workload.namespace}")


def objectives(*workloads: Workload) -> list[Objective]:
    """Both kinds for each."""
    return [objective for w in workloads for objective in (ratio(w.namespace), latency(w.namespace))]


KINDS = pytest.mark.parametrize("kind", [RATIO, LATENCY])
SERVERS = pytest.mark.parametrize("server", [MAIN, PAIR, NATIVE])


def test_the_servers_are_what_they_seem(told: Told) -> None:
    """Each series is there twice at the pair, scraped at other times, and one has no classic histogram at all."""
    namespace = told.workloads["perfect"].namespace
    (pod, *_) = told.workloads["perfect"].pods()
    query = f'timestamp(process_start_time_seconds{{namespace="{namespace}",pod="{pod["metadata"]["name"]}"}})'
    servers = told.workloads["perfect"].cluster.prometheus_servers
    scraped = {s.labels["prometheus_replica"]: s.value % 1 for s in servers[PAIR].query(query)}
    assert scraped.keys() == {"a", "b"}
    assert scraped["a"] != scraped["b"]
    assert not servers[NATIVE].query(f'http_request_duration_seconds_bucket{{namespace="{namespace}"}}')
    assert servers[NATIVE].query(f'histogram_count(http_request_duration_seconds{{namespace="{namespace}"}}) > 0')


@KINDS
@SERVERS
def test_two_containers_of_a_pod_are_two_processes(told: Told, server: str, kind: str) -> None:
    """Each has its own start: when one of them starts again, or both are replaced, not a request is lost or doubled."""
    assert told.true("twin", kind)[1] > 20
    assert told.counted(server, "twin", kind) == told.true("twin", kind)


@KINDS
@SERVERS
def test_processes_that_live_for_seconds_are_counted_exactly(told: Told, server: str, kind: str) -> None:
    """A container that crashes again and again, and pods that are gone as soon as they were seen."""
    assert told.true("crashing", RATIO)[1] > 50
    assert told.counted(server, "crashing", kind) == told.true("crashing", kind)


@KINDS
@SERVERS
def test_the_first_error_counts(told: Told, server: str, kind: str) -> None:
    """A series of errors that was never there begins at its first value: of a pod that is known, and of a new one."""
    assert told.true("first", RATIO)[1] > 100
    assert told.counted(server, "first", kind) == told.true("first", kind)


@SERVERS
def test_without_a_series_of_errors_there_were_none(told: Told, server: str) -> None:
    """A service that never failed has measured evidence of it, all the time."""
    ledger, workload = told.ledger(server, "perfect", RATIO), told.workloads["perfect"]
    assert told.counted(server, "perfect", RATIO) == told.true("perfect", RATIO) == (workload.since[0], 0)
    window = (ledger.at or 0) - workload.silent_at
    assert ledger.counts(window).covered == pytest.approx(window, abs=1)


@KINDS
@SERVERS
def test_no_traffic_is_measured(told: Told, server: str, kind: str) -> None:
    """An idle service has evidence of no events; it is neither good nor missing."""
    ledger = told.ledger(server, "idle", kind)
    assert ledger.at is not None
    window = ledger.at - told.workloads["idle"].silent_at
    counts = ledger.counts(window)
    assert (counts.total, counts.bad) == (0, 0)
    assert counts.covered == pytest.approx(window, abs=1)


@KINDS
@pytest.mark.parametrize("name", ["contained", "podded"])
def test_starts_of_containers_and_pods_give_credit(told: Told, name: str, kind: str) -> None:
    """Pods that do not say when they started are credited with what they counted before they were seen; a container
    that starts again is told by its start, or else by the fall of its counters.
    """
    assert told.true(name, kind)[1] > 20
    assert told.counted(NATIVE, name, kind) == told.true(name, kind)


def test_without_any_start_births_are_baselines_and_it_is_told(told: Told) -> None:
    """Nobody knows when these pods started: what they counted before they were seen is missing, and it says for how
    many targets that is so.
    """
    (total, _), (true_total, _) = told.counted(NATIVE, "unknown", RATIO), told.true("unknown", RATIO)
    assert 0 < total < true_total
    poller, wanted = (
        Poller(source(told.urls[NATIVE])),
        [ratio(told.workloads[n].namespace) for n in ("unknown", "podded")],
    )
    moment = poller.poll(wanted, told.until, 1)
    assert moment.startless == {wanted[0].key: 2}
    assert poller.startless == {wanted[0].key: 2, wanted[1].key: 0}


def test_a_native_histogram_is_counted_exactly_where_no_request_is_near_the_threshold(told: Told) -> None:
    """Whatever its resolution, and through a rolling update: nothing lies in the bucket that is interpolated."""
    assert told.true("native", LATENCY)[1] > 50
    assert told.counted(NATIVE, "native", LATENCY) == told.true("native", LATENCY)


def test_a_coarser_histogram_loses_no_more_than_a_look(told: Told) -> None:
    """When the requests come to lie in the bucket of the threshold, the part of those that were fast falls without any
    request. Before it nothing is bad, at it nothing that was good becomes bad, and after it the share is interpolated.
    """
    ledger, workload = told.ledger(NATIVE, "near", LATENCY), told.workloads["near"]
    at, then = told.at["coarser"], told.then["coarser"][0]
    before = ledger.counts((ledger.at or 0) - workload.silent_at) - ledger.counts((ledger.at or 0) - at)
    after = ledger.counts((ledger.at or 0) - at - 4)
    assert before.bad == pytest.approx(0, abs=1e-6)
    assert before.total == pytest.approx(then, abs=250)  # the newest sample is up to two seconds old
    assert after.total > 300
    assert after.bad / after.total == pytest.approx(1 - 0.678, abs=0.01)
    total = told.counted(NATIVE, "near", LATENCY)[0]
    assert 0 <= workload.since[0] - total <= 2 * 110


@KINDS
@pytest.mark.parametrize("interval", [1.0, COARSE])
@SERVERS
def test_a_refill_knows_the_edges_too(told: Told, server: str, interval: float, kind: str) -> None:
    """A ledger made of the past alone counts the same; in steps of five seconds, lives of that length are left out."""
    names = [n for n in EXACT if n not in ("crashing", "idle")] + (["contained", "native"] if server == NATIVE else [])
    wanted = [(ratio if kind == RATIO else latency)(told.workloads[name].namespace) for name in names]
    made = filled(told.urls[server], wanted, told.until, interval)
    for name, objective in zip(names, wanted, strict=True):
        assert told.of(made[objective.key], name) == told.true(name, kind), name


def test_a_summary_of_that_name_is_no_histogram(told: Told) -> None:
    """An objective on a metric that is no histogram has no evidence, and costs nobody else the answer."""
    namespace = told.workloads["perfect"].namespace
    conditions = latency(namespace).indicator.histogram.matchers  # type: ignore[union-attr]
    wrong = replace(
        latency(namespace, name="odd"), indicator=Latency(Selector("process_start_time_seconds", conditions), 1)
    )
    for server in (MAIN, NATIVE):
        samples = Poller(source(told.urls[server])).poll([wrong, latency(namespace)], told.until, 1).samples
        assert isinstance(samples[wrong.key], Missing)
        assert "nor, as a native histogram" in samples[wrong.key].note  # type: ignore[union-attr]
        assert not isinstance(samples[latency(namespace).key], Missing)
