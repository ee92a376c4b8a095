"""What about the figures of an objective deserves a second look, although each of them is right.

Rule: a doubt is told and never acted on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from .budget import Budget
from .composite import Book
from .ledger import Ledger
from .objective import Objective
from .quantities import Instant, Seconds, Span, format_decimal, format_duration, spell_instant

DAY: Final[Seconds] = 86_400
HOUR: Final[Seconds] = 3_600

MANY: Final = 100
"""Events (or failures) from which on their absence, or their evenness, is remarkable."""

EVEN: Final = Fraction(1, 10)
"""Burn rates that differ by no more than this part are the same."""


class Odd(StrEnum):
    """What is remarkable."""

    TRAFFIC_GONE = "TrafficGone"
    NO_BURN_FOR_LONG = "NoBurnForLong"
    CONSTANT_BURN = "ConstantBurn"
    GAP_WITH_CHURN = "GapWithChurn"
    UNMEASURED = "Unmeasured"
    STARTS_UNKNOWN = "StartsUnknown"
    OTHER_PODS = "OtherPods"
    NO_POD_LABEL = "NoPodLabel"


@dataclass(frozen=True, slots=True)
class Doubt:
    """One remark, and the sentence for people."""

    what: Odd
    sentence: str


def implausible(objective: Objective, book: Book, budget: Budget) -> Doubt | None:
    """Figures that an indicator seldom has: the traffic gone, never a failure, always the same share of failures."""
    at = book.at
    return None if at is None else next(filter(None, _odd(objective, book, budget, at)), None)


def _odd(objective: Objective, book: Book, budget: Budget, at: Instant) -> Iterator[Doubt | None]:
    yield _traffic_gone(book, at)
    yield _no_burn(objective, budget)
    yield _constant_burn(objective, book, at)


def _traffic_gone(book: Book, at: Instant) -> Doubt | None:
    now, yesterday = book.between(Span(at - HOUR, at)), book.between(Span(at - DAY - HOUR, at - DAY))
    if now.total > 0 or now.covered < HOUR or yesterday.total < MANY:
        return None
    return Doubt(
        Odd.TRAFFIC_GONE,
        f"No events in the last hour; a day ago there were {yesterday.total:,.0f} in that hour. "
        "Either nobody uses it, or its events are counted elsewhere now",
    )


def _no_burn(objective: Objective, budget: Budget) -> Doubt | None:
    short = objective.window.nominal < DAY
    if short or budget.bad > 0 or budget.allowed < MANY or budget.coverage < Fraction(9, 10) or budget.young:
        return None
    return Doubt(
        Odd.NO_BURN_FOR_LONG,
        f"Not one of {int(budget.total):,} events failed in {objective.window}; {int(budget.allowed):,} may. "
        "Check that the indicator sees failures at all",
    )


def _constant_burn(objective: Objective, book: Book, at: Instant) -> Doubt | None:
    found = [book.between(Span(at - length, at)) for length in (HOUR, 6 * HOUR, DAY, 3 * DAY)]
    if any(c.bad < MANY or not c.total or c.covered < HOUR for c in found) or found[-1].covered < 2 * DAY:
        return None
    rates = [Fraction(c.bad) / Fraction(c.total) / objective.allowance for c in found]
    if max(rates) - min(rates) > EVEN * min(rates) or min(rates) < Fraction(1, 2):
        return None
    return Doubt(
        Odd.CONSTANT_BURN,
        f"It burns {format_decimal(rates[-1])} times as fast as it may over an hour and over three days alike. "
        "That is a share of its events that always fails, such as a health check or one client, more than trouble that comes and goes",
    )


def inexact(objective: Objective, ledger: Ledger, now: Instant, unknown_starts: int = 0) -> Doubt | None:
    """Why the counts may lack something: time that was not measured, or pods whose first requests nobody can tell."""
    span = objective.window.span(now)
    lost, gap = ledger.lost(span), ledger.gap
    if lost > 0 and gap is not None and gap[1] > span.begin:
        return Doubt(
            Odd.GAP_WITH_CHURN,
            f"{format_duration(lost)} of the window were not measured; last from {spell_instant(gap[0])} to "
            f"{spell_instant(gap[1])}. Pods had gone when figures came again, and what those counted last is not known. "
            "Nothing is guessed: this time is no part of the coverage",
        )
    if lost > 0:
        return Doubt(
            Odd.UNMEASURED,
            f"{format_duration(lost)} of the window were not measured: there were no figures of that time",
        )
    if unknown_starts:
        return Doubt(
            Odd.STARTS_UNKNOWN,
            f"Of {unknown_starts} targets nobody knows when they started, so what a new one counts before it is first seen "
            "is not counted. Export process_start_time_seconds with the same labels",
        )
    return None


def unattributable(objective: Objective, pods: Collection[tuple[str, str]]) -> Doubt | None:
    """Why bad events cannot be told by pod: the series name none, or pods that are not the workloads'.

    `pods` are (namespace, name) of what was counted last. Pods of a Deployment, a StatefulSet or a DaemonSet begin with
    its name and a dash.
    """
    if not objective.workloads or not pods:
        return None
    named = [(namespace, pod) for namespace, pod in pods if pod]
    if not named:
        return Doubt(Odd.NO_POD_LABEL, "The series have no pod label, so nobody can tell which pods' events they count")
    own = objective.workloads
    others = sorted({pod for namespace, pod in named if not any(w.may_own(namespace, pod) for w in own)})
    if not others:
        return None
    shown = ", ".join(others[:3]) + (" and others" if len(others) > 3 else "")
    return Doubt(
        Odd.OTHER_PODS,
        f"Events are counted by pods that are not those of {', '.join(w.name for w in own)} ({shown}): an ingress or a mesh? "
        "The budget is right; which release spends it cannot be told",
    )
