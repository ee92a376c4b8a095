"""Rules of what series mean for an objective: which counters, and when they are no evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.core.evidence import Missing, Why
from holdfast.core.ledger import Reading
from holdfast.core.objective import BadOverTotal, GoodOverTotal, Objective
from holdfast.prometheus.families import families
from holdfast.prometheus.readings import Counters, Sample, collect
from holdfast.prometheus.sources import Series
from tests.prometheus.making import SOURCE, errors, latency, objective, select, series, successes

P, Q = ("shop", "", "", "p", ""), ("shop", "", "", "q", "")
APART = objective("apart", BadOverTotal(select("bad_total"), select("all_total")))
GOOD = objective("good", GoodOverTotal(select("good_total"), select("all_total")))


def count(value: float, pod: str = "p", **labels: str) -> Series:
    """One series of a pod of the shop."""
    return series({"job": "shop", "pod": pod, **labels}, value)


def sample(of: Objective, *answers: list[Series], starts: tuple[Series, ...] = ()) -> Sample:
    """What one objective reads from the answers to its families, in their order."""
    moments = collect(SOURCE, zip(families([of]), answers, strict=True), list(starts))
    return (moments[0][1] if moments else Counters()).sample(of, 100)


READINGS = [
    pytest.param(
        errors(), [[count(7, code="200"), count(2, code="503"), count(1, code="500")]], {P: (10, 3)}, id="sums"
    ),
    pytest.param(errors(), [[count(7, code="200")]], {P: (7, 0)}, id="no bad series is no bad event"),
    pytest.param(successes(), [[count(7, code="200"), count(2, code="503")]], {P: (9, 2)}, id="the rest is bad"),
    pytest.param(
        successes(),
        [[count(7, code="200"), count(2, "q", code="503")]],
        {P: (7, 0), Q: (2, 2)},
        id="one fails all it gets",
    ),
    pytest.param(latency(), [[], [], [count(7, le="0.2"), count(9, le="+Inf")]], {P: (9, 2)}, id="above the bound"),
    pytest.param(latency(), [[], [], [count(0, le="0.2"), count(0, le="+Inf")]], {P: (0, 0)}, id="no traffic"),
    pytest.param(latency(), [[count(9)], [count(6.5)], []], {P: (9, 2.5)}, id="a native histogram"),
    pytest.param(latency(), [[count(0)], [], []], {P: (0, 0)}, id="a native histogram without traffic"),
    pytest.param(
        latency(),
        [[count(9)], [count(6.5)], [count(7, le="0.2"), count(9, le="+Inf")]],
        {P: (9, 2)},
        id="the classic one is exact",
    ),
    pytest.param(
        latency(),
        [[count(9)], [count(6.5)], [count(9, le="+Inf")]],
        {P: (9, 2.5)},
        id="a classic one without the bound",
    ),
    pytest.param(
        latency(),
        [[count(4, "q")], [count(4, "q")], [count(7, le="0.2"), count(9, le="+Inf")]],
        {P: (9, 2), Q: (4, 0)},
        id="each target as it is",
    ),
    pytest.param(APART, [[count(9)], [count(2)]], {P: (9, 2)}, id="two metrics"),
    pytest.param(GOOD, [[count(5)], [count(6)]], {P: (5, 0)}, id="a good event counted before its total"),
    pytest.param(GOOD, [[count(0)], []], {P: (0, 0)}, id="no good series before the first event"),
]


@pytest.mark.parametrize(("of", "answers", "expected"), READINGS)
def test_counters(
    of: Objective, answers: list[list[Series]], expected: dict[tuple[str, ...], tuple[float, float]]
) -> None:
    """(events, bad events) of each target."""
    found = sample(of, *answers)
    assert not isinstance(found, Missing)
    assert {target: (reading.total, reading.bad) for target, reading in found.items()} == expected


MISSING = [
    pytest.param(errors(), [[]], Why.ABSENT, "matches no series", id="nothing at all"),
    pytest.param(successes(), [[count(7, code="500")]], Why.ABSENT, "really failing every request", id="nothing good"),
    pytest.param(
        latency(),
        [[], [], []],
        Why.ABSENT,
        'neither http_request_duration_seconds_bucket{le="+Inf"} nor, as a native histogram, '
        "http_request_duration_seconds",
        id="no histogram at all",
    ),
    pytest.param(
        latency(),
        [[], [], [count(9, le="+Inf")]],
        Why.ABSENT,
        "no bucket of http_request_duration_seconds_bucket ends at 0.2 s, and there is no native histogram",
        id="no such bucket",
    ),
    pytest.param(
        latency(),
        [[], [], [count(7, le="0.2"), count(9, le="+Inf"), count(9, "q", le="+Inf")]],
        Why.CONTRADICTORY,
        "1 of 2 targets",
        id="a bucket that some lack",
    ),
    pytest.param(
        latency(),
        [[count(9), count(9, "q")], [count(5)], []],
        Why.CONTRADICTORY,
        "1 of 2 targets",
        id="a native histogram whose fraction is not there",
    ),
    pytest.param(errors(), [[count(float("nan"), code="200")]], Why.CONTRADICTORY, "no number", id="a NaN"),
    pytest.param(errors(), [[count(1e300, code="200")]], Why.CONTRADICTORY, "above 2^53", id="beyond counting"),
    pytest.param(APART, [[count(9)], [count(float("inf"))]], Why.CONTRADICTORY, "bad_total has", id="an infinite part"),
    pytest.param(errors(), [[count(-1, code="200")]], Why.CONTRADICTORY, "negative", id="a gauge"),
    pytest.param(APART, [[count(9)], [count(20)]], Why.CONTRADICTORY, "more events than", id="a part above its total"),
    pytest.param(APART, [[count(9)], [count(2, "q")]], Why.CONTRADICTORY, "same targets", id="bad events of others"),
]


@pytest.mark.parametrize(("of", "answers", "why", "words"), MISSING)
def test_no_evidence(of: Objective, answers: list[list[Series]], why: Why, words: str) -> None:
    """What cannot be true, or is not there, is no evidence, and a sentence says what to do."""
    found = sample(of, *answers)
    assert isinstance(found, Missing)
    assert (found.why, found.since) == (why, 100)
    assert words in found.note


def test_a_value_that_is_no_number_spoils_only_its_own() -> None:
    """Of two objectives in one query the one whose series is NaN is without evidence, the other is measured."""
    mine, other = errors("mine", app="a"), errors("other", app="b")
    (family,) = families([mine, other])
    answer = [count(7, code="200", app="a"), count(float("nan"), code="200", app="b")]
    ((_, counters),) = collect(SOURCE, [(family, answer)], [])
    assert isinstance(counters.sample(other, 100), Missing)
    assert counters.sample(mine, 100) == {P: Reading(7, 0, None)}


def test_a_start_that_is_no_number_is_no_evidence() -> None:
    """A NaN in the place of a start time is not the same as none: a process that started anew would not be noticed."""
    found = sample(errors(), [count(1, code="200")], starts=(count(float("nan")),))
    assert isinstance(found, Missing)
    assert (found.why, "the start time of a target (shop, p) is no number" in found.note) == (Why.CONTRADICTORY, True)


def test_starts_are_matched_by_target() -> None:
    """Each reading carries the start of its own process, and none where that is unknown."""
    found = sample(errors(), [[count(1, code="200"), count(2, "q", code="200")]][0], starts=(count(55, "q"),))
    assert found == {P: Reading(1, 0, None), Q: Reading(2, 0, 55)}


def ingress(value: float, pod: str, instance: str = "i", **labels: str) -> Series:
    """One series of an ingress that counts for a pod of the shop."""
    return series({"job": "ingress", "instance": instance, "pod": "nginx-1", "exported_pod": pod, **labels}, value)


def test_what_others_count_for_a_pod_is_of_that_pod() -> None:
    """Each of several that count for it is a counter of its own, with the start of the process that counts."""
    of = replace(errors(), pod_label="exported_pod")
    answer = [ingress(7, "web-1", code="200"), ingress(2, "web-1", "j", code="500"), ingress(4, "web-2", code="200")]
    start = series({"job": "ingress", "instance": "i", "pod": "nginx-1"}, 55)
    found = sample(of, [*answer, ingress(3, "", code="200")], starts=(start,))
    assert not isinstance(found, Missing)
    one, two = ("ingress", "i", "", "nginx-1", ""), ("ingress", "j", "", "nginx-1", "")
    assert found == {
        (*one, "web-1"): Reading(7, 0, 55),
        (*two, "web-1"): Reading(2, 2, None),
        (*one, "web-2"): Reading(4, 0, 55),
        (*one, ""): Reading(3, 0, 55),
    }
    processes = {target: reading.process for target, reading in found.items()}
    assert processes[(*one, "")] is None
    assert [p[:2] for p in processes.values() if p] == [("shop", "web-1"), ("shop", "web-1"), ("shop", "web-2")]
    assert len({p for p in processes.values() if p}) == 3


def test_who_counts_for_whom_is_asked_apart() -> None:
    """The label is in the query, and an objective on the same metric without it reads as before."""
    mine, other = replace(errors("mine"), pod_label="exported_pod"), errors("other")
    plain, special = sorted(families([mine, other]), key=lambda family: family.pods is not None)
    assert (plain.pods, special.pods) == (None, ("exported_pod", "shop"))
    assert "exported_pod" in special.query(SOURCE, 45)
    assert "exported_pod" not in plain.query(SOURCE, 45)
    assert plain.labels == ("code",)
