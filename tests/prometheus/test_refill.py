"""Rules of reading the past: every piece of it once, in order, never more than one answer may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.evidence import Missing, Why
from holdfast.core.ledger import Ledger, Reading
from holdfast.core.objective import BadOverTotal, Objective, ObjectKey, Selector, TimeSlices
from holdfast.core.window import Rolling
from holdfast.prometheus.poller import Moment, Past, Poller, grid_time
from holdfast.prometheus.refill import MOST_RESTARTS, advance, refill
from holdfast.prometheus.sources import Source
from holdfast.prometheus.stretches import FIRST_STEPS, MOST_STEPS, PACES, stretches

DAY = 86_400.0
NOW = 1_764_309_600.0

INTERVALS = st.sampled_from((1.0, 5.0, 15.0, 30.0, 60.0, 300.0))


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 31 * DAY), st.integers(0, 3600), INTERVALS)
def test_the_past_is_covered_once_and_in_order(age: float, later: int, interval: float) -> None:
    """Looks go strictly forwards from after the beginning, on the grid of their step, and end exactly where asked."""
    until = (NOW + later) // interval * interval
    after = until - age
    found = list(stretches(after, until, interval))
    looks = [(s.first + n * s.step, s.step) for s in found for n in range(round((s.last - s.first) / s.step) + 1)]
    assert all(at % step == 0 for at, step in looks)
    assert all(one < other for (one, _), (other, _) in pairwise(looks))
    if age >= interval:
        assert looks[-1][0] == until
        assert after < looks[0][0]
    before = after
    for at, step in looks:  # no look is further from the one before than its own step: what died between is in range
        assert at - before <= step
        before = at


@pytest.mark.parametrize(("age", "step"), [(60.0, 15.0), (2 * 3600.0, 60.0), (DAY, 300.0), (20 * DAY, 3600.0)])
def test_the_older_the_coarser(age: float, step: float) -> None:
    """Within an hour at the pace of polling, then by the minute, five minutes, and the hour."""
    paces = {s.step for s in stretches(NOW - age, NOW, 15)}
    assert max(paces) == step
    assert min(paces) == 15


SLICES = [
    (60.0, 60.0),
    (90.0, 90.0),
    (300.0, 300.0),
    (1800.0, 1800.0),
    (5400.0, 2700.0),
    (7200.0, 3600.0),
    (100.0, 15.0),
]


@pytest.mark.parametrize(("length", "longest"), SLICES)
def test_slices_of_time_are_seen_from_edge_to_edge(length: float, longest: float) -> None:
    """No step is longer than a slice, and steps meet its edges, however old; a slice that is not made of whole
    intervals is read as it is watched.
    """
    found = list(stretches(NOW - 20 * DAY, NOW, 15, length))
    assert max(s.step for s in found) <= longest
    assert all(length % s.step == 0 or s.step == 15 for s in found)


def test_nothing_is_read_when_nothing_is_missing() -> None:
    """A ledger that is up to date asks nothing."""
    assert list(stretches(NOW, NOW, 15)) == []


@pytest.mark.parametrize(("now", "interval", "delay", "at"), [(107, 15, 5, 90), (110, 15, 5, 105), (10.5, 1, 2, 8)])
def test_the_grid(now: float, interval: float, delay: float, at: float) -> None:
    """The newest multiple of the interval that is at least the delay ago."""
    assert grid_time(now, interval, delay) == at


@dataclass
class Process:
    """One event a second, and one bad one in ten, from its start to its end; the start is that of its counter."""

    target: str
    start: float
    end: float

    def reading(self, at: float) -> Reading:
        """What it counted until then."""
        total = min(at, self.end) - self.start
        return Reading(total, total // 10, self.start)


@dataclass
class Simulated(Poller):
    """A source that knows some processes, sees each as long as a range query would, and can fail."""

    processes: Sequence[Process]
    fails: set[int] = field(default_factory=set)
    series: int = 3
    asked: list[tuple[float, float, float]] = field(default_factory=list)
    polled: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(Source("simulated", "http://127.0.0.1:9", scrape_interval=1))

    def _sample(self, at: float, step: float) -> dict[tuple[str, ...], Reading] | None:
        seen = [p for p in self.processes if p.start < at and p.end > at - self.reach(step)]
        newest = {p.target: p for p in sorted(seen, key=lambda p: p.start)}
        return {(name,): process.reading(at) for name, process in newest.items()} or None

    def poll(self, objectives: Sequence[Objective], at: float, step: float) -> Moment:
        self.polled.append(at)
        sample = self._sample(at, step) or Missing(Why.ABSENT, at, "nothing")
        return Moment(at, {o.key: sample for o in objectives})

    def past(self, objectives: Sequence[Objective], first: float, last: float, step: float) -> Past:
        self.asked.append((first, last, step))
        if len(self.asked) - 1 in self.fails:
            return Past([], {o.key: Missing(Why.UNREACHABLE, last, "down") for o in objectives}, 0)
        times = [first + n * step for n in range(round((last - first) / step) + 1)]
        samples = [(at, self._sample(at, step)) for at in times]
        return Past([Moment(at, {o.key: s for o in objectives}) for at, s in samples if s], {}, self.series)


INDICATOR = BadOverTotal(Selector("bad"), Selector("total"))


def objective(name: str = "one", window: float = 3 * DAY) -> Objective:
    """An objective on everything the simulated source has."""
    return Objective(ObjectKey("ns", name), "uid", 1, Fraction(99, 100), Rolling(window), INDICATOR)


def fresh(poller: Poller, *objectives: Objective, interval: float = 15) -> dict[ObjectKey, Ledger]:
    """Empty ledgers."""
    return {o.key: Ledger(o.window.longest, poller.reach(interval)) for o in objectives}


def elder() -> Process:
    """A process that was always there."""
    return Process("elder", NOW - 90 * DAY, NOW + DAY)


BIRTHS = st.lists(
    st.tuples(st.floats(60, 3 * DAY - 7200), st.floats(30, 2 * DAY)).map(lambda x: (round(x[0]), round(x[1]))),
    max_size=8,
)


@settings(max_examples=12, deadline=None)
@given(BIRTHS)
def test_a_refill_loses_no_event_of_pods_that_come_and_go(births: list[tuple[int, int]]) -> None:
    """However coarse the steps: a pod that was born after the first look and is gone at the next counts in full."""
    processes = [Process(f"pod-{n}", NOW - age, min(NOW, NOW - age + life)) for n, (age, life) in enumerate(births)]
    source, wanted = Simulated([elder(), *processes]), objective()
    ledgers = fresh(source, wanted)
    assert not refill(source, ledgers, [wanted], NOW, 15)
    ledger = ledgers[wanted.key]
    assert ledger.at == NOW and ledger.epoch is not None
    true = NOW - ledger.epoch + sum(p.end - p.start for p in processes)
    assert ledger.counts(9 * DAY).total == true
    assert ledger.counts(wanted.window.longest).covered == wanted.window.longest
    assert source.polled == []  # nothing started anew


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(3 * 3600, 20 * 3600), min_size=1, max_size=4))
def test_a_refill_loses_no_event_of_processes_that_start_anew(lives: list[int]) -> None:
    """The last counts of a life that ended between two coarse steps are read at the time at which the next began."""
    processes, start = [], NOW - 4 * DAY
    for length in (DAY + 60, *lives):
        processes.append(Process("pod", start + 0.25, start + length))
        start += length
    processes.append(Process("pod", start + 0.25, NOW + DAY))
    source, wanted = Simulated([elder(), *processes]), objective()
    ledgers = fresh(source, wanted)
    refill(source, ledgers, [wanted], NOW, 15)
    ledger = ledgers[wanted.key]
    assert ledger.epoch is not None
    true = (
        NOW
        - ledger.epoch
        + sum(min(NOW, p.end) - max(ledger.epoch, p.start) for p in processes if p.end > ledger.epoch)
    )
    assert ledger.counts(9 * DAY).total == pytest.approx(true)


def test_what_failed_is_read_later() -> None:
    """A refill that breaks off keeps what it has; the next one goes on from there, and the sum is the same."""
    wanted = objective()
    whole = Simulated([elder()])
    expected = fresh(whole, wanted)
    refill(whole, expected, [wanted], NOW, 15)
    for failing in range(len(whole.asked)):
        source = Simulated([elder()], fails={failing})
        ledgers = fresh(source, wanted)
        assert refill(source, ledgers, [wanted], NOW, 15)[wanted.key].why is Why.UNREACHABLE
        assert not refill(source, ledgers, [wanted], NOW, 15)
        assert ledgers[wanted.key].counts(wanted.window.longest) == expected[wanted.key].counts(wanted.window.longest)


def test_the_newest_past_without_evidence_is_asked_for_again() -> None:
    """A source that has nothing to say may be wrong: what it says of the last five minutes a little later still counts,
    and what is older is not read again and again.
    """
    wanted, ends = objective(), Process("old", NOW - DAY, NOW + 200)
    source = Simulated([ends, Process("new", NOW + 20.5, NOW + 100)])
    ledgers = fresh(source, wanted)
    refill(source, ledgers, [wanted], NOW, 15)
    whole, source._sample = source._sample, lambda at, step: None  # type: ignore[method-assign]
    assert not refill(source, ledgers, [wanted], NOW + 240, 15)
    source._sample = whole  # type: ignore[method-assign]
    assert not refill(source, ledgers, [wanted], NOW + 255, 15)
    assert ledgers[wanted.key].at == NOW + 210
    assert ledgers[wanted.key].counts(210).total == 200 + 79.5
    source.asked.clear()
    for later in range(300, 3600, 300):
        refill(source, ledgers, [wanted], NOW + 255 + later, 15)
    assert max(last - first for first, last, _ in source.asked) <= 600


def test_a_look_does_not_close_a_gap_that_was_not_read() -> None:
    """A source that has nothing to say of the past, and at once something of the present, is believed at the next
    refill: what happened in between is counted.
    """
    first, second = Process("pod", NOW - DAY, NOW + 50), Process("pod", NOW + 51.5, NOW + DAY)
    source, wanted = Simulated([elder(), first, second]), objective()
    ledgers = fresh(source, wanted)
    refill(source, ledgers, [wanted], NOW, 15)
    whole, source._sample = source._sample, lambda at, step: None  # type: ignore[method-assign]
    assert not refill(source, ledgers, [wanted], NOW + 60, 15)
    source._sample = whole  # type: ignore[method-assign]
    assert not advance(source, ledgers, [wanted], NOW + 60, 15)
    assert ledgers[wanted.key].at == NOW
    assert not refill(source, ledgers, [wanted], NOW + 75, 15)
    assert not advance(source, ledgers, [wanted], NOW + 90, 15)
    assert ledgers[wanted.key].counts(90).total == 90 + 50 + (90 - 51.5)


def test_an_answer_stays_small() -> None:
    """The first answer is short; how long the next ones are depends on how many series there were."""
    few, many = Simulated([elder()]), Simulated([elder()], series=5000)
    for source in (few, many):
        wanted = objective()
        refill(source, fresh(source, wanted), [wanted], NOW, 15)
    steps = [[round((last - first) / step) + 1 for first, last, step in source.asked] for source in (few, many)]
    assert steps[0][0] <= FIRST_STEPS
    assert max(steps[0]) <= MOST_STEPS
    assert max(steps[1][1:]) * 5000 <= 250_000


def test_two_windows_are_each_filled_once() -> None:
    """A short objective beside a long one asks nothing older than it needs, and both are full."""
    source, long, short = Simulated([elder()]), objective("long", 20 * DAY), objective("short", 3600)
    ledgers = fresh(source, long, short)
    assert not refill(source, ledgers, [long, short], NOW, 15)
    assert ledgers[long.key].counts(long.window.longest).covered == long.window.longest
    assert ledgers[short.key].counts(short.window.longest).total == pytest.approx(3600, abs=60)
    assert not refill(source, ledgers, [long, short], NOW, 15)


def test_a_refill_measures_every_slice_of_time() -> None:
    """A past of three days has all its slices of a minute, beside an objective that counts events."""
    sliced = replace(objective("sliced"), slices=TimeSlices(60, Fraction(9, 10)))
    source, plain = Simulated([elder()]), objective("plain")
    ledgers = {o.key: Ledger(3 * DAY, source.reach(15), o.slices) for o in (sliced, plain)}
    assert not refill(source, ledgers, [sliced, plain], NOW, 15)
    counts = ledgers[sliced.key].counts(3 * DAY)
    assert (counts.total, counts.covered) == (3 * 1440, 3 * DAY)
    assert ledgers[plain.key].counts(3 * DAY).covered == 3 * DAY


def test_a_look_goes_back_to_the_start_of_a_process() -> None:
    """A live look after a restart reads the last counts of the life before, once."""
    first, second = Process("pod", NOW - DAY, NOW + 5), Process("pod", NOW + 6.5, NOW + DAY)
    source, wanted = Simulated([elder(), first, second]), objective()
    ledgers = fresh(source, wanted)
    for at in (NOW, NOW + 15, NOW + 30, NOW + 45):
        assert not advance(source, ledgers, [wanted], at, 15)
    assert source.polled == [NOW, NOW + 15, NOW + 6.5, NOW + 30, NOW + 45]
    assert ledgers[wanted.key].counts(DAY).total == 45 + 5 + (45 - 6.5)


def test_looks_at_starts_are_bounded() -> None:
    """A thousand restarts between two looks cost some looks, not a thousand."""
    lives = [[Process(f"p{n}", NOW - DAY, NOW), Process(f"p{n}", NOW + 0.01 * (n + 1), NOW + DAY)] for n in range(200)]
    source, wanted = Simulated([p for pair in lives for p in pair]), objective()
    ledgers = fresh(source, wanted)
    advance(source, ledgers, [wanted], NOW, 15)
    advance(source, ledgers, [wanted], NOW + 15, 15)
    assert len(source.polled) == 2 + MOST_RESTARTS


def test_a_source_that_fails_at_a_start_is_not_asked_again_and_again() -> None:
    """Without evidence at one start the others are left out."""
    lives = [[Process(f"p{n}", NOW - DAY, NOW), Process(f"p{n}", NOW + n + 1, NOW + DAY)] for n in range(9)]
    source, wanted = Simulated([p for pair in lives for p in pair]), objective()
    ledgers = fresh(source, wanted)
    advance(source, ledgers, [wanted], NOW, 15)
    whole, source._sample = source._sample, lambda at, step: None if at % 15 else whole(at, step)  # type: ignore[method-assign]
    assert not advance(source, ledgers, [wanted], NOW + 15, 15)
    assert source.polled == [NOW, NOW + 15, NOW + 1]


def test_paces_grow_finer() -> None:
    """Oldest first, and each finer than the one before."""
    assert all(one > other for one, other in pairwise(PACES))
