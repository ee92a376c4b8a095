"""Rules of the fault proxy: transparent until told otherwise, then exactly one failure."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

import lab
from lab.errors import CommandError
from lab.faults import FaultProxy
from lab.faultserver import spoil

pytestmark = pytest.mark.lab

VECTOR = {
    "status": "success",
    "data": {
        "resultType": "vector",
        "result": [{"metric": {"n": str(n)}, "value": [1.0, str(n)]} for n in range(5)],
    },
}


@pytest.fixture
def proxy(lab_cluster: lab.Cluster) -> Iterator[FaultProxy]:
    """The proxy of the session's lab, transparent again afterwards."""
    lab_cluster.proxy.forget()
    yield lab_cluster.proxy
    lab_cluster.proxy.mode("pass")


def ask(proxy: FaultProxy, query: str = "vector(42)", timeout: float = 5, **more: Any) -> requests.Response:
    """An instant query through the proxy."""
    return requests.get(f"{proxy.url}/api/v1/query", params={"query": query, **more}, timeout=timeout)


def test_pass_changes_nothing(lab_cluster: lab.Cluster, proxy: FaultProxy) -> None:
    """Status, headers that matter and body are Prometheus's own, for GET and POST, good and refused."""
    for method in ("GET", "POST"):
        for query in ("vector(42)", "sum("):
            place = "params" if method == "GET" else "data"
            options: dict[str, Any] = {place: {"query": query, "time": "1700000000"}, "timeout": 5}
            ours = requests.request(method, f"{proxy.url}/api/v1/query", **options)
            real = requests.request(method, f"{lab_cluster.prometheus.url}/api/v1/query", **options)
            assert (ours.status_code, ours.content) == (real.status_code, real.content)
            assert ours.headers["Content-Type"] == real.headers["Content-Type"]


def test_refuse_breaks_the_connection(proxy: FaultProxy) -> None:
    """The client gets no answer at all, at once."""
    proxy.mode("refuse")
    with pytest.raises(requests.ConnectionError):
        ask(proxy)


def test_hang_never_answers_until_the_mode_changes(proxy: FaultProxy) -> None:
    """Only the client's own time limit ends the wait; the proxy stays usable."""
    proxy.mode("hang")
    with pytest.raises(requests.ReadTimeout):
        ask(proxy, timeout=1)
    proxy.mode("pass")
    assert ask(proxy).json()["data"]["result"][0]["value"][1] == "42"


def test_slow_answers_rightly_but_late(proxy: FaultProxy) -> None:
    """The answer is the real one after the given seconds."""
    proxy.mode("slow", seconds=0.7)
    began = time.monotonic()
    assert ask(proxy).json()["data"]["result"][0]["value"][1] == "42"
    assert 0.7 <= time.monotonic() - began < 3


def test_status_is_a_gateway_s_error(proxy: FaultProxy) -> None:
    """The code is the one asked for, and the body is no JSON."""
    proxy.mode("status", status=504)
    answer = ask(proxy)
    assert answer.status_code == 504
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


def test_warnings_are_added_to_the_real_answer(proxy: FaultProxy) -> None:
    """Data and status stay; `warnings` says that they may be incomplete."""
    proxy.mode("warnings")
    answer = ask(proxy).json()
    assert answer["data"]["result"][0]["value"][1] == "42"
    assert answer["status"] == "success"
    assert answer["warnings"]


def test_nan_replaces_every_value(proxy: FaultProxy) -> None:
    """Instant and range answers keep their series and times, and lose their numbers."""
    proxy.mode("nan")
    assert ask(proxy).json()["data"]["result"][0]["value"][1] == "NaN"
    now = time.time()
    params = {"query": "vector(1)", "start": now - 10, "end": now, "step": 5}
    points = requests.get(f"{proxy.url}/api/v1/query_range", params=params, timeout=5).json()["data"]["result"]
    assert {value for _, value in points[0]["values"]} == {"NaN"}


def test_partial_and_empty_look_complete() -> None:
    """Series are missing and nothing in the answer says so."""
    partial = json.loads(spoil(json.dumps(VECTOR).encode(), "partial"))
    assert [one["metric"]["n"] for one in partial["data"]["result"]] == ["0", "2", "4"]
    empty = json.loads(spoil(json.dumps(VECTOR).encode(), "empty"))
    assert empty == {"status": "success", "data": {"resultType": "vector", "result": []}}


def test_swapped_is_a_lie_about_everything() -> None:
    """Failures pass for successes and successes for failures; other codes and series without one are as they were."""
    answer = json.loads(json.dumps(VECTOR))
    for one, labels in zip(answer["data"]["result"], ({"code": "200"}, {"code": "500"}, {"code": "404"}), strict=False):
        one["metric"].update(labels)
    lied = json.loads(spoil(json.dumps(answer).encode(), "swapped"))["data"]["result"]
    assert [one["metric"].get("code") for one in lied] == ["500", "200", "404", None, None]
    assert [one["value"] for one in lied] == [one["value"] for one in VECTOR["data"]["result"]]


def test_html_is_a_login_page_with_status_200(proxy: FaultProxy) -> None:
    """The status looks good; only the content tells."""
    proxy.mode("html")
    answer = ask(proxy)
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "text/html")
    assert "sign in" in answer.text


def test_only_matching_queries_are_hit(proxy: FaultProxy) -> None:
    """With `match` one family of queries fails while the others pass, whether sent by GET or POST."""
    proxy.mode("status", status=500, match="errors")
    assert ask(proxy).status_code == 200
    assert ask(proxy, "sum(errors_total)").status_code == 500
    posted = requests.post(f"{proxy.url}/api/v1/query", data={"query": "sum(errors_total)"}, timeout=5)
    assert posted.status_code == 500


def test_requests_are_counted_with_their_queries(proxy: FaultProxy) -> None:
    """Every request is remembered, failed ones too, with path and expression."""
    ask(proxy, "vector(1)")
    proxy.mode("status")
    ask(proxy, "vector(2)")
    assert [(seen.method, seen.path, seen.query) for seen in proxy.requests()] == [
        ("GET", "/api/v1/query", "vector(1)"),
        ("GET", "/api/v1/query", "vector(2)"),
    ]
    proxy.forget()
    assert proxy.requests() == []


def test_an_unknown_mode_is_refused(proxy: FaultProxy) -> None:
    """A typing error lists the modes and changes nothing."""
    with pytest.raises(CommandError, match="no mode wrong; it knows pass, refuse"):
        proxy.mode("wrong")
    assert ask(proxy).status_code == 200
