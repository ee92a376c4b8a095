"""Rules of exactness under churn and faults, on real Prometheus servers: what is counted equals what happened, to the request.

All stories are told at once, and the tests look at how they ended.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import lab
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Objective
from holdfast.prometheus.poller import grid_time
from tests.prometheus.measuring import DELAY, LATENCY, RATIO, Watch, filled, latency, ratio
from tests.prometheus.stories import Story, Workload, begin, faults, outage, restarts, together, updates

pytestmark = pytest.mark.lab

IMAGES = ("shop:err-5", "shop:slow-20", "shop:bad", "shop:v3", "shop:v2")
COARSE = 10.0

FLICKER = (
    *(("partial", 1.5), ("warnings", 4.0), ("nan", 3.0), ("partial", 1.5), ("status", 4.0), ("refuse", 3.0)),
    *(("html", 3.0), ("hang", 6.0), ("partial", 1.5), ("empty", 2.0)),
)


@dataclass
class Told:
    """How all stories ended."""

    rolled: Workload
    stateful: Workload
    restarted: Workload
    calm: Workload
    churned: Workload
    watches: dict[str, Watch]
    second: str
    until: float

    def ledger(self, watch: str, workload: Workload, kind: str) -> Ledger:
        """What a watch knows of a workload."""
        return next(
            ledger
            for key, ledger in self.watches[watch].ledgers.items()
            if (key.namespace, key.name) == (workload.namespace, kind)
        )


def counted(ledger: Ledger, workload: Workload) -> tuple[float, float]:
    """Total and bad since the silence."""
    counts = ledger.counts((ledger.at or 0) - workload.silent_at)
    return counts.total, counts.bad


def true(workload: Workload, kind: str) -> tuple[int, int]:
    """What the objective must count."""
    total, bad, slow = workload.since
    return total, bad if kind == RATIO else slow


def objectives(*workloads: Workload) -> list[Objective]:
    """Both kinds for each."""
    return [objective for w in workloads for objective in (ratio(w.namespace), latency(w.namespace))]


@pytest.fixture(scope="module")
def told(lab_cluster: lab.Cluster) -> Iterator[Told]:
    """Rolling updates, a StatefulSet, outages and faults, all in the same two minutes."""
    c, names = lab_cluster, [lab_cluster.namespace() for _ in range(5)]
    second = c.add_prometheus("second", "1s")
    rolled, calm, churned = (Workload(c, name) for name in names[:3])
    stateful, restarted = Workload(c, names[3], "statefulset"), Workload(c, names[4])
    most = objectives(rolled, stateful, restarted)
    watches = {
        "each second": Watch(c.prometheus.url, most, 1),
        "every five": Watch(c.prometheus.url, most, 5),
        "restarted operator": Watch(c.prometheus.url, most, 1),
        "faulty": Watch(c.proxy.url, most, 1),
        "second": Watch(second.url, objectives(calm, churned), 1),
    }

    def several() -> Story:
        yield from begin(stateful, replicas=3)
        for pause, image in ((2.0, IMAGES[0]), (2 * COARSE, IMAGES[1])):  # a life shorter than a look is counted low
            yield pause
            stateful.release(image)
            yield stateful.rolled
            yield stateful.scraped
        yield 2.0
        stateful.rate(0)

    def killed() -> Story:
        yield lambda: calm.silent_at and churned.silent_at
        yield 4.0

        def roll() -> Story:
            churned.release("shop:v2")
            yield churned.rolled
            yield 8.0

        yield from outage(second, roll)
        calm.rate(0)
        churned.rate(0)

    def forgetful() -> Story:
        yield lambda: all(workload.silent_at for workload in (rolled, stateful, restarted))
        for _ in range(2):
            yield 20.0
            watches["restarted operator"].forget()

    def flicker() -> Story:
        yield lambda: rolled.silent_at
        yield from faults(c.proxy, *FLICKER)

    begun = (begin(workload, "shop:err-10", 2) for workload in (calm, churned))
    together(updates(rolled, list(IMAGES)), several(), restarts(restarted), *begun, killed(), flicker(), forgetful())
    end = time.time() + 2
    until = end // COARSE * COARSE + 2 * COARSE
    c.wait(lambda: grid_time(time.time(), COARSE, DELAY) >= until, 40, "the end of the coarse grid")
    time.sleep(2)
    for watch in watches.values():
        watch.end()
    yield Told(rolled, stateful, restarted, calm, churned, watches, second.url, until)
    c.proxy.mode("pass")
    c.remove_prometheus("second")
    for name in names:
        c.raw("DELETE", f"/api/v1/namespaces/{name}")


WATCHES = ("each second", "every five", "restarted operator")
KINDS = pytest.mark.parametrize("kind", [RATIO, LATENCY])


@KINDS
@pytest.mark.parametrize("watch", WATCHES)
def test_five_rolling_updates_are_counted_exactly(told: Told, watch: str, kind: str) -> None:
    """Twenty pods are born and twenty die, and not one request is missing or counted twice."""
    assert true(told.rolled, kind)[1] > 50
    assert counted(told.ledger(watch, told.rolled, kind), told.rolled) == true(told.rolled, kind)


@KINDS
@pytest.mark.parametrize("watch", WATCHES)
def test_pods_that_come_back_under_their_name_are_counted_exactly(told: Told, watch: str, kind: str) -> None:
    """A StatefulSet's pods are replaced one by one under the same names."""
    assert true(told.stateful, kind)[1] > 10
    assert counted(told.ledger(watch, told.stateful, kind), told.stateful) == true(told.stateful, kind)


