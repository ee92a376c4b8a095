"""The decision rules that Holdfast's test is compared with, from their documentation, and the bound that nobody beats.

Rule: rivals get what our own test does not: every failed request is known to them at once, without a scrape or a delay,
and who has no data says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.releases import BUDGET, HEALTHY, Counts, Rows, Served, Service

SUCCESS: Final = 0.99
BURN: Final = 14.4


def argo(served: Served, service: Service) -> Rows:
    """Argo Rollouts, interval 60 s, failureLimit 3: the analysis fails with the fourth failed measurement."""
    return _nth(served, service, 4)


def flagger(served: Served, service: Service) -> Rows:
    """Flagger, interval 60 s, threshold 5: the check after the fifth failed one rolls back."""
    return _nth(served, service, 5, later=1)


def burn(served: Served, service: Service) -> Rows:
    """The service-wide alert: the error ratio of an hour, and of its last five minutes, above 14.4 times the budget."""
    total, bad = served.n + served.m, served.e + served.f
    usual = service.rps * service.row
    firing = np.ones(total.shape, dtype=bool)
    for rows in (3600 // service.row, 300 // service.row):
        firing &= _over(bad, rows, usual * HEALTHY) > BURN * BUDGET * _over(total, rows, usual)
    return _first(firing)


RIVALS: Final[Mapping[str, Callable[[Served, Service], Rows]]] = {"Argo": argo, "Flagger": flagger, "burn alert": burn}


def bound(ratio: float, cluster: int, alpha: float) -> float:
    """The failures that any test needs at least on average, with false stops of alpha (Wald; clusters count once)."""
    p, q = ratio / cluster, BUDGET / cluster
    information = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    return ratio * -math.log(alpha) / information


def _nth(served: Served, service: Service, times: int, later: int = 0) -> Rows:
    """The last row of the so many-th minute in which less than 99 % of the new pods' requests succeeded, or later."""
    rows = 60 // service.row
    n, e = (counts.reshape(service.rows // rows, rows, -1).sum(axis=1) for counts in (served.n, served.e))
    minutes = _first(np.cumsum(e > (1 - SUCCESS) * n, axis=0) >= times) + later
    return np.minimum((minutes + 1) * rows - 1, service.rows)


def _first(true: NDArray[np.bool_]) -> Rows:
    return np.where(true.any(axis=0), true.argmax(axis=0), len(true))


def _over(counts: Counts, rows: int, before: float) -> NDArray[np.float64]:
    """The sum over the last rows; before the release every row had this."""
    sums = np.vstack([np.zeros((1, counts.shape[1])), np.cumsum(counts, axis=0)])
    at = np.arange(1, len(sums))
    return sums[at] - sums[np.maximum(at - rows, 0)] + np.maximum(rows - at, 0)[:, None] * before
