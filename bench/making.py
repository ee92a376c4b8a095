"""Objectives for benchmarks, one line each: the one place that knows how they are made."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from holdfast.core.objective import (
    BadOverTotal,
    Counted,
    Latency,
    Match,
    Matcher,
    Objective,
    ObjectKey,
    Selector,
)
from holdfast.core.window import Rolling

NAMESPACE: Final = "shop"
TARGET: Final = Fraction(999, 1000)


def objective(name: str, indicator: Counted, window: float) -> Objective:
    """99.9 % over a rolling window of so many seconds."""
    return Objective(ObjectKey(NAMESPACE, name), f"uid-{name}", 1, TARGET, Rolling(window), indicator)


def select(metric: str, **labels: str) -> Selector:
    """A selector; a value that begins with ~ is a regex."""
    matchers = []
    for label, value in labels.items():
        how = Match.REGEX if value.startswith("~") else Match.EQUAL
        matchers.append(Matcher(label, how, value.removeprefix("~")))
    return Selector(metric, tuple(matchers))


def errors(job: str, metric: str = "http_requests_total", **bad: str) -> BadOverTotal:
    """Events of one service that these labels call bad, over all of them."""
    return BadOverTotal(
        select(metric, namespace=NAMESPACE, job=job, **bad), select(metric, namespace=NAMESPACE, job=job)
    )


def latency(job: str, seconds: float) -> Latency:
    """Requests of one service that took longer than a bound of its histogram."""
    return Latency(select("http_request_duration_seconds", namespace=NAMESPACE, job=job), seconds)
