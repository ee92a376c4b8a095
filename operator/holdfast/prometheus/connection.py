"""How a source is asked: by prometheus-api-client, with what it leaves out.

The library drops warnings, retries for ten seconds, has no time-out, and puts the query into the URL. So each thread has
a session of its own that keeps the whole response, does not retry or follow redirects, always has a time-out, and sends
queries as a form. Nothing here raises.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import requests
import structlog
import urllib3.exceptions
from prometheus_api_client import PrometheusConnect
from requests.adapters import HTTPAdapter

from holdfast.core.evidence import Missing, Why
from holdfast.core.quantities import Instant, Seconds

from .clocks import Clocks
from .credentials import Secrets, Unreadable
from .sources import Answer, Refused, Source, excerpt, read
from .tls import trouble

MOST_BYTES: Final = 128 * 2**20
"""Bytes of one answer, unpacked. A source that never ends would fill the memory."""
PIECE: Final = 2**18
"""Bytes that are read at once."""
REMARKS: Final = 1_000
"""Remarks of a source that are remembered, to log each once."""

log = structlog.get_logger("holdfast.prometheus")


class Connection:
    """Asks one source, so many queries at once as it may get. Safe to use from several threads."""

    def __init__(self, source: Source) -> None:
        """Nothing is asked yet."""
        self.source = source
        self.clocks = Clocks(source)
        self._turns = threading.BoundedSemaphore(source.concurrency)
        self._closed = False
        self._local = threading.local()
        self._remarks: set[str] = set()

    def close(self) -> None:
        """Ask nothing more; queries under way end by their time-out."""
        self._closed = True

    def instant(self, query: str, at: Instant) -> Answer:
        """The value of every series at one time."""
        params = {**self._params, "time": f"{at:.3f}"}
        return self._ask(lambda c: c.custom_query(query, params=params), at, at)

    def samples(self, selector: str, at: Instant, length: Seconds) -> Answer:
        """The samples of the selected series as they were scraped, in this time before `at`."""
        params = {**self._params, "time": f"{at:.3f}"}
        query = f"{selector}[{round(length * 1000)}ms]"
        return self._ask(lambda c: c.custom_query(query, params=params), at - length, at)

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
        with self._turns:
            if self._closed:
                return self._unreachable(last, "is not asked any more, since the operator stops")
            try:
                client = self._client(self.source.credentials.read())
            except Unreadable as error:
                return self._unreachable(last, f"is not asked: its {error}")
            heard = self._local.heard = _Heard(self.source.timeout)
            try:
                send(client)
            except requests.exceptions.SSLError as error:
                return self._unreachable(last, trouble(error))
            except requests.Timeout:
                return self._unreachable(last, f"did not answer within {self.source.timeout:g} s")
            except requests.ConnectionError:
                return self._unreachable(last, "could not be reached, or broke off the connection")
            except Exception as error:  # whatever the library trips over in an answer, it is read here again
                if heard.code is None:
                    return self._unreachable(last, f"could not be asked ({type(error).__name__})")
            finally:
                self._local.heard = None  # an answer is not kept until the next one comes
        return self._judge(heard, first, last)

    def _unreachable(self, at: Instant, what: str) -> Missing:
        return self.source.missing(Why.UNREACHABLE, at, what)

    def _judge(self, heard: _Heard, first: Instant, last: Instant) -> Answer:
        body = heard.body
        if heard.code in (
            requests.codes.unauthorized,
            requests.codes.forbidden,
        ):  # what it says may hold what we showed
            what = f"does not let the operator in (HTTP {heard.code}); check its token, password, certificate or tenant"
            return self._unreachable(last, what)
        if heard.code != requests.codes.ok:
            said = f": {excerpt(body['error'])}" if isinstance(body, dict) and body.get("error") else ""
            if isinstance(body, dict) and body.get("errorType") in ("bad_data", "execution"):
                note = self.source.missing(Why.CONTRADICTORY, last, f"refused the query (HTTP {heard.code}{said})")
                return Refused(note.why, note.since, note.note) if body["errorType"] == "bad_data" else note
            return self._unreachable(last, f"answered with HTTP {heard.code}{said}")
        if not isinstance(body, dict):
            what = "answered with something that is not JSON (a login page, or another service at this address?)"
            return self.source.missing(Why.CONTRADICTORY, last, what)
        if body.get("status") != "success":
            return self.source.missing(Why.CONTRADICTORY, last, "answered without saying that it succeeded")
        self._remark(body.get("infos"))
        return read(self.source, body, first, last)

    def _remark(self, infos: object) -> None:
        """Log a remark once; it names the metric, so there is one for each family. It is no reason for doubt."""
        said = excerpt(infos) if infos else ""
        if said and said not in self._remarks and len(self._remarks) < REMARKS:
            self._remarks.add(said)
            log.info("the source remarks", source=self.source.name, note=said)

    def _client(self, secrets: Secrets) -> PrometheusConnect:
        """The client of this thread; a new one when a file with secrets has changed."""
        before = getattr(self._local, "client", None)
        if before is not None and self._local.secrets == secrets:
            return before
        if before is not None:
            self._local.session.close()
        source, session = self.source, _Session(self.source.timeout)
        session.hooks["response"].append(self._keep)
        session.headers.update(source.headers)
        secrets.give(session)
        client = PrometheusConnect(url=source.url.rstrip("/"), session=session)
        session.mount(client.url, HTTPAdapter(max_retries=0, pool_maxsize=1))  # over the one that retries
        self._local.client, self._local.session, self._local.secrets = client, session, secrets
        return client

    def _keep(self, response: requests.Response, *_: object, **__: object) -> None:
        """Remember the whole answer, and spare the library the second parse of it."""
        heard: _Heard = self._local.heard
        heard.code = response.status_code
        self.clocks.hear(response.headers.get("Date"), heard.sent, time.time())
        try:
            body = heard.body = json.loads(_content(response, heard.deadline))
        except (ValueError, RecursionError):
            return
        finally:
            response.close()
        response.json = lambda **_: body  # type: ignore[method-assign]  # an instance attribute, read by the library


class _Heard:
    """What came back: the HTTP status, and the parsed body where it was JSON."""

    def __init__(self, timeout: Seconds) -> None:
        self.sent = time.time()
        self.deadline = time.monotonic() + timeout
        self.code: int | None = None
        self.body: object = None


class _Session(requests.Session):
    """Queries go as a form in the body: batched ones outgrow what proxies accept in a URL."""

    def __init__(self, timeout: Seconds) -> None:
        super().__init__()
        self.trust_env = False  # no proxy, no .netrc: the configuration alone says where to ask
        self._timeout = timeout
        # packing its answers costs a Prometheus nearby a fifth of what the whole look does (`make bench ONLY=cost`)
        self.headers["Accept-Encoding"] = "identity"

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """One POST, never redirected: a header with a secret goes to the configured address only."""
        del method  # the library says POST only where it leaves the query in the URL
        kwargs |= {
            "timeout": self._timeout,
            "allow_redirects": False,
            "data": kwargs.pop("params", None),
            "stream": True,
        }
        return super().request("POST", url, *args, **kwargs)


def _content(response: requests.Response, deadline: float) -> bytes:
    """The body, within the time and the size that an answer may have; ValueError when it cannot be unpacked.

    The time-out of the library is between two pieces: a source that sends a byte a second would never end.
    """
    content = bytearray()
    try:
        while piece := response.raw.read1(PIECE, decode_content=True):
            content += piece
            if time.monotonic() > deadline:
                raise requests.Timeout
            if len(content) > MOST_BYTES:
                raise ValueError("too long")
    except urllib3.exceptions.ReadTimeoutError:
        raise requests.Timeout from None
    except urllib3.exceptions.DecodeError:
        raise ValueError("cannot be unpacked") from None
    except urllib3.exceptions.HTTPError:
        raise requests.ConnectionError from None
    return bytes(content)
