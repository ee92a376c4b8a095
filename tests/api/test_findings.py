"""Findings: rules, slices and parts that can do nothing are told, with what would help."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from holdfast.api import findings, findings_of_composite, parse_objective, parse_policy
from holdfast.core.objective import Objective, ObjectKey
from tests.api.samples import FRACTION, GAUGE, HOLD, LOW, NOTIFY, ROLL_BACK, WORSE, Json, objective, policy, rule

SLICES: Final = {"slice": "1m", "good": "99"}
UNWEIGHTED: Final = {"fraction": {"bad": "a"}}


def made(**spec: Any) -> Objective:
    """An objective of 99 % over 30 days, unless `spec` says otherwise."""
    return parse_objective(objective(**{"target": "99", **spec}))


def found(given: Objective, *rules: Json, interval: float = 15) -> list[tuple[str, str]]:
    """What is found, in its order."""
    policies = [parse_policy(policy(*rules))] if rules else []
    return [(str(f.reason), f.sentence) for f in findings(given, policies, interval)]


def burn(above: str, over: str) -> Json:
    """A rule on a burn rate."""
    return rule({"burnRate": {"above": above, "over": over}}, NOTIFY)


def spent(above: str, within: str) -> Json:
    """A rule on a share of the budget."""
    return rule({"budgetSpent": {"above": above, "within": within}}, NOTIFY)


@pytest.mark.parametrize(
    ("spec", "interval", "reason", "said"),
    [
        ({"timeSlices": SLICES}, 15, None, ""),
        ({"timeSlices": SLICES}, 30, None, ""),
        (
            {"timeSlices": SLICES},
            31,
            "SliceTooShort",
            "its slices last 1m, and figures come every 31s; give at least 1m2s",
        ),
        ({"timeSlices": SLICES}, 25, "SliceUneven", "so nothing is measured; give a multiple of 25s"),
        ({"timeSlices": {**SLICES, "slice": "10s"}}, 5, None, ""),
        ({"indicator": GAUGE}, 60, None, ""),
        ({"indicator": GAUGE}, 61, "SliceTooShort", "every is 1m, and figures come every 1m1s; give at least 1m1s"),
        ({"indicator": FRACTION}, 61, "SliceTooShort", "every is 1m, and"),
        ({"window": {"rolling": "59m"}}, 15, "ShortWindow", "its window is 59m: below one hour"),
        ({"window": {"rolling": "1h"}}, 15, None, ""),
        (
            {"window": {"rolling": "9h"}, "timeSlices": {**SLICES, "slice": "1h"}},
            15,
            "ShortWindow",
            "its window is 9h, fewer than 10 slices of 1h",
        ),
        ({"window": {"rolling": "10h"}, "timeSlices": {**SLICES, "slice": "1h"}}, 15, None, ""),
        (
            {"window": {"calendar": "Week"}, "timeSlices": {**SLICES, "slice": "1d"}},
            15,
            "ShortWindow",
            "its window is Week (UTC), fewer than 10 slices of 1d",
        ),
    ],
)
def test_slices_that_do_not_fit(spec: Json, interval: float, reason: str | None, said: str) -> None:
    """Slices must hold two looks and end with one, and a window must hold some of them."""
    told = found(made(**spec), interval=interval)
    assert [why for why, _ in told] == ([] if reason is None else [reason])
    assert all(said in sentence for _, sentence in told)


@pytest.mark.parametrize(
    ("spec", "given", "reason", "said"),
    [
        ({}, burn("99.9", "1h"), None, ""),
        ({}, burn("100", "1h"), "BurnRateImpossible", "a burn rate above 100 can never be, since at a target of 99 % it is 100 when every event fails"),
        ({"indicator": GAUGE}, burn("100", "7d"), "BurnRateImpossible", "a burn rate above 100 can never be"),
        ({}, spent("13.8", "1h"), None, ""),
        ({}, spent("13.9", "1h"), "BurnRateImpossible", "more than 13.9 % of the budget can never be spent within 1h, since at a target of 99 % it is 13.8889 % when every event fails"),
        ({"window": {"calendar": "Month"}}, spent("13.5", "1h"), "BurnRateImpossible", "it is 13.4409 %"),
        ({}, spent("50", "31d"), "RuleWindowTooLong", "within is 31d, longer than the objective's window of 30d, which is all that is remembered; shorten within"),
        ({}, spent("0.001", "29s"), "RuleWindowTooShort", "within is 29s, and figures come every 15s; give at least 30s"),
        ({"indicator": GAUGE}, burn("2", "1m59s"), "RuleWindowTooShort", "over is 1m59s, and figures come every 1m; give at least 2m"),
        ({"indicator": GAUGE}, burn("2", "99m"), "RuleWindowTooShort", "over is 1h39m, which has 99 slices of 1m, and it needs 100 to begin; lengthen over, or lower evidence.minEvents"),
        ({"indicator": GAUGE}, burn("2", "100m"), None, ""),
        ({"indicator": GAUGE, "evidence": {"minEvents": 60}}, burn("2", "1h"), None, ""),
        ({"indicator": UNWEIGHTED}, burn("2", "1h"), "RuleWindowTooShort", "which has 60 slices of 1m"),
        ({"indicator": FRACTION}, burn("2", "1h"), None, ""),
        ({"timeSlices": SLICES}, spent("1", "1h"), "RuleWindowTooShort", "within is 1h, which has 60 slices of 1m"),
    ],
)  # fmt: skip
def test_rules_that_can_never_begin(spec: Json, given: Json, reason: str | None, said: str) -> None:
    """A rate that cannot be, a time that is not remembered, or one that holds too few looks or slices is told."""
    told = found(made(**spec), given)
    assert [why for why, _ in told] == ([] if reason is None else [reason])
    assert all(sentence.startswith("rule r on checkout: ") and said in sentence for _, sentence in told)


def test_parts_that_measure_nothing() -> None:
    """A part that is not there, makes no sense, or is a composite itself is told by its name."""
    parts = [{"name": name} for name in ("good", "gone", "odd", "whole")]
    given = parse_objective(objective(indicator={"composite": parts}))
    good = made()
    keys = {name: ObjectKey("shop", name) for name in ("good", "gone", "odd", "whole")}
    others = {keys["good"]: replace(good, key=keys["good"]), keys["whole"]: replace(given, key=keys["whole"])}
    told = findings_of_composite(given, others, {keys["odd"]})
    assert [(str(f.reason), f.sentence.partition(";")[0]) for f in told] == [
        ("PartMissing", "its part gone does not exist in this namespace, so nothing is measured of it"),
        ("PartMissing", "its part odd cannot be used as it is written, so nothing is measured of it"),
        ("PartNested", "its part whole is a composite itself, which is not measured"),
    ]
    assert all(f.objective == given.key for f in told)


def test_only_composites_have_parts() -> None:
    """An objective of its own counters needs no other."""
    assert findings_of_composite(made(), {}) == ()


WORSE_RULE: Final = rule(WORSE, ROLL_BACK)
SPENDS_RULE: Final = rule({"release": {"spends": {"above": "5"}}}, ROLL_BACK)
NAMED: Final = [{"kind": "Deployment", "name": "checkout"}]
INSTEAD: Final = "it holds at most, when the budget burns 14.4 times as fast as it may"


@pytest.mark.parametrize(
    ("spec", "given", "reason", "said"),
    [
        ({"workloads": NAMED}, WORSE_RULE, None, ""),
        ({"workloads": NAMED}, SPENDS_RULE, None, ""),
        ({}, WORSE_RULE, "NoWorkload", "rule r on checkout: the objective names no workload"),
        ({"workloads": NAMED, "indicator": GAUGE}, WORSE_RULE, "NotAttributable", INSTEAD),
        ({"workloads": NAMED, "indicator": FRACTION}, SPENDS_RULE, "NotAttributable", INSTEAD),
        (
            {"workloads": NAMED, "indicator": {"composite": [{"name": "a"}, {"name": "b"}]}},
            WORSE_RULE,
            "NotAttributable",
            INSTEAD,
        ),
        ({"workloads": NAMED, "timeSlices": SLICES}, WORSE_RULE, None, ""),
        ({"workloads": NAMED, "timeSlices": SLICES}, SPENDS_RULE, "NotAttributable", "use worseThanTarget"),
    ],
)
def test_a_rule_on_releases_needs_events_of_pods(spec: Json, given: Json, reason: str | None, said: str) -> None:
    """Where nobody can tell which release fails the policy says so beforehand, and what is done instead."""
    told = found(made(**spec), given)
    assert [r for r, _ in told] == ([reason] if reason else [])
    assert all(said in sentence for _, sentence in told)


def test_what_the_series_show_is_told_of_rules_on_releases_alone() -> None:
    """An ingress or a mesh counts for everybody, which matters to no other rule."""
    given, policies = made(workloads=NAMED), [parse_policy(policy(rule(WORSE, HOLD), rule(LOW, NOTIFY, name="low")))]
    told = findings(given, policies, 15, "The series have no pod label, so nobody can tell")
    assert [(f.rule, str(f.reason)) for f in told] == [("r", "NotAttributable")]
    assert told[0].sentence.startswith(
        "rule r on checkout: The series have no pod label, so nobody can tell. So the rule"
    )
