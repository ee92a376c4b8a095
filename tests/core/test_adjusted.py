"""Budgets with time that does not count, and with resets; the windows of the calendar; against an oracle that stores every event."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.budget import Adjusted, Budget, budget_now, counts_of, measure, overlap
from holdfast.core.ledger import Ledger, Reading
from holdfast.core.quantities import Span
from holdfast.core.window import Calendar, Period
from tests.core.making import DAY, HOUR, objective, percent
from tests.core.test_ledger_oracle import EPOCH, FIRST, Life, World, lives

MINUTE = 60.0


def steady(minutes: int = 120, begin: float = 0.0, failing: range = range(0)) -> Ledger:
    """Ten events a minute; in failing minutes all of them fail."""
    ledger, bad = Ledger(40 * DAY, 180), 0
    for minute in range(minutes + 1):
        bad += 10 * (minute in failing)
        ledger.feed(begin + MINUTE * minute, {("a",): Reading(1000 + 10.0 * minute, float(bad), begin - 9)})
    return ledger


PROMISE = objective(target=percent(90), window=2 * HOUR)


def figures(budget: Budget) -> tuple[float, float, float, float]:
    """(events, bad, allowed, percent left)."""
    return float(budget.total), float(budget.bad), float(budget.allowed), float(100 * budget.remaining)


ADJUSTED = [
    pytest.param(Adjusted(), (1200, 60, 120, 50), id="as it was"),
    pytest.param(Adjusted((Span(30 * MINUTE, 36 * MINUTE),)), (1140, 0, 114, 100), id="the incident is excluded"),
    pytest.param(Adjusted((Span(30 * MINUTE, 33 * MINUTE),)), (1170, 30, 117, 8700 / 117), id="half of it"),
    pytest.param(Adjusted((Span(-HOUR, 36 * MINUTE),)), (840, 0, 84, 100), id="from before the window on"),
    pytest.param(Adjusted((Span(0, 2 * HOUR),)), (0, 0, 0, 100), id="all of it"),
    pytest.param(Adjusted((Span(3 * HOUR, 4 * HOUR),)), (1200, 60, 120, 50), id="the future"),
    pytest.param(Adjusted((), 40 * MINUTE), (1200, 0, 120, 100), id="a reset forgives, and keeps the traffic"),
    pytest.param(Adjusted((), 33 * MINUTE), (1200, 30, 120, 75), id="what fails after it counts"),
    pytest.param(Adjusted((), -5), (1200, 60, 120, 50), id="a reset before the window is forgotten"),
    pytest.param(Adjusted((), 9 * HOUR), (1200, 0, 120, 100), id="a reset in the future has forgiven all"),
    pytest.param(
        Adjusted((Span(30 * MINUTE, 33 * MINUTE),), 34 * MINUTE), (1170, 20, 117, 9700 / 117), id="both together"
    ),
]


@pytest.mark.parametrize(("adjusted", "expected"), ADJUSTED)
def test_what_an_adjustment_does(adjusted: Adjusted, expected: tuple[float, ...]) -> None:
    """Minutes 31 to 36 of two hours failed; excluded time is no part of the window, neither its events nor its length."""
    found = budget_now(PROMISE, steady(failing=range(31, 37)), 2 * HOUR, adjusted)
    assert figures(found) == pytest.approx(expected)
    if found.total:
        assert (found.coverage, found.passed) == (1, 1)


def test_burn_rates_are_adjusted_too() -> None:
    """What does not count burns nothing."""
    ledger = steady(failing=range(100, 121))
    burning = measure(PROMISE, ledger, None, (HOUR / 2,), 2 * HOUR)
    calm = measure(PROMISE, ledger, None, (HOUR / 2,), 2 * HOUR, 15, Adjusted((Span(99 * MINUTE, 2 * HOUR),)))
    assert (burning.burns[HOUR / 2].rate, calm.burns[HOUR / 2].rate) == (Fraction(210, 300) * 10, 0)


def test_the_edges_of_an_exclusion_are_cut_on_the_safe_side() -> None:
    """Between two points nobody knows when it was: what is excluded is at most what was asked for."""
    found = counts_of(steady(), Span(0, 2 * HOUR), Adjusted((Span(HOUR + 90, HOUR + 210),)))
    assert (found.total, found.covered) == (1200 - 10, 2 * HOUR - MINUTE)


def test_pinned_edges_stay_exact_for_ever() -> None:
    """Thinning keeps the points around the edges of an exclusion."""
    ledger, bad = Ledger(30 * DAY, 180), 0
    cut = Span(DAY + 7 * MINUTE, DAY + 11 * MINUTE)
    ledger.pins = (cut.begin, cut.end)
    for minute in range(20 * 1440):
        bad += 10 if cut.begin < minute * MINUTE <= cut.end else minute % 2
        ledger.feed(minute * MINUTE, {("a",): Reading(10.0 * minute, float(bad), -9.0)})
    whole = Span(0, 20 * DAY)
    assert counts_of(ledger, whole, Adjusted()).bad - counts_of(ledger, whole, Adjusted((cut,))).bad == 40


MONTH = objective(target=percent(99), window=Calendar(Period.MONTH, "UTC"))
FEBRUARY = 31 * DAY  # 1970-02-01


def hourly(begin: float, hours: int) -> Ledger:
    """A thousand events an hour of which one in two hundred fails."""
    ledger = Ledger(32 * DAY, 3 * HOUR)
    for hour in range(hours + 1):
        ledger.feed(begin + HOUR * hour, {("a",): Reading(1000.0 * hour, 5.0 * hour, begin - 9)})
    return ledger


def test_a_calendar_budget_is_projected_from_the_traffic_so_far() -> None:
    """On the eighth of a February a quarter of the month has passed: four times the traffic may be expected."""
    now = FEBRUARY + 7 * DAY
    found = budget_now(MONTH, hourly(FEBRUARY - DAY, 8 * 24), now)
    assert (found.total, found.bad, found.allowed) == (168_000, 840, 4 * 1680)
    assert (found.coverage, found.passed, found.young) == (1, Fraction(1, 4), False)


def test_a_calendar_budget_begins_anew_with_the_period() -> None:
    """At the turn of the month everything is forgotten; the first tenth of it is young."""
    ledger = hourly(FEBRUARY - DAY, 25)
    found = budget_now(MONTH, ledger, FEBRUARY + HOUR)
    assert (found.total, found.bad, found.young) == (1000, 5, True)
    still = budget_now(MONTH, hourly(FEBRUARY - DAY, 23), FEBRUARY + HOUR)
    assert (still.total, still.coverage, still.young) == (0, 0, True)
    assert budget_now(MONTH, Ledger(60, 1), FEBRUARY).passed == 0


def test_time_that_is_excluded_is_no_part_of_a_calendar_period() -> None:
    """A week without a day has six days, in the past as in the future."""
    week = objective(target=percent(99), window=Calendar(Period.WEEK, "UTC"))
    monday = 4 * DAY  # 1970-01-05
    ledger = hourly(monday, 48)
    one = budget_now(week, ledger, monday + 2 * DAY, Adjusted((Span(monday, monday + DAY),)))
    assert (one.total, one.bad, one.allowed, one.passed) == (24_000, 120, 240 * 6, Fraction(1, 6))
    later = budget_now(week, ledger, monday + 2 * DAY, Adjusted((Span(monday + 5 * DAY, monday + 6 * DAY),)))
    assert (later.allowed, later.passed) == (240 * 6, Fraction(2, 6))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), max_size=6), st.integers(0, 30), st.integers(1, 40))
def test_overlap_is_the_length_of_the_intersection(cuts: list[tuple[int, int]], begin: int, length: int) -> None:
    """Second by second."""
    taken = sorted({s for at, n in cuts for s in range(at, at + n)})
    spans = [Span(s, s + 1) for s in taken]
    assert overlap(Span(begin, begin + length), spans) == len(set(taken) & set(range(begin, begin + length)))


@dataclass(frozen=True)
class Oracle:
    """Every event of a world, and the look that brought it: a slow and simple reading of the rules."""

    world: World
    looks: tuple[int, ...]
    reach: int

    def booked(self) -> list[tuple[int, int, int]]:
        """(look, events, bad events), in any order; an event counts at the first look that can know it."""
        found = []
        for life in self.world.lives:
            elder = not (life.start - 0.5 > EPOCH - self.reach and life.seen > EPOCH)
            again = any(o.target == life.target and o.start < life.start for o in self.world.lives)
            for n, (good, bad) in enumerate(life.events):
                at = life.start + n
                if good + bad == 0 or (elder and at <= EPOCH):
                    continue
                known = max(at, life.seen, life.start + self.reach if again else at)
                if known <= self.looks[-1]:
                    found.append((self.looks[bisect_left(self.looks, known)], good + bad, bad))
        return found

    def budget(self, window: int, adjusted: Adjusted) -> tuple[int, int]:
        """(events, bad events) that count in the window that ends with the last look."""
        last, looks = self.looks[-1], self.looks
        edge = looks[max(0, bisect_right(looks, last - window) - 1)]
        forgiven = looks[max(0, bisect_right(looks, adjusted.reset) - 1)] if adjusted.reset is not None else EPOCH
        cuts = []
        for cut in adjusted.excluded:
            first, until = bisect_left(looks, cut.begin), bisect_right(looks, cut.end) - 1
            cuts.append((looks[min(first, len(looks) - 1)], looks[max(0, until)]))
        total = bad = 0
        for look, events, failed in self.booked():
            if look <= edge or any(a < look <= b for a, b in cuts):
                continue
            total += events
            # a reset is a window of its own, which begins at the last look before it
            bad += failed if adjusted.reset is None or look > forgiven or adjusted.reset <= last - window else 0
        return total, bad


@st.composite
def adjustments(draw: st.DrawFn) -> Adjusted:
    """Spans in order that do not touch, and perhaps a reset."""
    edges = sorted(draw(st.sets(st.integers(0, 180), max_size=8)))
    spans = tuple(Span(a, b) for a, b in list(pairwise(edges))[::2])
    return Adjusted(spans, draw(st.none() | st.integers(0, 170)))


@settings(deadline=None, max_examples=150)
@given(st.data(), st.sampled_from((1, 2, 3, 5)), st.booleans(), st.booleans(), adjustments(), st.integers(5, 170))
def test_any_interleaving_gives_the_budget_of_all_events(
    data: st.DataObject, step: int, restarts: bool, derived: bool, adjusted: Adjusted, window: int
) -> None:
    """Polls, births, late discovery, restarts, adjustments and window edges: the events that count are the oracle's."""
    world = data.draw(
        st.lists(lives(("a",), restarts, step), max_size=1).flatmap(lambda some: _world(some, restarts, step))
    )
    reach = step + 2
    looks = tuple(range(EPOCH, 150 + 30, step))
    ledger = Ledger(1_000, reach)
    for at in looks:
        ledger.feed(at, world.look(at, reach, derived))
    counts = counts_of(ledger, Span(looks[-1] - window, looks[-1]), adjusted)
    assert (counts.total, counts.bad) == Oracle(world, looks, reach).budget(window, adjusted)