@KINDS
@pytest.mark.parametrize("watch", WATCHES)
def test_restarted_containers_are_counted_exactly(told: Told, watch: str, kind: str) -> None:
    """A process that starts anew in its pod counts from zero, and what series of the one before still show is not its."""
    assert true(told.restarted, RATIO)[1] > 10
    assert counted(told.ledger(watch, told.restarted, kind), told.restarted) == true(told.restarted, kind)


@KINDS
def test_faults_and_half_answers_lose_nothing(told: Told, kind: str) -> None:
    """A source that fails in every way while pods come and go delays the counts, and changes none.

    A half answer cannot be told from a whole one: a target that vanishes and returns is counted once.
    """
    looks = told.watches["faulty"].looks
    assert all(looks[why] for why in ("Unreachable", "Contradictory", "Absent")), looks
    for workload in (told.rolled, told.stateful, told.restarted):
        assert counted(told.ledger("faulty", workload, kind), workload) == true(workload, kind)


@KINDS
@pytest.mark.parametrize("interval", [1.0, 5.0, COARSE])
def test_a_refill_knows_what_a_watch_saw(told: Told, interval: float, kind: str) -> None:
    """A ledger made of the past alone counts the same, whatever its steps."""
    workloads = (told.rolled, told.stateful, told.restarted)
    made = filled(told.rolled.cluster.prometheus.url, objectives(*workloads), told.until, interval)
    for workload in workloads:
        ledger = next(x for k, x in made.items() if (k.namespace, k.name) == (workload.namespace, kind))
        assert counted(ledger, workload) == true(workload, kind)


@KINDS
def test_an_outage_without_churn_loses_nothing(told: Told, kind: str) -> None:
    """Prometheus was killed for ten seconds: the first good answer carries the whole gap, and the time is covered."""
    ledger = told.ledger("second", told.calm, kind)
    window = (ledger.at or 0) - told.calm.silent_at
    assert counted(ledger, told.calm) == true(told.calm, kind)
    assert ledger.gap is None
    assert ledger.counts(window).covered == pytest.approx(window, abs=1)


@KINDS
def test_an_outage_with_churn_is_not_covered(told: Told, kind: str) -> None:
    """Pods that died unseen took their counts along: fewer are counted than happened, and the gap is not covered."""
    ledger = told.ledger("second", told.churned, kind)
    (total, bad), (true_total, true_bad) = counted(ledger, told.churned), true(told.churned, kind)
    assert 0 < total < true_total
    assert bad <= true_bad
    assert ledger.gap is not None
    begin_, end = ledger.gap
    window = (ledger.at or 0) - told.churned.silent_at
    assert ledger.counts(window).covered == pytest.approx(window - (end - begin_), abs=1)
