"""Rules of one query on a real server: what an answer may take of our time and memory, and what is said of it once."""

from __future__ import annotations

import json
import time

import pytest
import structlog.testing

from holdfast.core.evidence import Missing, Why
from holdfast.prometheus import connection as module
from holdfast.prometheus.connection import Connection
from holdfast.prometheus.sources import Series, Source
from tests.prometheus.answering import ONE, Reply, body, never_answering, serving


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_that_drips_ends_with_the_time_out(chunked: bool) -> None:
    """A byte now and then is no progress: the whole answer must be there in time."""
    content = json.dumps(body([ONE])).encode()
    headers = {"Content-Length": "", "Transfer-Encoding": "chunked"} if chunked else {}
    framed = b"".join(b"1\r\n%c\r\n" % b for b in content) + b"0\r\n\r\n" if chunked else content
    with serving(lambda _: Reply(framed, headers=headers, drip=0.05)) as server:
        began = time.monotonic()
        found = Connection(Source("main", server.url, timeout=0.4)).instant("up", 100)
    assert isinstance(found, Missing)
    assert found.note == "the metrics source main did not answer within 0.4 s"
    assert time.monotonic() - began < 1.5


def test_a_server_that_never_answers_is_left_in_time() -> None:
    """No retries behind our back."""
    with never_answering() as url:
        began = time.monotonic()
        found = Connection(Source("main", url, timeout=0.3)).instant("up", 100)
    assert isinstance(found, Missing)
    assert found.why is Why.UNREACHABLE
    assert time.monotonic() - began < 1


def test_an_answer_may_only_be_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source cannot fill the memory: beyond the bound an answer is none."""
    content = json.dumps(body([ONE])).encode()
    with serving(lambda _: Reply(content)) as server:
        connection = Connection(Source("main", server.url))
        monkeypatch.setattr(module, "MOST_BYTES", len(content))
        assert connection.instant("up", 100) == [Series({"pod": "p"}, ((100, 7),))]
        monkeypatch.setattr(module, "MOST_BYTES", len(content) - 1)
        assert isinstance(connection.instant("up", 100), Missing)


def test_a_remark_is_logged_once_and_is_no_doubt() -> None:
    """Infos name the metric, so each family has its own; the answer is evidence all the same."""
    content = json.dumps(body([ONE], infos=['metric might not be a counter: "cpu"'])).encode()
    with serving(lambda _: Reply(content)) as server, structlog.testing.capture_logs() as logs:
        connection = Connection(Source("main", server.url))
        for _ in range(3):
            assert not isinstance(connection.instant("up", 100), Missing)
    (entry,) = logs
    assert (entry["log_level"], entry["note"]) == ("info", 'metric might not be a counter: "cpu"')


def test_after_the_end_nothing_is_asked() -> None:
    """A stopping operator does not wait through all queries that a look has still before it."""
    with serving() as server:
        connection = Connection(Source("main", server.url))
        connection.close()
        found = connection.instant("up", 100)
        assert isinstance(found, Missing)
        assert "operator stops" in found.note
        assert not server.requests
