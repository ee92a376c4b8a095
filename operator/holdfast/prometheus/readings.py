"""From the series of many families to the counters of each objective's targets.

Missing is decided here, objective by objective: a part that is absent is zero only where that is certain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from holdfast.core.evidence import Missing, Why
from holdfast.core.ledger import Reading, Target
from holdfast.core.objective import GoodOverTotal, Objective
from holdfast.core.quantities import Instant

from .families import PART, TOTAL, Family, Role, target_of
from .sources import Series, Source

SLACK: Final = 1.01
"""How far a part may exceed its total before it is a contradiction: two counters are not read in one instant."""

Readings = Mapping[Target, Reading]
Sample = Readings | Missing


@dataclass
class Counters:
    """The counters of all objectives at one time, summed per target."""

    values: defaultdict[Role, dict[Target, float]] = field(default_factory=lambda: defaultdict(dict))
    starts: dict[Target, Instant] = field(default_factory=dict)

    def sample(self, objective: Objective, at: Instant) -> Sample:
        """What one objective's targets count, or why that is not known."""
        totals, parts = self.values.get((objective.key, TOTAL), {}), self.values.get((objective.key, PART), {})
        problem = _problem(objective, totals, parts)
        if problem is not None:
            return Missing(problem[0], at, problem[1])
        good = isinstance(objective.indicator, GoodOverTotal)
        return {
            target: Reading(total, _bad(total, parts.get(target, 0.0), good), self.starts.get(target))
            for target, total in totals.items()
        }


def collect(
    source: Source, answers: Iterable[tuple[Family, list[Series]]], starts: list[Series]
) -> Iterator[tuple[Instant, Counters]]:
    """The counters at every time of the answers, in order of time."""
    found: defaultdict[Instant, Counters] = defaultdict(Counters)
    for family, every in answers:
        for series in every:
            target, roles = target_of(source, series.labels), family.roles(series.labels)
            for at, value in series.values if roles else ():
                counters = found[at].values
                for role in roles:
                    per_target = counters[role]
                    per_target[target] = per_target.get(target, 0.0) + value
    for series in starts:
        target = target_of(source, series.labels)
        for at, value in series.values:
            if at in found:
                found[at].starts[target] = value
    yield from sorted(found.items(), key=lambda item: item[0])


def _bad(total: float, part: float, good: bool) -> float:
    return max(0.0, total - part) if good else part


def _problem(
    objective: Objective, totals: Mapping[Target, float], parts: Mapping[Target, float]
) -> tuple[Why, str] | None:
    """Why these counters are no evidence; None when they are."""
    indicator = objective.indicator
    if not totals:
        return Why.ABSENT, f"{indicator.total} matches no series; check its metric name and labels"
    if any(v < 0 for v in totals.values()) or any(v < 0 for v in parts.values()):
        return Why.CONTRADICTORY, f"{indicator.total} or a part of it is negative; a counter never is"
    if isinstance(indicator, GoodOverTotal):
        lacking = [t for t in totals if t not in parts]
        if indicator.bound is not None and lacking:
            return Why.ABSENT, (
                f"{len(lacking)} of {len(totals)} targets have no bucket le={indicator.bound} s: "
                "choose a threshold that is a bound of the histogram"
            )
        if not parts and any(totals.values()):
            return Why.ABSENT, (
                f"{indicator.good} matches no series; check it, or count failures with `bad` if there may be no good event"
            )
    if sum(parts.values()) > sum(totals.values()) * SLACK:
        part = indicator.good if isinstance(indicator, GoodOverTotal) else indicator.bad
        return Why.CONTRADICTORY, f"{part} counts more events than {indicator.total}; it must be a part of it"
    return None
