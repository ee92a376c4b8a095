"""Which ledger is whose: an objective's name, and what it counts from where.

Two objectives of one name that count the same have one ledger, however often they are deleted and created anew. Target,
window and workloads are no part of it: they read the same counts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from typing import assert_never

from .objective import (
    POD,
    BadOverTotal,
    Composite,
    Gauge,
    GoodOverTotal,
    Indicator,
    Latency,
    Objective,
    ObjectKey,
    Proportion,
    Selector,
    TimeSlices,
)

DIGITS = 32
"""Hexadecimal digits of a digest that are kept: 128 bits."""


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """The name of an objective, and a digest of its indicator, slices, source, and whose events they are."""

    key: ObjectKey
    digest: str

    def __str__(self) -> str:
        return f"{self.key} ({self.digest[:8]})"


def identity_of(objective: Objective) -> Identity:
    """The identity of the ledger that an objective reads. It is stored in clusters: to change it orphans what is there."""
    return Identity(
        objective.key, _digest(objective.indicator, objective.slices, objective.source, objective.pod_label)
    )


@lru_cache(maxsize=32_768)  # the same objectives are asked for at every change of one of them
def _digest(indicator: Indicator, slices: TimeSlices | None, source: str, pod_label: str) -> str:
    sliced = None if slices is None else [float(slices.length), _exact(slices.good)]
    counters = [] if pod_label == POD else ["pod label", pod_label]  # they are others then
    text = json.dumps([source, sliced, *_spelled(indicator), *counters], separators=(",", ":"))
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


def _spelled(indicator: Indicator) -> list[object]:
    """An indicator as plain values, in one spelling."""
    match indicator:
        case BadOverTotal(bad, total):
            return ["bad over total", *_selector(bad), *_selector(total)]
        case GoodOverTotal(good, total):
            return ["good over total", *_selector(good), *_selector(total)]
        case Latency(histogram, threshold):
            return ["latency", *_selector(histogram), float(threshold)]
        case Gauge(query, bound, good_above, every):
            return ["gauge", query, _exact(bound), good_above, float(every)]
        case Proportion(query, is_good, weight, every):
            return ["proportion", query, is_good, weight, float(every)]
        case Composite(parts):
            return ["composite", *([p.key.namespace, p.key.name, _exact(p.weight)] for p in parts)]
        case _:
            assert_never(indicator)


def _selector(selector: Selector) -> list[object]:
    """The order of conditions, and one written twice, select nothing else."""
    return [selector.metric, sorted([m.label, str(m.how), m.value] for m in set(selector.matchers))]


def _exact(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"
