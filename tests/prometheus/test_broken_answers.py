"""Ten thousand broken responses: none ends the process, each is a sentence or a table that can be counted with."""

from __future__ import annotations

import copy
import gzip
import json
import math
import random
from collections.abc import Callable
from typing import Any, Final

from holdfast.core.evidence import Missing
from holdfast.core.objective import Objective
from holdfast.prometheus.connection import Connection, _Heard
from holdfast.prometheus.families import families
from holdfast.prometheus.readings import collect
from holdfast.prometheus.sources import Answer, Source
from tests.prometheus.answering import Reply, Request, body, serving
from tests.prometheus.making import SOURCE, errors, latency, successes

SEED: Final = 20_261_120
OBJECTIVES: Final[list[Objective]] = [errors(job="web"), successes(job="web"), latency(job="web")]
ODD: Final[list[Any]] = [
    *(None, True, False, 0, -1, 1.5, 1e308, 10**400, -(10**30), math.nan, math.inf),
    *("", "x", "NaN", "+Inf", "-Inf", "1e999", "-7", "9" * 500, "\ud800", "\x00", "ünï", "success", "matrix", "scalar"),
    *([], {}, [[]], [{}], {"": {}}, [None], [100], [100, "7", "8"], ["100", "7"], [[100, "7"]], {"value": [100, "7"]}),
]
"""What is put in the place of something right."""


def rows(instant: bool) -> list[dict[str, Any]]:
    """Four series of one pod, as Prometheus sends them."""
    values = {"value": [100, "7"]} if instant else {"values": [[100, "5"], [105, "6"], [110, "7"]]}
    labels = [{"code": "200"}, {"code": "503"}, {"le": "0.2"}, {"le": "+Inf"}]
    return [{"metric": {"job": "web", "pod": "p", "namespace": "shop", **extra}, **values} for extra in labels]


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) below a node."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [found for key, value in inner for found in ((node, key), *places(value))]


def tampered(rng: random.Random, answer: dict[str, Any]) -> bytes:
    """A right body with one to three things in it replaced, removed, doubled or moved."""
    answer = copy.deepcopy(answer)
    for _ in range(rng.randint(1, 3)):
        if not (every := places(answer)):
            break
        holder, key = rng.choice(every)
        match rng.randrange(4):
            case 0 | 1:
                holder[key] = copy.deepcopy(rng.choice(ODD))
            case 2:
                del holder[key]
            case _:
                other, place = rng.choice(every)
                other[place] = copy.deepcopy(holder[key])
    return json.dumps(answer).encode()


def torn(rng: random.Random, answer: dict[str, Any]) -> bytes:
    """A right body cut off, with a byte changed, or with a piece put in."""
    content = bytearray(json.dumps(answer).encode())
    place = rng.randrange(len(content))
    match rng.randrange(3):
        case 0:
            del content[place:]
        case 1:
            content[place] = rng.randrange(256)
        case _:
            content[place:place] = rng.choice(
                [b"NaN", b"]", b"{", b'"', b",", b"\xff", b"\xef\xbb\xbf", b"1e999", b"[" * 9]
            )
    return bytes(content)


def foreign(rng: random.Random, answer: dict[str, Any]) -> bytes:
    """Something else altogether, or a warning, a part, an error, a deep nest."""
    depth = rng.choice([10, 500, 990, 5_000, 200_000])
    nest = b"[" * depth + b"]" * depth
    return rng.choice(
        [
            *(
                b"",
                b"null",
                b"[]",
                b'"success"',
                b"<!DOCTYPE html><html>Sign in</html>",
                b"\x1f\x8b broken",
                rng.randbytes(99),
            ),
            *(nest, b'{"status":"success","data":' + nest + b"}", b'{"status":"error","error":' + nest + b"}"),
            b'{"status":"success","warnings":' + nest + b"}",
            json.dumps({**answer, "warnings": rng.choice(ODD)}).encode(),
            json.dumps({**answer, "infos": rng.choice(ODD)}).encode(),
            json.dumps({**answer, "isPartial": rng.choice(ODD)}).encode(),
            json.dumps({"status": "error", "errorType": rng.choice(ODD), "error": rng.choice(ODD)}).encode(),
        ]
    )


