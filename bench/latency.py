"""Group `latency`: from the failed request that empties an error budget to the hold in force, with everything real."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

import lab
from bench.episode import APP, ERRORS, MARGIN, RATE, WINDOW, Held, empty, held, prepare, release_is_admitted
from bench.frame import ROOT, BenchError, Compared, Figure, Group, Outcome, Say
from holdfast.core.quantities import parse_duration
from lab import Cluster
from lab.chart import InstalledChart, install
from lab.operator import Operator

VALUES: Final = ROOT / "charts" / "holdfast" / "values.yaml"
PATIENCE: Final = 90  # seconds until a hold that has not come will not come


@dataclass(frozen=True, slots=True)
class Pace:
    """How often is scraped and measured, how far behind now is asked, in seconds; and how often it is repeated."""

    scrape: float
    interval: float
    delay: float
    episodes: int

    def settings(self, url: str) -> dict[str, Any]:
        """The operator's configuration."""
        source = {"name": "default", "url": url, "scrapeInterval": f"{self.scrape:g}s", "delay": f"{self.delay:g}s"}
        return {"sources": [source], "interval": f"{self.interval:g}s"}


def shipped(values: Path = VALUES, episodes: int = 5) -> Pace:
    """The pace of the chart as it ships."""
    content = yaml.safe_load(values.read_text(encoding="utf-8"))
    source = content["sources"][0]
    scrape, interval, delay = map(parse_duration, (source["scrapeInterval"], content["interval"], source["delay"]))
    return Pace(scrape, interval, delay, episodes)


FAST: Final = Pace(scrape=1, interval=1, delay=2, episodes=7)
DEFAULT: Final = shipped()


def measure(pace: Pace, of: Callable[[list[float]], float], say: Say, word: str) -> Outcome:
    """Empty one budget after the other, at moments that are spread evenly over the scrape interval."""
    with running(pace, say) as (cluster, chart):
        episodes = run(cluster, chart, pace, say)
        return of_episodes(episodes, of, word, pace, os.getloadavg()[0])


def of_episodes(
    episodes: Sequence[Held], of: Callable[[list[float]], float], word: str, pace: Pace, load: float
) -> Outcome:
    """The figure of all episodes; `word` is how `of` is called."""
    latencies = [e.latency for e in episodes]
    parts = {name: statistics.median(getattr(e, name) for e in episodes) for name in ("scrape", "grid", "look", "act")}
    return Outcome(
        of(latencies),
        Compared(
            f"the {word} time until Prometheus itself had the samples, which no reader of it can beat",
            of([e.scrape for e in episodes]),
        ),
        METHOD.format(
            word=word.capitalize(),
            n=len(episodes),
            all=", ".join(f"{x:.2f}" for x in sorted(latencies)),
            **{f"{name}_s": f"{value:.2f}" for name, value in parts.items()},
            worst_s=f"{pace.scrape + pace.interval + max(e.look + e.act for e in episodes):.2f}",
            slack_ms=f"{1000 * max(e.slack for e in episodes):.0f}",
            load=f"{load:.1f} on {os.cpu_count()} cores",
            pace=f"scrape {pace.scrape:g} s, interval {pace.interval:g} s, delay {pace.delay:g} s",
        ),
    )


METHOD: Final = (
    f"{{word}} of {{n}} episodes ({{all}} s) at {{pace}}. Real API server with the shipped chart, real Prometheus, the "
    "operator as its own process; pods and their traffic are simulated; all of it on one machine (load {load}). Each episode has a namespace of "
    f"its own: 4 pods, {RATE:g} requests/s, an objective of 99 % over {WINDOW:g} s that is fully measured before. {ERRORS:.0%} "
    "of the requests fail until the budget is overdrawn by "
    f"{MARGIN - 1:.0%}, then none, so that later failures do not help and all pods must be scraped; the moments are spread "
    "evenly over the scrape interval. Begin: the shop's own exact counts, looked at about every 20 ms; the last look before "
    "failures exceeded (1 - target) x requests of the window, so too early by {slack_ms} ms at most, never too late. End: the "
    "API server's audit log, when it had answered the operator's patch of the label on the Deployment. Before, a developer's "
    "dry run of a new image is admitted, afterwards refused by the hold policy. Median parts: {scrape_s} s until Prometheus "
    "had samples that say so (to 50 ms), {grid_s} s to the next time of the grid, {look_s} s until Holdfast acted on that time "
    "(delay, waiting for the look, queries, judging), {act_s} s from the first write of the record to the label. "
    "How a scrape and the grid meet is chance; the worst that could be, a whole scrape and a whole interval before the slowest "
    "of these looks, is {worst_s} s."
)


@contextmanager
def running(pace: Pace, say: Say) -> Iterator[tuple[Cluster, InstalledChart]]:
    """A lab with the chart and the operator at this pace."""
    with lab.cluster("bench", scrape=f"{pace.scrape:g}s", log=say) as cluster:
        chart = install(cluster)
        operator = Operator(cluster, chart.kubeconfig, chart.namespace, **pace.settings(cluster.prometheus.url))
        operator.start()
        try:
            yield cluster, chart
        finally:
            operator.process.stop()


def run(cluster: Cluster, chart: InstalledChart, pace: Pace, say: Say) -> list[Held]:
    """The episodes, one budget emptied after the other; holds come, and are checked, meanwhile."""
    namespaces = [prepare(cluster) for _ in range(pace.episodes)]
    for namespace in namespaces:
        cluster.wait_rollout(namespace, APP)
    time.sleep(2 * pace.scrape)
    steady = {namespace: cluster.shop.truth(namespace, APP) for namespace in namespaces}
    if not all(release_is_admitted(cluster, namespace) for namespace in namespaces):
        raise BenchError("A release was refused before any budget was empty.")
    say(f"{WINDOW:g} s of traffic, so that the whole window is measured")
    time.sleep(WINDOW + pace.interval)
    with ThreadPoolExecutor(1) as checking:  # one at a time: they come in this order
        checks = []
        emptied = []
        for place, namespace in enumerate(namespaces):
            _sleep_to_phase(pace.scrape, place / len(namespaces))  # and each in a look of its own
            emptied.append(empty(cluster, namespace, steady[namespace]))
            say(f"budget {place + 1} of {len(namespaces)} is empty")
            checks.append(checking.submit(_wait_refused, cluster, namespace))
        for check in checks:
            check.result()
    return [held(cluster, chart.user, each, pace.interval) for each in emptied]


def _wait_refused(cluster: Cluster, namespace: str) -> None:
    label = "--for=jsonpath={.metadata.labels.holdfast\\.dev/hold}"
    cluster.kubectl("wait", f"deployment/{APP}", label, "-n", namespace, f"--timeout={PATIENCE}s")
    if release_is_admitted(cluster, namespace):
        raise BenchError(f"{namespace} has the label of a hold, and yet a release was admitted.")


def _sleep_to_phase(period: float, share: float) -> None:
    """A period and until the clock is at this share of it, so that episodes meet scrapes and grid in every position."""
    time.sleep(period)
    time.sleep((share * period - time.time()) % period)


GROUP: Final = Group(
    "latency",
    "from the failed request that empties the budget, on pods already scraped, to the hold in force",
    (
        Figure("hold-latency-s", "s", 5, lambda say: measure(FAST, statistics.median, say, "median")),
        Figure(
            "hold-latency-default-s",
            "s",
            DEFAULT.scrape + DEFAULT.interval + 3,
            lambda say: measure(DEFAULT, max, say, "longest"),
        ),
    ),
)
