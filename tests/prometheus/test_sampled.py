"""Rules of values looked at slice by slice: what a slice counts, when it is not measured, and that each counts once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

import pytest

from holdfast.core.evidence import Missing, Why
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Composite, Gauge, Objective, ObjectKey, Proportion, Sampled
from holdfast.prometheus.connection import Connection
from holdfast.prometheus.poller import Poller
from holdfast.prometheus.refill import advance, refill
from holdfast.prometheus.sampled import judge, look
from holdfast.prometheus.sources import Answer, Series
from holdfast.prometheus.stretches import FIRST_STEPS, MOST_SAMPLES, MOST_STEPS
from tests.prometheus.answering import Reply, counting, serving
from tests.prometheus.making import SOURCE, objective

NOW = 1_764_309_600.0
ABOVE = Gauge("free", Fraction(7), good_above=True, every=60)
BELOW = Gauge("used", Fraction(7), good_above=False, every=60)
BAD = Proportion("errors", is_good=False, weight=None, every=60)
GOOD = Proportion("ok", is_good=True, weight=None, every=60)
HEAVY = Proportion("errors", is_good=False, weight="rate", every=60)

SLICES = [
    pytest.param(ABOVE, [8], [], (1, 0), id="above"),
    pytest.param(ABOVE, [7], [], (1, 1), id="the bound is not above"),
    pytest.param(ABOVE, [8, 9, 6.9], [], (1, 1), id="one of three is not above"),
    pytest.param(BELOW, [6, 6.9], [], (1, 0), id="all below"),
    pytest.param(BELOW, [7], [], (1, 1), id="the bound is not below"),
    pytest.param(BAD, [0.25], [], (1, 0.25), id="a share of bad ones"),
    pytest.param(GOOD, [0.75], [], (1, 0.25), id="a share of good ones"),
    pytest.param(BAD, [-1e-10], [], (1, 0), id="a little below nothing"),
    pytest.param(BAD, [1 + 1e-10], [], (1, 1), id="a little above everything"),
    pytest.param(HEAVY, [0.25], [2], (120, 30), id="events a second"),
    pytest.param(HEAVY, [], [0], (0, 0), id="no traffic is measured"),
    pytest.param(HEAVY, [float("nan")], [0], (0, 0), id="whatever its share is"),
]


@pytest.mark.parametrize(("indicator", "values", "weights", "expected"), SLICES)
def test_a_slice(indicator: Sampled, values: list[float], weights: list[float], expected: tuple[float, float]) -> None:
    """(events, bad events) of one slice."""
    assert judge(indicator, values, weights) == expected


NOT_MEASURED = [
    pytest.param(ABOVE, [], [], Why.ABSENT, "free gives no value", id="no series"),
    pytest.param(ABOVE, [8, float("nan")], [], Why.CONTRADICTORY, "no number", id="one is NaN"),
    pytest.param(BAD, [], [], Why.ABSENT, "errors gives no value", id="no share"),
    pytest.param(BAD, [float("nan")], [], Why.CONTRADICTORY, "no number", id="0 / 0"),
    pytest.param(BAD, [0.1, 0.1], [], Why.CONTRADICTORY, "2 series where one is needed; aggregate", id="two shares"),
    pytest.param(BAD, [1.5], [], Why.CONTRADICTORY, "errors gives 1.5, which is no share", id="more than all"),
    pytest.param(GOOD, [-0.1], [], Why.CONTRADICTORY, "from 0 to 1", id="less than nothing"),
    pytest.param(HEAVY, [0.1], [], Why.ABSENT, "rate gives no value", id="no weight"),
    pytest.param(HEAVY, [0.1], [1, 2], Why.CONTRADICTORY, "rate gives 2 series", id="two weights"),
    pytest.param(HEAVY, [0.1], [-1], Why.CONTRADICTORY, "the weight rate is negative", id="a negative weight"),
    pytest.param(HEAVY, [0.1], [1e300], Why.CONTRADICTORY, "is no number of events a second", id="beyond counting"),
    pytest.param(HEAVY, [0.1], [float("inf")], Why.CONTRADICTORY, "rate gives a value that is no number", id="endless"),
]


@pytest.mark.parametrize(("indicator", "values", "weights", "why", "words"), NOT_MEASURED)
def test_a_slice_that_is_not_measured(
    indicator: Sampled, values: list[float], weights: list[float], why: Why, words: str
) -> None:
    """What cannot be true, or is not there, is no evidence, and a sentence names the query and says what to do."""
    said, note = judge(indicator, values, weights)
    assert said is why
    assert words in str(note)


@dataclass
class Values(Connection):
    """A source that answers some queries with a value that changes at some times, and can be away."""

    known: Mapping[str, Mapping[float, float]] = field(default_factory=dict)
    series: int = 1
    down: bool = False
    asked: list[tuple[str, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(SOURCE)

    def range(self, query: str, start: float, end: float, step: float) -> Answer:
        self.asked.append((query, start, end))
        if self.down:
            return self.source.missing(Why.UNREACHABLE, end, "is away")
        changes = self.known.get(query, {})
        values = []
        for n in range(round((end - start) / step) + 1):
            at = start + n * step
            since = max((time for time in changes if time <= at), default=None)
            if since is not None and changes[since] == changes[since]:  # NaN: there is none
                values.append((at, changes[since]))
        return [Series({"n": str(n)}, values) for n in range(self.series)] if values else []


class Told:
    """Ledgers of some objectives at such a source."""

    def __init__(self, source: Values, *indicators: Sampled, window: float = 3600) -> None:
        self.source, self.poller = source, Poller(SOURCE)
        self.poller.connection = source
        self.objectives = [objective(f"o{n}", indicator, window) for n, indicator in enumerate(indicators)]
        self.ledgers = {o.key: Ledger(window, 3) for o in self.objectives}

    @property
    def ledger(self) -> Ledger:
        """The first one."""
        return self.ledgers[self.objectives[0].key]

    def look(self, at: float) -> Mapping[ObjectKey, Missing]:
        """One look of the present."""
        return advance(self.poller, self.ledgers, self.objectives, at, 15)

    def refill(self, until: float) -> Mapping[ObjectKey, Missing]:
        """The past."""
        return refill(self.poller, self.ledgers, self.objectives, until, 15)


BEGAN = NOW - 7200


def test_looks_within_a_slice_ask_nothing() -> None:
    """A slice of a minute is asked for once, when it is over, at its end."""
    told = Told(Values({"free": {BEGAN: 8}}), ABOVE)
    for n in range(9):
        assert not told.look(NOW + 15 * n)
    assert told.source.asked == [("free", NOW + 60 * n - 60, NOW + 60 * n) for n in range(3)]
    assert told.ledger.at == NOW + 120
    assert told.ledger.counts(3600).total == 2


def test_a_slice_without_a_value_is_not_covered() -> None:
    """It is told at every look, asked for again, and the next one that has a value leaves it uncovered."""
    told = Told(Values({"free": {BEGAN: 8, NOW + 60: float("nan"), NOW + 120: 6}}), ABOVE)
    told.look(NOW)
    for at in (NOW + 60, NOW + 75):
        (missing,) = told.look(at).values()
        assert (missing.why, missing.since) == (Why.ABSENT, NOW + 60)
    assert told.ledger.at == NOW
    assert not told.look(NOW + 120)
    counts = told.ledger.counts(120)
    assert (counts.total, counts.bad, counts.covered) == (1, 1, 60)


def test_a_value_that_comes_late_counts() -> None:
    """A recording rule that lags behind costs nothing while its slice is the newest."""
    told = Told(Values({"free": {NOW: 8}}), ABOVE)
    told.look(NOW)
    told.source.known = {}
    assert told.look(NOW + 60)
    told.source.known = {"free": {NOW: 8}}
    assert not told.look(NOW + 75)
    assert told.ledger.counts(60).covered == 60


def test_the_past_equals_what_was_watched() -> None:
    """A refill in large pieces gives the counts of one look after the other, gaps included."""
    known = {"errors": {BEGAN: 0.5, NOW + 300: float("nan"), NOW + 600: 0.25}, "rate": {BEGAN: 2, NOW + 900: 0}}
    watched, filled = Told(Values(known), HEAVY), Told(Values(known), HEAVY)
    for n in range(80):
        watched.look(NOW + 15 * n)
    filled.ledger.asked = NOW - 60
    assert not filled.refill(NOW + 1199)
    assert filled.ledger.at == watched.ledger.at == NOW + 1140
    for window in (300, 900, 1140):
        assert filled.ledger.counts(window) == watched.ledger.counts(window)
    assert filled.ledger.counts(1140).covered == 1140 - 300


def test_a_refill_that_breaks_off_goes_on_later() -> None:
    """What was read stays, what was not is read by the next one, and nothing is read or counted twice."""
    told = Told(Values({"free": {BEGAN: 8}}), ABOVE, window=7200)
    told.source.down = True
    (missing,) = told.refill(NOW).values()
    assert missing.why is Why.UNREACHABLE
    told.source.down = False
    assert not told.refill(NOW)
    asked = len(told.source.asked)
    assert not told.refill(NOW + 59)
    assert len(told.source.asked) == asked
    assert told.ledger.counts(7200).total == 120


def test_a_source_that_is_away_is_not_waited_for_by_everybody() -> None:
    """After two queries in a row without an answer the others are not asked, and each is told why."""
    told = Told(Values(down=True), ABOVE, BELOW, BAD, GOOD)
    assert len(told.look(NOW)) == len(told.refill(NOW)) == 4
    assert len(told.source.asked) == 4


@pytest.mark.parametrize(("series", "most"), [(1, MOST_STEPS), (1000, MOST_SAMPLES // 1000)])
def test_an_answer_stays_small(series: int, most: int) -> None:
    """So many steps at once as fit, with so many series as the first answer had."""
    told = Told(Values({"free": {NOW - 40 * 86400: 8}}, series=series), ABOVE, window=86400)
    told.refill(NOW)
    steps = [round((last - first) / 60) for _, first, last in told.source.asked]
    assert steps[0] == FIRST_STEPS
    assert max(steps[1:]) <= most
    assert told.ledger.counts(86400).covered == 86400


def test_composites_ask_nothing() -> None:
    """They are made of what others measure."""
    source = Values()
    poller = Poller(SOURCE)
    poller.connection = source
    mixed: Objective = objective("mixed", Composite(()))
    assert advance(poller, {}, [mixed], NOW, 15) == refill(poller, {}, [mixed], NOW, 15) == {}
    assert source.asked == []


def test_those_that_are_not_answered_do_not_always_come_first() -> None:
    """When two in a row do not answer the rest is not asked: over some looks everybody has a turn."""
    every = [objective(name, Gauge(name, Fraction(0), True, 60)) for name in ("slow1", "slow2", "ok0", "ok1", "ok2")]
    with serving(lambda asked: Reply(status=503) if "slow" in asked.form["query"] else counting(asked)) as server:
        connection = Connection(replace(SOURCE, url=server.url))
        ledgers = {o.key: Ledger(3600, 3) for o in every}
        for at in range(600, 1800, 60):
            look(connection, ledgers, every, at)
        connection.close()
    assert all(ledgers[o.key].at is not None for o in every if "ok" in o.key.name)
