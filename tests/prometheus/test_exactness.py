"""Rules of exactness, on a real Prometheus that scrapes real counter pages: the ledger knows every request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

import lab
from holdfast.core.ledger import Counts, Ledger
from holdfast.core.objective import ObjectKey
from holdfast.prometheus.poller import Poller, grid_time
from holdfast.prometheus.sources import Source
from tests.prometheus.making import errors, latency, successes
from tests.prometheus.watching import Watch, totals

pytestmark = pytest.mark.lab


Counted = dict[ObjectKey, tuple[float, float]]


@pytest.fixture(params=[1.0, 5.0], ids=["every 1 s", "every 5 s"])
def watched(request: pytest.FixtureRequest, lab_cluster: lab.Cluster, namespace: str) -> Iterator[Watch]:
    """Three objectives of the workload `web`, polled every 1 or 5 s; scrapes come every second."""
    labels = {"namespace": namespace, "job": "web"}
    source = Source("main", lab_cluster.prometheus.url, scrape_interval=1, delay=2, timeout=5)
    objectives = [errors(**labels), successes(**labels), latency(**labels)]
    with Watch(Poller(source), objectives, request.param) as found:
        yield found


@pytest.fixture
def truth(lab_cluster: lab.Cluster, namespace: str, watched: Watch) -> Callable[[], Counted]:
    """What each ledger must say, from a quiet moment on which all of them have seen."""
    lab_cluster.deployment(namespace, "web", "shop:v2", 4)
    lab_cluster.wait_rollout(namespace, "web")
    lab_cluster.wait(lambda: min(x.targets for x in watched.ledgers.values()) == 4, 40, "four targets in each ledger")
    quiet(lab_cluster, namespace, watched)
    served, counted = lab_cluster.shop.truth(namespace, "web").total, watched.counted()

    def now() -> Counted:
        found = lab_cluster.shop.truth(namespace, "web").total
        total, bad, slow = found.requests - served.requests, found.bad - served.bad, found.slow - served.slow
        news = {"errors": (total, bad), "successes": (total, bad), "latency": (total, slow)}
        return {key: (was[0] + news[key.name][0], was[1] + news[key.name][1]) for key, was in counted.items()}

    lab_cluster.shop.set_rate(namespace, "web", 100)
    return now


def quiet(cluster: lab.Cluster, namespace: str, watched: Watch) -> float:
    """Stop the traffic; return the time of a look that has seen everything."""
    cluster.shop.set_rate(namespace, "web", 0)
    seen = time.time() + watched.poller.reach(watched.interval) + 2  # a restart is counted after so long
    cluster.wait(lambda: all((x.at or 0) >= seen for x in watched.ledgers.values()), 60, "the last looks")
    return min(x.at or 0 for x in watched.ledgers.values())


def roll(cluster: lab.Cluster, namespace: str, *images: str) -> None:
    """Rolling updates to these images. Each pod lives until it was scraped: of others no reader of Prometheus knows."""
    scraped = f'count(last_over_time(http_requests_total{{namespace="{namespace}",code="200",pod=~"%s"}}[1m]))'
    for image in images:
        cluster.set_image(namespace, "deployment", "web", image)
        cluster.wait_rollout(namespace, "web")
        pods = [p["metadata"] for p in cluster.raw("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]]
        names = [pod["name"] for pod in pods if "deletionTimestamp" not in pod]
        all_seen = f"{scraped % '|'.join(names)} == {len(names)}"
        cluster.wait(partial(cluster.prometheus.query, all_seen), 30, "a first scrape of every pod")


IMAGES = ("shop:slow", "shop:err-10", "shop:v3", "shop:v2", "shop:v1")


def test_rolling_updates_lose_no_request(
    lab_cluster: lab.Cluster, namespace: str, watched: Watch, truth: Callable[[], Counted]
) -> None:
    """Over five releases, 20 pods born and 20 gone, every request and every bad one is counted, and none twice.

    A ledger that began in the middle from nothing but Prometheus's past, or went on from there after a pause of the
    operator, says the same in the end.
    """
    roll(lab_cluster, namespace, *IMAGES[:2])
    stopped, thrown_away = watched.empty(), watched.empty()
    watched.fill(stopped, grid_time(time.time(), watched.interval, 3))  # and then nobody looks for three releases
    roll(lab_cluster, namespace, *IMAGES[2:])
    last = quiet(lab_cluster, namespace, watched)
    expected = truth()
    assert min(bad for _, bad in expected.values()) > 10
    assert watched.counted() == expected
    for ledgers in (stopped, thrown_away):
        watched.fill(ledgers, last)
        watched.fill(ledgers, last)  # once more is nothing more
        assert totals(ledgers) == expected
        assert windows(ledgers) == windows(watched.ledgers)


def test_a_restarted_container_counts_once(
    lab_cluster: lab.Cluster, namespace: str, watched: Watch, truth: Callable[[], Counted]
) -> None:
    """A process that begins at zero under the same name adds what it counted, and nothing of the one before.

    Its predecessor's bad requests are still in the range of the query while it has no such series itself.
    """
    for _ in range(2):
        time.sleep(4)
        quiet(lab_cluster, namespace, watched)  # what a process counts after the last look at it, no reader sees
        pods = lab_cluster.raw("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
        for pod in pods[:2]:
            lab_cluster.shop.reset(namespace, pod["metadata"]["name"])
        lab_cluster.shop.set_fault(None, errors=0, namespace=namespace)
        lab_cluster.shop.set_rate(namespace, "web", 100)
    last = quiet(lab_cluster, namespace, watched)
    expected = truth()
    assert watched.counted() == expected
    again = watched.empty()
    watched.fill(again, last)
    assert totals(again) == expected
    assert windows(again) == windows(watched.ledgers)


def windows(ledgers: dict[ObjectKey, Ledger]) -> dict[ObjectKey, list[Counts]]:
    """What the newest windows of each ledger hold."""
    return {key: [ledger.counts(w) for w in (5, 10, 30, 60)] for key, ledger in ledgers.items()}
