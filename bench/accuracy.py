"""Group `accuracy`: how far a remaining budget is from the truth, by recording rules and by Holdfast."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TextIO

from bench.archive import archive
from bench.designs import DESIGNS
from bench.frame import BenchError, Compared, Figure, Group, Outcome, Say
from bench.making import TARGET, errors, objective
from bench.methods import (
    LIVE,
    METHODS,
    REFILLED,
    RULES_EVERY,
    WATCHED,
    WATCHING,
    WINDOW,
    Remaining,
    by_rules,
    refilled,
    watched,
)
from bench.services import CALM, CHURN, DAY, LEAVING, SCRAPE, WARM, WARM_ERRORS, Service, World
from holdfast.core.objective import Objective
from holdfast.prometheus.sources import Source

EPOCH: Final = 1_750_032_000  # midnight; the past is fixed, so that every run writes the same
DAYS: Final = 31
MOMENTS: Final = tuple(EPOCH + WINDOW + hours * 3_600 for hours in range(6, 71, 16))  # at many times of day

SERVICES: Final = (
    *(
        Service(f"churn-{n:02}", CHURN, 1.5 * 1.5**n, 2 + n % 2, 0.0002 + 0.0001 * (n % 3), n % 4 < 2)
        for n in range(10)
    ),
    *(Service(f"calm-{n:02}", CALM, 2.0 * 3**n, 2, 0.0003, n % 2 == 0) for n in range(4)),
    Service("calm-idle", CALM, 0.02, 2, 0.0003, announced=False),
)
"""From 1.5 to 60 requests/s at noon, and one that is nearly idle."""


@dataclass(frozen=True, slots=True)
class Distances:
    """Points of budget between an answer and the truth, of one method in one regime; None where there was no answer."""

    found: tuple[float | None, ...]

    @property
    def silent(self) -> int:
        """How often there was no answer, or one that is no number."""
        return self.found.count(None)

    def quantile(self, share: float) -> float:
        """By nearest rank, of the answers there were; NaN without any."""
        known = sorted(x for x in self.found if x is not None)
        return known[max(0, math.ceil(share * len(known)) - 1)] if known else math.nan

    def __str__(self) -> str:
        said = " / ".join(f"{self.quantile(share):.2g}" for share in (0.5, 0.95, 1))
        return f"{said} (no answer to {self.silent} of {len(self.found)})" if self.silent else said


Table = Mapping[tuple[str, str], Distances]
"""By row and method."""

ANNOUNCED: Final = "announced"
ROWS: Final = (CHURN.name, ANNOUNCED, CALM.name)
"""Services under churn, those of them whose counter of errors is there from the start, and services in calm."""


def measure(say: Say) -> Outcome:
    """Let the services live, ask every method at the same moments, compare with the truth."""
    world = World(EPOCH, DAYS)
    indicators = {s.name: errors(s.name, code="~5..") for s in SERVICES}
    objectives = {name: objective(name, indicator, WINDOW) for name, indicator in indicators.items()}

    def live(file: TextIO) -> None:
        for service in SERVICES:
            world.write(service, file)

    with archive(live, say) as prometheus:
        source = Source("bench", prometheus.url, scrape_interval=SCRAPE, timeout=120)
        every = list(objectives.values())
        answers = {
            WATCHED: watched(source, every, EPOCH, MOMENTS, say),
            REFILLED: refilled(source, every, MOMENTS, say),
            **by_rules(prometheus, {o.key: indicators[name] for name, o in objectives.items()}, MOMENTS, say),
        }
    truths = {(s.name, at): true_remaining(world, s, at) for s in SERVICES for at in MOMENTS}
    return outcome(compare(answers, objectives, truths), os.getloadavg()[0])


def true_remaining(world: World, service: Service, at: float) -> float:
    """The share of the budget that remains, by every request that was made."""
    total, bad = world.truths[service.name].window(at - EPOCH - WINDOW, at - EPOCH)
    return float(1 - Fraction(bad, total) / (1 - TARGET))


def compare(
    answers: Mapping[str, Remaining], objectives: Mapping[str, Objective], truths: Mapping[tuple[str, float], float]
) -> Table:
    """All distances, by row and method."""
    table: dict[tuple[str, str], list[float | None]] = {}
    for service in SERVICES:
        for (name, at), truth in truths.items():
            for method in METHODS if name == service.name else ():
                remaining = answers[method].get((objectives[name].key, at))
                distance = None if remaining is None else 100 * abs(remaining - truth)
                table.setdefault((service.regime.name, method), []).append(distance)
                if service.regime is CHURN and service.announced:
                    table.setdefault((ANNOUNCED, method), []).append(distance)
    return {key: Distances(tuple(row)) for key, row in table.items()}


def outcome(table: Table, load: float) -> Outcome:
    """The figure is of ledgers that watched, under churn; beside it the best of the designs."""
    silent = sum(distances.silent for (_, method), distances in table.items() if method in (WATCHED, REFILLED))
    if silent:
        raise BenchError(f"Holdfast had no answer {silent} times, and a figure without those would be too good.")
    best = min(DESIGNS, key=lambda name: table[CHURN.name, name].quantile(0.95))
    lines = {row: "; ".join(f"{method} {table[row, method]}" for method in METHODS) for row in ROWS}
    return Outcome(
        table[CHURN.name, WATCHED].quantile(0.95),
        Compared(f"the best of three designs of recording rules ({best})", table[CHURN.name, best].quantile(0.95)),
        METHOD.format(**lines, load=f"{load:.1f} on {os.cpu_count()} cores"),
    )


METHOD: Final = (
    "Points of budget between the remaining budget by a method and the truth: p50 / p95 / maximum. Under churn: {churn}. Of these, the services whose counter of errors is there from the start: {announced}. In calm: {calm}. "
    f"{len(SERVICES)} simulated services with objectives of 99.9 % over {WINDOW / DAY:g} days, asked at {len(MOMENTS)} moments 16 h apart. The truth is every "
    f"request that was made, the samples are what scrapes every {SCRAPE} s read, all methods ask one real Prometheus. Traffic falls to a tenth at night; "
    f"an incident every four days; under churn {CHURN.deploys:g} deploys and {CHURN.surges:g} surges a day of pods that live for hours, a restart in place every other day and "
    f"pod, {CHURN.missed:.1%} of the scrapes missed, outages of Prometheus up to 5 min; in calm a deploy a week. New processes fail {WARM_ERRORS:.0%} more in "
    f"their first {WARM:g} s; a pod ends {LEAVING[0]:g} to {LEAVING[1]:g} s after its last request, a crash at once. Half of the services show no counter of errors "
    f"before the first one. Watched: a look every {WATCHING:g} s over all {DAYS} days, by range queries, the last {LIVE / 3600:g} h one by one. Refilled: empty ledgers filled by the refill "
    f"at each moment, as after a restart. Rules are evaluated every {RULES_EVERY}. Load {{load}}."
)


GROUP: Final = Group(
    "accuracy",
    "how far a remaining budget is from the truth, in points of budget, while pods come and go",
    (Figure("budget-error-p95", "points", 0.3, measure),),
)
