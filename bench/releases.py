"""What simulated releases serve: requests and failures of the new pods and of all others, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]  # rows × releases
Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]  # for each release the row at whose end it is stopped; the number of rows when it is not

TARGET: Final = 0.999
BUDGET: Final = 1e-3  # may fail of a release that keeps its target
HEALTHY: Final = 2e-4  # fails of the stable pods, and of a release as good as they are
HORIZON: Final = 1800  # seconds: whoever has not stopped a release then has let it through
INCIDENT: Final = 300  # seconds that a shared one lasts
MEMORY: Final = 600_000  # rows × releases at once


class Schedule(StrEnum):
    """How traffic gets to the new pods."""

    STEPPED = "stepped"
    ROLLING = "rolling"


STEPS: Final = {  # from when on, in seconds, which share of the traffic
    Schedule.STEPPED: ((0, 0.1), (300, 0.25), (600, 0.5), (900, 1.0)),
    Schedule.ROLLING: ((0, 0.25), (30, 0.5), (60, 0.75), (90, 1.0)),
}
COMPLETED: Final = {Schedule.STEPPED: 900, Schedule.ROLLING: 90}


@dataclass(frozen=True, slots=True)
class Service:
    """How much is served, how it shifts, how many failures come together, and every how many seconds is measured."""

    rps: int
    schedule: Schedule
    cluster: int
    row: int

    def __str__(self) -> str:
        return f"{self.rps} rps, {self.schedule}, {'clusters of five' if self.cluster > 1 else 'independent'}"

    @property
    def rows(self) -> int:
        """How often is measured until the horizon."""
        return HORIZON // self.row

    @property
    def history(self) -> tuple[float, float]:
        """What 30 days before the release have counted."""
        total = self.rps * 86_400.0 * 30
        return total, HEALTHY * total


def services(row: int) -> tuple[Service, ...]:
    """Every service, measured every so many seconds."""
    return tuple(Service(*each, row) for each in product((1, 10, 100, 1000), Schedule, (1, 5)))


@dataclass(frozen=True, slots=True)
class Served:
    """(total, bad) of the new pods and of the others, rows × releases."""

    n: Counts
    e: Counts
    m: Counts
    f: Counts


@dataclass(frozen=True, slots=True)
class Story:
    """How much of what the new pods serve fails; or an incident of this size that hits all pods alike for a while."""

    fails: float
    shared: bool = False

    def __str__(self) -> str:
        return f"{100 * self.fails:g} %{' shared' if self.shared else ''}"


def served(service: Service, story: Story, releases: int, seed: int) -> Iterator[Served]:
    """So many releases, some at a time. The same seed serves the same."""
    which = list(Schedule).index(service.schedule)
    random = np.random.default_rng([seed, service.rps, which, service.cluster, service.row, round(1e6 * story.fails)])
    shares = _shares(service)[:, None]
    most = MEMORY // service.rows
    for begin in range(0, releases, most):
        size = (service.rows, min(most, releases - begin))
        n = random.poisson(service.rps * service.row * shares, size)
        m = random.poisson(service.rps * service.row * (1 - shares), size)
        new: Numbers | float = story.fails
        old: Numbers | float = HEALTHY
        if story.shared:
            ago = np.arange(service.rows)[:, None] - random.integers(0, service.rows, size[1])
            new = old = np.where((ago >= 0) & (ago < INCIDENT // service.row), story.fails, HEALTHY)
        yield Served(n, _failures(random, n, new, service.cluster), m, _failures(random, m, old, service.cluster))


def _failures(random: np.random.Generator, total: Counts, ratio: Numbers | float, cluster: int) -> Counts:
    """How many fail, so many at a time."""
    return np.minimum(cluster * random.binomial(total, ratio / cluster), total)


def _shares(service: Service) -> Numbers:
    """The new pods' share of the traffic in each row."""
    begins = [begin for begin, _ in STEPS[service.schedule]]
    shares = np.array([share for _, share in STEPS[service.schedule]])
    found: Numbers = shares[np.searchsorted(begins, np.arange(service.rows) * service.row, side="right") - 1]
    return found
