"""Rules of a metrics source that fails: there is no evidence, in time, with the right reason and a sentence."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

import lab
from holdfast.core.evidence import Missing, Why
from holdfast.core.objective import Objective
from holdfast.prometheus.poller import Poller, grid_time
from lab.faults import FaultProxy
from tests.prometheus.measuring import DELAY, latency, ratio, source

pytestmark = pytest.mark.lab

TIMEOUT = 1.0

MODES = {
    "refuse": (Why.UNREACHABLE, "could not be reached"),
    "hang": (Why.UNREACHABLE, "did not answer within 1 s"),
    "slow": (Why.UNREACHABLE, "did not answer within 1 s"),
    "status": (Why.UNREACHABLE, "answered with HTTP 503"),
    "warnings": (Why.CONTRADICTORY, "answered with a warning .results may be incomplete"),
    "nan": (Why.CONTRADICTORY, "no number"),
    "html": (Why.CONTRADICTORY, "not JSON"),
    "empty": (Why.ABSENT, "matches no series; check its metric name and labels"),
}


@pytest.fixture(scope="module")
def shop(lab_cluster: lab.Cluster) -> Iterator[str]:
    """A namespace whose workload `web` has traffic and is scraped."""
    name = lab_cluster.namespace()
    lab_cluster.deployment(name, "web", "shop:v2", 2)
    query = f'count(http_request_duration_seconds_count{{namespace="{name}"}} > 0)'
    lab_cluster.wait(lambda: lab_cluster.prometheus.value(query) == 2, 30, "both pods to be scraped")
    time.sleep(DELAY + 2)
    yield name
    lab_cluster.raw("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def proxy(lab_cluster: lab.Cluster) -> Iterator[FaultProxy]:
    """The proxy before the Prometheus, transparent again afterwards."""
    yield lab_cluster.proxy
    lab_cluster.proxy.mode("pass")


def both(namespace: str) -> list[Objective]:
    """One objective of each kind."""
    return [ratio(namespace), latency(namespace)]


def now() -> float:
    """The newest time of the grid."""
    return grid_time(time.time(), 1, DELAY)


@pytest.mark.parametrize("mode", MODES)
def test_a_failing_source_gives_no_evidence(mode: str, proxy: FaultProxy, shop: str) -> None:
    """Whatever is wrong, each objective gets a reason and one sentence that names the source or the selector."""
    poller, (why, sentence) = Poller(source(proxy.url, timeout=TIMEOUT)), MODES[mode]
    proxy.mode(mode, seconds=5)
    began, at = time.monotonic(), now()
    moment = poller.poll(both(shop), at, 1)
    assert time.monotonic() - began < 2 * TIMEOUT
    for sample in moment.samples.values():
        assert isinstance(sample, Missing), sample
        assert (sample.why, sample.since) == (why, at)
        assert re.search(sentence, sample.note), sample.note
        assert "source lab" in sample.note or "http_request" in sample.note
        assert "\n" not in sample.note and len(sample.note) < 400
        assert not re.search(r"Exception|Error\b|Traceback|<[a-z]", sample.note), sample.note


@pytest.mark.parametrize("mode", [m for m in MODES if m not in ("empty", "nan")])
def test_a_failing_source_gives_no_past(mode: str, proxy: FaultProxy, shop: str) -> None:
    """The past fails like the present: all objectives are named as lost, with the same reason, in time."""
    poller, (why, sentence) = Poller(source(proxy.url, timeout=TIMEOUT)), MODES[mode]
    proxy.mode(mode, seconds=5)
    began, at = time.monotonic(), now()
    past = poller.past(both(shop), at - 3, at, 1)
    assert time.monotonic() - began < 2 * TIMEOUT
    assert not list(past.moments)
    assert {key: lost.why for key, lost in past.lost.items()} == {o.key: why for o in both(shop)}
    assert all(re.search(sentence, lost.note) for lost in past.lost.values())


def test_a_past_without_numbers_is_left_out(proxy: FaultProxy, shop: str) -> None:
    """What was scraped as NaN stays NaN: those times are no evidence for the objectives that read it, and not lost."""
    proxy.mode("nan")
    past = Poller(source(proxy.url)).past(both(shop), now() - 3, now(), 1)
    assert not past.lost
    found = [sample for moment in past.moments for sample in moment.samples.values()]
    assert len(found) >= 8
    assert all(isinstance(sample, Missing) and sample.why is Why.CONTRADICTORY for sample in found)


def test_the_past_of_an_empty_source_is_empty(proxy: FaultProxy, shop: str) -> None:
    """Where nothing ever was, there is nothing to read and nothing is lost: a new service has no past."""
    proxy.mode("empty")
    past = Poller(source(proxy.url)).past(both(shop), now() - 3, now(), 1)
    assert (list(past.moments), dict(past.lost)) == ([], {})


@pytest.mark.parametrize("mode", [*MODES, "partial"])
def test_a_source_that_is_back_is_believed_again(mode: str, proxy: FaultProxy, shop: str) -> None:
    """The same poller brings evidence with the first good answer, of both pods."""
    poller = Poller(source(proxy.url, timeout=TIMEOUT))
    proxy.mode(mode, seconds=5)
    poller.poll(both(shop), now(), 1)
    proxy.mode("pass")
    for sample in poller.poll(both(shop), now(), 1).samples.values():
        assert not isinstance(sample, Missing), sample
        assert len(sample) == 2
        assert all(reading.total > reading.bad >= 0 and reading.started for reading in sample.values())


def test_a_slow_answer_in_time_is_an_answer(proxy: FaultProxy, shop: str) -> None:
    """Slowness alone loses nothing."""
    proxy.mode("slow", seconds=0.2)
    moment = Poller(source(proxy.url, timeout=TIMEOUT)).poll(both(shop), now(), 1)
    assert not any(isinstance(sample, Missing) for sample in moment.samples.values())


def test_one_failing_query_costs_only_its_own_objectives(proxy: FaultProxy, shop: str) -> None:
    """A metric that cannot be read takes no evidence from objectives on other metrics."""
    proxy.mode("status", status=500, match="http_request_duration_seconds_bucket")
    moment = Poller(source(proxy.url)).poll(both(shop), now(), 1)
    found = {key.name: isinstance(sample, Missing) for key, sample in moment.samples.items()}
    assert found == {"ratio": False, "latency": True}


def test_an_unknown_bound_is_absent(proxy: FaultProxy, shop: str) -> None:
    """A threshold that is no bound of the histogram is told as such, and is not `everything was slow`."""
    (sample,) = Poller(source(proxy.url)).poll([latency(shop, bound="0.3")], now(), 1).samples.values()
    assert isinstance(sample, Missing)
    assert sample.why is Why.ABSENT
    assert "0.3" in sample.note and "bound of the histogram" in sample.note


def test_a_misspelt_metric_is_absent(proxy: FaultProxy, shop: str) -> None:
    """An objective on another app matches nothing; its neighbour in the same query is measured."""
    moment = Poller(source(proxy.url)).poll([ratio(shop), ratio(shop, app="wbe", name="typo")], now(), 1)
    found = {key.name: sample.why if isinstance(sample, Missing) else None for key, sample in moment.samples.items()}
    assert found == {"ratio": None, "typo": Why.ABSENT}


def test_the_present_is_the_past_of_later(proxy: FaultProxy, shop: str) -> None:
    """A range query says of each time what an instant query said: a refilled ledger equals one that watched."""
    poller, at = Poller(source(proxy.url)), now()
    seen = [poller.poll(both(shop), at - back, 1) for back in (3, 2, 1, 0)]
    assert list(poller.past(both(shop), at - 3, at, 1).moments) == seen


def test_fifty_objectives_cost_one_query_per_metric(proxy: FaultProxy, shop: str) -> None:
    """The number of queries depends on the metrics and labels, never on the number of objectives or workloads."""
    names = [f"app-{n}" for n in range(24)]
    many = [*both(shop), *(ratio(shop, n, f"r-{n}") for n in names), *(latency(shop, n, name=f"l-{n}") for n in names)]
    assert len(many) == 50
    poller = Poller(source(proxy.url))
    poller.poll(many, now(), 1)  # the first look asks how often is scraped as well
    proxy.forget()
    moment = poller.poll(many, now(), 1)
    asked = [seen.query for seen in proxy.requests()]
    assert len(asked) == 4, asked  # starts, requests, buckets, and whether there are native histograms
    assert [key.name for key, sample in moment.samples.items() if not isinstance(sample, Missing)] == [
        "ratio",
        "latency",
    ]
    alone = Poller(source(proxy.url)).poll(both(shop), moment.at, 1)
    assert {o.key: moment.samples[o.key] for o in both(shop)} == alone.samples
