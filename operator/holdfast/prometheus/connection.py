"""How a source is asked: by prometheus-api-client, with what it leaves out.

The library drops warnings, retries for ten seconds, has no time-out, and puts the query into the URL. So each thread has
a session of its own that keeps the whole response, does not retry or follow redirects, always has a time-out, and sends
queries as a form. Nothing here raises.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from requests.adapters import HTTPAdapter

from holdfast.core.evidence import Why
from holdfast.core.quantities import Instant, Seconds

from .sources import Answer, Refused, Source, excerpt, read


class Connection:
    """Asks one source. Safe to use from several threads."""

    def __init__(self, source: Source) -> None:
        """Nothing is asked yet."""
        self.source = source
        self._local = threading.local()

    def instant(self, query: str, at: Instant) -> Answer:
        """The value of every series at one time."""
        params = {**self._params, "time": f"{at:.3f}"}
        return self._ask(lambda c: c.custom_query(query, params=params), at, at)

    def range(self, query: str, start: Instant, end: Instant, step: Seconds) -> Answer:
        """The values of every series from start to end, both included, a step apart."""
        if start == end:
            return self.instant(query, end)
        whole = datetime.fromtimestamp(0, UTC)  # the library rounds times to seconds; these parameters stand over them
        params = {**self._params, "start": f"{start:.3f}", "end": f"{end:.3f}"}
        return self._ask(lambda c: c.custom_query_range(query, whole, whole, f"{step:.3f}", params=params), start, end)

    @property
    def _params(self) -> dict[str, str]:
        return {**self.source.params, "timeout": f"{round(self.source.timeout * 1000)}ms"}

    def _ask(self, send: Callable[[Any], object], first: Instant, last: Instant) -> Answer:
        heard = self._local.heard = _Heard()
        try:
            send(self._client())
        except requests.Timeout:
            return self.source.missing(Why.UNREACHABLE, last, f"did not answer within {self.source.timeout:g} s")
        except requests.ConnectionError:
            return self.source.missing(Why.UNREACHABLE, last, "could not be reached, or broke off the connection")
        except Exception as error:  # whatever the library trips over in an answer, it is read here again
            if heard.code is None:
                return self.source.missing(Why.UNREACHABLE, last, f"could not be asked ({type(error).__name__})")
        return self._judge(heard, first, last)

    def _judge(self, heard: _Heard, first: Instant, last: Instant) -> Answer:
        body = heard.body
        if heard.code != requests.codes.ok:
            said = f": {excerpt(body['error'])}" if isinstance(body, dict) and body.get("error") else ""
            if isinstance(body, dict) and body.get("errorType") in ("bad_data", "execution"):
                note = self.source.missing(Why.CONTRADICTORY, last, f"refused the query (HTTP {heard.code}{said})")
                return Refused(note.why, note.since, note.note) if body["errorType"] == "bad_data" else note
            return self.source.missing(Why.UNREACHABLE, last, f"answered with HTTP {heard.code}{said}")
        if not isinstance(body, dict):
            what = "answered with something that is not JSON (a login page, or another service at this address?)"
            return self.source.missing(Why.CONTRADICTORY, last, what)
        if body.get("status") != "success":
            return self.source.missing(Why.CONTRADICTORY, last, "answered without saying that it succeeded")
        return read(self.source, body, first, last)

    def _client(self) -> PrometheusConnect:
        client = getattr(self._local, "client", None)
        if client is None:
            source = self.source
            session = _Session(source.timeout)
            session.hooks["response"].append(self._keep)
            headers = dict(source.headers) or None
            client = PrometheusConnect(url=source.url.rstrip("/"), headers=headers, session=session)
            session.mount(client.url, HTTPAdapter(max_retries=0, pool_maxsize=1))  # over the one that retries
            self._local.client = client
        return client

    def _keep(self, response: requests.Response, *_: object, **__: object) -> None:
        """Remember the whole answer, and spare the library the second parse of it."""
        heard: _Heard = self._local.heard
        heard.code = response.status_code
        try:
            body = heard.body = response.json()
        except ValueError:
            return
        response.json = lambda **_: body  # type: ignore[method-assign]  # an instance attribute, read by the library


class _Heard:
    """What came back: the HTTP status, and the parsed body where it was JSON."""

    def __init__(self) -> None:
        self.code: int | None = None
        self.body: object = None


class _Session(requests.Session):
    """Queries go as a form in the body: batched ones outgrow what proxies accept in a URL."""

    def __init__(self, timeout: Seconds) -> None:
        super().__init__()
        self.trust_env = False  # no proxy, no .netrc: the configuration alone says where to ask
        self._timeout = timeout

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """One POST, never redirected: a header with a secret goes to the configured address only."""
        del method  # the library says POST only where it leaves the query in the URL
        kwargs |= {"timeout": self._timeout, "allow_redirects": False, "data": kwargs.pop("params", None)}
        return super().request("POST", url, *args, **kwargs)
