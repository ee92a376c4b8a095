"""Rules of the ledger, one by one: what is new, what is a baseline, what is not believed, and how long a window is."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.ledger import AGEING, MEMORY, Counts, Ledger, Reading, Target
from holdfast.core.targets import PATIENCE

A: Target = ("a",)
B: Target = ("b",)
BEFORE = -1000.0  # long before the first look, which is at 0


def ledger(window: float = 3600) -> Ledger:
    """A ledger that is fed every 15 s, with scrapes every 15 s."""
    return Ledger(window, 45)


def fed(*looks: tuple[float, dict[Target, Reading]], **more: Any) -> Ledger:
    """A ledger after these looks."""
    found = ledger(**more)
    for at, readings in looks:
        assert found.feed(at, readings)
    return found


def counted(found: Ledger) -> tuple[float, float]:
    """(events, bad events) of all time."""
    counts = found.counts(1e9)
    return counts.total, counts.bad


def old(total: float, bad: float = 0, **more: Any) -> Reading:
    """A process that started before the ledger."""
    return Reading(total, bad, BEFORE, **more)


LIVES = [
    pytest.param([(0, {A: old(100, 5)})], (0, 0), id="what was counted before the first look is a baseline"),
    pytest.param([(0, {A: old(100, 5)}), (15, {A: old(130, 6)})], (30, 1), id="differences count"),
    pytest.param([(0, {A: old(1)}), (15, {B: Reading(9, 2, 7)})], (9, 2), id="a newborn's first value is all new"),
    pytest.param([(0, {A: old(1)}), (15, {B: Reading(9, 2, -7)})], (9, 2), id="also when it was born unscraped"),
    pytest.param([(0, {A: old(1)}), (15, {B: old(9, 2)})], (0, 0), id="an elder that appears late is a baseline"),
    pytest.param(
        [(0, {A: old(1)}), (15, {}), (300, {A: old(50)})], (49, 0), id="one that comes back is caught up with"
    ),
    pytest.param(
        [(0, {A: old(1)}), (15, {B: Reading(9, 2)}), (30, {B: Reading(12, 3, 7)})],
        (12, 3),
        id="a newborn whose start is told later is credited then",
    ),
    pytest.param(
        [(0, {A: old(1)}), (15, {B: Reading(9, 2)}), (30, {B: Reading(12, 3, BEFORE)})],
        (3, 1),
        id="an elder whose start is told later is not",
    ),
    pytest.param(
        [(0, {A: old(100, 40)}), (15, {A: Reading(47, 42, 5)}), (60, {A: Reading(20, 3, 5)})],
        (20, 3),
        id="a restart counts once the old samples are out of the range",
    ),
    pytest.param(
        [(0, {A: old(10)}), (15, {A: Reading(500, 0, 5)}), (60, {A: Reading(600, 0, 5)})],
        (600, 0),
        id="a restart shows in the start time even when the counter did not fall",
    ),
    pytest.param(
        [
            (0, {A: old(100, 9)}),
            (15, {A: Reading(12, 9, 5)}),
            (30, {A: Reading(4, 1, 20)}),
            (75, {A: Reading(5, 1, 20)}),
        ],
        (8, 1),
        id="of a life never seen alone the least is counted",
    ),
    pytest.param([(0, {A: Reading(100, 9, 0.0)}), (15, {A: Reading(110, 9, 0.6)})], (10, 0), id="jitter is no restart"),
    pytest.param(
        [(0, {A: Reading(100, 9)}), (15, {A: Reading(19, 9)}), (60, {A: Reading(40, 2)})],
        (40, 2),
        id="without starts a fall to half that stays is a reset",
    ),
    pytest.param(
        [(0, {A: Reading(100, 9)}), (15, {A: Reading(19, 9)}), (30, {A: Reading(104, 9)})],
        (4, 0),
        id="without starts a fall to half that does not stay is an echo",
    ),
    pytest.param(
        [(0, {A: Reading(100, 9)}), (15, {A: Reading(90, 9)}), (30, {A: Reading(105, 9)})],
        (5, 0),
        id="without starts a little less is an echo",
    ),
    pytest.param(
        [(0, {A: old(100, 9)}), (15, {A: Reading(4, 4)}), (30, {A: old(110, 9)})],
        (10, 0),
        id="half an answer is not a restart",
    ),
    pytest.param(
        [(0, {A: old(100, 9)}), (15, {A: old(110, 0)}), (30, {A: old(120, 10)})],
        (20, 1),
        id="bad series that were left out are caught up with",
    ),
    pytest.param(
        [
            (0, {A: old(100, 9, derived=True)}),
            (15, {A: old(110, 110, derived=True)}),
            (30, {A: old(120, 10, derived=True)}),
        ],
        (20, 1),
        id="good series that were left out make nothing bad",
    ),
    pytest.param(
        [
            (0, {A: old(100, 0, derived=True)}),
            (15, {A: old(110, 3, derived=True)}),
            (30, {A: old(120, 0, derived=True)}),
        ],
        (20, 0),
        id="good events that are counted late are good in the end",
    ),
    pytest.param(
        [(0, {A: old(100)}), (15, {A: old(60)}), (15 + PATIENCE + 15, {A: old(70)}), (400, {A: old(75)})],
        (5, 0),
        id="a counter that lost a part for good goes on from there",
    ),
]


@pytest.mark.parametrize(("looks", "expected"), LIVES)
def test_what_counts(looks: list[tuple[float, dict[Target, Reading]]], expected: tuple[float, float]) -> None:
    """Every event once, and none that was counted before the ledger began."""
    assert counted(fed(*looks)) == expected


@pytest.mark.parametrize("at", [-1.0, 0.0, 14.9, 15.0])
def test_a_time_is_fed_once(at: float) -> None:
    """A look at a time that is not later than the newest evidence changes nothing."""
    found = fed((0, {A: old(100)}), (15, {A: old(110)}))
    assert not found.feed(at, {A: old(999), B: Reading(50, 50, 10)})
    assert (counted(found), found.at, found.targets, found.points()) == ((10, 0), 15, 1, 2)


def test_an_empty_ledger_knows_nothing() -> None:
    """No evidence, no events, no covered time."""
    found = ledger()
    assert (found.at, found.epoch, found.targets, found.counts(60)) == (None, None, 0, Counts(0, 0, 0))


def test_a_window_counts_back_from_the_newest_evidence() -> None:
    """Its events are those between two looks, whatever the time is now."""
    found = fed(*((n * 15.0, {A: old(n * 10, n)}) for n in range(9)))
    assert found.counts(60) == Counts(40, 4, 60)
    assert found.counts(50) == Counts(40, 4, 50)  # begins at the look before its edge
    assert found.counts(3600) == Counts(80, 8, 120)


def test_a_gap_without_churn_is_measured() -> None:
    """The first look after an outage carries all of it, when every target is still there."""
    found = fed((0, {A: old(0)}), (600, {A: old(70, 7)}))
    assert found.counts(600) == Counts(70, 7, 600)
    assert found.gap is None


def test_a_gap_in_which_a_target_vanished_is_not() -> None:
    """What it counted last was never seen: that time is not covered, and the gap is told."""
    found = fed((0, {A: old(0), B: old(0)}), (600, {A: old(70, 7)}))
    assert found.counts(600) == Counts(70, 7, 0)
    assert found.gap == (0, 600)


def test_a_target_that_leaves_between_two_looks_was_seen_to_the_end() -> None:
    """Its last value stays readable for the reach of the query."""
    assert fed((0, {A: old(0), B: old(0)}), (45, {A: old(7)})).counts(45).covered == 45


def test_who_was_forgotten_is_not_new() -> None:
    """A target that comes back after the memory of it has gone is a baseline, not a birth."""
    found = fed((0, {A: old(0)}), (10, {B: Reading(5, 0, 5)}))
    ages(found, start=20 + MEMORY, looks=AGEING)
    before = counted(found)
    assert found.feed(30 + 2 * MEMORY, {B: Reading(900, 0, 5)})
    assert counted(found) == before


def test_a_birth_during_a_long_outage_counts() -> None:
    """Who was born while nobody looked, and lives, was never counted: all of it is new, however long ago."""
    found = fed((0, {A: old(0)}))
    assert found.feed(3 * MEMORY, {A: old(0), B: Reading(900, 9, 60)})
    assert counted(found) == (900, 9)


def ages(found: Ledger, start: float, looks: int) -> None:
    """So many looks, 15 s apart, without news."""
    for n in range(looks):
        found.feed(start + 15 * n, {A: old(0)})


def test_the_past_takes_little_room() -> None:
    """A month of looks is kept in some eight hundred points, and a window of it is three hours too long at most."""
    found = ledger(30 * 86_400.0)
    for n in range(32 * 1440):
        found.feed(n * 60.0, {A: old(4 * n)})
    assert found.points() < 900
    assert 172_800 <= found.counts(30 * 86_400).total <= 172_800 + 720  # three hours early at most


def test_others_in_place_of_all_are_no_births() -> None:
    """A job with another name, or another Prometheus: who all at once replaces everybody, and had long been running, is a
    baseline. That look is not measured.
    """
    found = fed((0, {A: Reading(100, 9, -500)}), (900, {A: Reading(110, 9, -500)}), (915, {B: Reading(5000, 400, 300)}))
    assert found.counts(1e9) == Counts(10, 0, 900)
    found.feed(930, {B: Reading(5007, 401, 300)})
    assert found.counts(1e9) == Counts(17, 1, 915)


@pytest.mark.parametrize(
    "last",
    [
        pytest.param({A: Reading(110, 9, -500), B: Reading(50, 4, 300)}, id="one that is still there"),
        pytest.param({B: Reading(50, 4, 890)}, id="one that was born just now"),
        pytest.param({B: Reading(50, 4, 700)}, id="one that was born not long ago, and found late"),
        pytest.param({B: Reading(50, 4)}, id="one whose start is not known"),
        pytest.param({}, id="nobody"),
    ],
)
def test_what_is_no_replacement_of_all(last: dict[Target, Reading]) -> None:
    """Then births are births, and the time is measured."""
    found = fed((0, {A: Reading(100, 9, -500)}), (900, {A: Reading(110, 9, -500)}), (915, last))
    assert found.counts(1e9).covered == 915


def test_after_nobody_a_stranger_is_a_birth() -> None:
    """Who comes when nobody was there replaces nobody."""
    found = fed((0, {A: Reading(100, 9, -500)}), (900, {}), (915, {B: Reading(50, 4, 300)}))
    assert counted(found) == (50, 4)


def test_what_was_counted_elsewhere() -> None:
    """The value of a query, slice by slice: the first one is the epoch, a slice without a value is not measured."""
    found = ledger()
    assert found.add(60, 1, 1, 60)
    assert found.add(120, 1, 0, 60)
    assert not found.add(120, 1, 1, 60)
    assert found.add(240, 1, 1, 60)
    assert (found.epoch, found.counts(1e9)) == (60, Counts(2, 1, 120))


def test_a_second_is_lost_once() -> None:
    """However many counters lost a part one after the other: what was doubted at the same time is one loss."""
    found, names = ledger(40_000), [(f"p{n}",) for n in range(20)]
    for n in range(400):
        readings = {name: old(1000.0 + n - (500 if n > 20 + 3 * k else 0)) for k, name in enumerate(names)}
        found.feed(15.0 * n, readings)
    elapsed = 15.0 * 399
    doubted = 15 * (20 + 3 * 19) + 2 * PATIENCE - 15 * 20  # from the first fall to the last decision, at most
    assert elapsed - doubted <= found.counts(1e9).covered < elapsed
