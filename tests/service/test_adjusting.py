"""Adjustments as times: expanded for the window of an objective, and anew when something changed."""

from __future__ import annotations

from dataclasses import replace

from holdfast.core.adjustment import Adjustment, Change, OneOff, Recurring, Reset
from holdfast.core.objective import ObjectKey
from holdfast.core.quantities import Span
from holdfast.core.window import Calendar, Period
from holdfast.service.adjusting import NONE, Adjusting
from tests.core.making import DAY, HOUR, NOW, objective

WEEK = objective(window=7 * DAY)


def adjustment(name: str, change: Change) -> Adjustment:
    """One that is for every objective of its namespace."""
    return Adjustment(ObjectKey("shop", name), f"uid-{name}", 1, (), change, "maintenance", "alice")


WEEKLY = adjustment("weekly", Recurring("FREQ=WEEKLY;BYDAY=SU", "2025-01-05T02:00:00", "UTC", HOUR))
ONCE = adjustment("once", OneOff(Span(NOW - DAY, NOW - DAY / 2)))
FRESH = adjustment("fresh", Reset(NOW - 2 * DAY))


def test_all_of_them_together_and_one_by_one() -> None:
    """Occurrences in the window, the one-off, and the last reset."""
    found = Adjusting().of(WEEK, (FRESH, ONCE, WEEKLY), NOW)
    sunday = Span(1_763_863_200, 1_763_866_800)  # 2025-11-23T02:00:00Z
    assert found.adjusted.excluded == (sunday, Span(NOW - DAY, NOW - DAY / 2))
    assert found.adjusted.reset == NOW - 2 * DAY
    assert [(d.key.name, d.spans, d.reset) for d in found.declared] == [
        ("fresh", (), NOW - 2 * DAY),
        ("once", (Span(NOW - DAY, NOW - DAY / 2),), None),
        ("weekly", (sunday,), None),
    ]


def test_it_is_expanded_anew_when_something_changed() -> None:
    """A new generation, another hour, a reset whose time has come; otherwise it is the same value."""
    adjusting = Adjusting()
    first = adjusting.of(WEEK, (ONCE,), NOW)
    assert adjusting.of(WEEK, (ONCE,), NOW + 60) is first
    moved = replace(ONCE, generation=2, change=OneOff(Span(NOW - DAY, NOW)))
    assert adjusting.of(WEEK, (moved,), NOW + 60).adjusted.excluded == (Span(NOW - DAY, NOW),)
    assert adjusting.of(WEEK, (moved,), NOW + HOUR) is not first
    soon = adjustment("soon", Reset(NOW + 30))
    assert adjusting.of(WEEK, (soon,), NOW).adjusted.reset is None
    assert adjusting.of(WEEK, (soon,), NOW + 31).adjusted.reset == NOW + 30


def test_nothing_is_declared_of_most_objectives() -> None:
    """And what is gone is forgotten."""
    adjusting = Adjusting()
    kept = adjusting.of(WEEK, (ONCE,), NOW)
    adjusting.keep({WEEK.key})
    assert adjusting.of(WEEK, (ONCE,), NOW) is kept
    adjusting.keep(())
    assert adjusting.of(WEEK, (ONCE,), NOW) is not kept
    assert adjusting.of(WEEK, (), NOW) is NONE


def test_the_future_of_a_calendar_period_counts_too() -> None:
    """What is excluded later this month makes the month shorter now."""
    month = objective(window=Calendar(Period.MONTH, "UTC"))
    found = Adjusting().of(month, (WEEKLY,), 1_764_547_200 + DAY)  # 2025-12-02
    assert len([s for s in found.adjusted.excluded if s.begin > 1_764_547_200]) == 4
    assert {1_764_547_200, 1_764_547_200 + 31 * DAY} <= set(found.pins), "its own edges stay in the past too"
