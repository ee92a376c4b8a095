"""Whether a source scrapes as often as the configuration says, by the times of its samples.

Looks reach back by the configured interval. Where scrapes are further apart, targets would be lost between two looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

import structlog

from holdfast.core.evidence import Missing
from holdfast.core.objective import Match, Matcher, Selector
from holdfast.core.quantities import Instant, Seconds, format_duration

from .connection import Connection
from .narrowing import narrowing
from .sources import Series

EVERY: Final[Seconds] = 3_600
"""How often it is looked at; the first time with the first targets."""
LENGTH: Final[Seconds] = 600
"""How much of the past is looked at; longer where the interval is."""
TARGETS: Final = 20
"""Targets that are looked at, spread over all."""
NEAR: Final = 1.5
"""By what factor it may differ."""

log = structlog.get_logger("holdfast.prometheus")


def paces(table: Sequence[Series]) -> list[Seconds]:
    """The usual time between two samples, series by series, where there are enough to tell."""
    times = [[at for at, _ in series.values] for series in table]
    return [median(later - earlier for earlier, later in pairwise(t)) for t in times if len(t) > 3]


def verdict(found: Sequence[Seconds], expected: Seconds) -> Seconds | None:
    """The pace that is to be configured instead; None when the configured one is right.

    One slow target needs a slow pace; a fast one does no harm unless all are.
    """
    slowest = max(found)
    return None if expected / NEAR <= slowest <= expected * NEAR else slowest


class Pace:
    """The pace of one source, looked at once in a while."""

    def __init__(self, connection: Connection) -> None:
        """Not looked at yet."""
        self.seen: Seconds | None = None
        self._connection = connection
        self._next: Instant = 0.0

    def look(self, starts: Sequence[Series], at: Instant) -> None:
        """Look if it is time, at some of the targets of which these are the starts. One query more, once an hour."""
        if not starts or at < self._next or not self._connection.source.check_pace:
            return
        self._next = at + EVERY
        source = self._connection.source
        some = starts[:: -(-len(starts) // TARGETS)]
        wanted = [
            Selector("", tuple(Matcher(name, Match.EQUAL, s.labels.get(name, "")) for name in source.target_labels))
            for s in some
        ]
        answer = self._connection.samples(
            source.start_metric + narrowing(wanted), at, max(LENGTH, 10 * source.scrape_interval)
        )
        found = [] if isinstance(answer, Missing) else paces(answer)
        if not found:
            return
        self.seen = max(found)
        wrong = verdict(found, source.scrape_interval)
        if wrong is not None:
            log.warning("scrapeInterval differs", source=source.name, note=_note(wrong, source.scrape_interval))


def _note(seen: Seconds, configured: Seconds) -> str:
    so = "values are lost between two looks" if seen > configured else "what has gone is read for too long"
    right = format_duration(float(round(seen)) if seen >= 1 else seen)
    return f"its samples are {right} apart and scrapeInterval is {format_duration(configured)}: {so}; set it to {right}"
