"""Which queries measure many objectives at once: one per metric and set of labels, whatever the number of objectives.

A family asks for the raw counters of a metric, summed per target and per value of the labels that its selectors look
at. Which series belongs to which objective is decided here, once per new series. A histogram is asked for in both its
forms, since a service may show either, and may change over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Final, assert_never

from holdfast.core.ledger import Target
from holdfast.core.objective import (
    POD,
    BadOverTotal,
    Counted,
    GoodOverTotal,
    Latency,
    Match,
    Matcher,
    Objective,
    ObjectKey,
    Selector,
)
from holdfast.core.quantities import Seconds

from .lookup import Lookup
from .narrowing import Width, narrowing
from .native import Native
from .sources import Source
from .tenancy import confined_indicator

TOTAL, PART = "total", "part"
"""The two roles of a selector in an objective: everything, and the good or bad part of it."""
NATIVE_TOTAL, NATIVE_PART = "native total", "native part"
"""The same two of a native histogram."""

REMEMBERED: Final = 50_000
"""Label values whose readers are remembered, per family. Labels that change with every pod would fill the memory."""

Role = tuple[ObjectKey, str]


@dataclass(slots=True)
class Family:
    """One metric, the labels looked at, and the selectors that read it, by the role they play.

    `late` says that it got no answer last time, `unknown` that the source does not know native histograms. `pods` are the
    label that names the pods whose events these are and their namespace, where those are not the pods that are scraped.
    """

    metric: str
    labels: tuple[str, ...]
    native: Native | None = None
    pods: tuple[str, str] | None = None
    readers: dict[Role, Selector] = field(default_factory=dict)
    width: Width = Width.NARROW
    late: bool = False
    unknown: bool = False
    _known: dict[tuple[str, ...], tuple[Role, ...]] = field(default_factory=dict)
    _where: dict[Width, str] = field(default_factory=dict)
    _lookup: Lookup[Role] | None = None

    def query(self, source: Source, reach: Seconds) -> str:
        """The PromQL of the family; the last value of a target stays readable for `reach` seconds.

        Of series that are one counter under several labels the highest counts, not the sum.
        """
        by = ", ".join(dict.fromkeys((*source.target_labels, *self.labels)))
        same = ", ".join(name for name in source.same_counter if name not in (*source.target_labels, *self.labels))
        where = self._where.get(self.width)
        if where is None:
            where = self._where[self.width] = narrowing(self.readers.values(), self.width)
        values = f"last_over_time({self.metric}{where}[{milliseconds(reach)}])"
        counter = values if self.native is None else self.native.of(values)
        return f"sum by ({by}) (max without ({same}) ({counter}))"

    @property
    def depends_on(self) -> tuple[str, tuple[str, ...]] | None:
        """The native histograms (metric and labels) without which this one has no series."""
        fraction = self.native is not None and self.native.threshold is not None
        return (self.metric, self.labels) if fraction else None

    def target(self, source: Source, labels: Mapping[str, str]) -> Target:
        """Which counter a series is: that of a scraped process, or what such a one counts for one pod."""
        target = target_of(source, labels)
        return target if self.pods is None else (*target, intern(labels.get(self.pods[0], "")))

    def roles(self, labels: Mapping[str, str]) -> tuple[Role, ...]:
        """The objectives, and roles in them, that a series with these labels belongs to."""
        key = tuple(labels.get(name, "") for name in self.labels)
        found = self._known.get(key)
        if found is None:
            if self._lookup is None:  # at the first series all readers are there
                self._lookup = Lookup(self.readers.items())
            found = self._lookup.matching(labels)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = found
        return found


def selectors(indicator: Counted) -> tuple[tuple[str, Selector], ...]:
    """The counters an indicator reads, by role."""
    match indicator:
        case BadOverTotal(part, total) | GoodOverTotal(part, total):
            return (TOTAL, total), (PART, part)
        case Latency(histogram, threshold):
            return (TOTAL, bucket(histogram, "+Inf")), (PART, bucket(histogram, bound_of(threshold)))
        case _:
            assert_never(indicator)


def bound_of(threshold: Seconds) -> str:
    """How a histogram names this bound: `0.2`, `1`."""
    return f"{threshold:.3f}".rstrip("0").rstrip(".")


def bucket(histogram: Selector, bound: str) -> Selector:
    """The bucket of a classic histogram that ends at a bound. Prometheus 2 writes a whole one as 1, 3 as 1.0."""
    whole = bound.isdigit()
    le = Matcher("le", Match.REGEX, rf"{bound}|{bound}\.0") if whole else Matcher("le", Match.EQUAL, bound)
    return Selector(f"{histogram.metric}_bucket", (*histogram.matchers, le))


def families(objectives: Iterable[Objective], namespace_label: str | None = None) -> list[Family]:
    """The queries for these objectives, in a stable order.

    Total and part of one metric come from the same query: they are there together or not at all. Where a label is
    enforced, each reads only series of its own namespace.
    """
    found: dict[tuple[str, tuple[str, ...], Native | None, tuple[str, str] | None], Family] = {}
    for objective in objectives:
        indicator = confined_indicator(objective.indicator, namespace_label, objective.key.namespace)
        if not isinstance(indicator, Counted):
            continue
        roles = reads(indicator)
        pods = None if objective.pod_label == POD else (objective.pod_label, objective.key.namespace)
        for role, selector, native in roles:
            shared = frozenset[str]().union(*(s.labels for _, s, _ in roles if s.metric == selector.metric))
            key = selector.metric, tuple(sorted(shared if pods is None else shared | {pods[0]})), native, pods
            family = found.setdefault(key, Family(*key))
            family.readers[objective.key, role] = selector
    return sorted(
        found.values(), key=lambda f: (f.metric, f.labels, (f.native and f.native.threshold) or 0.0, f.pods or ())
    )


def reads(indicator: Counted) -> list[tuple[str, Selector, Native | None]]:
    """Every counter an indicator may read: its role, which series, and how it is made where they are histograms."""
    read: list[tuple[str, Selector, Native | None]] = [(role, s, None) for role, s in selectors(indicator)]
    if isinstance(indicator, Latency):
        read.append((NATIVE_TOTAL, indicator.histogram, Native()))
        read.append((NATIVE_PART, indicator.histogram, Native(indicator.threshold)))
    return read


def start_query(source: Source, found: Iterable[Family], reach: Seconds, width: Width = Width.NARROW) -> str:
    """When the processes behind these families started, per target (Unix seconds)."""
    every = [s for family in found for s in family.readers.values()]
    where = narrowing(every, width, only=frozenset(source.target_labels))
    by = ", ".join(source.target_labels)
    return f"max by ({by}) (last_over_time({source.start_metric}{where}[{milliseconds(reach)}]))"


def target_of(source: Source, labels: Mapping[str, str]) -> Target:
    """Which process a series comes from. Ledgers remember it, so equal texts are one text in the memory."""
    return tuple([intern(labels.get(name, "")) for name in source.target_labels])


def milliseconds(seconds: Seconds) -> str:
    """A duration as PromQL takes it."""
    return f"{round(seconds * 1000)}ms"
