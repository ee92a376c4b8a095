"""Rules of values of queries and of large answers, on a real Prometheus."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator, Mapping
from fractions import Fraction

import pytest

import lab
from holdfast.core.evidence import Missing, Why
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Gauge, Objective, ObjectKey, Proportion
from holdfast.prometheus.poller import Poller, grid_time
from holdfast.prometheus.refill import advance, refill
from tests.prometheus.making import errors, objective
from tests.prometheus.measuring import DELAY, source

pytestmark = pytest.mark.lab

EVERY = 2.0


@pytest.fixture(scope="module")
def shop(lab_cluster: lab.Cluster) -> Iterator[str]:
    """A namespace in which a tenth of the requests failed for fifteen seconds, and nothing came since."""
    name = lab_cluster.namespace()
    lab_cluster.deployment(name, "web", "shop:err-10", 2)
    query = f'count(rate(http_requests_total{{namespace="{name}",code="500"}}[5s]))'
    lab_cluster.wait(lambda: lab_cluster.prometheus.value(query) == 2, 40, "both pods to have failed")
    time.sleep(15)
    lab_cluster.shop.set_rate(name, "web", 0)
    time.sleep(10 + DELAY)
    yield name
    lab_cluster.raw("DELETE", f"/api/v1/namespaces/{name}")


def promised(namespace: str) -> dict[str, Objective]:
    """Values of every kind."""

    def rate(code: str) -> str:
        return f'sum(rate(http_requests_total{{namespace="{namespace}",code=~"{code}"}}[4s]))'

    share = f"{rate('5..')} / {rate('.+')}"
    started = f'time() - process_start_time_seconds{{namespace="{namespace}"}}'
    made = {
        "share": Proportion(share, is_good=False, weight=rate(".+"), every=EVERY),
        "unweighted": Proportion(share, is_good=False, weight=None, every=EVERY),
        "several": Proportion(share.replace("sum", "sum by (pod)"), is_good=False, weight=None, every=EVERY),
        "old enough": Gauge(started, Fraction(-1), good_above=True, every=EVERY),
        "too old": Gauge(started, Fraction(1), good_above=False, every=EVERY),
        "absent": Gauge(f'up{{namespace="{namespace}",job="wbe"}}', Fraction(0), good_above=True, every=EVERY),
        "refused": Gauge("up{", Fraction(0), good_above=True, every=EVERY),
    }
    return {name: objective(name, indicator, 900) for name, indicator in made.items()}


def ledgers(every: Mapping[str, Objective], since: float) -> dict[ObjectKey, Ledger]:
    """New ones that ask nothing older."""
    found = {o.key: Ledger(900, 3) for o in every.values()}
    for ledger in found.values():
        ledger.asked = since
    return found


def test_values_of_queries_are_the_same_now_and_later(lab_cluster: lab.Cluster, shop: str) -> None:
    """Slice by slice as they ended or in one piece afterwards: the counts, the gaps and the reasons are equal, and the
    share is what failed.
    """
    every, url = promised(shop), lab_cluster.prometheus.url
    until = grid_time(time.time(), EVERY, DELAY)
    since = until - 22  # eight seconds of traffic, and none for the rest
    watched, filled = ledgers(every, since), ledgers(every, since)
    poller = Poller(source(url))
    said: Mapping[ObjectKey, Missing] = {}
    for n in range(2, 23):
        said = advance(poller, watched, list(every.values()), since + n, 1)
    failed = refill(Poller(source(url)), filled, list(every.values()), until, 1)

    assert {key.name: missing.why for key, missing in failed.items()} == {"refused": Why.CONTRADICTORY}
    assert {key.name: missing.why for key, missing in said.items()} == {
        "unweighted": Why.CONTRADICTORY,
        "several": Why.CONTRADICTORY,
        "absent": Why.ABSENT,
        "refused": Why.CONTRADICTORY,
    }
    for key, ledger in watched.items():
        assert (ledger.at, ledger.counts(900)) == (filled[key].at, filled[key].counts(900)), key
    at = {name: watched[o.key].at for name, o in every.items()}
    assert at["share"] == at["old enough"] == until
    assert at["refused"] is at["absent"] is at["several"] is None
    assert since < (at["unweighted"] or 0) < until
    share, old, young = (watched[every[name].key].counts(900) for name in ("share", "old enough", "too old"))
    assert share.total > 300
    assert share.bad / share.total == pytest.approx(0.1, abs=0.02)
    assert (share.covered, old.covered) == (20, 20)
    assert (old.total, old.bad, young.bad) == (10, 0, 10)


def test_values_need_no_query_between_two_slices(lab_cluster: lab.Cluster, shop: str) -> None:
    """Within a slice that is known nothing is asked."""
    wanted = promised(shop)["share"]
    poller, known = Poller(source(lab_cluster.proxy.url)), ledgers({"share": wanted}, 0)
    at = grid_time(time.time(), EVERY, DELAY)
    lab_cluster.proxy.forget()
    for later in (0.0, 0.5, 1.0, 1.5):
        assert not advance(poller, known, [wanted], at + later, 0.5)
    assert len(lab_cluster.proxy.requests()) == 2  # the share and its weight


JOBS, SERIES = 30, 700


@pytest.fixture
def crowd(lab_cluster: lab.Cluster) -> Iterator[None]:
    """One exporter with more series than one answer may have."""
    lines = ["# TYPE crowd_requests_total counter"]
    lines += [
        f'crowd_requests_total{{service="s{s}",pod="p{p}",code="200"}} {p}' for s in range(JOBS) for p in range(SERIES)
    ]
    page = ("\n".join(lines) + "\n").encode()

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    lab_cluster.prometheus.add_target("crowd", f"127.0.0.1:{server.server_port}")
    query = "count(crowd_requests_total)"
    lab_cluster.wait(lambda: lab_cluster.prometheus.value(query) == JOBS * SERIES, 40, "the crowd to be scraped")
    time.sleep(DELAY + 1)  # looks are about a time so far back
    yield
    server.shutdown()
    server.server_close()


def test_an_answer_that_is_too_large_is_divided(lab_cluster: lab.Cluster, crowd: None) -> None:
    """The next look asks in pieces that fit, which are told apart by what differs between the objectives, and says the
    same; a past that is read in the same pieces too.
    """
    every = [errors(f"o{n}", "crowd_requests_total", job="crowd", service=f"s{n}") for n in range(JOBS)]
    poller, at = Poller(source(lab_cluster.proxy.url, timeout=20)), grid_time(time.time(), 1, DELAY)
    asked, samples = [], []
    for _ in range(3):
        lab_cluster.proxy.forget()
        samples.append(poller.poll(every, at, 1).samples)
        asked.append(
            [seen.query for seen in lab_cluster.proxy.requests() if "crowd_requests_total" in (seen.query or "")]
        )
    assert [len(queries) for queries in asked] == [1, 2, 2]
    assert samples[0] == samples[1] == samples[2]
    assert all(len(sample) == SERIES for sample in samples[1].values())
    halves = [lab_cluster.prometheus.query(query, at) for query in asked[1]]
    assert all(len(half) < 20_000 for half in halves)
    assert sum(map(len, halves)) == JOBS * SERIES
    past = poller.past(every, at - 1, at, 1)
    assert list(past.moments)[-1].samples == samples[0]
