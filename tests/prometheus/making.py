"""Objectives and answers for the tests of measuring, one line each."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from holdfast.core.objective import (
    BadOverTotal,
    GoodOverTotal,
    Indicator,
    Latency,
    Match,
    Matcher,
    Objective,
    ObjectKey,
    Selector,
)
from holdfast.core.window import Rolling
from holdfast.prometheus.sources import Series, Source

SOURCE = Source("main", "http://127.0.0.1:9", scrape_interval=1, delay=2, timeout=2)


def select(metric: str, **labels: str) -> Selector:
    """A selector; a value that begins with ~, !~ or ! is compared that way."""
    found = []
    for label, value in labels.items():
        how = next((h for h in ("!~", "~", "!") if value.startswith(h)), "")
        match = {"!~": Match.NOT_REGEX, "~": Match.REGEX, "!": Match.NOT_EQUAL, "": Match.EQUAL}[how]
        found.append(Matcher(label, match, value.removeprefix(how)))
    return Selector(metric, tuple(found))


def objective(name: str, indicator: Indicator, window: float = 3600) -> Objective:
    """A promise of 99 % in the namespace shop."""
    return Objective(ObjectKey("shop", name), f"uid-{name}", 1, Fraction(99, 100), Rolling(window), indicator)


def errors(name: str = "errors", metric: str = "http_requests_total", **labels: str) -> Objective:
    """Answers of 5xx are bad."""
    return objective(name, BadOverTotal(select(metric, **labels, code="~5.."), select(metric, **labels)))


def successes(name: str = "successes", **labels: str) -> Objective:
    """Answers of 200 are good, the rest is bad."""
    metric = "http_requests_total"
    return objective(name, GoodOverTotal(select(metric, **labels, code="200"), select(metric, **labels)))


def latency(name: str = "latency", bound: str = "0.2", **labels: str) -> Objective:
    """Answers above the bound are bad."""
    return objective(name, Latency(select("http_request_duration_seconds", **labels), float(bound)))


def series(labels: Mapping[str, str], *values: float, at: float = 100.0, step: float = 1.0) -> Series:
    """One series of an answer."""
    return Series(dict(labels), [(at + n * step, value) for n, value in enumerate(values)])
