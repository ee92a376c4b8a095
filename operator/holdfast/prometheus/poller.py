"""Asks one source for everything its objectives need: now, or over a stretch of the past.

Both give the same counters for the same time, so a past that was refilled equals one that was watched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from holdfast.core.evidence import Missing, Why
from holdfast.core.objective import Objective, ObjectKey
from holdfast.core.quantities import Instant, Seconds

from .families import Family, families, start_query
from .readings import Counters, Sample, collect
from .sources import Answer, Connection, Series, Source


@dataclass(frozen=True, slots=True)
class Moment:
    """What a source said of one time, objective by objective."""

    at: Instant
    samples: Mapping[ObjectKey, Sample]


class Poller:
    """All queries to one source. Its methods block, for the time-out of the source at most per query."""

    def __init__(self, source: Source) -> None:
        """Nothing is asked yet."""
        self.source = source
        self._connection = Connection(source)
        self._planned: tuple[frozenset[tuple[ObjectKey, object]], list[Family]] | None = None

    def reach(self, step: Seconds) -> Seconds:
        """How long the last value of a target that has gone stays readable at this pace."""
        return step + 2 * self.source.scrape_interval

    def poll(self, objectives: Sequence[Objective], at: Instant, step: Seconds) -> Moment:
        """The counters of these objectives at one time of the grid."""
        moments, lost = self._ask(objectives, step, lambda query: self._connection.instant(query, at))
        counters = moments[-1][1] if moments else Counters()
        return Moment(at, {o.key: lost.get(o.key) or counters.sample(o, at) for o in objectives})

    def past(
        self, objectives: Sequence[Objective], first: Instant, last: Instant, step: Seconds
    ) -> tuple[list[Moment], Mapping[ObjectKey, Missing]]:
        """The counters at every step of a stretch of the past, oldest first, and the objectives that got no answer."""
        moments, lost = self._ask(objectives, step, lambda query: self._connection.range(query, first, last, step))
        answered = [o for o in objectives if o.key not in lost]
        return [Moment(at, {o.key: counters.sample(o, at) for o in answered}) for at, counters in moments], lost

    def _ask(
        self, objectives: Sequence[Objective], step: Seconds, ask: Callable[[str], Answer]
    ) -> tuple[list[tuple[Instant, Counters]], dict[ObjectKey, Missing]]:
        plan, reach = self._plan(objectives), self.reach(step)
        if not plan:
            return [], {}
        starts = ask(start_query(self.source, plan, reach))
        if isinstance(starts, Missing):
            return [], {o.key: starts for o in objectives}
        answers: list[tuple[Family, list[Series]]] = []
        lost: dict[ObjectKey, Missing] = {}
        for family in plan:
            answer = ask(family.query(self.source, reach))
            if not isinstance(answer, Missing):
                answers.append((family, answer))
                continue
            lost.update({key: answer for key, _ in family.readers})
            if answer.why is Why.UNREACHABLE:  # the others would wait as long, for nothing
                return [], {o.key: answer for o in objectives}
        return list(collect(self.source, answers, starts)), lost

    def _plan(self, objectives: Sequence[Objective]) -> list[Family]:
        mark = frozenset((o.key, o.indicator) for o in objectives)
        if self._planned is None or self._planned[0] != mark:
            self._planned = mark, families(objectives)
        return self._planned[1]


def grid_time(now: Instant, interval: Seconds, delay: Seconds) -> Instant:
    """The newest time of the grid whose scrapes have all arrived."""
    return (now - delay) // interval * interval
