"""What happens to workloads while they are watched. Stories run side by side in one thread: each yields what it waits for.

Every story begins with a short burst of requests and a long silence. Counts are compared from the silence on, so that
both sides begin at the same number.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

import lab
from lab.faults import FaultProxy
from lab.prometheus import Prometheus
from lab.shop.truth import Count, Truth
from lab.workload import deployment

Step = float | Callable[[], object]
"""Seconds, or something to become true."""
Story = Iterator[Step]

SILENCE = 13.0  # longer than the coarsest grid that is compared
LONGEST = 90.0


@dataclass
class Workload:
    """One workload of the shop, and what really happened to it since the silence."""

    cluster: lab.Cluster
    namespace: str
    kind: str = "deployment"
    app: str = "web"
    spec: dict[str, Any] = field(default_factory=dict)  # laid over that of the object
    servers: tuple[Prometheus, ...] = ()  # those that must have seen every pod; the main one where none is named
    silent_at: float = 0.0
    before: Count = field(default_factory=Count)

    @property
    def truth(self) -> Truth:
        """All that happened."""
        return self.cluster.shop.truth(self.namespace, self.app)

    @property
    def since(self) -> tuple[int, int, int]:
        """Requests, bad ones and slow ones since the silence."""
        now, then = self.truth.total, self.before
        return now.requests - then.requests, now.bad - then.bad, now.slow - then.slow

    def rate(self, rate: float) -> None:
        """Requests per second from now on."""
        self.cluster.shop.set_rate(self.namespace, self.app, rate)

    def pods(self) -> list[dict[str, Any]]:
        """The pods that are meant to stay."""
        found = self.cluster.raw("GET", f"/api/v1/namespaces/{self.namespace}/pods")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def apply(self, image: str, replicas: int = 4) -> None:
        """Create it."""
        document = deployment(self.namespace, self.app, image, replicas, self.spec)
        if self.kind == "statefulset":
            document["kind"] = "StatefulSet"
            document["spec"]["serviceName"] = self.app
        self.cluster.apply(document)

    def release(self, image: str) -> None:
        """Change the image."""
        self.cluster.set_image(self.namespace, self.kind, self.app, image)

    def rolled(self) -> bool:
        """Whether all pods are of the newest template, and ready."""
        found = self.cluster.raw("GET", f"/apis/apps/v1/namespaces/{self.namespace}/{self.kind}s/{self.app}")
        wanted, status = found["spec"]["replicas"], found.get("status", {})
        ready = [status.get(k, 0) for k in ("updatedReplicas", "replicas", "availableReplicas")] == [wanted] * 3
        current = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
        revision = status.get("currentRevision") == status.get("updateRevision")
        return ready and current and revision and len(self.pods()) == wanted

    def scraped(self) -> bool:
        """Whether each Prometheus has a value of every pod's processes."""
        query = f'group by (pod, instance) (http_requests_total{{namespace="{self.namespace}"}})'
        wanted = {
            (pod["metadata"]["name"], f"{pod['status'].get('podIP')}:{8080 + place}")
            for pod in self.pods()
            for place in range(len(pod["spec"]["containers"]))
        }
        servers = self.servers or (self.cluster.prometheus,)
        seen = [{(s.labels["pod"], s.labels["instance"]) for s in server.query(query)} for server in servers]
        return bool(wanted) and all(wanted <= found for found in seen)


def begin(workload: Workload, image: str = "shop:v1", replicas: int = 4) -> Story:
    """Create it, serve a burst, be silent."""
    workload.rate(100)
    workload.apply(image, replicas)
    yield workload.rolled
    yield workload.scraped
    workload.rate(0)
    began = time.time()
    yield SILENCE
    workload.silent_at = began + SILENCE - 0.5
    workload.before = workload.truth.total
    workload.rate(100)


def updates(workload: Workload, images: list[str]) -> Story:
    """Release one image after the other; every pod lives until it was scraped once."""
    yield from begin(workload)
    for image in images:
        yield 2.0
        workload.release(image)
        yield workload.rolled
        yield workload.scraped
    yield 2.0
    workload.rate(0)


def restarts(workload: Workload) -> Story:
    """Containers start again in their pod: at once in use, after a pause, and twice in the same pod.

    Traffic pauses before each, for what a process counts after its last scrape is lost to every reader.
    """
    yield from begin(workload, "shop:err-10", 3)
    for place, idle in ((0, 0.0), (1, 4.0), (0, 0.0)):
        yield 9.0
        workload.rate(0)
        yield 2.0
        names = sorted(pod["metadata"]["name"] for pod in workload.pods())
        workload.cluster.shop.reset(workload.namespace, names[place])
        yield idle
        workload.rate(100)
    yield 3.0
    workload.rate(0)


def outage(server: Prometheus, meanwhile: Callable[[], Story]) -> Story:
    """A Prometheus is killed and started again; something happens meanwhile."""
    server.kill()
    yield from meanwhile()
    server.start()
    yield lambda: server.query("up")
    yield 4.0


def faults(proxy: FaultProxy, *modes: tuple[str, float]) -> Story:
    """The source fails in these ways for so many seconds each, and works for some seconds in between."""
    for mode, seconds in modes:
        proxy.mode(mode, seconds=30)
        yield seconds
        proxy.mode("pass")
        yield 4.0


def together(*stories: Story) -> None:
    """Run all stories to their end."""
    waiting: dict[Story, tuple[Step, float]] = {story: (0.0, time.monotonic()) for story in stories}
    while waiting:
        for story, (step, since) in list(waiting.items()):
            elapsed = time.monotonic() - since
            assert elapsed < LONGEST, f"waited {elapsed:.0f} s for {step}"
            if elapsed >= step if isinstance(step, float) else _true(step):
                try:
                    waiting[story] = next(story), time.monotonic()
                except StopIteration:
                    del waiting[story]
        time.sleep(0.1)


def _true(probe: Callable[[], object]) -> bool:
    """Whether it is so; a refusal means not yet."""
    try:
        return bool(probe())
    except (lab.LabError, requests.RequestException):
        return False
