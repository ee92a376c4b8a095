"""What do the intervals of a release say of it: that it fails too much, more than the pods beside it, more than before?

Rule: each interval's bad ratio bets three times (`betting`), every time against more:
* *the target*: the budget's allowance. Convincing means that the release fails too much, for whatever reason;
* *the pods beside it*, while other releases serve: the allowance, or twice what those fail at, if that is more. An
  incident that hits both wins nothing. A likelihood ratio must say so too: it counts where they serve little;
* *its past*: five times what the workload failed at before the release, if that is more still.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final

from .betting import Wealth
from .intervals import Interval
from .quantities import Instant, Seconds
from .targets import NOTHING, Gain

WORSE: Final = (3, 6, 12, 25, 50, 100, 400, 1600)
"""So many times the bad ratio of the others is what the likelihood ratio looks for."""

ONE_INTERVAL: Final = math.log(5)
"""At most so much may one interval say of that: failures that come together are one event, not many."""

BESIDE: Final = math.log(20)
"""So much, as a logarithm, must the likelihood ratio say before the release fails more than the pods beside it."""

OTHERS_SLACK: Final = 2
PAST_SLACK: Final = 5
"""So many times what others, or the past, fail at is no news: new pods are cold, and traffic is not shared evenly."""

CLUSTER: Final = 5
"""So many failures may be one event, where a test has to count events: one cluster is no news of others."""

KEPT: Final = 0.9
"""Of what others counted, from one interval to the next: they fail now at what they failed at in about the last ten."""

AT_ONCE: Final[Seconds] = 30
SOON: Final[Seconds] = 300
"""Failures begin with the release when they begin at once, or soon and after no clean stretch that speaks for it."""

CLEAN: Final = math.log(100)
"""A clean stretch speaks when it were rarer than 1 : 100, had it failed like the time since."""

RISING: Final = 0.05
"""The share of a bet that tells since when there are failures: small, so that a fault of a few times the budget counts."""

_LOG_WORSE: Final = tuple(map(math.log, WORSE))


def no_news(total: float, bad: float) -> float:
    """The bad ratio that these events of others excuse; one cluster of failures excuses nothing."""
    return min(1.0, OTHERS_SLACK * max(0.0, bad - CLUSTER) / total) if total > 0 else 0.0


def past_ratio(history: Gain) -> float:
    """The bad ratio that would be no news after this; everything where there is no past."""
    return min(1.0, PAST_SLACK * (max(0.0, history[1]) + 1) / history[0]) if history[0] > 0 else 1.0


@dataclass(slots=True)
class Comparison:
    """The likelihood that the release fails so many times as often as the others, over that of equally often."""

    logs: list[float] = field(default_factory=lambda: [0.0] * len(WORSE))

    def add(self, new: Gain, old: Gain) -> None:
        """One interval in which both served: of its failures, each is one of the release with the share it serves."""
        (n, e), (m, f) = new, old
        if e <= 0 and f <= 0:
            return
        self.logs = [
            was + min((e + f) * math.log((n + m) / (worse * n + m)) + e * log, ONE_INTERVAL)
            for was, worse, log in zip(self.logs, WORSE, _LOG_WORSE, strict=True)
        ]

    @property
    def log(self) -> float:
        """The logarithm of the mean over all multiples."""
        most = max(self.logs)
        return most + math.log(sum(math.exp(log - most) for log in self.logs) / len(WORSE))


@dataclass(frozen=True, slots=True)
class Onset:
    """Since when there are failures: the end of the first interval with them, and what the release had counted before.

    `peak` is what it had counted when they had been worst, at this height of the evidence.
    """

    at: Instant
    before: Gain
    peak: Gain
    height: float = 0.0


@dataclass(slots=True)
class Suspicion:
    """What all intervals so far say."""

    allowance: float
    past: float
    target: Wealth
    beside: Wealth
    alone: Wealth
    more: Comparison = field(default_factory=Comparison)
    count: int = 0
    new: Gain = NOTHING  # of the release
    old: Gain = NOTHING  # of the others, of late
    first: Instant | None = None  # the end of the first interval, and of the last one
    last: Instant | None = None
    company: Instant | None = None  # the end of the last one in which others served
    failed: Instant | None = None  # the end of the last one above the allowance
    rise: float = 0.0  # the evidence since there are failures, as a logarithm; at 0 or below there are none
    onset: Onset | None = None

    @classmethod
    def of(cls, allowance: float, alpha: float, history: Gain) -> Suspicion:
        """Before the first interval."""
        return cls(allowance, past_ratio(history), Wealth(alpha), Wealth(alpha), Wealth(alpha))

    def add(self, interval: Interval) -> None:
        """One more interval."""
        (n, e), (m, f) = interval.new, interval.old
        ratio, at = e / n, interval.at
        self.count, self.last, self.first = self.count + 1, at, at if self.first is None else self.first
        if m > 0:
            self.company, self.old = at, (KEPT * self.old[0] + m, KEPT * self.old[1] + f)
        allowance = max(self.allowance, no_news(m, f), self.others)
        self.target.bet(ratio, self.allowance)
        self.alone.bet(ratio, max(allowance, self.past))
        if m > 0:
            self.beside.bet(ratio, allowance)
            self.more.add(interval.new, interval.old)
        if ratio > self.allowance:
            self.failed = at
        before, self.new = self.new, (self.new[0] + n, self.new[1] + e)
        self._follow(at, before, math.log1p(RISING * (ratio / max(allowance, self.past) - 1)))

    def _follow(self, at: Instant, before: Gain, change: float) -> None:
        if self.rise <= 0 or self.onset is None:
            self.rise, self.onset = 0.0, Onset(at, before, self.new)
        self.rise += change
        if self.rise > self.onset.height:
            self.onset = replace(self.onset, height=self.rise, peak=self.new)

    @property
    def others(self) -> float:
        """The bad ratio that is no news, by what the others fail at of late."""
        return no_news(*self.old)

    @property
    def is_lonely(self) -> bool:
        """Whether no others served in the last interval."""
        return self.company is None or self.company != self.last

    @property
    def began_with_it(self) -> bool:
        """Whether its failures began with the release: while others failed less beside it, or at its start."""
        if self.onset is None or self.first is None:
            return False
        if self.company is not None and self.onset.at <= self.company and self.more.log >= BESIDE:
            return True
        (clean, bad), (total, all_bad) = self.onset.before, self.onset.peak
        expected, after = clean * (all_bad - bad) / (total - clean), self.onset.at - self.first
        return after <= AT_ONCE or (after <= SOON and expected <= CLUSTER * CLEAN)
