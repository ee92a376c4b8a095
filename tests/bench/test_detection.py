"""The benchmark of detection: what the rivals decide, what is counted, and that the vectorised test is the shipped one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench import many
from bench.detection import Cell, Duel, duels, until
from bench.frame import BenchError
from bench.releases import BUDGET, HEALTHY, Schedule, Served, Service, Story, served, services
from bench.rivals import RIVALS, argo, bound, burn, flagger

SERVICE = Service(100, Schedule.ROLLING, 1, 15)


def made(failing: list[int], n: int = 1500, e: int = 300, m: int = 0) -> Served:
    """One release of 30 minutes that fails in these minutes and in no other."""
    bad = np.zeros((SERVICE.rows, 1), dtype=np.int64)
    for minute in failing:
        bad[4 * minute : 4 * minute + 4] = e
    return Served(np.full_like(bad, n), bad, np.full_like(bad, m), np.zeros_like(bad))


def test_argo_stops_with_the_fourth_failed_minute() -> None:
    """A failureLimit of 3 bears three failed measurements, whenever they come."""
    assert argo(made([0, 1, 2]), SERVICE).tolist() == [SERVICE.rows]
    assert argo(made([0, 1, 2, 7]), SERVICE).tolist() == [4 * 7 + 3]


def test_flagger_stops_a_minute_after_the_fifth_failed_one() -> None:
    """The check that finds the threshold reached rolls back."""
    assert flagger(made([0, 1, 2, 3]), SERVICE).tolist() == [SERVICE.rows]
    assert flagger(made([0, 1, 2, 3, 9]), SERVICE).tolist() == [4 * 10 + 3]


def test_one_in_a_hundred_is_what_both_bear() -> None:
    """A minute fails when more than 1 % of its requests do."""
    assert argo(made([*range(5)], e=15), SERVICE).tolist() == [SERVICE.rows]
    assert argo(made([*range(5)], e=16), SERVICE).tolist() == [15]


def test_the_alert_needs_the_hour_and_the_five_minutes() -> None:
    """14.4 times the budget of the whole service: 1.44 % of an hour, here 104 s of half of all requests."""
    assert burn(made([*range(30)], e=750), SERVICE).tolist() == [6]
    assert burn(made([*range(30)], e=750, m=1_000_000), SERVICE).tolist() == [SERVICE.rows]


def test_failures_are_counted_until_they_are_known() -> None:
    """All of the row at whose end it is stopped, and of the rows after it the part until the news arrives."""
    some = made([*range(30)], e=10)
    assert until(some, np.array([1]), 0).tolist() == [20]
    assert until(some, np.array([1]), 1.5).tolist() == [35]
    assert until(some, np.array([SERVICE.rows]), 1.5).tolist() == [10 * SERVICE.rows]


def test_the_bound_counts_clusters_once() -> None:
    """Five failures that come together tell as much as one; a fault of everything needs one failure and a bit."""
    assert bound(0.01, 1, 0.001) == pytest.approx(0.01 * math.log(1000) / 0.014063, rel=0.01)
    assert bound(0.01, 5, 0.001) == pytest.approx(5 * bound(0.01, 1, 0.001), rel=0.02)


@pytest.mark.parametrize("cluster", [1, 5])
def test_traffic_is_what_it_is_said_to_be(cluster: int) -> None:
    """Requests a second, shares of a schedule, and ratios of failures, on average of many releases."""
    service = Service(1000, Schedule.STEPPED, cluster, 15)
    (some,) = served(service, Story(0.05), 400, 1)
    assert some.n[0].mean() == pytest.approx(1500, rel=0.02)
    assert (some.n + some.m).mean() == pytest.approx(15_000, rel=0.01)
    assert some.e.sum() / some.n.sum() == pytest.approx(0.05, rel=0.02)
    assert some.f.sum() / some.m.sum() == pytest.approx(HEALTHY, rel=0.1)
    assert set(np.unique(some.e % cluster)) == {0}
    assert not some.m[900 // 15 :].any()


@pytest.mark.parametrize("row", [5, 15])
def test_the_vectorised_test_is_the_shipped_one(row: int) -> None:
    """On good, bad and unlucky releases of every kind of service the two stop at the same row."""
    for service in services(row)[:8:2]:
        for story in (Story(BUDGET), Story(0.05), Story(0.05, shared=True)):
            (some,) = served(service, story, 40, 2)
            stopped = many.holdfast(some, service)
            assert many.prove(some, service, stopped, np.array([0, 17])) > 2


def test_a_difference_is_not_borne() -> None:
    """A vectorised test that stopped a row too late, or too early, ends the run."""
    (some,) = served(SERVICE, Story(0.5), 3, 2)
    stopped = many.holdfast(some, SERVICE)
    for wrong in (stopped + 1, stopped - 1):
        with pytest.raises(BenchError, match="vectorised"):
            many.prove(some, SERVICE, wrong, np.array([0]))


def test_rivals_that_stop_good_releases_do_not_count() -> None:
    """The best rival is the best of those that keep the limit with healthy releases and with those at their target."""
    good = {Story(HEALTHY): dict.fromkeys(RIVALS, 0.0), Story(BUDGET): dict.fromkeys(RIVALS, 0.0) | {"Argo": 1.1}}
    failed = {
        Story(fails): {"Holdfast": 5.0, "Argo": 10.0, "Flagger": 20.0, "burn alert": 50.0}
        for fails in (0.005, 0.01, 0.05, 0.5)
    }
    cell = Cell(SERVICE, good, failed)
    assert {(duel.rival, duel.ratio) for duel in duels([cell])} == {("Flagger", 0.25)}
    assert {(duel.rival, duel.ratio) for duel in duels([cell], [Story(HEALTHY)])} == {("Argo", 0.5)}


@pytest.mark.parametrize(("rps", "fails", "counts"), [(10, 0.01, True), (1, 0.5, False), (1000, 0.005, False)])
def test_the_goals_are_for_busy_services_and_large_faults(rps: int, fails: float, counts: bool) -> None:
    """At least ten requests a second and one per cent."""
    assert Duel(Service(rps, Schedule.ROLLING, 1, 5), Story(fails), "Argo", 1, 2, 1).counts is counts
