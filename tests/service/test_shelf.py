"""Ledgers that nobody has open: who finds one again, what a changed one owes, and how long they are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from holdfast.core.ledger import Ledger, Reading
from holdfast.core.objective import Objective, ObjectKey, Selector
from holdfast.service.encoding import encode
from holdfast.service.shelf import AHEAD, MOST_CLOSED, Shelf, record_of
from tests.core.making import DAY, objective

START = 1_764_000_000.0
POD = ("pod",)


def ledger(minutes: int, start: float = START) -> Ledger:
    """One that was fed for so long."""
    found = Ledger(30 * DAY, 45)
    for n in range(minutes + 1):
        found.feed(start + 60 * n, {POD: Reading(10 * n, n, start - 900)})
    return found


def other(name: str = "another_total", **more: Any) -> Objective:
    """The same objective, counting something else."""
    return replace(objective(**more), indicator=replace(objective().indicator, good=Selector(name)))  # type: ignore[type-var]


def opened(shelf: Shelf, which: Objective) -> tuple[Ledger, float]:
    """What the shelf has for an objective."""
    return shelf.open(which, which.window.longest, 45)


class Watch:
    """A clock that stands still, and a count of complaints."""

    now = START + 10_800
    complaints = 0

    def complain(self) -> None:
        self.complaints += 1


@pytest.fixture
def watch() -> Watch:
    """Three hours after the ledgers began."""
    return Watch()


@pytest.fixture
def shelf(watch: Watch) -> Shelf:
    """An empty one."""
    return Shelf(watch.complain, lambda: watch.now)


def test_an_objective_that_is_deleted_and_created_anew_goes_on(shelf: Shelf) -> None:
    """With another target and window too; it owes nothing, and counts on from there."""
    shelf.close(objective(), ledger(60), 0)
    found, owed = opened(shelf, objective(target=objective().target / 2, window=7 * DAY))
    assert (found.counts(1e9), found.at, owed) == (ledger(60).counts(1e9), START + 3_600, 0)
    assert found.window == 7 * DAY
    found.feed(START + 3_660, {POD: Reading(610, 61, START - 900)})
    assert found.counts(1e9).total == 610
    assert shelf.records == []


def test_a_new_objective_owes_nothing(shelf: Shelf) -> None:
    """Nothing is known of one of this name; others of other names do not matter."""
    shelf.close(objective(ObjectKey("shop", "another")), ledger(60), 0)
    found, owed = opened(shelf, objective())
    assert (found.at, owed) == (None, 0)


def test_a_changed_indicator_begins_anew_and_owes(shelf: Shelf) -> None:
    """What the one before covered; and what that one owed itself, if it was changed twice."""
    shelf.close(objective(), ledger(60), 0)
    found, owed = opened(shelf, other())
    assert (found.at, owed) == (None, 3_600)
    shelf.close(other(), ledger(5, START + 3_600), owed)
    assert opened(shelf, other("a_third_total"))[1] == 3_600


def test_changing_it_back_finds_the_old_ledger(shelf: Shelf) -> None:
    """With all it knew; it still owes what the one in between covered."""
    shelf.close(objective(), ledger(60), 0)
    opened(shelf, other())
    shelf.close(other(), ledger(90, START + 3_600), 3_600)
    found, owed = opened(shelf, objective())
    assert found.counts(1e9) == ledger(60).counts(1e9)
    assert owed == 5_400


def test_what_is_owed_outlives_a_restart(shelf: Shelf) -> None:
    """One that did not cover it yet owes it still; one that did owes nothing, whatever gaps come later."""
    shelf.put([record_of(objective(), ledger(60), 0), record_of(other(), ledger(5, START + 3_600), 3_600)])
    assert opened(shelf, other())[1] == 3_600
    shelf.put([record_of(objective(), ledger(60), 0), record_of(other(), ledger(70, START + 3_600), 0)])
    assert opened(shelf, other())[1] == 0


def test_a_ledger_without_evidence_is_not_kept(shelf: Shelf) -> None:
    """There is nothing to go on from, and what is owed is still owed to the one before."""
    shelf.close(objective(), ledger(60), 0)
    shelf.close(other(), Ledger(30 * DAY, 45), 3_600)
    assert len(shelf.records) == 1


def test_of_two_copies_the_newer_one_counts(shelf: Shelf) -> None:
    """Whichever comes first."""
    shelf.close(objective(), ledger(60), 0)
    shelf.close(objective(), ledger(30), 0)
    assert opened(shelf, objective())[0].at == START + 3_600


def test_a_copy_that_makes_no_ledger_is_told_and_read_anew(shelf: Shelf, watch: Watch) -> None:
    """Nonsense, another shape of slices, or a time that is still to come: the objective begins without it."""
    whole = record_of(objective(), ledger(60), 0)
    late = replace(whole, at=watch.now + AHEAD + 1)
    for broken in (replace(whole, data=b"nonsense"), late, replace(whole, data=encode(Ledger(60, 45).state())[:-1])):
        shelf.put([broken])
        assert opened(shelf, objective())[0].at is None
    assert watch.complaints == 3


def test_the_closed_are_forgotten_after_their_window(shelf: Shelf, watch: Watch) -> None:
    """A window after the last evidence nothing of it would count any more."""
    shelf.close(objective(), ledger(60), 0)
    watch.now = START + 3_600 + 30 * DAY
    assert shelf.sweep(1) == frozenset()
    watch.now += 1
    assert len(shelf.sweep(1)) == 1
    assert shelf.records == []


def test_the_closed_are_bounded(shelf: Shelf) -> None:
    """Beyond the bound the oldest go first; the bound grows with the number of those in use."""
    whole = record_of(objective(), ledger(60), 0)
    for n in range(MOST_CLOSED + 5):
        key = ObjectKey("shop", f"slo-{n}")
        shelf.put([replace(whole, identity=replace(whole.identity, key=key), at=whole.at + n)])
    assert shelf.sweep(10 * (MOST_CLOSED + 5)) == frozenset()
    gone = shelf.sweep(1)
    assert sorted(int(i.key.name.removeprefix("slo-")) for i in gone) == [0, 1, 2, 3, 4]


def test_a_shorter_window_owes_nothing(shelf: Shelf, watch: Watch) -> None:
    """What was covered in the longer one is known, though a gap leaves the shorter one with less than all of itself."""
    watch.now = START + DAY + 60
    ledger = Ledger(DAY, 45)
    for hour in range(25):
        if hour not in (22, 23):
            ledger.feed(
                START + 3600 * hour, {("a",): Reading(hour, 0, START - 9), (f"b{hour // 22}",): Reading(1, 0, 5)}
            )
    long, short = objective(window=DAY), objective(window=6 * 3600.0)
    shelf.close(long, ledger, 0.0)
    again, owed = opened(shelf, short)
    assert again.counts(6 * 3600).covered < 6 * 3600
    assert owed == 0