@settings(deadline=None, max_examples=100)
@given(st.data(), st.sampled_from((1, 2, 3)), st.booleans(), adjustments())
def test_gaps_lose_time_and_no_events_of_those_that_stay(
    data: st.DataObject, step: int, derived: bool, adjusted: Adjusted
) -> None:
    """Whichever looks are left out: what stays is booked at the next look, to the event, and all of the time is measured."""
    events = data.draw(st.lists(st.tuples(st.integers(0, 3), st.sampled_from((0, 0, 1))), min_size=100, max_size=140))
    late = data.draw(st.integers(EPOCH + 1, 60))
    world = World((FIRST, Life(("late",), late, late, 400, tuple(events))))
    reach = step + 2
    kept = [at for at in range(EPOCH + step, 170, step) if data.draw(st.booleans())]
    looks = (EPOCH, *kept, 170, 172)
    ledger = Ledger(1_000, reach)
    for at in looks:
        ledger.feed(at, world.look(at, reach, derived))
    counts = counts_of(ledger, Span(0, 172), adjusted)
    assert (counts.total, counts.bad) == Oracle(world, looks, reach).budget(172, adjusted)
    assert ledger.counts(1_000).covered == 172 - EPOCH


def _world(first: list[list[Life]], restarts: bool, step: int) -> st.SearchStrategy[World]:
    more = st.integers(0, 3).flatmap(lambda n: st.tuples(*(lives((f"pod-{i}",), restarts, step) for i in range(n))))
    return more.map(lambda every: World((FIRST, *(life for some in (*first, *every) for life in some))))
