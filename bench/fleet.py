"""A fleet of services under steady traffic, for measuring what queries cost: its objectives, and its past as text.

Rule: what a query reads depends on how many series and samples there are, not on their values, so the values are plain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TextIO

from bench import remote
from bench.designs import OFTEN, Recorded
from bench.making import NAMESPACE, errors, latency
from bench.remote import Series
from holdfast.core.objective import Counted
from lab.prometheus import Prometheus

SERVICES: Final = 100
WHOLE: Final = 2  # services with a past as long as the window
PODS: Final = 3
SCRAPE: Final = 15  # as the chart ships
WINDOW_DAYS: Final = 28
NOW: Final = 1_760_000_400  # the end of the past: fixed, so that every run writes the same
RECENT: Final = 7_200  # seconds that are in memory; the whole past of all other services: more than Holdfast looks back
STRETCH: Final = 1_800  # seconds that are written at once

INDICATORS: Final[Mapping[str, Callable[[str], Counted]]] = {
    "available": lambda job: errors(job, code="~5.."),
    "not-shed": lambda job: errors(job, code="429"),
    "jobs": lambda job: errors(job, "jobs_total", result="failed"),
    "fast": lambda job: latency(job, 0.1),
    "in-time": lambda job: latency(job, 0.5),
}
"""The objectives of every service."""

COUNTERS: Final = (
    *(("http_requests_total", "code", code, rate) for code, rate in (("200", 20), ("404", 2), ("429", 1), ("503", 1))),
    *(
        ("http_request_duration_seconds_bucket", "le", le, rate)
        for le, rate in (("0.1", 20), ("0.5", 23), ("+Inf", 24))
    ),
    *(("jobs_total", "result", result, rate) for result, rate in (("ok", 3), ("failed", 1))),
)
"""Metric, label, its value and events per second, of every pod. With the start time ten series a pod."""


def service(number: int) -> str:
    """Its name, which is its job too."""
    return f"service-{number:03}"


def recorded(job: str, name: str) -> Recorded:
    """The series that hold what rules recorded of one objective."""
    return Recorded(f"{job}-{name}")


def every() -> Iterator[Series]:
    """All series of the fleet."""
    for number in range(SERVICES):
        begin = NOW - (WINDOW_DAYS * 86_400 + 3_600 if number < WHOLE else RECENT)
        for pod in range(PODS):
            yield from _of_pod(number, pod, begin)
        for name in INDICATORS if number < WHOLE else ():
            series = recorded(service(number), name)
            for metric, value in ((series.total, 7200), (series.bad, 300), (series.ratio, 0.04)):
                yield Series(metric, {"slo": series.slo}, begin, round(OFTEN), base=value)


def write_past(file: TextIO) -> None:
    """All but the newest hours, as OpenMetrics text."""
    for series in every():
        name = str(series)
        file.writelines(f"{name} {value:.15g} {at}\n" for at, value in series.samples(0, NOW - RECENT))


def write_recent(prometheus: Prometheus) -> None:
    """The newest hours, into memory."""
    chosen = list(every())
    for after in range(NOW - RECENT, NOW, STRETCH):
        remote.write(prometheus, chosen, after, after + STRETCH)


def _of_pod(number: int, pod: int, begin: int) -> Iterator[Series]:
    place = number * PODS + pod
    name = f"{service(number)}-{pod}"
    labels = {"job": service(number), "namespace": NAMESPACE, "pod": name, "instance": f"10.0.{place}.1:80"}
    first = begin + place % SCRAPE
    for metric, label, value, rate in COUNTERS:
        yield Series(metric, {**labels, label: value}, first, SCRAPE, rate)
    yield Series("process_start_time_seconds", labels, first, SCRAPE, base=begin)
