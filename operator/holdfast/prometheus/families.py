"""Which queries measure many objectives at once: one per metric and set of labels, whatever the number of objectives.

A family asks for the raw counters of a metric, summed per target and per value of the labels that its selectors look
at. Which series belongs to which objective is decided here, once per new series.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from holdfast.core.ledger import Target
from holdfast.core.objective import GoodOverTotal, Indicator, Match, Objective, ObjectKey, Selector, quote
from holdfast.core.quantities import Seconds

from .sources import Source

LONGEST_QUERY: Final = 100_000
"""Characters; a query that would be longer is asked with fewer conditions."""

TOTAL, PART = "total", "part"
"""The two roles of a selector in an objective: everything, and the good or bad part of it."""

Role = tuple[ObjectKey, str]


@dataclass
class Family:
    """One metric, the labels looked at, and the selectors that read it, by the role they play."""

    metric: str
    labels: tuple[str, ...]
    readers: dict[Role, Selector] = field(default_factory=dict)
    _known: dict[tuple[str, ...], tuple[Role, ...]] = field(default_factory=dict)

    def query(self, source: Source, reach: Seconds) -> str:
        """The PromQL of the family; the last value of a target stays readable for `reach` seconds."""
        by = ", ".join((*source.target_labels, *(x for x in self.labels if x not in source.target_labels)))
        where = narrowing(self.readers.values())
        return f"sum by ({by}) (last_over_time({self.metric}{where}[{milliseconds(reach)}]))"

    def roles(self, labels: Mapping[str, str]) -> tuple[Role, ...]:
        """The objectives, and roles in them, that a series with these labels belongs to."""
        key = tuple(labels.get(name, "") for name in self.labels)
        found = self._known.get(key)
        if found is None:
            found = tuple(role for role, selector in self.readers.items() if selector.matches(labels))
            self._known[key] = found
        return found


def selectors(indicator: Indicator) -> tuple[tuple[str, Selector], ...]:
    """The counters an indicator reads, by role."""
    part = indicator.good if isinstance(indicator, GoodOverTotal) else indicator.bad
    return (TOTAL, indicator.total), (PART, part)


def families(objectives: Iterable[Objective]) -> list[Family]:
    """The queries for these objectives, in a stable order."""
    found: dict[tuple[str, tuple[str, ...]], Family] = {}
    for objective in objectives:
        roles = selectors(objective.indicator)
        shared: dict[str, frozenset[str]] = {}
        for _, selector in roles:  # total and part of one metric come from the same query, so from the same instant
            shared[selector.metric] = shared.get(selector.metric, frozenset()) | selector.labels
        for role, selector in roles:
            labels = tuple(sorted(shared[selector.metric]))
            family = found.setdefault((selector.metric, labels), Family(selector.metric, labels))
            family.readers[objective.key, role] = selector
    return [found[key] for key in sorted(found)]


def start_query(source: Source, found: Sequence[Family], reach: Seconds) -> str:
    """When the processes behind these families started, per target."""
    every = [s for family in found for s in family.readers.values()]
    where = narrowing(every, only=source.target_labels)
    return f"max by ({', '.join(source.target_labels)}) (last_over_time({source.start_metric}{where}[{milliseconds(reach)}]))"


def target_of(source: Source, labels: Mapping[str, str]) -> Target:
    """Which process a series comes from."""
    return tuple(labels.get(name, "") for name in source.target_labels)


def narrowing(every: Iterable[Selector], only: Sequence[str] | None = None) -> str:
    """Conditions that every one of these selectors implies, as PromQL: the union of their values, label by label.

    A label counts when each selector says what it must be (`=` or `=~`); the result may select more, never less.
    """
    asked = tuple(every)
    labels = frozenset.intersection(*(s.labels for s in asked)) if asked else frozenset()
    conditions = []
    for label in sorted(labels if only is None else labels & frozenset(only)):
        wanted = [_positive(selector, label) for selector in asked]
        if all(wanted):
            values = sorted({value for value in wanted if value})
            conditions.append(f"{label}=~{quote('|'.join(values))}")
    while sum(map(len, conditions)) > LONGEST_QUERY:
        conditions.remove(max(conditions, key=len))
    return "{" + ",".join(conditions) + "}" if conditions else ""


def _positive(selector: Selector, label: str) -> str | None:
    """A regex for what the selector demands of a label, None when it only excludes."""
    for matcher in selector.matchers:
        if matcher.label == label and matcher.how is Match.EQUAL:
            return re.escape(matcher.value) if matcher.value else "()"
        if matcher.label == label and matcher.how is Match.REGEX:
            return f"(?:{matcher.value})"
    return None


def milliseconds(seconds: Seconds) -> str:
    """A duration as PromQL takes it."""
    return f"{round(seconds * 1000)}ms"
