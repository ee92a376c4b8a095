"""Whose ledger is whose while objectives come, change and go; nothing is asked of a source here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from holdfast.core.doubts import Odd
from holdfast.core.evidence import Fresh, Missing, Why
from holdfast.core.ledger import Ledger, Reading
from holdfast.core.objective import Composite, Gauge, Objective, Part, Selector
from holdfast.prometheus.sources import Source
from holdfast.service.accounts import Accounts
from holdfast.service.adjusting import NONE
from holdfast.service.memory import Open
from holdfast.service.metrics import Metrics
from holdfast.service.remarking import remarks
from holdfast.service.shelf import Shelf
from tests.core.making import DAY, ERRORS, HOUR, LATENCY, objective, percent

START = 1_764_000_000.0
POD = ("pod",)
MONTH = objective()
OTHER = replace(MONTH, indicator=replace(MONTH.indicator, good=Selector("other_total")))  # type: ignore[type-var]


@pytest.fixture
def accounts() -> Iterator[Accounts]:
    """None is open yet."""
    source = Source(name="default", url="http://127.0.0.1:9", scrape_interval=15, delay=2, timeout=1)
    found = Accounts([source], 15, Metrics(), Shelf(lambda: None, lambda: START + DAY))
    yield found
    found.close()


def keep(accounts: Accounts, *objectives: Objective) -> Ledger | None:
    """Have these and no others; the ledger of the first."""
    accounts.keep({o.key: o for o in objectives}, ())
    live = accounts.live(START)
    return live[0].ledger if live else None


def watch(ledger: Ledger | None, minutes: int, start: float = START, total: int = 0) -> None:
    """Feed it for so long."""
    assert ledger is not None
    for n in range(minutes + 1):
        ledger.feed(start + 60 * n, {POD: Reading(total + 10 * n, 0, START - 900)})


def is_provisional(accounts: Accounts, now: float) -> bool:
    """Whether the objective's figures are of a ledger that knows less than the one before."""
    accounts._accounts[LATENCY].filled = True
    return accounts.measured(accounts._accounts[LATENCY].objective, (), now).provisional


def test_one_that_is_deleted_and_created_anew_has_its_ledger_again(accounts: Accounts) -> None:
    """With everything it counted."""
    watch(keep(accounts, MONTH), 10)
    assert keep(accounts) is None
    again = keep(accounts, replace(MONTH, uid="another", generation=1))
    assert again is not None
    assert again.counts(DAY).total == 100
    assert not is_provisional(accounts, START + 600)
    assert accounts.measured(MONTH, (), START + 600).budget.total == 100


def test_the_first_failure_belies_at_once_that_nothing_ever_failed(accounts: Accounts) -> None:
    """Doubts are looked for every few minutes only; this one would contradict the figures beside it."""
    day = objective(target=percent("99"), window=DAY)
    ledger = keep(accounts, day)
    watch(ledger, 1_439, total=1)
    assert ledger is not None
    account, now = accounts._accounts[LATENCY], START + 1_439 * 60

    def doubted(now: float) -> Odd | None:
        said = remarks(accounts, account, NONE, now, foresee=False).implausible
        return None if said is None else said.what

    assert doubted(now) is Odd.NO_BURN_FOR_LONG
    ledger.feed(now + 60, {POD: Reading(1 + 14_400, 1, START - 900)})
    assert doubted(now + 60) is None


@pytest.mark.parametrize("changed", [{"target": MONTH.target / 2}, {"window": 7 * DAY}, {"window": 90 * DAY}])
def test_target_and_window_leave_the_ledger_as_it_is(accounts: Accounts, changed: dict[str, Any]) -> None:
    """The same one goes on; a longer window is kept from then on."""
    before = keep(accounts, MONTH)
    watch(before, 10)
    after = objective(**changed)
    assert keep(accounts, after) is before
    assert before is not None
    assert before.window == max(30 * DAY, after.window.longest)
    assert not is_provisional(accounts, START + 600)


def test_a_changed_indicator_is_provisional_until_it_covers_as_much(accounts: Accounts) -> None:
    """The new ledger knows nothing, then little, then as much; from then on a gap does not make it provisional again."""
    watch(keep(accounts, MONTH), 10)
    fresh = keep(accounts, OTHER)
    assert is_provisional(accounts, START + 600)
    watch(fresh, 9, START + 600)
    assert is_provisional(accounts, START + 1_140)
    assert accounts.live(START)[0].owed == 600
    watch(fresh, 1, START + 1_200, 90)
    assert not is_provisional(accounts, START + 1_260)
    assert accounts.live(START)[0].owed == 0


