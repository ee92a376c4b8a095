"""Whose events are counted while a release rolls out: against what the pods of each release really served."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from holdfast.cluster.client import Client
from holdfast.cluster.connection import connect
from holdfast.cluster.rollouts import read_rollout
from holdfast.core.docket import Docket
from holdfast.core.hold import Template
from holdfast.core.objective import Objective, Workload
from holdfast.core.release import ReleaseFinding, ReleaseRecord, ReleaseState
from holdfast.service.accounts import Accounts
from holdfast.service.metrics import Metrics
from holdfast.service.shelf import Shelf, record_of
from holdfast.service.trials import Trials
from lab import Cluster
from lab.operator import Operator
from lab.shop.truth import Count
from tests.e2e.scene import settle
from tests.e2e.trial import BAD_RELEASE, OnTrial
from tests.prometheus.measuring import ratio, source

pytestmark = pytest.mark.lab

LONG = "checkout-with-a-name-that-is-as-long-as-one-may-be-in-use-ab"
"""Sixty characters: pods of two releases cannot be told by their names."""


@dataclass
class Watcher:
    """Accounts and trials of one objective, as an operator has them, without its process."""

    client: Client
    url: str
    objective: Objective
    shelf: Shelf = field(default_factory=lambda: Shelf(lambda: None))

    def __post_init__(self) -> None:
        self.accounts = Accounts([source(self.url, "default")], 1, Metrics(), self.shelf)
        self.trials = Trials(self.accounts, partial(read_rollout, self.client))
        self.accounts.keep({self.objective.key: self.objective}, ())

    async def look(self, release: ReleaseRecord | None) -> None:
        """One pass: records, figures, pods."""
        declared = {release.workload: release} if release is not None else {}
        self.trials.keep(declared, dict.fromkeys(declared, (self.objective,)))
        await self.accounts.look("default", time.time())
        await self.trials.look()

    @property
    def docket(self) -> Docket:
        """What is counted for its release."""
        account = self.accounts.filled(self.objective.key)
        assert account is not None
        assert account.ledger.docket is not None
        return account.ledger.docket

    def killed(self) -> Watcher:
        """What a new process goes on from, when this one dies some time after a checkpoint that is taken now."""
        account = self.accounts.filled(self.objective.key)
        assert account is not None
        shelf = Shelf(lambda: None)
        shelf.put([record_of(self.objective, account.ledger, 0)])
        return replace(self, shelf=shelf)


@dataclass
class Story:
    """A workload of the shop, the release that rolls out, and who watches."""

    cluster: Cluster
    workload: Workload
    watchers: list[Watcher]
    release: ReleaseRecord | None = None
    before: dict[str, Count] = field(default_factory=dict)

    def pods(self) -> list[dict[str, Any]]:
        """All that are there."""
        return list(self.cluster.raw("GET", f"/api/v1/namespaces/{self.workload.namespace}/pods")["items"])

    def hashes(self) -> set[str]:
        """The revisions of the pods."""
        label = "pod-template-hash" if self.workload.kind == "Deployment" else "controller-revision-hash"
        return {pod["metadata"]["labels"][label] for pod in self.pods()}

    def rate(self, rate: float) -> None:
        """Requests per second from now on."""
        self.cluster.shop.set_rate(self.workload.namespace, self.workload.name, rate)

    def served(self) -> dict[str, Count]:
        """What the pods of each release have served."""
        return self.cluster.shop.truth(self.workload.namespace, self.workload.name).releases

    async def watch(self, until: Callable[[], object]) -> None:
        """Look as the operator does, until something is so."""
        end, asked = time.monotonic() + 90, 0.0
        while True:
            assert time.monotonic() < end, "it takes too long"
            for watcher in self.watchers:
                await watcher.look(self.release)
            if time.monotonic() > asked + 0.5:
                asked = time.monotonic()
                if await asyncio.to_thread(until):
                    return
            await asyncio.sleep(0.2)

    async def passes(self, seconds: float) -> None:
        """Look for so long."""
        end = time.monotonic() + seconds
        await self.watch(lambda: time.monotonic() > end)

    def rolled(self) -> bool:
        """Whether all pods are of the newest template, ready and scraped."""
        kind = self.workload.kind.lower()
        try:
            self.cluster.wait_rollout(self.workload.namespace, self.workload.name, 0.1, kind=kind)
        except Exception:  # not yet
            return False
        query = f'group by (pod) (last_over_time(http_requests_total{{namespace="{self.workload.namespace}"}}[3s]))'
        scraped = {sample.labels["pod"] for sample in self.cluster.prometheus.query(query)}
        return {pod["metadata"]["name"] for pod in self.pods()} <= scraped

    async def begin(self, image: str = "shop:v1") -> None:
        """It serves a little, is measured, and is silent."""
        where = self.workload.namespace, self.workload.name, image
        if self.workload.kind == "DaemonSet":
            self.cluster.daemonset(*where)
        elif self.workload.kind == "StatefulSet":
            self.cluster.statefulset(*where)
        else:
            self.cluster.deployment(*where, replicas=3)
        self.rate(50)
        await self.watch(self.rolled)
        self.rate(500)
        await self.passes(8)
        self.rate(0)
        await self.passes(6)
        self.before = self.served()

    async def releases(self, image: str, digest: str) -> str:
        """A release that rolls out under traffic, watched to its end; returns the hash of its pods."""
        known = self.hashes()
        self.release = ReleaseRecord(
            self.workload, "uid", Template(digest), float(int(time.time())), ReleaseState.ROLLING_OUT
        )
        self.cluster.set_image(self.workload.namespace, self.workload.kind.lower(), self.workload.name, image)
        self.rate(100)
        await self.watch(lambda: self.hashes() - known)
        (hash_,) = self.hashes() - known
        self.release = replace(self.release, hash=hash_)
        return hash_


@pytest.fixture
async def client(lab_cluster: Cluster) -> AsyncIterator[Client]:
    """As a cluster admin."""
    async with Client(await connect(lab_cluster.kubeconfig)) as client:
        yield client


@pytest.fixture
def namespace(lab_cluster: Cluster) -> Iterator[str]:
    """Where the workload lives."""
    name = lab_cluster.namespace()
    yield name
    lab_cluster.raw("DELETE", f"/api/v1/namespaces/{name}")


@pytest.mark.parametrize(
    ("kind", "name"),
    [("Deployment", "web"), ("Deployment", LONG), ("StatefulSet", "web"), ("DaemonSet", "web")],
    ids=["Deployment", "long name", "StatefulSet", "DaemonSet"],
)
async def test_every_request_is_put_down_to_the_release_that_served_it(
    lab_cluster: Cluster, client: Client, namespace: str, kind: str, name: str
) -> None:
    """Total and bad requests of the release and of the others equal the truth; a process that was killed in the middle,
    and one that has never stopped, have the same intervals.
    """
    objective = replace(ratio(namespace, name), workloads=(Workload(namespace, kind, name),))
    steady = Watcher(client, lab_cluster.prometheus.url, objective)
    story = Story(lab_cluster, objective.workloads[0], [steady])
    await story.begin()
    hash_ = await story.releases("shop:err-20", "digest")
    checkpoint = steady.killed
    await story.passes(1)
    revived = checkpoint()
    await story.passes(4)  # the process that is killed now had a checkpoint of 5 s ago
    story.watchers.append(revived)
    await story.watch(story.rolled)
    await story.passes(2)
    story.rate(0)
    await story.passes(7)

    served = story.served()
    new, old = served.pop(hash_), sum(c.requests for c in served.values())
    assert new.bad > 0
    for watcher in story.watchers:
        assert watcher.docket.cost(story.workload) == (new.requests, new.bad)
        assert watcher.docket.nobodys(story.workload) == (0, 0)
        (case,) = watcher.docket.state.cases
        assert sum(line[3] for line in case.lines) == old - sum(c.requests for c in story.before.values())
    assert revived.docket.rows(story.workload) == steady.docket.rows(story.workload)
    for watcher in story.watchers:
        trial = watcher.trials.trial(story.workload, [watcher.accounts.measured(objective, (), time.time())])
        assert trial is not None
        assert trial.weighed[0].finding is ReleaseFinding.BAD
        assert trial.weighed[0].bad == new.bad
        watcher.accounts.close()


@pytest.mark.parametrize("again", [False, True])
def test_what_a_release_served_while_the_operator_was_down_is_put_down_to_it(
    lab_cluster: Cluster, operator: Operator, again: bool
) -> None:
    """It was killed before the release, and once more in its middle: its record says to the request what its pods served."""
    with OnTrial(lab_cluster) as scene:
        policy = scene.document("ErrorBudgetPolicy", "releases", {"mode": "Audit", "rules": [BAD_RELEASE]})
        lab_cluster.apply(policy)
        operator.process.kill()
        assert not scene.release("shop:err-20-ready-3s")
        scene.until(lambda: scene.seen.most("err-20-ready-3s") > 0, "a pod of the release", 30)
        settle(8)
        if again:
            operator.start()
            scene.until(lambda: "err-20-ready-3s" in scene.releases(), "the release to be recorded", 30)
            operator.process.kill()
        lab_cluster.wait_rollout(scene.namespace, scene.app)
        operator.start()
        settle(8)
        lab_cluster.shop.set_rate(scene.namespace, scene.app, 0)
        settle(2)
        hash_ = scene.releases()["err-20-ready-3s"]["hash"]
        served = lab_cluster.shop.truth(scene.namespace, scene.app).releases[hash_]
        assert served.bad > 0

        def recorded() -> bool:
            costs = scene.releases()["err-20-ready-3s"].get("costs") or [{}]
            return (costs[0].get("requests"), costs[0].get("bad")) == (str(served.requests), str(served.bad))

        scene.until(recorded, "what it served to be on record", 40)
