"""What a metrics source is, and what it may answer.

A source belongs to the operator's configuration, never to an object of the cluster. An answer is a table of series, or
missing evidence with a sentence; it is never an exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from holdfast.core.evidence import Missing, Why
from holdfast.core.quantities import Instant, Seconds

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

    `headers` (a tenant, an authorization) and `params` (such as `partial_response: "false"`) go with every query.
    They and the address may hold secrets, so they are in no message.
    """

    name: str
    url: str = field(repr=False)
    scrape_interval: Seconds = 15
    delay: Seconds = 5
    timeout: Seconds = 10
    target_labels: tuple[str, ...] = TARGET_LABELS
    same_counter: tuple[str, ...] = SAME_COUNTER
    start_metric: str = "process_start_time_seconds"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

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
        if not all(s.values and first <= s.values[0][0] and s.values[-1][0] <= last for s in table):
            return source.missing(Why.CONTRADICTORY, last, "answered about another time than it was asked for")
    except (KeyError, TypeError, ValueError, AttributeError):
        return source.missing(Why.CONTRADICTORY, last, "answered in a shape that is not Prometheus's")
    return table


def excerpt(text: object) -> str:
    """So much of a foreign text as fits into a sentence, on one line."""
    said = text[0] if isinstance(text, list) and text else text
    line = " ".join(str(said).split())
    return line if len(line) <= 200 else f"{line[:200]}…"


def _vector(data: Mapping[str, Any]) -> list[Series]:
    _expect(data, "vector")
    return [Series(row["metric"], ((float(row["value"][0]), float(row["value"][1])),)) for row in data["result"]]


def _matrix(data: Mapping[str, Any]) -> list[Series]:
    _expect(data, "matrix")
    return [Series(row["metric"], [(float(t), float(v)) for t, v in row["values"]]) for row in data["result"]]


def _expect(data: Mapping[str, Any], shape: str) -> None:
    if data["resultType"] != shape or not all(isinstance(row["metric"], dict) for row in data["result"]):
        raise TypeError(shape)
