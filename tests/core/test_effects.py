"""What adjustments take out of a window, and how the past is cut where they begin and end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.effects import Declared, coarse_edges, edges, effects
from holdfast.core.ledger import Counts, Ledger, Reading
from holdfast.core.objective import ObjectKey
from holdfast.core.quantities import Span
from holdfast.core.remarks import Effect
from holdfast.core.window import Calendar, Period
from tests.core.making import DAY, HOUR, objective

ONE, TWO = ObjectKey("shop", "one"), ObjectKey("shop", "two")
PROMISE = objective(window=2 * HOUR)


def hours(count: int, pace: float = 60.0, window: float = 3 * DAY) -> Ledger:
    """Ten events a look, one of them bad."""
    found = Ledger(window, 3 * pace)
    for n in range(int(count * HOUR / pace) + 1):
        found.feed(n * pace, {("a",): Reading(10.0 * n, 1.0 * n, -9.0)})
    return found


def test_each_adjustment_is_told_by_itself() -> None:
    """Its stretches in the window and what they take; a reset takes failures only; what lies elsewhere takes nothing."""
    ledger = hours(3)
    cut, other = Span(2.5 * HOUR, 2.75 * HOUR), Span(HOUR / 2, 1.25 * HOUR)
    ledger.pins = edges([Declared(TWO, (cut, other))])
    found = effects(
        PROMISE,
        ledger,
        [
            Declared(ONE, (cut,)),
            Declared(TWO, (Span(0, 60), other, cut)),
            Declared(ONE, reset=2 * HOUR),
            Declared(TWO, reset=9 * HOUR),
            Declared(TWO, (Span(9 * HOUR, 10 * HOUR),)),
        ],
        3 * HOUR,
        60,
    )
    assert found == (
        Effect(ONE, (cut,), None, 150, 15),
        Effect(TWO, (other, cut), None, 300, 30),
        Effect(ONE, reset=2 * HOUR, bad=60),
    )
    assert effects(PROMISE, Ledger(60, 1), [Declared(ONE, (cut,))], 0, 60) == ()


def test_a_calendar_window_is_the_period() -> None:
    """What was excluded last month has no effect in this one."""
    month = objective(window=Calendar(Period.MONTH, "UTC"))
    ledger = hours(35 * 24, 600, 40 * DAY)
    last, this = Span(30 * DAY, 30.5 * DAY), Span(32 * DAY, 33 * DAY)
    (found,) = effects(month, ledger, [Declared(ONE, (last, this))], 35 * DAY, 600)
    assert (found.spans, found.total) == ((this,), pytest.approx(1440, abs=40))


def test_edges_in_an_old_and_coarse_past_are_told() -> None:
    """Where points are further apart than two looks, an edge is cut on the safe side, and the effect says so."""
    ledger = hours(48, 60, 3 * DAY)
    cut = Span(10 * HOUR + 60, 10 * HOUR + 240)
    declared = [Declared(ONE, (cut,))]
    (found,) = effects(objective(window=2 * DAY), ledger, declared, 48 * HOUR, 60)
    assert (found.total, found.coarse) == (0, True)
    assert coarse_edges(ledger, edges(declared), 60) == (cut.begin, cut.end)
    for edge in coarse_edges(ledger, edges(declared), 60):
        around = ledger.around(edge)
        assert around is not None
        minutes = (edge - around.begin) / 60
        assert ledger.part(edge, Counts(10 * minutes, minutes, 60 * minutes))
    (exact,) = effects(objective(window=2 * DAY), ledger, declared, 48 * HOUR, 60)
    assert (exact.total, exact.bad, exact.coarse) == (30, 3, False)
    assert coarse_edges(ledger, edges(declared), 60) == ()


def test_a_point_that_cannot_be_is_refused() -> None:
    """More than came, a time that has a point, a time outside of the past, and one where time was lost."""
    ledger = hours(1)
    whole = ledger.counts(DAY)
    assert not ledger.part(90, Counts(11, 0, 30))
    assert not ledger.part(90, Counts(5, 2, 30))
    assert not ledger.part(90, Counts(-1, 0, 30))
    assert not ledger.part(120, Counts(1, 0, 30))
    assert not ledger.part(-5, Counts(0, 0, 0))
    assert not ledger.part(2 * HOUR, Counts(0, 0, 0))
    assert not Ledger(60, 1).part(5, Counts(0, 0, 0))
    gap = Ledger(DAY, 45)
    gap.feed(0, {("a",): Reading(1, 0, -9.0), ("b",): Reading(1, 0, -9.0)})
    gap.feed(600, {("a",): Reading(9, 0, -9.0)})
    assert not gap.part(300, Counts(1, 0, 300))
    assert ledger.counts(DAY) == whole


@given(st.integers(1, 59), st.integers(0, 10), st.integers(0, 1))
def test_a_new_point_changes_nothing_else(minute: int, events: int, bad: int) -> None:
    """Every other window says what it said; the two parts make the whole."""
    ledger, at = hours(1), minute * 60 + 30.0
    spans = [Span(a * 60.0, b * 60.0) for a in (0, minute, minute + 1) for b in (minute, minute + 1, 60) if a < b]
    before = [(ledger.between(s), ledger.failures(s)) for s in spans if s.end - s.begin > 60]
    assert ledger.part(at, Counts(events, bad, 30))
    first, second = ledger.between(Span(minute * 60, at)), ledger.between(Span(at, (minute + 1) * 60.0))
    assert (first.total, first.bad, first.total + second.total, first.bad + second.bad) == (events, bad, 10, 1)
    assert [ledger.between(s) for s in spans if s.end - s.begin > 60] == [counts for counts, _ in before]
    assert (first.covered, second.covered) == (30, 30)
