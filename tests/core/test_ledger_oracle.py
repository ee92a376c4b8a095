"""The ledger against an oracle that sees every event.

A small world: one tick a second, every process is scraped at every tick once it is discovered, and a look reads what a
range query over the samples would. Targets are born, die, and start again under the same name.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.ledger import RESOLUTIONS, Ledger, Reading, Target
from holdfast.core.points import TOGETHER
from holdfast.core.targets import PATIENCE

EPOCH = 10


@dataclass(frozen=True)
class Life:
    """One process: when it lives and is scraped (from `seen` on), and its (good, bad) events at each tick."""

    target: Target
    start: int
    seen: int
    end: int
    events: tuple[tuple[int, int], ...]

    def counted(self, at: int) -> tuple[int, int]:
        """(good, bad) events up to and including a tick."""
        past = self.events[: max(0, at + 1 - self.start)]
        return sum(good for good, _ in past), sum(bad for _, bad in past)


FIRST = Life(("first",), -500, -500, 200, ((1, 0),) * 700)


@dataclass
class World:
    """All lives, and the samples that a Prometheus has of them."""

    lives: tuple[Life, ...]
    samples: dict[Target, dict[str, list[tuple[int, float]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for life in sorted(self.lives, key=lambda x: x.start):
            good = bad = 0
            for at in range(life.start, life.end + 1):
                more = life.events[at - life.start] if at - life.start < len(life.events) else (0, 0)
                good, bad = good + more[0], bad + more[1]
                if at < max(life.seen, -10):
                    continue
                series = self.samples.setdefault(life.target, {})
                for name, value in (("good", good), ("bad", bad), ("start", life.start - 0.5)):
                    if value or name == "start":  # a labelled series appears with its first event
                        series.setdefault(name, []).append((at, value))

    def look(self, at: int, reach: int, derived: bool, without: Iterable[str] = ()) -> dict[Target, Reading]:
        """The last value of every series in the range; without those whose names are given."""
        found = {}
        for target, series in self.samples.items():
            last = {}
            for name, points in series.items():
                newest = bisect_right(points, (at, float("inf"))) - 1
                if newest >= 0 and points[newest][0] > at - reach:
                    last[name] = points[newest][1]
            value = {name: v for name, v in last.items() if name not in without}
            good, bad = value.get("good", 0), value.get("bad", 0)
            if "start" in last and (good or bad):
                found[target] = Reading(good + bad, bad, value.get("start"), derived)
        return found

    def happened(self, until: int, reach: int) -> tuple[float, float]:
        """(events, bad events) that a ledger since EPOCH has to know at a tick."""
        total = bad = 0
        for life in self.lives:
            now, before = life.counted(min(until, life.end)), life.counted(EPOCH)
            if life.start - 0.5 > EPOCH - reach and life.seen > EPOCH:
                before = (0, 0)  # born unseen just before the first look: all of it is the ledger's
            total += sum(now) - sum(before)
            bad += now[1] - before[1]
        return total, bad


def lives(target: Target, restarts: bool, step: int) -> st.SearchStrategy[list[Life]]:
    """The lives of one name. The last tick of each is quiet, so that a scrape sees everything.

    One that starts again was quiet since the last look, and lives until it was seen alone: no reader of last values can
    know more. One that is older than the ledger has a counter when that begins, and does not start anew just before it:
    else the first value or two are a baseline.
    """
    quiet = step + 1

    @st.composite
    def build(draw: Any) -> list[Life]:
        found, start = [], draw(st.integers(0, 30))
        for _ in range(draw(st.integers(1, 3)) if restarts else 1):
            length = draw(st.integers(2 * step + 6 if restarts else 2, 40))
            if restarts and start <= EPOCH:
                length = max(length, EPOCH + 2 + quiet - start)
            seen = start + draw(st.integers(0, 2 if restarts else min(8, length - 1)))
            elder = start <= EPOCH - step - 2
            seen = min(seen, EPOCH) if elder else seen
            active = length - (quiet if restarts else 1)
            pair = st.tuples(st.integers(0, 3), st.sampled_from((0, 0, 0, 1)))
            events = draw(st.lists(pair, min_size=active, max_size=active))
            if elder and events:
                events[0] = (1, 0)
            found.append(Life(target, start, seen, start + length - 1, (*events, *[(0, 0)] * (length - active))))
            start += length + draw(st.integers(0, 5))
        return found

    return build()


def worlds(restarts: bool, step: int) -> st.SearchStrategy[World]:
    """Up to five names; the first is there from the beginning, so that the ledger has an epoch."""
    names = st.integers(0, 5).flatmap(lambda n: st.tuples(*(lives((f"pod-{i}",), restarts, step) for i in range(n))))
    return names.map(lambda every: World((FIRST, *(life for some in every for life in some))))


PACES = st.sampled_from((1, 2, 3, 5))


def watched(world: World, step: int, derived: bool, looks: Iterable[int], until: int = 150) -> Ledger:
    """A ledger that looked at these times, and every step after them to the end."""
    ledger = Ledger(1_000, step + 2)
    for at in (*looks, *range(until, until + 30, step)):
        ledger.feed(at, world.look(at, step + 2, derived))
    return ledger


@settings(deadline=None)
@given(st.data(), PACES, st.booleans(), st.booleans())
def test_every_event_counts_once(data: st.DataObject, step: int, restarts: bool, derived: bool) -> None:
    """Births, deaths, discovery that comes late, and restarts under the same name: the counts are the truth."""
    world = data.draw(worlds(restarts, step))
    ledger = watched(world, step, derived, range(EPOCH, 150, step))
    counts = ledger.counts(1_000)
    at = int(ledger.at or 0)
    assert (counts.total, counts.bad) == world.happened(at, step + 2)
    assert counts.covered == at - EPOCH


@settings(deadline=None)
@given(st.data(), PACES, st.booleans(), st.booleans())
def test_nothing_counts_twice(data: st.DataObject, step: int, restarts: bool, derived: bool) -> None:
    """Whichever looks are left out, and whatever one look in two does not see, no event is made up."""
    world = data.draw(worlds(restarts, step))
    kept = data.draw(st.lists(st.booleans(), min_size=140 // step, max_size=140 // step))
    ledger = Ledger(1_000, step + 2)
    ledger.feed(EPOCH, world.look(EPOCH, step + 2, derived))
    whole = True
    for n, keep in enumerate(kept):
        at = EPOCH + (n + 1) * step
        if keep:
            names = data.draw(st.sets(st.sampled_from(("good", "bad", "start")))) if whole else set()
            whole = not names
            ledger.feed(at, world.look(at, step + 2, derived, names))
            total, bad = world.happened(at, step + 2)
            counts = ledger.counts(1_000)
            assert counts.total <= total
            assert counts.bad <= bad


@settings(deadline=None)
@given(st.data(), PACES, st.booleans())
def test_half_answers_cost_nothing_in_the_end(data: st.DataObject, step: int, derived: bool) -> None:
    """Series that are missing from some answers change nothing once whole answers have come again."""
    start = data.draw(st.integers(EPOCH, 30))
    pairs = st.tuples(st.integers(0, 3), st.sampled_from((0, 0, 1)))
    events = data.draw(st.lists(pairs, min_size=40, max_size=40))
    world = World((FIRST, Life(("pod",), start, start + data.draw(st.integers(0, 8)), 200, tuple(events))))
    holes = data.draw(st.dictionaries(st.integers(1, 60 // step), st.sets(st.sampled_from(("good", "bad", "start")))))
    ledger = Ledger(1_000, step + 2)
    for n, at in enumerate(range(EPOCH, 150, step)):
        ledger.feed(at, world.look(at, step + 2, derived, holes.get(n, ())))
    counts = ledger.counts(1_000)
    assert (counts.total, counts.bad) == world.happened(int(ledger.at or 0), step + 2)


@settings(deadline=None)
@given(st.data(), PACES, st.booleans())
def test_feeding_again_changes_nothing(data: st.DataObject, step: int, derived: bool) -> None:
    """Looks that overlap, repeat or come in a wrong order leave the ledger as the ordered ones did."""
    world = data.draw(worlds(True, step))
    times = list(range(EPOCH, 80, step))
    again = data.draw(st.lists(st.sampled_from(times), max_size=5))
    one, other = Ledger(1_000, step + 2), Ledger(1_000, step + 2)
    for at in times:
        one.feed(at, world.look(at, step + 2, derived))
        other.feed(at, world.look(at, step + 2, derived))
        for late in again:
            if late <= at:
                assert not other.feed(late, world.look(late, step + 2, derived))
    assert one.counts(50) == other.counts(50)
    assert (one.at, one.targets, one.points()) == (other.at, other.targets, other.points())


def spacing(age: float) -> float:
    """How far apart points of this age may be."""
    return next(apart for limit, apart in RESOLUTIONS if age <= limit)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 4_000), min_size=300, max_size=900), st.sampled_from((600.0, 7_200.0, 86_400.0)))
def test_thinning_loses_nothing(gaps: list[int], window: float) -> None:
    """A window of a thinned ledger has at least the events of the window, and at most those of a few slots before it."""
    ledger, looks, at = Ledger(window, 4_000), list[tuple[int, int]](), 0
    for n, gap in enumerate(gaps):
        at += gap
        looks.append((at, n * n))
        ledger.feed(at, {("a",): Reading(n * n, n, -1)})

    def since(edge: float) -> int:
        return looks[-1][1] - max((total for t, total in looks if t <= edge), default=0)

    for asked in (window, window / 2, window / 12):
        edge, counted = at - asked, ledger.counts(asked)
        assert since(edge) <= counted.total <= since(edge - 2 * TOGETHER * spacing(asked) - max(gaps))
        assert counted.covered == min(asked, at - looks[0][0])


def test_patience_is_longer_than_any_look_reaches_back_at_the_usual_pace() -> None:
    """Samples of an earlier life are out of the range before a fall is taken for good."""
    assert PATIENCE > 60 + 2 * 60