WAYS: Final[list[Callable[[random.Random, dict[str, Any]], bytes]]] = [tampered, tampered, tampered, torn, foreign]


def check(answer: Answer, first: float, last: float) -> bool:
    """Whether it is a table; fails when it is neither one that can be counted with nor a sentence."""
    if isinstance(answer, Missing):
        assert answer.note.startswith("the metrics source main ")
        assert 10 < len(answer.note) < 400
        assert "\n" not in answer.note
        answer.note.encode()
        return False
    for series in answer:
        assert all(isinstance(x, str) for pair in series.labels.items() for x in pair)
        times = [at for at, _ in series.values]
        assert times == sorted(set(times))
        assert first <= times[0] <= times[-1] <= last
        assert all(type(value) is float for _, value in series.values)
    found = families(OBJECTIVES)
    for at, counters in collect(SOURCE, [(family, answer) for family in found], answer):
        for objective in OBJECTIVES:
            sample = counters.sample(objective, at)
            if isinstance(sample, Missing):
                sample.note.encode()
                continue
            assert sample
            for reading in sample.values():
                assert math.isfinite(reading.total)
                assert 0 <= reading.bad <= reading.total * 1.01 + 10
    return True


def test_ten_thousand_broken_bodies() -> None:
    """Through what reads an answer: right bodies with wrong types at every place, torn ones, foreign ones, any status."""
    rng, connection, tables = random.Random(SEED), Connection(SOURCE), 0
    for n in range(10_000):
        instant = n % 2 == 0
        answer = body(rows(instant), "vector" if instant else "matrix")
        heard = _Heard(1)
        heard.code = rng.choice([200] * 8 + [400, 401, 422, 500, 503, 204, 302])
        try:
            heard.body = json.loads(rng.choice(WAYS)(rng, answer))
        except (ValueError, RecursionError):
            heard.body = None  # as the connection leaves it
        first, last = (100, 100) if instant else (100, 110)
        tables += check(connection._judge(heard, first, last), first, last)
    assert 100 < tables < 3_000  # some changes leave the answer right


def test_hundreds_of_broken_responses_over_http() -> None:
    """Through a real connection as well: wrong lengths, broken compression, odd headers, and again a right answer."""
    rng, right = random.Random(SEED), body(rows(instant=True))
    replies: list[Reply] = []

    def reply(_: Request) -> Reply:
        return replies[-1]

    def headers(content: bytes) -> dict[str, str]:
        return rng.choice(
            [
                {},
                {"Content-Length": str(len(content) + rng.choice([5, 10**6])), "Connection": "close"},
                {"Content-Length": str(max(0, len(content) - 5)), "Connection": "close"},
                {"Content-Length": "", "Transfer-Encoding": "chunked", "Connection": "close"},
                {"Content-Encoding": rng.choice(["gzip", "deflate", "br", "zstd", "nonsense", "gzip, gzip"])},
                {
                    "Content-Type": "text/html; charset=nonsense",
                    "Date": rng.choice(["yesterday", "Mon, 99 Foo", "\x01"]),
                },
                {"Location": "http://127.0.0.1:1/", "Set-Cookie": "a=b;" * 50},
            ]
        )

    with serving(reply) as server:
        connection = Connection(Source("main", server.url, timeout=1))
        for _ in range(400):
            content = rng.choice(WAYS)(rng, right)
            packed = gzip.compress(content) if rng.random() < 0.2 else content
            packed = packed[: rng.choice([len(packed), len(packed) // 2])]
            more = {"Content-Encoding": "gzip"} if packed is not content and rng.random() < 0.9 else {}
            status = rng.choice([200] * 6 + [204, 301, 302, 400, 404, 422, 500, 599])
            replies.append(Reply(packed, status, {**headers(packed), **more}))
            check(connection.instant("up", 100), 100, 100)
        replies.append(Reply(json.dumps(right).encode()))
        assert check(connection.instant("up", 100), 100, 100)
