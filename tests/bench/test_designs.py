"""The recording rules that Holdfast is compared with: what they ask, and how distances and prices are added up."""

from __future__ import annotations

import math
import struct

import pytest

from bench import designs, fleet, remote
from bench.accuracy import Distances
from bench.cost import Compare, Price
from bench.designs import BURNS, DESIGNS, INCREASE, MEAN, SUMMED, Recorded
from bench.making import errors, latency
from holdfast.core.objective import Counted

RECORDED = Recorded("shop-available")


def test_every_design_has_the_burn_rates_and_its_own_window() -> None:
    """Seven ratios every 30 s; the window as each design publishes it, and as often."""
    indicator = errors("shop", code="~5..")
    assert [rule.every for rule in designs.burn_rates(indicator)] == [30] * len(BURNS)
    found = designs.rules(indicator, "28d", RECORDED)
    assert set(found) == set(DESIGNS)
    assert [(r.expression.count("[28d"), r.every) for r in found[INCREASE]] == [(1, 150)]
    assert [(r.expression.count("[28d"), r.every) for r in found[SUMMED]] == [(0, 30), (1, 150), (1, 150)]
    assert [(r.expression.count("[28d"), r.every) for r in found[MEAN]] == [(2, 30)]


def test_a_counter_with_a_label_for_what_is_bad_is_read_once() -> None:
    """The cheaper way of the published ones: one increase by that label. A latency needs its two."""
    one = designs.rules(errors("shop", code="~5.."), "28d", RECORDED)[INCREASE]
    assert [rule.expression.partition("(code)")[0] for rule in one] == ["sum by "]
    assert len(designs.rules(latency("shop", 0.1), "28d", RECORDED)[INCREASE]) == 2


@pytest.mark.parametrize("indicator", [errors("shop", code="~5.."), latency("shop", 0.5)])
def test_the_ratio_is_of_bad_events(indicator: Counted) -> None:
    """Of good events it is what is left to one."""
    said = designs.ratio(indicator, "5m")
    assert said.startswith("1 - ") is ("_bucket" in said)
    assert said.count("[5m]") == 2


def test_no_answer_is_counted_and_not_taken_for_a_small_distance() -> None:
    """Quantiles are of the answers there were; those that are missing are told beside them."""
    found = Distances((None, 3.0, 1.0, 2.0, None))
    assert (found.silent, found.quantile(0.5), found.quantile(1)) == (2, 2, 3)
    assert "no answer to 2 of 5" in str(found)
    assert math.isnan(Distances((None,)).quantile(0.95))


def test_the_best_design_may_differ_by_currency() -> None:
    """Each figure compares with the design that is cheapest in what the figure is about."""
    found = Compare(Price(1, 1), Price(0, 0), {"a": Price(5, 900), "b": Price(7, 300)}, 0, 0)
    assert found.best(lambda p: p.cpu) == "a"
    assert found.best(lambda p: p.samples) == "b"
    assert Price(1, 2) + Price(3, 4) == Price(4, 6)


def test_the_fleet_has_five_hundred_objectives_on_ten_series_a_pod() -> None:
    """What the documentation says is asked is what is written."""
    assert fleet.SERVICES * len(fleet.INDICATORS) == 500
    series = [s for s in fleet.every() if s.labels.get("pod") == f"{fleet.service(fleet.SERVICES - 1)}-0"]
    assert len(series) == 10
    past, recent = (
        sum(1 for _ in series[0].samples(*span))
        for span in ((0, fleet.NOW - fleet.RECENT), (fleet.NOW - fleet.RECENT, fleet.NOW))
    )
    assert (past, recent) == (0, fleet.RECENT // fleet.SCRAPE)


def test_stretches_of_a_series_meet_without_overlap() -> None:
    """A sample on an edge belongs to the stretch that ends there."""
    series = remote.Series("m", {}, begin=7, step=10, rate=2)
    assert list(series.samples(0, 27)) == [(7, 0), (17, 20), (27, 40)]
    assert list(series.samples(27, 47)) == [(37, 60), (47, 80)]


def test_what_is_written_remotely_is_what_protobuf_and_snappy_say() -> None:
    """One series, byte by byte: labels in order, a double and the milliseconds, then literals only."""
    sent = remote._series(remote.Series("m", {"a": "b"}, 1, 1, base=3), 0, 1)
    name, label = b"\n\x0d\n\x08__name__\x12\x01m", b"\n\x06\n\x01a\x12\x01b"
    assert sent == name + label + b"\x12\x0c\x09" + struct.pack("<d", 3) + b"\x10\xe8\x07"
    long = bytes(remote.CHUNK + 1)
    assert remote._snappy(long) == b"\x81\x80\x04" + b"\xf4\xff\xff" + long[1:] + b"\xf4\x00\x00\x00"
