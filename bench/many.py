"""Holdfast's test on thousands of releases at once, with numpy.

Rule: it is the shipped test and nothing else: `prove` asks `holdfast.core.sequential.weigh` about a random sample of the
same releases, before, at and after each stop, and refuses to go on when the two differ.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.frame import BenchError
from bench.releases import BUDGET, COMPLETED, Numbers, Rows, Served, Service
from holdfast.core import betting, intervals, sequential, suspicion
from holdfast.core.objective import ObjectKey
from holdfast.core.release import ReleaseFinding
from holdfast.core.trial import Row, Weighed

_PARTS: Final = np.array(betting.PARTS)[:, None]
_SHARES: Final = np.array(betting.SHARES)[:, None]
_WORSE: Final = np.array(suspicion.WORSE, dtype=float)[:, None]
_LIMIT: Final = betting.most_of_one(sequential.ALPHA)
_KEY: Final = ObjectKey("bench", "release")


class Wealth:
    """As `betting.Wealth`."""

    def __init__(self, releases: int) -> None:
        self.parts: Numbers = np.repeat((1 - betting.RESERVE) * _PARTS, releases, axis=1)
        self.count, self.bad = np.zeros(releases), np.zeros(releases)

    def bet(self, who: Rows, ratio: Numbers, allowance: Numbers) -> None:
        """One interval of these releases."""
        odds = ratio / allowance - 1
        self.bad[who] += odds > 0
        self.count[who] += 1
        fresh = betting.RESERVE / (self.count[who] * (self.count[who] + 1))
        wealth = (self.parts[:, who] + fresh * _PARTS) * np.minimum(1 + _SHARES * odds, _LIMIT)
        self.parts[:, who] = np.minimum(wealth, betting.MOST)

    def convinces(self) -> NDArray[np.bool_]:
        """Those with enough evidence."""
        wealth = self.parts.sum(axis=0) + betting.RESERVE / (self.count + 1)
        enough: NDArray[np.bool_] = np.log(wealth) >= -math.log(sequential.ALPHA)
        return enough & (self.bad >= betting.MIN_BAD_INTERVALS)


class Suspicions:
    """As `suspicion.Suspicion`, with the counts of the interval under way."""

    def __init__(self, service: Service, releases: int) -> None:
        self.past, self.completed = suspicion.past_ratio(service.history), COMPLETED[service.schedule]
        self.beside, self.alone = Wealth(releases), Wealth(releases)
        self.likelihoods = np.zeros((len(_WORSE), releases))
        self.open = np.zeros((4, releases))  # n, e, m, f
        self.new, self.old = np.zeros((2, releases)), np.zeros((2, releases))
        self.first, self.last = np.full(releases, np.inf), np.full(releases, -np.inf)
        self.company = np.full(releases, -np.inf)
        self.rise, self.height, self.onset = np.zeros(releases), np.zeros(releases), np.zeros(releases)
        self.before, self.peak = np.zeros((2, releases)), np.zeros((2, releases))

    def add(self, at: float, counts: Numbers) -> None:
        """One row."""
        self.open += counts
        who = np.flatnonzero(self.open[0] >= intervals.MIN_EVENTS)
        n, e, m, f = self.open[:, who]
        self.open[:, who] = 0
        self.first[who], self.last[who] = np.minimum(self.first[who], at), at
        some = m > 0
        self.company[who[some]] = at
        self.old[:, who] = np.where(some, suspicion.KEPT * self.old[:, who] + np.array([m, f]), self.old[:, who])
        ratio = e / n
        allowance = np.maximum(np.maximum(BUDGET, no_news(m, f)), no_news(*self.old[:, who]))
        self.beside.bet(who[some], ratio[some], allowance[some])
        self.alone.bet(who, ratio, np.maximum(allowance, self.past))
        self._compare(who, n, e, m, f)
        before = self.new[:, who]
        self.new[:, who] += n, e
        self._follow(who, at, before, np.log1p(suspicion.RISING * (ratio / np.maximum(allowance, self.past) - 1)))

    def _follow(self, who: Rows, at: float, before: Numbers, change: Numbers) -> None:
        fresh = self.rise[who] <= 0
        begun = who[fresh]
        self.rise[begun], self.height[begun], self.onset[begun] = 0, 0, at
        self.before[:, begun], self.peak[:, begun] = before[:, fresh], self.new[:, begun]
        self.rise[who] += change
        higher = who[self.rise[who] > self.height[who]]
        self.height[higher], self.peak[:, higher] = self.rise[higher], self.new[:, higher]

    def _compare(self, who: Rows, n: Numbers, e: Numbers, m: Numbers, f: Numbers) -> None:
        some = (m > 0) & ((e > 0) | (f > 0))
        n, e, m, f = n[some], e[some], m[some], f[some]
        gain = (e + f) * np.log((n + m) / (_WORSE * n + m)) + e * np.log(_WORSE)
        self.likelihoods[:, who[some]] += np.minimum(gain, suspicion.ONE_INTERVAL)

    def blamed(self, at: float) -> Rows:
        """Those that are Bad by the rows until now."""
        beside, alone = self.beside.convinces(), self.alone.convinces()
        who: Rows = np.flatnonzero(beside | alone)
        logs = self.likelihoods[:, who]
        most = logs.max(axis=0, initial=-np.inf)
        more = most + np.log(np.exp(logs - most).mean(axis=0))
        lonely = (self.company[who] != self.last[who]) | (at >= self.completed)
        clean = no_news(*self.old[:, who]) <= BUDGET
        strong = alone[who] & self._began_with_it(who, more)
        found: Rows = who[(beside[who] & (more >= suspicion.BESIDE)) | (strong & lonely & clean & (more >= 0))]
        return found

    def _began_with_it(self, who: Rows, more: Numbers) -> NDArray[np.bool_]:
        onset, (since, bad) = self.onset[who], self.peak[:, who] - self.before[:, who]
        after, expected = onset - self.first[who], self.before[0, who] * bad / since
        soon = (after <= suspicion.SOON) & (expected <= suspicion.CLUSTER * suspicion.CLEAN)
        company = (onset <= self.company[who]) & (more >= suspicion.BESIDE)
        found: NDArray[np.bool_] = company | (after <= suspicion.AT_ONCE) | soon
        return found


def no_news(total: Numbers, bad: Numbers) -> Numbers:
    """As `suspicion.no_news`."""
    found: Numbers = suspicion.OTHERS_SLACK * np.maximum(0, bad - suspicion.CLUSTER) / np.maximum(total, 1e-300)
    return np.minimum(1.0, found)


def holdfast(served: Served, service: Service) -> Rows:
    """For each release the first row with which it is Bad, or none."""
    stopped = np.full(served.n.shape[1], service.rows)
    suspicions = Suspicions(service, len(stopped))
    for row in range(service.rows):
        at = float((row + 1) * service.row)
        suspicions.add(at, np.array([served.n[row], served.e[row], served.m[row], served.f[row]], dtype=float))
        blamed = suspicions.blamed(at)
        stopped[blamed] = np.minimum(stopped[blamed], row)
    return stopped


def prove(served: Served, service: Service, stopped: Rows, who: Rows) -> int:
    """Ask the shipped test about these releases; how many of its answers were compared, all of them equal."""
    asked = 0
    for release in who.tolist():
        stop = int(stopped[release])
        for rows in {1, stop // 2, stop - 1, stop, stop + 1}:
            if not 0 < rows <= service.rows:
                continue
            asked += 1
            if (_weigh(served, service, release, rows).finding is ReleaseFinding.BAD) is not (rows > stop):
                raise BenchError(
                    f"{service}: the vectorised test stops at row {stop}; the shipped one differs at {rows}."
                )
    return asked


def _weigh(served: Served, service: Service, release: int, rows: int) -> Weighed:
    counted = zip(*(c[:rows, release].tolist() for c in (served.n, served.e, served.m, served.f)), strict=True)
    completed = COMPLETED[service.schedule]
    return sequential.weigh(
        _KEY,
        [Row((place + 1.0) * service.row, (n, e), (m, f)) for place, (n, e, m, f) in enumerate(counted)],
        BUDGET,
        history=service.history,
        completed=completed if rows * service.row >= completed else None,
    )
