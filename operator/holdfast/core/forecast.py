"""What the past already says of the future: when a budget will be empty, and when it will have recovered.

A rolling window forgets: what failed leaves it a window later, and the ledger knows when that was. Traffic is taken to go
on as it was, so the allowed failures stay what they are. In a calendar period nothing is forgotten before its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .budget import UNADJUSTED, Adjusted, Budget, budget_now, counts_of
from .ledger import Ledger
from .objective import Objective
from .quantities import Instant, Share, Span
from .window import Calendar

HOUR: Final = 3_600.0
"""The pace is that of the last hour."""

Failures = Sequence[tuple[Instant, float]]
"""When something failed, and how much, in order of time."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What will become of a budget: `exhausts_at` at the pace of the last hour, None for never within a window."""

    objective: Objective
    budget: Budget
    failed: Failures
    exhausts_at: Instant | None
    now: Instant

    def recovers_at(self, above: Share) -> Instant | None:
        """When more than this share will be left if nothing more fails; None where that is not known."""
        return recovers_at(self.objective, self.budget, self.failed, above, self.now)


def forecast(objective: Objective, ledger: Ledger, now: Instant, adjusted: Adjusted = UNADJUSTED) -> Forecast | None:
    """What the ledger says of the future; None without any evidence."""
    if ledger.at is None:
        return None
    budget, failed = budget_now(objective, ledger, now, adjusted), failures(objective, ledger, now, adjusted)
    hour = counts_of(ledger, Span(ledger.at - min(HOUR, objective.window.longest), ledger.at), adjusted)
    pace = hour.bad / hour.covered if hour.covered else 0.0
    return Forecast(objective, budget, failed, exhausts_at(objective, budget, failed, pace, now), now)


def failures(objective: Objective, ledger: Ledger, now: Instant, adjusted: Adjusted = UNADJUSTED) -> Failures:
    """The failures that count in the window now. A rolling window is counted back from the newest evidence."""
    if ledger.at is None:
        return ()
    span = objective.window.span(now if isinstance(objective.window, Calendar) else ledger.at)
    begin = max(span.begin, adjusted.reset) if adjusted.reset is not None else span.begin
    found = ledger.failures(Span(begin, span.end))
    return tuple((at, bad) for at, bad in found if not any(cut.begin < at <= cut.end for cut in adjusted.excluded))


def recovers_at(objective: Objective, budget: Budget, failed: Failures, above: Share, now: Instant) -> Instant | None:
    """When more than this share will be left if nothing more fails: now, or when enough has left the window.

    None when it is not known: nothing is allowed, or the failures do not explain what is spent.
    """
    if budget.remaining > above:
        return now
    if isinstance(objective.window, Calendar):
        return objective.window.span(now).end
    bad = float(budget.bad)
    for at, count in failed:
        bad -= count
        if budget.allowed and 1 - bad / float(budget.allowed) > above:
            return max(now, at + objective.window.length)
    return None


def exhausts_at(objective: Objective, budget: Budget, failed: Failures, pace: float, now: Instant) -> Instant | None:
    """When nothing will be left if so many events a second go on failing; now when it is empty, None for never.

    Never means: not within the next window, after which the window holds nothing but this pace.
    """
    if not budget.allowed:
        return None
    left = float(budget.allowed - budget.bad)
    if left <= 0:
        return now
    if pace <= 0:
        return None
    if isinstance(objective.window, Calendar):
        empty = now + left / pace
        return empty if empty < objective.window.span(now).end else None
    return _crossing(_leaving(failed, objective.window.length, now), now + objective.window.length, left, pace, now)


def _crossing(
    leaving: Iterable[tuple[Instant, float]], end: Instant, left: float, pace: float, now: Instant
) -> Instant | None:
    """When a budget that loses `pace` a second, and gets back what leaves, has nothing left; None if not before `end`."""
    at = now
    for leaves, count in (*leaving, (end, 0.0)):
        if left - (leaves - at) * pace <= 0:
            return at + left / pace
        left += count - (leaves - at) * pace
        at = leaves
    return None


def _leaving(failed: Failures, window: float, now: Instant) -> Iterator[tuple[Instant, float]]:
    return ((max(now, at + window), count) for at, count in failed)
