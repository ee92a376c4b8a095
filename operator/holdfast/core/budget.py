"""How much of an error budget is left, and how fast it burns: arithmetic on a ledger.

Allowed events are `(1 - target) x events of the window`. While the window is not covered yet, the traffic so far is
projected onto all of it, so that one bad minute on the first day does not look like a catastrophe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from .evidence import Evidence, Fresh, Missing, Why
from .ledger import Counts, Ledger
from .objective import Objective
from .quantities import Instant, Seconds, Share, format_duration

YOUNG: Final = Fraction(1, 10)
"""Below this coverage of its window a budget is young: budget rules only notify."""

SMALL: Final = 10
"""With fewer allowed bad events than this a budget is too small: budget rules only notify."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Events of the window, and what they leave of the budget."""

    total: Fraction
    bad: Fraction
    allowed: Fraction  # bad events the whole window may have, at the traffic seen
    coverage: Share  # the part of the window that was measured

    @property
    def remaining(self) -> Share:
        """The share that is left; below zero when overdrawn. With no events nothing is spent."""
        return 1 - self.bad / self.allowed if self.allowed else Fraction(1)

    @property
    def young(self) -> bool:
        """Too little of the window was measured to act on it."""
        return self.coverage < YOUNG

    @property
    def small(self) -> bool:
        """So few failures are allowed that one or two decide everything."""
        return self.allowed < SMALL


@dataclass(frozen=True, slots=True)
class Burn:
    """The burn rate of one window, and how many events it rests on."""

    rate: Fraction
    total: Fraction


@dataclass(frozen=True, slots=True)
class Measured:
    """One objective at one time. `at` is the time of the evidence, not of the look."""

    objective: Objective
    evidence: Evidence
    budget: Budget
    burns: Mapping[Seconds, Burn] = field(default_factory=dict, hash=False)
    interval: Seconds = 15


def measure(
    objective: Objective,
    ledger: Ledger,
    missing: Missing | None,
    windows: tuple[Seconds, ...],
    now: Instant,
    interval: Seconds = 15,
) -> Measured:
    """The budget and burn rates of an objective as its ledger knows them.

    `missing` is what the last look said when it brought nothing. One failed look is no news; only when the newest
    evidence is older than the objective's `stale_after` is the evidence missing.
    """
    return Measured(
        objective,
        judge_evidence(objective, ledger.at, missing, now),
        budget_of(objective, ledger.counts(objective.window)),
        {w: burn_of(objective, ledger.counts(w)) for w in windows},
        interval,
    )


def judge_evidence(objective: Objective, at: Instant | None, missing: Missing | None, now: Instant) -> Evidence:
    """Fresh while the newest evidence is young enough; else Missing, with the reason of the last look if it had one."""
    if at is not None and abs(now - at) <= objective.stale_after:
        return Fresh(at)
    if missing is not None:
        return missing
    since = at if at is not None else now
    waited = (
        "nothing has been read yet" if at is None else f"the newest figures are {format_duration(abs(now - at))} old"
    )
    return Missing(Why.STALE, since, waited)


def budget_of(objective: Objective, counts: Counts) -> Budget:
    """The budget of a full window, projected where it is only partly covered."""
    total, coverage = Fraction(counts.total), min(Fraction(1), Fraction(counts.covered) / Fraction(objective.window))
    allowed = objective.allowance * total / coverage if coverage else Fraction(0)
    return Budget(total, Fraction(counts.bad), allowed, coverage)


def burn_of(objective: Objective, counts: Counts) -> Burn:
    """Bad ratio of the window over the allowed ratio; 0 without events."""
    total = Fraction(counts.total)
    return Burn(Fraction(counts.bad) / total / objective.allowance if total else Fraction(0), total)
