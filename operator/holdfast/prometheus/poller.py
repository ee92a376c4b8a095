"""Asks one source for everything its objectives need: now, or over a stretch of the past.

Both give the same counters for the same time, so a past that was refilled equals one that was watched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog

from holdfast.core.evidence import Missing
from holdfast.core.ledger import Target
from holdfast.core.objective import Objective, ObjectKey
from holdfast.core.quantities import Instant, Seconds

from .connection import Connection
from .families import Family, families, start_query
from .narrowing import Width
from .pace import Pace
from .plans import Plan, Said, Silence
from .readings import Counters, Sample, collect
from .sources import Answer, Refused, Source
from .starts import Starts, StartsOf

PLANS: Final = 64
"""Sets of objectives whose queries are remembered: those of all rounds, and some that lag behind."""

MOST_SERIES: Final = 5_000
"""Series of all answers to one round of queries: some 5 MB while they are read."""
MOST_OF_THE_PAST: Final = 500
"""The same where each series is read at many times."""
FIRST_GUESS: Final = 5.0
"""Series of one objective, while nobody knows."""

T = TypeVar("T")

log = structlog.get_logger("holdfast.prometheus")


@dataclass(frozen=True, slots=True)
class Moment:
    """What a source said of one time, objective by objective.

    `startless` says how many targets of an objective have no known start: those that are new are not credited.
    """

    at: Instant
    samples: Mapping[ObjectKey, Sample]
    startless: Mapping[ObjectKey, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Past:
    """What a source said of a stretch of the past, oldest first, and the objectives it gave no answer for.

    Times at which no objective has a series are left out. `series` is how wide the answers were. The moments are made
    one by one, to be taken once: all together they would fill the memory.
    """

    moments: Iterable[Moment]
    lost: Mapping[ObjectKey, Missing]
    series: int


class Poller:
    """All queries to one source. `poll` and `past` block; each query ends by the source's time-out."""

    def __init__(self, source: Source, starts_of: StartsOf | None = None) -> None:
        """Nothing is asked yet. `starts_of` tells when pods started, for those of which the source does not know it."""
        self.source = source
        self.connection = Connection(source)
        self.clocks, self.pace = self.connection.clocks, Pace(self.connection)
        self.startless: dict[ObjectKey, int] = {}
        self._starts = Starts(starts_of)
        self._lanes = ThreadPoolExecutor(source.concurrency, thread_name_prefix=f"ask-{source.name}")
        self._plans: list[Plan] = []
        self._each = FIRST_GUESS  # series of one objective, on average

    def reach(self, step: Seconds) -> Seconds:
        """How long the last value of a target that has gone stays readable at this pace."""
        return step + 2 * self.source.scrape_interval

    def close(self) -> None:
        """Ask nothing more; a query that is under way ends by its time-out."""
        self.connection.close()
        self._lanes.shutdown(wait=False, cancel_futures=True)

    def rounds(self, all_of_them: Sequence[T], series: int = MOST_SERIES) -> Iterator[Sequence[T]]:
        """Objectives, or what stands for them, in parts that are asked for together, so that no answers fill the memory.

        The parts are a power of two long: they stay the same while pods come and go, and their queries are remembered.
        """
        size = 1 << max(0, int(series / self._each).bit_length() - 1)
        return (all_of_them[first : first + size] for first in range(0, len(all_of_them), size))

    def poll(self, objectives: Sequence[Objective], at: Instant, step: Seconds) -> Moment:
        """The counters of these objectives at one time of the grid."""
        said, moments = self._ask(objectives, step, lambda query: self.connection.instant(query, at))
        found = next(moments, None) or Moment(at, {o.key: Counters().sample(o, at) for o in objectives})
        self.startless.update((key, found.startless.get(key, 0)) for key in found.samples)
        self.pace.look(said.starts, at)
        return Moment(at, {**found.samples, **said.lost}, found.startless)

    def past(self, objectives: Sequence[Objective], first: Instant, last: Instant, step: Seconds) -> Past:
        """The counters at every step of a stretch of the past."""
        said, moments = self._ask(objectives, step, lambda query: self.connection.range(query, first, last, step))
        return Past(moments, said.lost, said.series)

    def _ask(
        self, objectives: Sequence[Objective], step: Seconds, ask: Callable[[str], Answer]
    ) -> tuple[Said, Iterator[Moment]]:
        """What was answered, and what it says of each time of the objectives that were answered, made one by one."""
        plan = self._plan(objectives)
        said = self._ask_all(plan, self.reach(step), ask)
        plan.divide(said.answers)  # before they are read: reading lets them go
        counted = collect(self.source, said.answers, said.starts)
        unknown = self._starts.complete(counted, ask)
        if objectives and not said.lost:
            self._each = max(1.0, said.series / len(objectives))
        said.let_go()
        answered = [o for o in objectives if o.key not in said.lost]
        return said, (_moment(answered, at, counters, unknown) for at, counters in counted)

    def _ask_all(self, plan: Plan, reach: Seconds, ask: Callable[[str], Answer]) -> Said:
        """Ask for the starts and all families. When two in a row do not answer the source is down: the rest would wait
        as long, for nothing. A source whose clock is further off than a look reaches is not asked for counters at all.
        """
        if not plan.families:
            return Said()
        starts = self._ask_starts(plan, reach, ask)
        starts = starts if isinstance(starts, Missing) else self.clocks.doubt(reach) or starts
        if isinstance(starts, Missing):
            return Said(lost={key: starts for key, *_ in plan.objectives})
        said, silence = Said(starts), Silence()
        for wave in plan.waves():
            turn = [family for family in wave if said.can_have_any(family)]
            answers = self._lanes.map(lambda f: silence.down or silence.hear(self._ask_family(f, reach, ask)), turn)
            for family, answer in zip(turn, answers, strict=True):
                said.hear(family, answer)
        return said

    def _ask_starts(self, plan: Plan, reach: Seconds, ask: Callable[[str], Answer]) -> Answer:
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

        So nobody's odd selector can take the evidence from all others of the family. A source that understands none
        knows no native histograms, where that is what was asked for.
        """
        if family.unknown:
            return []
        answer = ask(family.query(self.source, reach))
        while isinstance(answer, Refused) and family.width is not Width.WIDE:
            family.width = self._wider(family.width, family.metric, answer)
            answer = ask(family.query(self.source, reach))
        family.unknown = isinstance(answer, Refused) and family.native is not None
        return [] if family.unknown else answer

    def _wider(self, width: Width, metric: str, refusal: Missing) -> Width:
        log.warning("query refused; asking wider", source=self.source.name, metric=metric, note=refusal.note)
        return Width(width + 1)

    def _plan(self, objectives: Sequence[Objective]) -> Plan:
        """The queries for these objectives; the same set (by identity, mostly) is planned once."""
        wanted = [(o.key, o.indicator, o.pod_label) for o in objectives]
        plan = next((p for p in self._plans if p.objectives == wanted), None)
        if plan is None:
            plan = Plan(wanted, families(objectives, self.source.namespace_label))
            self._plans = [plan, *self._plans[: PLANS - 1]]
        return plan


def _moment(objectives: Sequence[Objective], at: Instant, counters: Counters, unknown: set[Target]) -> Moment:
    samples = {o.key: counters.sample(o, at) for o in objectives}
    if not unknown:
        return Moment(at, samples)
    startless = {
        key: len(unknown & sample.keys()) for key, sample in samples.items() if not isinstance(sample, Missing)
    }
    return Moment(at, samples, {key: number for key, number in startless.items() if number})


def grid_time(now: Instant, interval: Seconds, delay: Seconds) -> Instant:
    """The newest time of the grid whose scrapes have all arrived."""
    return (now - delay) // interval * interval
