"""Rules of the poller: the grid, one look at a time, and nobody's selector takes the evidence from the others."""

from __future__ import annotations

import asyncio
import time

import pytest

import lab
from holdfast.core.evidence import Missing
from holdfast.prometheus.poller import Moment, Poller, grid_time
from holdfast.prometheus.sources import Source
from tests.prometheus.making import errors


@pytest.mark.parametrize(
    ("now", "interval", "delay", "expected"),
    [(100, 15, 0, 90), (104.9, 15, 0, 90), (105, 15, 0, 105), (109.9, 15, 5, 90), (110, 15, 5, 105), (7.5, 1, 2, 5)],
)
def test_the_grid(now: float, interval: float, delay: float, expected: float) -> None:
    """Looks are at multiples of the interval, and so late that every scrape has arrived."""
    assert grid_time(now, interval, delay) == expected


def test_no_objectives_are_no_queries() -> None:
    """A source that nobody uses is not asked."""
    assert Poller(Source("main", "http://127.0.0.1:9")).poll([], 100, 1) == Moment(100, {})


def shop(cluster: lab.Cluster, namespace: str, objective_labels: dict[str, str]) -> float:
    """A workload `web` that Prometheus knows; the time of a look that sees it."""
    cluster.deployment(namespace, "web", "shop:v1", 2)
    cluster.wait_rollout(namespace, "web")
    inner = ",".join(f'{label}="{value}"' for label, value in objective_labels.items())
    cluster.wait(lambda: len(cluster.prometheus.query(f"http_requests_total{{{inner}}}")) == 2, 30, "two scraped pods")
    time.sleep(1)  # the whole second before now may be older than the samples
    return grid_time(time.time(), 1, 0)


@pytest.mark.lab
def test_a_selector_that_is_refused_spoils_no_batch(lab_cluster: lab.Cluster, namespace: str) -> None:
    """A regex that Python reads and Prometheus does not (of an object older than our validation) is left out of the
    query; it is compared here, and all objectives of the family are measured.
    """
    good = {"namespace": namespace, "job": "web"}
    odd = {"namespace": namespace, "job": "~w*+eb"}
    at = shop(lab_cluster, namespace, good)
    poller = Poller(Source("main", lab_cluster.prometheus.url, scrape_interval=1, timeout=5))
    every = [errors("good", **good), errors("odd", **odd)]
    for _ in range(2):
        samples = poller.poll(every, at, 1).samples
        assert samples[every[0].key] == samples[every[1].key]
        assert len(samples[every[0].key]) == 2  # type: ignore[arg-type]


@pytest.mark.lab
async def test_looks_do_not_queue_up(lab_cluster: lab.Cluster, namespace: str) -> None:
    """While a look waits for a slow source another one is not begun; the loop goes on, and so does the next look."""
    labels = {"namespace": namespace, "job": "web"}
    at = shop(lab_cluster, namespace, labels)
    poller = Poller(Source("main", lab_cluster.proxy.url, scrape_interval=1, timeout=5))
    lab_cluster.proxy.mode("slow", seconds=1)
    first = asyncio.create_task(poller.look([errors(**labels)], at, 1))
    await asyncio.sleep(0.2)
    assert await poller.look([errors(**labels)], at, 1) is None
    moment = await first
    lab_cluster.proxy.mode("pass")
    again = await poller.look([errors(**labels)], at, 1)
    poller.close()
    assert moment is not None
    assert not isinstance(moment.samples[errors().key], Missing)
    assert again == moment


@pytest.mark.lab
async def test_who_gives_up_waiting_frees_nothing(lab_cluster: lab.Cluster, namespace: str) -> None:
    """A look that nobody waits for any more is still under way: no second one is begun beside it."""
    labels = {"namespace": namespace, "job": "web"}
    poller = Poller(Source("main", lab_cluster.proxy.url, scrape_interval=1, timeout=1))
    lab_cluster.proxy.mode("hang")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(poller.look([errors(**labels)], 100, 1), 0.2)
    assert await poller.look([errors(**labels)], 100, 1) is None
    await asyncio.sleep(1.5)
    lab_cluster.proxy.mode("pass")
    assert await poller.look([errors(**labels)], 100, 1) is not None
    poller.close()
