"""Keeps an objective to its own namespace: on a source that many teams share nobody reads the series of another.

The label is demanded beside whatever the author wrote, never instead of it: a selector for another namespace then
matches nothing, and that is said.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import assert_never

from holdfast.api import enforce
from holdfast.core.objective import (
    BadOverTotal,
    Composite,
    Gauge,
    GoodOverTotal,
    Indicator,
    Latency,
    Match,
    Matcher,
    Proportion,
    Selector,
)


def confined(selector: Selector, label: str | None, namespace: str) -> Selector:
    """The selector with this label held to this namespace; unchanged where no label is enforced.

    The condition comes first: it is what narrows the query where the author asks for something of the same label.
    """
    if label is None:
        return selector
    return Selector(selector.metric, (Matcher(label, Match.EQUAL, namespace), *selector.matchers))


def confined_indicator(indicator: Indicator, label: str | None, namespace: str) -> Indicator:
    """The same for all that an indicator reads. ValueError with a sentence for PromQL of which that cannot be demanded."""
    if label is None:
        return indicator
    match indicator:
        case BadOverTotal(bad, total):
            return BadOverTotal(confined(bad, label, namespace), confined(total, label, namespace))
        case GoodOverTotal(good, total):
            return GoodOverTotal(confined(good, label, namespace), confined(total, label, namespace))
        case Latency(histogram, threshold):
            return Latency(confined(histogram, label, namespace), threshold)
        case Gauge():
            return replace(indicator, query=_enforced(indicator.query, label, namespace))
        case Proportion():
            weight = None if indicator.weight is None else _enforced(indicator.weight, label, namespace)
            return replace(indicator, query=_enforced(indicator.query, label, namespace), weight=weight)
        case Composite():
            return indicator
        case _:
            assert_never(indicator)


_enforced = lru_cache(maxsize=4096)(enforce)
