"""`python -m bench.standin PORT PAST`: answers the operator's batched queries about the services of `bench.estate`.

Rule: a stand-in for Prometheus where a machine cannot run one of this size. It answers over HTTP, compressed, in
Prometheus's JSON, with every series that the query selects and the values scraped last before each time. It knows the
shape of the operator's queries and no other PromQL; what it does not know it refuses. Nothing is older than PAST seconds.
"""

from __future__ import annotations

import json
import re
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs

from bench.estate import AGE, PODS, RATE, SCRAPE, STARTS, WORKLOADS, app, counters, namespace

BEGUN: Final = time.time()
QUERY: Final = re.compile(
    r"(?:sum|max) by \((?P<by>[\w, ]+)\) \((?:max without \([\w, ]*\) \()?(?:histogram_count\()?"
    r"last_over_time\((?P<metric>\w+)(?P<where>\{.*\})?\[(?P<reach>\d+)ms\]\){1,4}"
)
CONDITION: Final = re.compile(r'(\w+)(=~|=)"((?:[^"\\]|\\.)*)",?')


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod: how far its scrapes are behind the grid, and the labels of all its series."""

    place: int
    labels: dict[str, str]

    def totals(self, times: Sequence[float]) -> list[int]:
        """What it had counted at its last scrape before each of these times."""
        offset, born = self.place % SCRAPE, BEGUN - AGE
        return [int(RATE * ((at - offset) // SCRAPE * SCRAPE + offset - born)) for at in times]


PODS_OF_ALL: Final = tuple(
    Pod(
        number * PODS + n,
        {
            "job": app(number),
            "instance": f"10.{number // 250}.{number % 250}.{n}:8080",
            "namespace": namespace(number),
            "pod": f"{app(number)}-7d9c5b8f6-{n:05}",
            "container": "app",
        },
    )
    for number in range(WORKLOADS)
    for n in range(PODS)
)


class Unknown(Exception):  # noqa: N818 - named for what happened
    """A query of another shape than the operator's."""


@lru_cache(maxsize=1024)
def selected(query: str) -> tuple[tuple[Pod, float | None, str], ...]:
    """(pod, share of its events, labels as JSON) of the series a query selects; a share of None is its start."""
    parsed = QUERY.fullmatch(query)
    if parsed is None:
        raise Unknown(f"not a query of the operator: {query[:200]}")
    by, conditions = parsed["by"].split(", "), _conditions(parsed["where"] or "")
    found = []
    of_pods = [(name, holds) for name, holds in conditions if name in PODS_OF_ALL[0].labels]
    for pod in PODS_OF_ALL:
        if not all(holds(pod.labels[name]) for name, holds in of_pods):
            continue
        for metric, label, value, share in _series(pod.place // PODS):
            labels = {**pod.labels, label: value}
            if metric == parsed["metric"] and all(holds(labels.get(name, "")) for name, holds in conditions):
                shown = {name: labels[name] for name in by if labels.get(name)}
                found.append((pod, share, json.dumps(shown, separators=(",", ":"))))
    return tuple(found)


def _series(number: int) -> Iterator[tuple[str, str, str, float | None]]:
    yield from counters(number)
    yield STARTS, "", "", None


def _conditions(where: str) -> list[tuple[str, _Holds]]:
    found = [(label, _Holds(how, json.loads(f'"{value}"'))) for label, how, value in CONDITION.findall(where)]
    if sum(1 for _ in re.finditer(r'"(?:[^"\\]|\\.)*"', where)) != len(found):
        raise Unknown(f"not conditions of the operator: {where[:200]}")
    return found


class _Holds:
    """Whether a value meets a condition; remembered, since a label has few values."""

    def __init__(self, how: str, wanted: str) -> None:
        self._pattern = re.compile(wanted if how == "=~" else re.escape(wanted))
        self._known: dict[str, bool] = {}

    def __call__(self, value: str) -> bool:
        if value not in self._known:
            self._known[value] = self._pattern.fullmatch(value) is not None
        return self._known[value]


def answer(query: str, times: Sequence[float], past: float, *, instant: bool) -> str:
    """The body that Prometheus would send."""
    shape = "vector" if instant else "matrix"
    there = [at for at in times if at >= BEGUN - past]
    rows = _rows(query, there, instant=instant) if there else ()
    return f'{{"status":"success","data":{{"resultType":"{shape}","result":[{",".join(rows)}]}}}}'


def _rows(query: str, times: Sequence[float], *, instant: bool) -> Iterator[str]:
    last, totals = None, list[int]()
    for pod, share, labels in selected(query):
        if pod is not last:
            last, totals = pod, pod.totals(times)
        values = [f"{BEGUN - AGE:.3f}"] * len(times) if share is None else [str(int(share * n)) for n in totals]
        if instant:
            yield f'{{"metric":{labels},"value":[{times[0]},"{values[0]}"]}}'
        else:
            pairs = ",".join([f'[{at},"{value}"]' for at, value in zip(times, values, strict=True)])
            yield f'{{"metric":{labels},"values":[{pairs}]}}'


class Handler(BaseHTTPRequestHandler):
    """`/api/v1/query` and `/api/v1/query_range`, asked by POST."""

    protocol_version = "HTTP/1.1"
    past = 0.0

    def do_POST(self) -> None:
        """Answer one query."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        asked = {name: values[0] for name, values in form.items()}
        instant = self.path.endswith("/query")
        if instant:
            times = [float(asked["time"])]
        else:
            first, last, step = (float(asked[name]) for name in ("start", "end", "step"))
            times = [first + n * step for n in range(int((last - first) / step + 1e-6) + 1)]
        try:
            self._send(200, answer(asked["query"], times, self.past, instant=instant))
        except Unknown as error:
            self._send(400, json.dumps({"status": "error", "errorType": "bad_data", "error": str(error)}))

    def _send(self, code: int, text: str) -> None:
        packing = zlib.compressobj(1, zlib.DEFLATED, 31)
        body = packing.compress(text.encode()) + packing.flush()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    port, past = sys.argv[1:]
    Handler.past = float(past)
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
