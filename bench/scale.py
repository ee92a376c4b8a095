"""Group `scale`: what thousands of objectives cost the operator, on a real API server."""

from __future__ import annotations

import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import lab
from bench import estate
from bench.estate import Json
from bench.frame import BenchError, Compared, Figure, Group, Outcome, Say
from lab import Cluster
from lab.api import Api
from lab.chart import InstalledChart, install
from lab.operator import Operator
from lab.ports import LOOPBACK, free_port
from lab.process import Process
from lab.waiting import wait

SIZES: Final = (1_000, 3_000, 10_000)
INTERVAL: Final = 15
PAST: Final = 300  # seconds that the stand-in has at the first start
STEADY: Final = 8 * INTERVAL
CALM: Final = 20  # seconds without a write, until things count as steady
PATIENCE: Final = 1_800
SCRAPED: Final = 10  # seconds a scrape of /metrics may take
CREATORS: Final = 4
GROUP_PATH: Final = "/apis/holdfast.dev/v1alpha1/namespaces"
MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Cost:
    """What one size cost: cores and memory while nothing happens, writes meanwhile, and seconds from the start of the
    process until every objective was judged on fresh evidence; without and with checkpoints.
    """

    objectives: int
    cores: float
    rss: float
    peak: float
    writes: int
    stored: int
    cold: float
    warm: float | None = None


def measure(say: Say) -> tuple[Cost, ...]:
    """All sizes, one after the other, once for all figures."""
    return _measured(say)


@lru_cache(maxsize=1)
def _measured(say: Say) -> tuple[Cost, ...]:
    with lab.cluster("scale", prometheus=False, log=say) as cluster, standin(cluster) as url:
        chart = install(cluster)
        for part in (cluster.kwok, cluster.scheduler, cluster.controller_manager):
            part.stop()  # nobody runs the workloads; the machine is for the operator and the API server
        create(cluster, "/api/v1/namespaces", [_namespace(n) for n in range(estate.NAMESPACES)])
        create(cluster, "/apis/apps/v1/namespaces", [estate.deployment(n) for n in range(estate.WORKLOADS)])
        create(cluster, GROUP_PATH, estate.policies())
        costs, before = [], 0
        for size in SIZES:
            create(cluster, GROUP_PATH, list(estate.objectives(size))[before:])
            before = size
            say(f"{size:,} objectives are there")
            costs.append(_cost(cluster, chart, url, size, say))
        return tuple(costs)


def _cost(cluster: Cluster, chart: InstalledChart, url: str, size: int, say: Say) -> Cost:
    """One size, from a start without memory."""
    source = {"name": "default", "url": url, "scrapeInterval": "15s", "delay": "2s", "timeout": "60s"}
    settings = {"interval": f"{INTERVAL}s", "log": {"format": "console", "level": "warning"}}
    forget(cluster, chart)
    operator = Operator(cluster, chart.kubeconfig, chart.namespace, name=f"scale-{size}", sources=[source], **settings)
    try:
        cold = start(operator, size)
        say(f"judged after {cold:.0f} s; waiting for calm")
        wait(lambda: not _writes(cluster, chart, time.time() - CALM), PATIENCE, "the statuses to settle", 2)
        cores, writes, stored = steady(cluster, chart, operator)
        rss, peak = memory(_pid(operator))
        say(f"{cores:.3f} cores, {rss:.0f} MiB, {writes} writes")
        operator.process.stop(60)
        warm = None
        if size == SIZES[-1]:
            warm = start(operator, size)
            say(f"with checkpoints judged after {warm:.0f} s")
        return Cost(size, cores, rss, peak, writes, stored, cold, warm)
    finally:
        operator.process.stop(60)


