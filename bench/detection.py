"""Group `detection`: failed requests before a bad release is stopped, at no more than one false stop in a thousand good ones."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np

from bench.frame import Compared, Figure, Group, Outcome, Say
from bench.latency import DEFAULT
from bench.many import holdfast, prove
from bench.releases import BUDGET, HEALTHY, HORIZON, INCIDENT, Numbers, Rows, Served, Service, Story, served, services
from bench.rivals import RIVALS, bound
from holdfast.core.sequential import ALPHA

OURS: Final = "Holdfast"
RULES: Final = {OURS: holdfast, **RIVALS}
HEALTHY_ONE: Final = Story(HEALTHY)
GOOD: Final = {HEALTHY_ONE: 20_000, Story(BUDGET): 20_000}  # releases of each cell
INCIDENTS: Final = {Story(0.05, shared=True): 2_000, Story(0.5, shared=True): 2_000}
FAULTS: Final = {Story(fails): 2_000 for fails in (0.005, 0.01, 0.05, 0.5)}
FALSE: Final = 1.0  # stops in a thousand good releases, at most
BUSY: Final = 10  # requests a second: the goals are for services with at least so many
LARGE: Final = 0.01  # and for faults of at least so much
PROVEN: Final = 3  # releases of each story and service about which the shipped test is asked as well
SEED: Final = 5


@dataclass(frozen=True, slots=True)
class Pace:
    """How often is scraped and measured, and how much later a failure is known on average, in seconds."""

    every: int
    late: float

    def __str__(self) -> str:
        return f"scrapes and looks every {self.every} s"


FAST: Final = Pace(5, 5 / 2 + 2)
SHIPPED: Final = Pace(int(DEFAULT.interval), DEFAULT.scrape / 2 + DEFAULT.delay)


@dataclass(slots=True)
class Cell:
    """What every rule did to the releases of one service: stops in a thousand, and mean failed requests until then."""

    service: Service
    stops: dict[Story, dict[str, float]] = field(default_factory=dict)
    failed: dict[Story, dict[str, float]] = field(default_factory=dict)
    proven: int = 0

    def keeps(self, rule: str, good: Sequence[Story] = tuple(GOOD)) -> bool:
        """Whether this rule stops no more good releases than it may."""
        return all(self.stops[story][rule] <= FALSE for story in good)


@dataclass(frozen=True, slots=True)
class Duel:
    """One service with one fault: our failed requests, those of the best rival that keeps the limit, and the bound."""

    service: Service
    story: Story
    rival: str
    ours: float
    theirs: float
    least: float

    @property
    def ratio(self) -> float:
        """Less than 1 where fewer requests fail with us."""
        return self.ours / self.theirs

    @property
    def counts(self) -> bool:
        """Whether the goals are for this one."""
        return self.service.rps >= BUSY and self.story.fails >= LARGE

    def __str__(self) -> str:
        return (
            f"{self.service}, {self.story}: {self.ours:.3g} failed, {self.rival} {self.theirs:.3g}, ratio {self.ratio:.2f}"
            f", bound {self.least:.3g}"
        )


def measured(service: Service, late: float) -> Cell:
    """All stories of one service, told to every rule."""
    cell = Cell(service)
    for story, releases in {**GOOD, **INCIDENTS, **FAULTS}.items():
        found = list(_told(service, story, releases, late, cell))
        cell.stops[story] = {rule: 1000 * sum(f[rule][0] for f in found) / releases for rule in RULES}
        cell.failed[story] = {rule: sum(f[rule][1] for f in found) / releases for rule in RULES}
    return cell


def _told(
    service: Service, story: Story, releases: int, late: float, cell: Cell
) -> Iterator[Mapping[str, tuple[float, float]]]:
    """For some releases at a time: how many each rule stops, and how many requests failed until then."""
    random = np.random.default_rng(SEED)
    for some in served(service, story, releases, SEED):
        found = {}
        for name, rule in RULES.items():
            stopped = rule(some, service)
            if name == OURS:
                chosen = random.integers(0, len(stopped), PROVEN)
                halted = np.flatnonzero(stopped < service.rows)[:PROVEN]
                cell.proven += prove(some, service, stopped, np.union1d(chosen, halted))
            failed = until(some, stopped, late / service.row if name == OURS else 0.0)
            found[name] = float((stopped < service.rows).sum()), float(failed.sum())
        yield found


def until(some: Served, stopped: Rows, later: float) -> Numbers:
    """The failed requests of each release until so many rows after it is stopped."""
    rows, releases = some.e.shape
    sums = np.vstack([np.zeros((1, releases)), np.cumsum(some.e, axis=0)])
    end = np.minimum(np.where(stopped < rows, stopped + 1, rows) + later, rows)
    low, which = end.astype(int), np.arange(releases)
    high = np.minimum(low + 1, rows)
    found: Numbers = sums[low, which] + (end - low) * (sums[high, which] - sums[low, which])
    return found


@lru_cache
def cells(pace: Pace) -> tuple[Cell, ...]:
    """Every service, on all cores."""
    every = services(pace.every)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return tuple(pool.map(measured, every, [pace.late] * len(every)))


def duels(found: Sequence[Cell], good: Sequence[Story] = tuple(GOOD)) -> list[Duel]:
    """Every service with every fault. Rivals are those that keep the limit on these good releases."""
    fought = []
    for cell in found:
        rivals = [rule for rule in RIVALS if cell.keeps(rule, good)]
        for story in FAULTS:
            failed = cell.failed[story]
            best = min(rivals, key=lambda rule, failed=failed: failed[rule])  # type: ignore[misc]  # bound in the loop
            least = bound(story.fails, cell.service.cluster, ALPHA)
            fought.append(Duel(cell.service, story, best, failed[OURS], failed[best], least))
    return fought


def mean(values: Sequence[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(map(math.log, values)) / len(values))


def ratio(pace: Pace, say: Say) -> Outcome:
    """The geometric mean over the cells of the goals."""
    fought = duels(cells(pace))
    for duel in fought:
        say(str(duel))
    for cell in cells(pace):
        stops = (f"{story} {cell.stops[story][OURS]:.3g}" for story in (*GOOD, *INCIDENTS))
        say(f"{cell.service}, stops in a thousand: {', '.join(stops)}")
    count = [duel for duel in fought if duel.counts]
    return Outcome(
        mean([duel.ratio for duel in count]),
        Compared("the information bound of the same cells", mean([duel.least / duel.theirs for duel in count])),
        _method(pace, f"Geometric mean over {len(count)} cells."),
    )


def worst_ratio(pace: Pace, _: Say) -> Outcome:
    """The worst of the cells of the goals."""
    worst = max((duel for duel in duels(cells(pace)) if duel.counts), key=lambda duel: duel.ratio)
    return Outcome(
        worst.ratio,
        Compared("the information bound of the same cell", worst.least / worst.theirs),
        _method(pace, f"The worst cell is {worst}."),
    )


def false_stops(pace: Pace, _: Say) -> Outcome:
    """The worst cell of good releases."""
    each = [(cell.stops[story], cell.service, story) for cell in cells(pace) for story in GOOD]
    worst = max(each, key=lambda stops: stops[0][OURS])
    rivals = {rule: max(stops[rule] for stops, *_ in each) for rule in RIVALS}
    return Outcome(
        worst[0][OURS],
        Compared("Argo's rule in its own worst cell", rivals["Argo"]),
        _method(
            pace,
            f"Worst of {len(each)} cells of {min(GOOD.values()):,} good releases: {worst[1]}, {worst[2]} failing. Worst cells of "
            f"the rivals: {', '.join(f'{rule} {stops:.3g}' for rule, stops in rivals.items())} in a thousand.",
        ),
    )


def _method(pace: Pace, which: str) -> str:
    """How all figures of one run came about, and what speaks against them."""
    found = cells(pace)
    fought, asked = duels(found), sum(cell.proven for cell in found)
    lenient = [duel for duel in duels(found, (HEALTHY_ONE,)) if duel.counts]
    worse = [str(duel) for duel in fought if duel.ratio >= 1]
    lost = [str(duel) for duel in lenient if duel.ratio >= 1]
    shared = max(
        ((cell.stops[story][OURS], str(cell.service), str(story)) for cell in found for story in INCIDENTS),
        default=(0.0, "", ""),
    )
    return (
        f"{which} {METHOD.format(pace=pace, late=pace.late, asked=asked)} Shared incidents: the worst cell has "
        f"{shared[0]:.3g} stops in a thousand ({shared[1]}, {shared[2]}). Where we are worse: "
        f"{'; '.join(worse) or 'nowhere'}. If rivals had to keep the limit on healthy releases only: geometric "
        f"mean {mean([duel.ratio for duel in lenient]):.3g}, worse in {'; '.join(lost) or 'no cell of the goals'}."
    )


METHOD: Final = (
    f"Simulated, {HORIZON // 60} minutes a release: services of 1, 10, 100 and 1,000 requests/s; stepped (10, 25, 50, 100 % of the "
    "traffic, five minutes each) and rolling (a quarter every 30 s); failures independent or five at a time. Target 99.9 %; stable "
    f"pods fail {100 * HEALTHY:g} %. Good releases fail {100 * HEALTHY:g} %, or their whole budget of {100 * BUDGET:g} %: a rule keeps the limit in a "
    "cell when it stops at most one in a thousand of both. 2,000 bad releases for each service and fault (0.5, 1, 5, 50 %). "
    "Holdfast {pace} and hears of a failure {late:g} s later; {asked} answers of the vectorised test were compared with "
    "the shipped function, and none differed. Rivals, from their documentation, hear at once: Argo Rollouts (60 s, failureLimit 3, 99 %), "
    "Flagger (60 s, threshold 5, 99 %), the alert on a service-wide burn rate of 14.4 over an hour and five minutes. Failed requests "
    "are those of the release until it is stopped, or until the end. A shared incident lasts "
    f"{INCIDENT // 60} minutes, begins at any time, and makes 5 or 50 % fail everywhere."
)


def _figure(name: str, unit: str, goal: float, measure: Callable[[Pace, Say], Outcome], pace: Pace) -> Figure:
    return Figure(name, unit, goal, lambda say: measure(pace, say))


GROUP: Final = Group(
    "detection",
    "failed requests before the stop of a bad release, ours by those of the best rival that spares good ones",
    (
        _figure("failed-requests-ratio", "×", 0.1, ratio, FAST),
        _figure("failed-requests-ratio-worst", "×", 1, worst_ratio, FAST),
        _figure("false-stops-per-thousand", "‰", FALSE, false_stops, FAST),
        _figure("failed-requests-ratio-default", "×", 0.2, ratio, SHIPPED),
    ),
)
