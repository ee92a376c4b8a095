"""One place that answers PromQL, and what counts as an answer.

An answer is HTTP 200, `status: success`, no warnings, the expected shape and finite numbers. Everything else is
missing evidence, with a sentence; nothing here raises.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import requests
from prometheus_api_client import PrometheusApiClientException, PrometheusConnect
from requests.adapters import HTTPAdapter

from holdfast.core.evidence import Missing, Why
from holdfast.core.quantities import Instant, Seconds

TARGET_LABELS: Final = ("job", "instance", "namespace", "pod", "container")
"""The labels that identify one scraped process."""

MOST_POINTS: Final = 10_000
"""Points per series in one range query; Prometheus refuses more than 11,000."""


@dataclass(frozen=True, slots=True)
class Source:
    """A metrics source of the operator's configuration. Times in seconds.

    `delay` is how far behind now to ask, so that every scrape has arrived.
    """

    name: str
    url: str
    scrape_interval: Seconds = 15
    delay: Seconds = 5
    timeout: Seconds = 10
    target_labels: tuple[str, ...] = TARGET_LABELS
    start_metric: str = "process_start_time_seconds"


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels, and (time, value) pairs in order; an instant answer has one."""

    labels: Mapping[str, str]
    values: Sequence[tuple[Instant, float]]


Answer = list[Series] | Missing


class Connection:
    """Asks one source. Safe to use from several threads: each has its own HTTP session."""

    def __init__(self, source: Source) -> None:
        """Nothing is asked yet."""
        self.source = source
        self._local = threading.local()

    def instant(self, query: str, at: Instant) -> Answer:
        """The value of every series at one time."""
        return self._ask(at, "vector", lambda c: c.custom_query(query, params={"time": f"{at:.3f}"}))

    def range(self, query: str, start: Instant, end: Instant, step: Seconds) -> Answer:
        """The values of every series from start to end, both included, a step apart."""
        params = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        return self._ask(
            end,
            "matrix",
            lambda c: c._session.get(
                f"{c.url}/api/v1/query_range", params=params
            ),  # custom_query_range takes no floats
        )

    def _ask(self, at: Instant, shape: str, send: Any) -> Answer:
        heard = self._heard()
        heard.clear()
        try:
            send(self._connection())
        except (requests.RequestException, PrometheusApiClientException) as error:
            return self._failed(at, heard, error)
        except ValueError:  # requests' JSON error is one, but the library may raise its own
            return self._missing(Why.CONTRADICTORY, at, "answered with something that is not JSON")
        if heard.get("status") != "success" or "data" not in heard:
            return self._failed(at, heard, None)
        return self._read(at, shape, heard)

    def _read(self, at: Instant, shape: str, heard: Mapping[str, Any]) -> Answer:
        if heard.get("warnings"):
            return self._missing(Why.CONTRADICTORY, at, f"answered with a warning ({str(heard['warnings'][0])[:200]})")
        if heard.get("isPartial"):
            return self._missing(Why.CONTRADICTORY, at, "answered only partly")
        try:
            data = heard["data"]
            if data["resultType"] != shape:
                raise TypeError
            answer = [
                Series(
                    row["metric"],
                    [(float(t), float(v)) for t, v in (row["values"] if shape == "matrix" else (row["value"],))],
                )
                for row in data["result"]
            ]
        except (KeyError, TypeError, ValueError):
            return self._missing(Why.CONTRADICTORY, at, "answered in an unexpected shape")
        if not all(math.isfinite(v) for series in answer for _, v in series.values):
            return self._missing(Why.CONTRADICTORY, at, "answered with a value that is no number")
        return answer

    def _failed(self, at: Instant, heard: Mapping[str, Any], error: Exception | None) -> Missing:
        if heard.get("errorType") in {"bad_data", "execution"}:
            return self._missing(Why.CONTRADICTORY, at, f"refused the query ({str(heard.get('error'))[:200]})")
        if heard.get("error"):
            return self._missing(Why.UNREACHABLE, at, f"could not answer ({str(heard['error'])[:200]})")
        if isinstance(error, requests.Timeout):
            return self._missing(Why.UNREACHABLE, at, f"did not answer within {self.source.timeout:g} s")
        if isinstance(error, requests.JSONDecodeError) or (heard and "status" not in heard and not heard.get("code")):
            return self._missing(Why.CONTRADICTORY, at, "answered with something that is not JSON")
        if heard.get("code"):
            return self._missing(Why.UNREACHABLE, at, f"answered with HTTP {heard['code']}")
        return self._missing(Why.UNREACHABLE, at, "could not be reached")

    def _missing(self, why: Why, at: Instant, what: str) -> Missing:
        return Missing(why, at, f"the metrics source {self.source.name} {what}")

    def _heard(self) -> dict[str, Any]:
        """What the last answer of this thread said, as the hook kept it."""
        if not hasattr(self._local, "heard"):
            self._local.heard = {}
        heard: dict[str, Any] = self._local.heard
        return heard

    def _connection(self) -> PrometheusConnect:
        if not hasattr(self._local, "connection"):
            session = _Session(self.source.timeout)
            session.hooks["response"].append(self._keep)
            connection = PrometheusConnect(url=self.source.url, session=session, timeout=self.source.timeout)
            session.mount(
                self.source.url, HTTPAdapter(max_retries=0, pool_maxsize=1)
            )  # the library mounted one that retries
            self._local.connection = connection
        return self._local.connection

    def _keep(self, response: requests.Response, *_: object, **__: object) -> requests.Response:
        """The library drops warnings and error types: keep the whole answer, and spare it the second parse."""
        heard = self._heard()
        try:
            parsed = response.json()
        except ValueError:
            parsed = None
        if isinstance(parsed, dict):
            heard.update(parsed)
            response.json = lambda **_: parsed  # type: ignore[method-assign]
        elif response.status_code == requests.codes.ok:
            heard["not_json"] = True
        if response.status_code != requests.codes.ok:
            heard["code"] = response.status_code
        return response


class _Session(requests.Session):
    """Queries go as a form in the body: batched ones outgrow what proxies accept in a URL."""

    def __init__(self, timeout: Seconds) -> None:
        super().__init__()
        self.trust_env = False  # no proxy, no .netrc: the configuration alone says where to ask
        self._timeout = timeout

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = self._timeout
        if str(url).endswith(("/query", "/query_range")):
            method, kwargs["data"], kwargs["params"] = "POST", kwargs.get("params"), None
        return super().request(method, url, *args, **kwargs)
