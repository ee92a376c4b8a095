"""Asks one source for everything its objectives need: now, or over a stretch of the past.

Both give the same counters for the same time, so a past that was refilled equals one that was watched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import structlog

from holdfast.core.evidence import Missing, Why
from holdfast.core.objective import Indicator, Objective, ObjectKey
from holdfast.core.quantities import Instant, Seconds

from .connection import Connection
from .families import Family, families, start_query
from .narrowing import Width
from .readings import Counters, Sample, collect
from .sources import Answer, Refused, Series, Source

PLANS: Final = 4
"""Sets of objectives whose queries are remembered: all of them, and those that lag behind."""

log = structlog.get_logger("holdfast.prometheus")


@dataclass(frozen=True, slots=True)
class Moment:
    """What a source said of one time, objective by objective."""

    at: Instant
    samples: Mapping[ObjectKey, Sample]


@dataclass(frozen=True, slots=True)
class Past:
    """What a source said of a stretch of the past, oldest first, and the objectives it gave no answer for.

    Times at which no objective has a series are left out. `series` is how wide the answers were.
    """

    moments: list[Moment]
    lost: Mapping[ObjectKey, Missing]
    series: int


@dataclass(slots=True)
class _Plan:
    """The queries for one set of objectives. Families that got no answer last time wait for the others."""

    objectives: list[tuple[ObjectKey, Indicator]]
    families: list[Family]
    late: set[int] = field(default_factory=set)
    width: Width = Width.NARROW  # of the query for the starts
    starts: dict[tuple[Seconds, Width], str] = field(default_factory=dict)  # the text of it

    def in_turn(self) -> Iterator[tuple[int, Family]]:
        return iter(sorted(enumerate(self.families), key=lambda item: item[0] in self.late))


@dataclass(slots=True)
class _Said:
    """The answers to one round of queries."""

    starts: list[Series] = field(default_factory=list)
    answers: list[tuple[Family, list[Series]]] = field(default_factory=list)
    lost: dict[ObjectKey, Missing] = field(default_factory=dict)


class Poller:
    """All queries to one source. `poll` and `past` block; each query ends by the source's time-out."""

    def __init__(self, source: Source) -> None:
        """Nothing is asked yet."""
        self.source = source
        self._connection = Connection(source)
        self._plans: list[_Plan] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"look-{source.name}")
        self._busy = False

    def reach(self, step: Seconds) -> Seconds:
        """How long the last value of a target that has gone stays readable at this pace."""
        return step + 2 * self.source.scrape_interval

    async def look(self, objectives: Sequence[Objective], at: Instant, step: Seconds) -> Moment | None:
        """`poll` beside the event loop; None when the look before is not over: looks never queue up."""
        if self._busy:
            return None
        self._busy = True
        work = asyncio.get_running_loop().run_in_executor(self._thread, self.poll, objectives, at, step)
        work.add_done_callback(self._over)  # also when the one who waited has gone
        return await asyncio.shield(work)

    def _over(self, work: asyncio.Future[Moment]) -> None:
        self._busy = False
        if not work.cancelled():
            work.exception()  # seen by who waits; nobody may

    def close(self) -> None:
        """Take no more looks; one that is under way ends by its time-out."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def poll(self, objectives: Sequence[Objective], at: Instant, step: Seconds) -> Moment:
        """The counters of these objectives at one time of the grid."""
        said = self._ask(objectives, step, lambda query: self._connection.instant(query, at))
        moments = collect(self.source, said.answers, said.starts)
        counters = moments[-1][1] if moments else Counters()
        return Moment(at, {o.key: said.lost.get(o.key) or counters.sample(o, at) for o in objectives})

    def past(self, objectives: Sequence[Objective], first: Instant, last: Instant, step: Seconds) -> Past:
        """The counters at every step of a stretch of the past."""
        said = self._ask(objectives, step, lambda query: self._connection.range(query, first, last, step))
        answered = [o for o in objectives if o.key not in said.lost]
        moments = [
            Moment(at, {o.key: counters.sample(o, at) for o in answered})
            for at, counters in collect(self.source, said.answers, said.starts)
        ]
        return Past(moments, said.lost, len(said.starts) + sum(len(series) for _, series in said.answers))

    def _ask(self, objectives: Sequence[Objective], step: Seconds, ask: Callable[[str], Answer]) -> _Said:
        """Ask for the starts and all families. A family without an answer costs only its own objectives theirs.

        When two in a row do not answer the source is down: the rest would wait as long, for nothing.
        """
        plan, reach = self._plan(objectives), self.reach(step)
        if not plan.families:
            return _Said()
        starts = self._ask_starts(plan, reach, ask)
        if isinstance(starts, Missing):
            return _Said(lost={o.key: starts for o in objectives})
        said, silent = _Said(starts), 0
        down: Missing | None = None
        for place, family in plan.in_turn():
            answer = down or self._ask_family(family, reach, ask)
            if isinstance(answer, Missing):
                plan.late.add(place)
                said.lost.update({key: answer for key, _ in family.readers})
                silent = silent + 1 if answer.why is Why.UNREACHABLE else 0
                down = answer if silent == 2 else down
            else:
                plan.late.discard(place)
                said.answers.append((family, answer))
                silent = 0
        return said

    def _ask_starts(self, plan: _Plan, reach: Seconds, ask: Callable[[str], Answer]) -> Answer:
        """When the processes started; asked wider where that is refused, as a family is."""
        while True:
            key = reach, plan.width
            if key not in plan.starts:
                plan.starts[key] = start_query(self.source, plan.families, *key)
            answer = ask(plan.starts[key])
            if not isinstance(answer, Refused) or plan.width is Width.WIDE:
                return answer
            plan.width = self._wider(plan.width, self.source.start_metric, answer)

    def _ask_family(self, family: Family, reach: Seconds, ask: Callable[[str], Answer]) -> Answer:
        """One family; a query the source does not understand is tried with fewer conditions.

        So nobody's odd selector can take the evidence from all others of the family.
        """
        answer = ask(family.query(self.source, reach))
        while isinstance(answer, Refused) and family.width is not Width.WIDE:
            family.width = self._wider(family.width, family.metric, answer)
            answer = ask(family.query(self.source, reach))
        return answer

    def _wider(self, width: Width, metric: str, refusal: Missing) -> Width:
        log.warning("query refused; asking wider", source=self.source.name, metric=metric, note=refusal.note)
        return Width(width + 1)

    def _plan(self, objectives: Sequence[Objective]) -> _Plan:
        """The queries for these objectives; the same set (by identity, mostly) is planned once."""
        wanted = [(o.key, o.indicator) for o in objectives]
        plan = next((p for p in self._plans if p.objectives == wanted), None)
        if plan is None:
            plan = _Plan(wanted, families(objectives))
            self._plans = [plan, *self._plans[: PLANS - 1]]
        return plan


def grid_time(now: Instant, interval: Seconds, delay: Seconds) -> Instant:
    """The newest time of the grid whose scrapes have all arrived."""
    return (now - delay) // interval * interval
