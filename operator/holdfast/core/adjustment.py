"""What a team declares about its budgets: time that does not count, or a fresh start.

Rule: an adjustment says what is not counted, never what was counted. Time that several exclude is excluded once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .labels import LabelSelector, selects
from .objective import ObjectKey
from .quantities import Instant, Seconds, Span


@dataclass(frozen=True, slots=True)
class OneOff:
    """What happens in this time does not count; it may lie in the past."""

    span: Span


@dataclass(frozen=True, slots=True)
class Recurring:
    """Time that does not count, again and again.

    `schedule` is a recurrence rule of RFC 5545, `start` the wall-clock time of the first occurrence in `zone`, and
    `duration` the real time that each occurrence lasts. `holdfast.api.recurrence` says when they are.
    """

    schedule: str
    start: str
    zone: str
    duration: Seconds


@dataclass(frozen=True, slots=True)
class Reset:
    """What failed before this time does not count; the traffic before it does."""

    at: Instant


Change = OneOff | Recurring | Reset


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What changes for the objectives of a namespace that it selects, why, and on whose word."""

    key: ObjectKey
    uid: str
    generation: int
    selector: LabelSelector
    change: Change
    reason: str
    requested_by: str

    def covers(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether it is for an objective with these labels. No selector: every one of the namespace."""
        return namespace == self.key.namespace and selects(self.selector, labels)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same time in order, each moment once: what overlaps or touches is joined, what is empty is left out."""
    joined: list[Span] = []
    for span in sorted(span for span in spans if span.begin < span.end):
        if joined and span.begin <= joined[-1].end:
            joined[-1] = Span(joined[-1].begin, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return tuple(joined)
