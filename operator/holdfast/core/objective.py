"""What is promised: an indicator, a target and a window, and the workloads that are released against this budget."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Final, assert_never

from .quantities import Seconds, Share
from .window import Window

POD: Final = "pod"
"""The label that names a pod, unless the author says otherwise."""

LONGEST_PREFIX: Final = 58
"""So much of a name is kept where Kubernetes makes another one of it with five characters at its end."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """Where an object of ours lives."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Workload:
    """What is released: one workload of one namespace."""

    namespace: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def hold_name(self) -> str:
        """The name of the one Hold this workload can have."""
        return f"{self.kind.lower()}-{self.name}"

    def may_own(self, namespace: str, pod: str) -> bool:
        """Whether a pod may be one of it, by its name: that of the workload and a dash, cut where it is longer than 58
        characters.
        """
        return namespace == self.namespace and pod.startswith(f"{self.name}-"[:LONGEST_PREFIX])


class Match(StrEnum):
    """The four ways in which PromQL compares a label."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """One condition on one label. An absent label counts as the empty string, as in PromQL."""

    label: str
    how: Match
    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric and conditions on its labels: the counters an indicator reads."""

    metric: str
    matchers: tuple[Matcher, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a series of this metric with these labels is selected. Regexes are anchored, as in PromQL."""
        return all(_meets(labels.get(m.label, ""), m.how, m.value) for m in self.matchers)

    @property
    def labels(self) -> frozenset[str]:
        """The labels this selector looks at."""
        return frozenset(m.label for m in self.matchers)

    def __str__(self) -> str:
        inner = ",".join(f"{m.label}{m.how}{quote(m.value)}" for m in self.matchers)
        return f"{self.metric}{{{inner}}}" if inner else self.metric


def _meets(found: str, how: Match, value: str) -> bool:
    match how:
        case Match.EQUAL | Match.NOT_EQUAL:
            return (found == value) is (how is Match.EQUAL)
        case Match.REGEX | Match.NOT_REGEX:
            return (_pattern(value).fullmatch(found) is not None) is (how is Match.REGEX)
        case _:
            assert_never(how)


@lru_cache(maxsize=4096)
def _pattern(regex: str) -> re.Pattern[str]:
    r"""As Prometheus reads it: a dot matches a line break too, and \d, \w and \s are ASCII."""
    return re.compile(regex, re.DOTALL | re.ASCII)


_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\ufffd": "\\ufffd"})


def quote(value: str) -> str:
    """A PromQL string literal. The one place where a label value enters a query.

    U+FFFD is escaped because Prometheus takes it for broken UTF-8, and would refuse the query of everybody in the batch.
    """
    return '"' + value.translate(_ESCAPES) + '"'


@dataclass(frozen=True, slots=True)
class BadOverTotal:
    """Events that failed, out of all. A target without a series for its failures has had none."""

    bad: Selector
    total: Selector


@dataclass(frozen=True, slots=True)
class GoodOverTotal:
    """Events that went well, out of all; the rest is bad."""

    good: Selector
    total: Selector


@dataclass(frozen=True, slots=True)
class Latency:
    """Events up to `threshold` long are good. `histogram` is its base name, classic or native.

    In a classic one the threshold must be a bound, and the count is exact; in a native one it is interpolated.
    """

    histogram: Selector
    threshold: Seconds


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value that is looked at `every` so often: the slice is good when every series is on the good side of `bound`.

    `query` is PromQL. A slice without a value is not measured.
    """

    query: str
    bound: Fraction
    good_above: bool
    every: Seconds


@dataclass(frozen=True, slots=True)
class Proportion:
    """PromQL that yields the share of bad (or good) events, from 0 to 1, and optionally how many there are a second.

    Without `weight` every slice weighs one event.
    """

    query: str
    is_good: bool
    weight: str | None
    every: Seconds


@dataclass(frozen=True, slots=True)
class Part:
    """One objective of a composite, and how much it counts beside the others."""

    key: ObjectKey
    weight: Fraction


@dataclass(frozen=True, slots=True)
class Composite:
    """The weighted mean of what other objectives of the namespace measure. It has no ledger of its own."""

    parts: tuple[Part, ...]


Counted = BadOverTotal | GoodOverTotal | Latency
"""Indicators that are two counters per target."""

Sampled = Gauge | Proportion
"""Indicators that are the value of a query, slice by slice."""

Indicator = Counted | Sampled | Composite
"""What is measured."""


@dataclass(frozen=True, slots=True)
class TimeSlices:
    """Count slices of time instead of events: a slice is good when this share of its events is; without any it is none."""

    length: Seconds
    good: Share


@dataclass(frozen=True, slots=True)
class Objective:
    """An error budget: `1 - target` of the events of a window may fail. `pod_label` names the pods whose events they are."""

    key: ObjectKey
    uid: str
    generation: int
    target: Share
    window: Window
    indicator: Indicator
    workloads: tuple[Workload, ...] = ()
    source: str = "default"
    stale_after: Seconds = 300
    min_events: int | None = None
    slices: TimeSlices | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    pod_label: str = POD

    @property
    def allowance(self) -> Share:
        """The share of events that may fail."""
        return Fraction(1) - self.target

    def grain(self, interval: Seconds) -> Seconds:
        """How long it takes to count once: a slice where time is counted, else the interval of measuring."""
        own = self.slices.length if self.slices is not None else 0
        return max(interval, self.indicator.every if isinstance(self.indicator, Sampled) else own)

    def pace(self, interval: Seconds) -> Seconds:
        """How often there is something new: every look, or when a slice of a query's value is over."""
        return max(interval, self.indicator.every) if isinstance(self.indicator, Sampled) else interval

    @property
    def oldest(self) -> Seconds:
        """How old the newest figures may be and still be evidence; a slice under way is no lack of it."""
        return self.stale_after + self.pace(0)

    @property
    def enough_events(self) -> int:
        """Below so many events a burn rate says nothing: enough for one expected failure unless the author said."""
        return self.min_events if self.min_events is not None else -(-1 // self.allowance)

    @property
    def highest_burn(self) -> Fraction:
        """The burn rate at which every event fails: 1 / (1 - target). No rule above it can ever fire."""
        return 1 / self.allowance