def outcome(
    say: Say, value: Callable[[Sequence[Cost]], float], compared: Callable[[Sequence[Cost]], Compared]
) -> Outcome:
    """One figure of the run that all of them share."""
    costs = measure(say)
    rows = "; ".join(
        f"{c.objectives:,}: {c.cores:.3f} cores, {c.rss:.0f} MiB (at most {c.peak:.0f}), {c.writes} writes and {c.stored} of "
        f"checkpoints, judged {c.cold:.0f} s after a start without memory"
        + (f", {c.warm:.0f} s with it" if c.warm is not None else "")
        for c in costs
    )
    return Outcome(
        value(costs),
        compared(costs),
        METHOD.format(rows=rows, load=f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"),
    )


METHOD: Final = (
    "{rows}. The operator as its own process with the account of the shipped chart, against a real API server with "
    f"{estate.WORKLOADS:,} Deployments (of {estate.PODS} pods each, which nobody runs) in {estate.NAMESPACES} namespaces, a policy of three rules "
    "in each, five objectives of 30 days on each service that has any: two ratios and three latencies. Every twentieth "
    "service is below a quarter of its budgets. Metrics come from a stand-in for Prometheus, a process of its own that "
    "answers the operator's batched queries over HTTP with the real number of series (nine for each pod), in Prometheus's "
    f"JSON, compressed, for any time of the last {PAST / 60:g} min. Cores: user and system time of the process over {STEADY // INTERVAL} intervals of "
    f"{INTERVAL} s, with a scrape of /metrics in each, once nothing was written for {CALM} s. Writes: from the audit log. Start: until "
    "/metrics shows fresh evidence of every objective. One machine for everything (load {load})."
)


def start(operator: Operator, size: int) -> float:
    """Start the process; seconds until every objective was judged on fresh evidence."""
    began = time.monotonic()
    operator.process.start()
    operator.process.wait_ready(PATIENCE)
    fresh = re.compile(r"^holdfast_evidence_fresh\{.*\} 1\.0$", re.MULTILINE)
    wait(lambda: len(fresh.findall(operator.ask("/metrics", SCRAPED)[1])) == size, PATIENCE, "fresh evidence of all", 2)
    return time.monotonic() - began


def steady(cluster: Cluster, chart: InstalledChart, operator: Operator) -> tuple[float, int, int]:
    """Cores while nothing happens, scraped once an interval; writes meanwhile, and writes of checkpoints."""
    pid, began, at = _pid(operator), time.monotonic(), time.time()
    spent = _seconds(pid)
    while time.monotonic() - began < STEADY:
        time.sleep(INTERVAL)
        if operator.ask("/metrics", SCRAPED)[0] != 200:
            raise BenchError(f"The operator did not answer a scrape within {SCRAPED} s.")
    cores = (_seconds(pid) - spent) / (time.monotonic() - began)
    every = [e for e in cluster.audit(at, user=chart.user) if not e.dry_run]
    stored = sum(_is_checkpoint(e.resource) for e in every)
    return cores, len(every) - stored, stored


def memory(pid: int) -> tuple[float, float]:
    """MiB in memory now, and at most so far."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    now, most = (int(re.findall(rf"^{field}:\s+(\d+) kB$", text, re.MULTILINE)[0]) for field in ("VmRSS", "VmHWM"))
    return now / 1024, most / 1024


def create(cluster: Cluster, path: str, documents: Iterable[Json]) -> None:
    """Create these objects, several at a time."""
    plurals = {
        "Namespace": "",
        "Deployment": "deployments",
        "ServiceLevelObjective": "servicelevelobjectives",
        "ErrorBudgetPolicy": "errorbudgetpolicies",
    }

    def some(part: Sequence[Json]) -> None:
        api = Api(cluster.access)
        for document in part:
            where = document["metadata"].get("namespace")
            api("POST", path if where is None else f"{path}/{where}/{plurals[document['kind']]}", document)

    every = list(documents)
    with ThreadPoolExecutor(CREATORS) as pool:
        list(pool.map(some, [every[n::CREATORS] for n in range(CREATORS)]))


def forget(cluster: Cluster, chart: InstalledChart) -> None:
    """Remove what an operator stored of its ledgers."""
    cluster.kubectl("delete", "configmaps", "-l", "holdfast.dev/checkpoint", "-n", chart.namespace)


@contextmanager
def standin(cluster: Cluster) -> Iterator[str]:
    """The stand-in for Prometheus, as a process of its own; its address."""
    port = free_port()
    command = [sys.executable, "-m", "bench.standin", str(port), str(PAST)]
    process = Process("stand-in", command, log=cluster.dir / "stand-in.log")
    process.start()
    try:
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.stop()


def slope(costs: Sequence[Cost]) -> float:
    """Of the cores over the number of objectives, both as logarithms: 1 is proportional."""
    points = [(math.log(c.objectives), math.log(c.cores)) for c in costs]
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    return float(sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points))


def _namespace(number: int) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": estate.namespace(number)}}


def _writes(cluster: Cluster, chart: InstalledChart, since: float) -> int:
    return sum(not e.dry_run and not _is_checkpoint(e.resource) for e in cluster.audit(since, user=chart.user))


def _is_checkpoint(resource: str) -> bool:
    return resource == "configmaps"


def _pid(operator: Operator) -> int:
    pid = operator.process.pid
    if pid is None:
        raise BenchError(f"The operator ended. {operator.process.tail()}")
    return pid


def _seconds(pid: int) -> float:
    """Seconds of a core that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ten(name: str, unit: str, goal: float, of: Callable[[Cost], float]) -> Figure:
    """A figure at the largest size, beside the size before it."""
    beside = lambda costs: Compared(f"the same at {costs[-2].objectives:,} objectives", of(costs[-2]))  # noqa: E731
    return Figure(name, unit, goal, lambda say: outcome(say, lambda costs: of(costs[-1]), beside))


GROUP: Final = Group(
    "scale",
    "what 10,000 objectives cost the operator, on a real API server",
    (
        _ten("scale-10k-cores", "cores", 0.5, lambda c: c.cores),
        _ten("scale-10k-rss-mib", "MiB", 300, lambda c: c.rss),
        Figure("scale-slope", "", 1.1, lambda say: outcome(say, slope, lambda _: Compared("cost in proportion", 1.0))),
        _ten("scale-steady-writes", "writes", 0.5, lambda c: c.writes),
        Figure(
            "scale-cold-start-s",
            "s",
            30,
            lambda say: outcome(
                say,
                lambda costs: costs[-1].warm or costs[-1].cold,
                lambda costs: Compared("the same without checkpoints", costs[-1].cold),
            ),
        ),
    ),
)
