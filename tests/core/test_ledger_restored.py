"""A ledger that was stored and restored counts on as if it had never stopped."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.ledger import AGEING, MEMORY, Ledger, Reading
from holdfast.core.points import REACH, TICKS, Columns
from holdfast.core.slices import Slice
from holdfast.core.state import LedgerState
from tests.core.histories import SLICES, History, figures, histories

A, B = ("a",), ("b",)


@settings(deadline=None)
@given(histories(), st.sets(st.integers(0, 100), max_size=4))
def test_restoring_at_any_point_changes_nothing(history: History, stops: set[int]) -> None:
    """After every look the restored ledger shows what the one shows that never stopped."""
    steady = stopped = history.begin()
    stopped = history.restored(steady)
    for number, look in enumerate(history.looks):
        assert look(steady) == look(stopped)
        if number in stops:
            stopped = history.restored(stopped)
        assert figures(stopped) == figures(steady)


def test_the_turn_in_thinning_is_kept() -> None:
    """Its past is thinned, and the gone are forgotten, at the same looks as without the stop."""
    steady = Ledger(86_400, 45)
    stopped = Ledger.restored(steady.state(), 86_400, 45)
    for n in range(3 * AGEING):
        for ledger in (steady, stopped):
            ledger.feed(n * MEMORY / 100, {A: Reading(n, 0, -900), **({B: Reading(1, 0, -900)} if n < 5 else {})})
        if n % 50 == 0:
            stopped = Ledger.restored(stopped.state(), 86_400, 45)
        assert figures(stopped) == figures(steady)
        assert stopped.knows(B) == steady.knows(B)
    assert not steady.knows(B)


def test_what_is_pinned_stays_so() -> None:
    """The edges that readers ask for are not thinned out between the restart and the first of them."""
    ledger = Ledger(86_400, 45)
    ledger.pins = (600.0,)
    assert Ledger.restored(ledger.state(), 86_400, 45).pins == (600.0,)


def test_a_state_is_a_copy() -> None:
    """What is counted afterwards, by the ledger or by a restored one, does not change what was stored."""
    ledger = Ledger(3600, 45)
    ledger.feed(0, {A: Reading(5, 1, -9, process=("p",))})
    state = ledger.state()
    for one in (ledger, Ledger.restored(state, 3600, 45)):
        one.feed(15, {A: Reading(9, 2, -9, process=("p",)), B: Reading(4, 0, 3)})
    assert figures(Ledger.restored(state, 3600, 45))[1] == 0  # type: ignore[index]
    assert [seen.total for seen in state.processes] == [5]


def test_targets_that_show_one_process_still_do() -> None:
    """A process known under two targets counts once after the restart too, whichever of them is seen."""
    ledger = Ledger(3600, 45)
    ledger.feed(0, {A: Reading(5, 1, -9, process=("p",))})
    ledger.feed(15, {B: Reading(6, 1, -9, process=("p",))})
    state = ledger.state()
    assert len(state.processes) == 1
    restored = Ledger.restored(state, 3600, 45)
    restored.feed(30, {A: Reading(7, 1, -9, process=("p",))})
    restored.feed(45, {B: Reading(8, 1, -9, process=("p",))})
    assert restored.counts(3600).total == 3


def test_a_window_may_be_another_one_afterwards() -> None:
    """A ledger goes on whatever is promised of its counts: a longer window grows from what it has."""
    ledger = Ledger(60, 45)
    for n in range(4):
        ledger.feed(n * 15.0, {A: Reading(n, 0, -9)})
    restored = Ledger.restored(ledger.state(), 7200, 45)
    assert restored.window == 7200
    assert restored.counts(7200) == ledger.counts(60)


@pytest.mark.parametrize(("last", "known"), [(300, 5), (2, 0)])
def test_after_a_gap_of_months_a_ledger_of_a_year_goes_on(last: int, known: float) -> None:
    """Times are kept in 32 bits; what is older than the window and those goes, and nothing breaks."""
    day, year = 86_400.0, 400 * 86_400.0
    ledger = Ledger(year, 45)
    for at, total in ((0, 0), (last * day, 10)):
        ledger.feed(at, {A: Reading(total, 1, -9)})
    restored = Ledger.restored(ledger.state(), year, 45)
    assert restored.feed(float(REACH + 10), {A: Reading(15, 3, -9)})
    assert restored.counts(year).total == known
    assert restored.feed(float(REACH + 25), {A: Reading(16, 3, -9)})
    assert restored.counts(year).total == known + 1
    assert figures(Ledger.restored(restored.state(), year, 45)) == figures(restored)


def test_a_state_is_never_of_half_a_look() -> None:
    """Asked for in the middle of a look from another thread, it waits for the end of it."""
    ledger, asked = Ledger(3600, 45), threading.Event()
    found: list[LedgerState] = []

    class Slow(dict):  # type: ignore[type-arg]
        def items(self) -> object:  # type: ignore[override]
            reader.start()
            asked.wait(10)
            return super().items()

    def read() -> None:
        asked.set()
        found.append(ledger.state())

    reader = threading.Thread(target=read)
    ledger.feed(0, Slow({A: Reading(1, 0, -9)}))
    reader.join(10)
    assert found[0].newest == 0
    assert len(found[0].targets) == 1


def sliced() -> LedgerState:
    """A state with a slice under way."""
    ledger = Ledger(3600, 45, SLICES)
    for n in range(5):
        ledger.feed(1_000 + n, {A: Reading(n, 0, -9)})
    return ledger.state()


def points(**columns: object) -> Columns:
    """The points of that state, with other columns."""
    return sliced().points._replace(**columns)  # type: ignore[arg-type]


def shifted() -> Columns:
    """The same points, counted from a second earlier."""
    found = sliced().points
    return points(base=found.base - 1, at=[tick + TICKS for tick in found.at])


BROKEN = [
    pytest.param(replace(sliced(), slice=None), id="no slice"),
    pytest.param(replace(sliced(), newest=None), id="points without evidence"),
    pytest.param(replace(sliced(), epoch=None), id="evidence without a beginning"),
    pytest.param(replace(sliced(), newest=9e9), id="evidence after the last point"),
    pytest.param(replace(sliced(), slice=Slice(5, 0, 0, False, 0)), id="a slice of another time"),
    pytest.param(replace(sliced(), points=shifted()), id="counted from no proper time"),
    pytest.param(replace(sliced(), points=points(total=[1.0])), id="columns of different lengths"),
    pytest.param(replace(sliced(), points=points(bad_at=[3, 1], bad=[1.0, 2.0])), id="times that fall"),
    pytest.param(replace(sliced(), points=points(lost_at=[-1], lost=[1.0])), id="a time before the first"),
    pytest.param(replace(sliced(), points=points(lost_at=[2**32], lost=[1.0])), id="a time too late"),
]


@pytest.mark.parametrize("state", BROKEN)
def test_what_can_be_no_ledger_is_refused(state: LedgerState) -> None:
    """A state that contradicts itself is a ValueError, not a ledger that counts wrongly later."""
    with pytest.raises(ValueError, match=r"fit together|proper time"):
        Ledger.restored(state, 3600, 45, SLICES)


def test_slices_that_were_not_counted_are_refused() -> None:
    """A ledger of events cannot go on as one of slices."""
    with pytest.raises(ValueError, match="fit together"):
        Ledger.restored(Ledger(3600, 45).state(), 3600, 45, SLICES)


def test_a_sliced_ledger_before_its_second_look_is_restored() -> None:
    """No slice is under way yet."""
    ledger = Ledger(3600, 45, SLICES)
    ledger.feed(1_000, {A: Reading(1, 0, -9)})
    restored = Ledger.restored(ledger.state(), 3600, 45, SLICES)
    for one in (ledger, restored):
        for at in range(1_001, 1_030):
            one.feed(at, {A: Reading(at, 0, -9)})
    assert figures(restored) == figures(ledger)
