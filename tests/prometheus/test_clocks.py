"""Rules of clocks and paces: a source whose now is not ours, or that scrapes at another pace than configured, is told."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
import structlog.testing
from hypothesis import given
from hypothesis import strategies as st

import lab
from holdfast.core.evidence import Missing, Why
from holdfast.prometheus.clocks import Clocks, parse_date, skew
from holdfast.prometheus.pace import paces, verdict
from holdfast.prometheus.poller import Poller
from holdfast.prometheus.sources import Source
from tests.prometheus.answering import Reply, Request, counting, serving
from tests.prometheus.making import SOURCE, errors, series
from tests.prometheus.test_poller import shop

SHOP = errors(job="web")


@given(ahead=st.floats(-1e5, 1e5), sent=st.floats(1e9, 2e9), way=st.floats(0, 30), until=st.floats(0, 1))
def test_the_skew_is_never_exaggerated(ahead: float, sent: float, way: float, until: float) -> None:
    """However long an answer took and whenever its whole second was written, what is said is not more than is true,
    and less by no more than a second and the time of the answer."""
    date = float(int(sent + until * way + ahead))
    said = skew(date, sent, sent + way)
    assert abs(said) <= abs(ahead) + 1e-3
    assert said * ahead >= 0
    assert abs(said) >= abs(ahead) - way - 1 - 1e-3


@pytest.mark.parametrize(
    "text", [None, "", "yesterday", "Mon, 99 Nov 2026 10:00:00 GMT", "1" * 400, "Mon, 1 Jan 99999"]
)
def test_a_date_that_is_none(text: str | None) -> None:
    """It says nothing about the clock."""
    assert parse_date(text) is None


def test_a_date_is_read_in_any_zone() -> None:
    """Also where it names none for certain: HTTP dates are UTC."""
    every = ("Thu, 01 Jan 1970 00:01:40 GMT", "Thu, 01 Jan 1970 00:01:40 -0000", "Thu, 01 Jan 1970 01:01:40 +0100")
    assert [parse_date(text) for text in every] == [100.0] * 3


def test_clocks_that_differ_are_told_once() -> None:
    """Above five seconds, or the delay and two, whichever is more; again only after they have agreed."""
    clocks = Clocks(SOURCE)
    with structlog.testing.capture_logs() as logs:
        for off in (4, 7, 8, 0, -9):
            clocks.hear(formatdate(1000 + off, usegmt=True), 1000, 1000.1)
    notes = [entry["note"] for entry in logs]
    assert notes == [
        "its clock is 7s or more ahead of the operator's; correct one of them",
        "its clock is 8s or more behind the operator's; correct one of them",
    ]


@pytest.mark.parametrize("off", [-40.0, 40.0])
def test_a_clock_further_off_than_a_look_reaches_is_no_evidence(off: float) -> None:
    """What we call now is another time there: no counters are asked for, and the sentence says whose clock is where.
    Once the clock is right everything is read."""

    def shifted(request: Request) -> Reply:
        reply = counting(request)
        return Reply(reply.content, headers={"Date": formatdate(time.time() + off, usegmt=True)})

    with serving(shifted) as server:
        poller = Poller(Source("main", server.url, scrape_interval=10, timeout=5))
        assert poller.reach(5) == 25
        lost = poller.poll([SHOP], 100, 5).samples[SHOP.key]
        assert isinstance(lost, Missing)
        assert lost.why is Why.CONTRADICTORY
        side = "ahead of" if off > 0 else "behind"
        assert (
            f"has a clock that is {round(poller.clocks.skew) if off > 0 else -round(poller.clocks.skew)}s" in lost.note
        )
        assert f"or more {side} the operator's" in lost.note
        assert len(server.requests) == 1
        off = 0
        assert not isinstance(poller.poll([SHOP], 105, 5).samples[SHOP.key], Missing)


def test_paces_are_the_usual_time_between_samples() -> None:
    """A gap in the middle changes nothing, and a series with too few samples says nothing."""
    gap = series({}, *range(5), step=15).values + series({}, *range(5), at=1000, step=15).values  # type: ignore[operator]
    assert paces([series({}, *range(10), step=15), series({}, 1, 2, 3), type(series({}))({}, gap)]) == [15, 15]


@pytest.mark.parametrize(
    ("found", "expected", "to_be"),
    [
        ([15, 15], 15, None),
        ([14.9, 15.2], 15, None),
        ([15, 60], 15, 60),
        ([5, 5], 15, 5),
        ([5, 15], 15, None),
        ([30], 15, 30),
    ],
)
def test_what_is_another_pace(found: list[float], expected: float, to_be: float | None) -> None:
    """One slow target needs a slow pace; a fast one does no harm unless all are."""
    assert verdict(found, expected) == to_be


@pytest.mark.parametrize(
    ("pace", "words"),
    [
        (15.0, None),
        (60.0, "its samples are 1m apart and scrapeInterval is 15s: values are lost between two looks; set it to 1m"),
        (5.0, "its samples are 5s apart and scrapeInterval is 15s: what has gone is read for too long; set it to 5s"),
    ],
)
def test_a_wrong_scrape_interval_is_told_from_the_data(pace: float, words: str | None) -> None:
    """By one small query with the first look and one every hour."""
    with serving(lambda request: counting(request, pace)) as server, structlog.testing.capture_logs() as logs:
        poller = Poller(Source("main", server.url, scrape_interval=15, timeout=5))
        for at in (10_000, 10_015, 13_000, 13_615):
            poller.poll([SHOP], at, 15)
    assert poller.pace.seen == pace
    asked = [r.form["query"] for r in server.requests if r.form["query"].endswith("]")]
    conditions = 'container=~"()",instance=~"i",job=~"web",namespace=~"shop",pod=~"p"'
    assert asked == [f"process_start_time_seconds{{{conditions}}}[600000ms]"] * 2
    assert [entry["note"] for entry in logs] == [words] * 2 * (words is not None)


@pytest.mark.lab
def test_a_real_prometheus_has_our_clock_and_its_pace(lab_cluster: lab.Cluster, namespace: str) -> None:
    """Asked for real: no skew on one machine, and the lab's scrape interval of one second from its samples."""
    labels = {"namespace": namespace, "job": "web"}
    shop(lab_cluster, namespace, labels)
    time.sleep(4)  # enough samples to tell
    poller = Poller(Source("main", lab_cluster.prometheus.url, scrape_interval=15, timeout=5))
    with structlog.testing.capture_logs() as logs:
        assert not isinstance(poller.poll([errors(**labels)], time.time() // 1 - 1, 15).samples[SHOP.key], Missing)
    assert poller.clocks.skew == 0
    assert poller.pace.seen == pytest.approx(1, abs=0.1)
    assert "set it to 1s" in logs[0]["note"]
