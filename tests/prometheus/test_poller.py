"""Rules of the poller: the grid, and nobody's selector takes the evidence from the others."""

from __future__ import annotations

import time

import pytest

import lab
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
