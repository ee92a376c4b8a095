"""What a metrics source is, and what it may answer.

A source belongs to the operator's configuration, never to an object of the cluster. An answer is a table of series, or
missing evidence with a sentence; it is never an exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from holdfast.core.evidence import Missing, Why
from holdfast.core.quantities import Instant, Seconds

from .credentials import Credentials

TARGET_LABELS: Final = ("job", "instance", "namespace", "pod", "container")
"""The labels that identify one scraped process."""

SAME_COUNTER: Final = (
    "pod_template_hash",
    "controller_revision_hash",
    "rollouts_pod_template_hash",
    "prometheus_replica",
)
"""Labels that do not tell one counter from another. While a pod is replaced under its own name and address, Prometheus
scrapes the new process under the old release's labels for some seconds: one counter, two series."""


@dataclass(frozen=True, slots=True)
class Source:
    """A metrics source. Times in seconds; `delay` is how far behind now to ask, so that every scrape has arrived.

    `headers` (such as a tenant) and `params` (such as `partial_response: "false"`) go with every query. They and the
    address may hold secrets, so they are in no message. `concurrency` is how many queries it gets at once.
    `namespaces` are those whose objectives may use it, None for all. Where `namespace_label` is set, an objective
    reads only series whose label of this name is its own namespace. `check_pace` says that somebody configured
    `scrape_interval`, so that it is compared with the data.
    """

    name: str
    url: str = field(repr=False)
    scrape_interval: Seconds = 15
    delay: Seconds = 5
    timeout: Seconds = 10
    concurrency: int = 2
    check_pace: bool = True
    target_labels: tuple[str, ...] = TARGET_LABELS
    same_counter: tuple[str, ...] = SAME_COUNTER
    start_metric: str = "process_start_time_seconds"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    credentials: Credentials = field(default_factory=Credentials)
    namespaces: frozenset[str] | None = None
    namespace_label: str | None = None

    def allows(self, namespace: str) -> bool:
        """Whether objectives of this namespace may use it."""
        return self.namespaces is None or namespace in self.namespaces

    def missing(self, why: Why, at: Instant, what: str) -> Missing:
        """No evidence of this time, since the source did this."""
        return Missing(why, at, f"the metrics source {self.name} {what}")


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels, and (time, value) pairs in order; an instant answer has one."""

    labels: Mapping[str, str]
    values: Sequence[tuple[Instant, float]]


@dataclass(frozen=True, slots=True)
class Refused(Missing):
    """The source did not accept the query itself; the same one will be refused again."""


Answer = list[Series] | Missing


def read(source: Source, body: Mapping[str, Any], first: Instant, last: Instant) -> Answer:
    """The series of a response body to a query about these times (one instant when they are equal).

    A value may be NaN or infinite: that spoils only what it is a part of, and is for the reader of the series to say.
    """
    if body.get("warnings"):
        return source.missing(Why.CONTRADICTORY, last, f"answered with a warning ({excerpt(body['warnings'])})")
    if body.get("isPartial"):
        return source.missing(Why.CONTRADICTORY, last, "answered only in part: some of its stores were away")
    try:
        table = _vector(body["data"]) if first == last else _matrix(body["data"])
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return source.missing(Why.CONTRADICTORY, last, "answered in a shape that is not Prometheus's")
    if not all(_in_time(series.values, first, last) for series in table):
        return source.missing(Why.CONTRADICTORY, last, "answered about another time than it was asked for")
    if len({frozenset(series.labels.items()) for series in table}) < len(table):
        return source.missing(Why.CONTRADICTORY, last, "answered with the same series twice")
    return table


def excerpt(text: object) -> str:
    """So much of a foreign text as fits into a sentence, on one line."""
    said = text[0] if isinstance(text, list) and text else text
    line = " ".join(said.encode(errors="replace").decode().split()) if isinstance(said, str) else "in no words"
    return line if len(line) <= 200 else f"{line[:200]}…"


def _vector(data: Mapping[str, Any]) -> list[Series]:
    return [Series(_labels(row), (_point(row["value"]),)) for row in _rows(data, "vector")]


def _matrix(data: Mapping[str, Any]) -> list[Series]:
    rows = _rows(data, "matrix")  # each is let go as it is read: both shapes of all of them together fill the memory
    return [Series(_labels(row), [_point(pair) for pair in row.pop("values")]) for row in rows]


def _rows(data: Mapping[str, Any], shape: str) -> list[Any]:
    rows = data["result"]
    if data["resultType"] != shape or not isinstance(rows, list):
        raise TypeError(shape)
    return rows


def _labels(row: Mapping[str, Any]) -> Mapping[str, str]:
    labels = row["metric"]
    if not isinstance(labels, dict):
        raise TypeError("metric")
    "".join(labels.values()).encode()  # raises where a value is no text, or half of a character
    return labels


def _point(pair: object) -> tuple[Instant, float]:
    """A time and a value, which is text: JSON has neither NaN nor infinity, and a counter may have become either."""
    if not isinstance(pair, list):
        raise TypeError("pair")
    at, value = pair
    if not isinstance(value, str) or not isinstance(at, int | float) or isinstance(at, bool):
        raise TypeError("sample")
    return float(at), float(value)


def _in_time(values: Sequence[tuple[Instant, float]], first: Instant, last: Instant) -> bool:
    """Whether there are values, each later than the one before, and all of the time that was asked about."""
    if not values or not (first <= values[0][0] and values[-1][0] <= last):
        return False
    return all(earlier[0] < later[0] for earlier, later in pairwise(values))
