"""How strongly do bad ratios speak against an allowance, at whatever moment one looks?

Rule: a bet against "on average at most the allowance is bad" that is fair if this is true, so that its winnings are
the evidence. Whoever lays the share w of the wealth on each interval's ratio x has 1 + w (x / allowance - 1) times as
much afterwards: at most once as much on average, whatever the failures inside an interval have to do with each other.
Wealth that never has an expected gain reaches 1 / alpha at any time with probability alpha at most (Ville's
inequality), so one may look as often as one likes.
Source: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, 2024.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

SHARES: Final = (0.001, 0.008, 0.025, 0.075, 0.2, 0.5, 0.9)
"""Of the wealth, laid on each interval. Nobody knows how bad a release will be, so some wealth follows each of them."""

PARTS: Final = (0.04, 0.06, 0.1, 0.15, 0.2, 0.2, 0.25)
"""How the wealth is parted among the shares in the beginning: the faults that matter are large."""

RESERVE: Final = 0.1
"""Kept back, and laid in bit by bit: whoever lost nearly all in good times could not see a fault that begins late."""

MIN_BAD_INTERVALS: Final = 2
"""No single interval convicts."""

FAULT: Final = 10
"""What one wants to see soon: so many times the allowance."""

MOST: Final = 1e300
"""Wealth beyond it is given away, which is fair, and so is what one interval brings beyond `Wealth.limit`."""

_SURE: Final = 50  # so many failures in an interval are about as many as expected


@dataclass(slots=True)
class Wealth:
    """The evidence so far, to be held against `alpha`: the wealth of each share, and the intervals above the allowance."""

    alpha: float
    parts: list[float] = field(default_factory=lambda: [(1 - RESERVE) * part for part in PARTS])
    count: int = 0
    bad: int = 0

    def bet(self, ratio: float, allowance: float) -> None:
        """One interval. Its allowance and its size must not depend on how many of its own events were bad."""
        odds, limit = ratio / allowance - 1, most_of_one(self.alpha)
        self.bad += odds > 0
        self.count += 1
        fresh = RESERVE / (self.count * (self.count + 1))  # all of them together are the reserve
        self.parts = [
            min((part + fresh * first) * min(1 + share * odds, limit), MOST)
            for part, first, share in zip(self.parts, PARTS, SHARES, strict=True)
        ]

    @property
    def log(self) -> float:
        """The natural logarithm of all of it; 0 in the beginning."""
        return math.log(sum(self.parts) + RESERVE / (self.count + 1))

    @property
    def convinces(self) -> bool:
        """Whether the evidence suffices; with a release that keeps its allowance it ever does with probability alpha."""
        return self.bad >= MIN_BAD_INTERVALS and self.log >= -math.log(self.alpha)


def most_of_one(alpha: float) -> float:
    """So many times as much may one interval bring: two of them convince, one and a half do not.

    With tight targets an interval of cold starts would else bring nearly all, and any second one the rest.
    """
    return 3 / math.sqrt(alpha)


def fault(allowance: float) -> float:
    """The bad ratio one wants to see soon: ten times the allowance, or half way to everything where that is less."""
    return min(FAULT * allowance, (1 + allowance) / 2)


@lru_cache(maxsize=4096)
def seen_after(allowance: float, size: int, alpha: float) -> int | None:
    """After about how many events a fault of ten times the allowance convinces, in intervals of this size.

    The share w grows by g(w) = E log(1 + w (K / (size allowance) - 1)) in an interval, K binomial with the fault, what
    is beyond the limit cut off; from its part it reaches 1 / alpha after log(1 / (alpha part)) / g(w) intervals (Wald's
    identity without the overshoot), and the fastest share decides. None when no share grows.
    """
    growths = _growths(allowance, size, most_of_one(alpha))
    times = [
        -math.log(alpha * (1 - RESERVE) * part) / growth
        for part, growth in zip(PARTS, growths, strict=True)
        if growth > 0
    ]
    return size * max(MIN_BAD_INTERVALS, math.ceil(min(times))) if times else None


def _growths(allowance: float, size: int, limit: float) -> list[float]:
    """The expected growth of each share's logarithm in an interval with the fault."""
    ratio = fault(allowance)
    if size * ratio > _SURE:
        return [math.log(min(1 + share * (ratio / allowance - 1), limit)) for share in SHARES]
    chances = _binomial(size, ratio)
    return [
        sum(
            chance * math.log(min(1 + share * (bad / (size * allowance) - 1), limit))
            for bad, chance in enumerate(chances)
        )
        for share in SHARES
    ]


def _binomial(size: int, ratio: float) -> list[float]:
    """The chances of 0, 1, 2 … bad ones, up to where the rest is next to nothing."""
    chance, chances = (1 - ratio) ** size, []
    for bad in range(min(size, 4 * _SURE) + 1):
        chances.append(chance)
        chance *= (size - bad) / (bad + 1) * ratio / (1 - ratio)
    return chances