def test_a_window_shorter_than_what_is_owed_is_enough(accounts: Accounts) -> None:
    """More than its whole window nobody can cover."""
    watch(keep(accounts, MONTH), 10)
    short = replace(OTHER, window=replace(OTHER.window, length=120.0))  # type: ignore[type-var]
    watch(keep(accounts, short), 2, START + 600)
    assert not is_provisional(accounts, START + 720)


def test_changing_it_back_and_forth_finds_both_ledgers(accounts: Accounts) -> None:
    """Each with what it counted in its time."""
    watch(keep(accounts, MONTH), 10)
    watch(keep(accounts, OTHER), 5, START + 600)
    found = [keep(accounts, which) for which in (MONTH, OTHER, MONTH)]
    assert [ledger.counts(DAY).total if ledger else None for ledger in found] == [100, 50, 100]


def test_only_fresh_ledgers_are_worth_storing(accounts: Accounts) -> None:
    """Not one whose past is being read, whose last look failed, or whose newest evidence is old."""
    ledger = keep(accounts, MONTH)
    watch(ledger, 10)
    account = accounts._accounts[LATENCY]

    def fresh(now: float = START + 600) -> bool:
        (one,) = accounts.live(now)
        assert one == Open(MONTH, account.ledger, 0.0, one.fresh)
        return one.fresh

    assert not fresh()
    account.filled = True
    assert fresh()
    assert not fresh(START + 600 + MONTH.stale_after + 1)
    account.missing = Missing(Why.UNREACHABLE, START, "down")
    assert not fresh()


def test_one_that_cannot_be_read_now_keeps_its_ledger(accounts: Accounts) -> None:
    """Nothing is concluded from an objective that makes no sense at the moment."""
    before = keep(accounts, MONTH)
    accounts.keep({}, [LATENCY])
    assert keep(accounts, MONTH) is before


def test_a_restart_is_no_news(accounts: Accounts) -> None:
    """Until its source was heard, or failed to be, what the status of an objective says is the newest there is."""
    whole = replace(MONTH, key=ERRORS, indicator=Composite((Part(LATENCY, Fraction(1)),)))
    accounts.keep({o.key: o for o in (MONTH, whole)}, ())
    assert accounts.waiting(MONTH)
    assert accounts.waiting(whole)
    accounts._accounts[LATENCY].note(Missing(Why.UNREACHABLE, START, "it is down"))
    assert not accounts.waiting(MONTH)
    assert not accounts.waiting(whole)
    nowhere = replace(MONTH, source="gone")
    accounts.keep({nowhere.key: nowhere}, ())
    assert not accounts.waiting(nowhere), "nobody will ever be asked"


def test_the_edges_of_a_composite_are_kept_in_its_parts(accounts: Accounts) -> None:
    """Beside those of the part itself."""
    whole = replace(MONTH, key=ERRORS, indicator=Composite((Part(LATENCY, Fraction(1)),)))
    accounts.keep({o.key: o for o in (MONTH, whole)}, ())
    accounts.declare(MONTH, (), (START,))
    accounts.declare(whole, (), (START + DAY, START))
    ledger = accounts._accounts[LATENCY].ledger
    assert set(ledger.pins) == {START, START + DAY}
    accounts.declare(whole, (), ())
    assert set(ledger.pins) == {START}


def test_a_composite_is_as_patient_as_its_slowest_part(accounts: Accounts) -> None:
    """A part that is looked at once an hour has no newer figures in between."""
    hourly = replace(MONTH, indicator=Gauge("up", Fraction(1), True, HOUR))
    whole = replace(MONTH, key=ERRORS, indicator=Composite((Part(LATENCY, Fraction(1)),)))
    accounts.keep({o.key: o for o in (hourly, whole)}, ())
    account = accounts._accounts[LATENCY]
    account.filled = account.asked = True
    account.ledger.add(START, 1, 0, HOUR)
    found = accounts.measured(whole, (), START + HOUR)
    assert (isinstance(found.evidence, Fresh), found.interval) == (True, HOUR)
    assert isinstance(accounts.measured(whole, (), START + 2 * HOUR).evidence, Missing)
