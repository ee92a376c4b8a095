"""The status of objectives and policies: figures as decimal text, conditions of a closed set."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.api import (
    Invalid,
    WorkloadState,
    adjustment_status,
    findings,
    invalid_status,
    objective_outline,
    objective_status,
    parse_adjustment,
    parse_objective,
    parse_policy,
    policy_status,
)
from holdfast.api.conditions import Condition, ConditionReason, ConditionType, kept
from holdfast.api.shown import AdjustmentStatus, PolicyStatus
from holdfast.api.shown_objective import ObjectiveStatus
from holdfast.core.budget import Budget, Burn, Measured
from holdfast.core.doubts import Doubt, Odd
from holdfast.core.evidence import Evidence, Fresh, Missing, Why
from holdfast.core.forecast import Forecast
from holdfast.core.hold import CauseKey, Reason
from holdfast.core.judge import Finding, Standing
from holdfast.core.objective import Gauge, ObjectKey, Workload
from holdfast.core.policy import BudgetRemaining, HoldReleases, Mode, Rule, RuleKey, Verdict
from holdfast.core.quantities import Span, parse_instant
from holdfast.core.remarks import Effect, Remarks
from holdfast.core.window import Rolling
from holdfast.service.telling import worth_writing
from tests.api.samples import BURN, HOLD, NOTIFY, ROLL_BACK, WORSE, adjustment, objective, policy, recurring, rule

DAY: Final = 86_400.0
NOW: Final = parse_instant("2026-11-21T06:00:00Z")
OBJECTIVE: Final = parse_objective(objective(workloads=[{"kind": "Deployment", "name": "checkout"}]))
BUDGET: Final = Budget(Fraction(3_623_901), Fraction(1374), Fraction(36_239, 10), Fraction(1))
MEASURED: Final = Measured(
    OBJECTIVE, Fresh(NOW), BUDGET, {3600: Burn(Fraction(2, 5), Fraction(9)), 300: Burn(Fraction(1, 3), Fraction(9))}
)


def standing(measured: Measured = MEASURED, verdict: Verdict | None = None, mode: Mode = Mode.ENFORCE) -> Standing:
    """How an objective stands under one rule of this verdict, or none."""
    if verdict is None:
        return Standing(measured)
    made = replace(parse_policy(policy(rule(BURN, HOLD))).rules[0], mode=mode)
    return Standing(
        measured, (Finding(CauseKey(made.key, OBJECTIVE.key), made, measured, verdict, Reason.BURNING_FAST),)
    )


def status_of(given_: Standing, **more: Any) -> Any:
    """The status, which fits its schema."""
    made = objective_status(given_, now=NOW, **more)
    ObjectiveStatus.model_validate(made)
    return made


def conditions(status: Any) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition."""
    return {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]}


def test_an_open_budget() -> None:
    """The figures of the sample in the documentation."""
    status = status_of(standing(), workloads={Workload("shop", "Deployment", "checkout"): WorkloadState.FREE})
    assert status["verdict"] == "Open"
    assert status["summary"] == {
        "target": "99.9%",
        "window": "30d",
        "left": "62.1%",
        "burn": "0.4 (1h)",
        "empty": "-",
        "verdict": "Open",
    }
    assert status["budget"] == {
        "remaining": "62.1",
        "badEvents": "1374",
        "allowedBadEvents": "3623.9",
        "totalEvents": "3623901",
        "coverage": "100",
    }
    assert status["burnRates"] == [{"window": "5m", "rate": "0.33"}, {"window": "1h", "rate": "0.4"}]
    assert (status["evidence"], status["measuredAt"], status["held"]) == ({"state": "Fresh"}, "2026-11-21T06:00:00Z", 0)
    assert status["workloads"] == [{"kind": "Deployment", "name": "checkout", "state": "Free"}]
    assert conditions(status) == {
        "Ready": ("True", "Accepted"),
        "EvidenceFresh": ("True", "Fresh"),
        "BudgetExhausted": ("False", "BudgetLeft"),
        "BudgetYoung": ("False", "WindowCovered"),
        "BudgetTooSmall": ("False", "EnoughEvents"),
    }


@pytest.mark.parametrize(
    ("verdict", "mode", "word", "shown"),
    [
        (Verdict.HOLD, Mode.ENFORCE, "Hold", "Hold"),
        (Verdict.HOLD, Mode.AUDIT, "Open", "Hold (audit)"),
        (Verdict.NOTIFY, Mode.ENFORCE, "Notify", "Notify"),
        (Verdict.NOTIFY, Mode.AUDIT, "Open", "Notify (audit)"),
    ],
)
def test_what_audit_would_do(verdict: Verdict, mode: Mode, word: str, shown: str) -> None:
    """The verdict is what is carried out; the column says what Audit would do."""
    status = status_of(standing(MEASURED, verdict, mode))
    assert (status["verdict"], status["summary"]["verdict"]) == (word, shown)


def test_nothing_known_yet() -> None:
    """Without evidence there is no figure, no verdict, and no invented zero."""
    missing = Missing(Why.ABSENT, NOW - 60, "the selector matches nothing")
    status = status_of(standing(replace(MEASURED, evidence=missing, burns={}, budget=Budget(*[Fraction(0)] * 4))))
    assert (status["verdict"], status["summary"]) == (
        "Unknown",
        {"target": "99.9%", "window": "30d", "left": "-", "burn": "-", "empty": "-", "verdict": "Unknown"},
    )
    assert "budget" not in status
    assert "measuredAt" not in status
    assert status["evidence"] == {
        "state": "Missing",
        "reason": "Absent",
        "since": "2026-11-21T05:59:00Z",
        "message": "the selector matches nothing",
    }
    assert conditions(status)["EvidenceFresh"] == ("False", "Absent")
    assert {conditions(status)[kind][0] for kind in ("BudgetExhausted", "BudgetYoung", "BudgetTooSmall")} == {"Unknown"}


def test_the_time_of_the_last_figures_stays() -> None:
    """While evidence is missing, measuredAt is still the time of the figures that are shown."""
    first = status_of(standing())
    blind = standing(replace(MEASURED, evidence=Missing(Why.STALE, NOW, "old")))
    assert status_of(blind, before=first)["measuredAt"] == first["measuredAt"]


def test_conditions_that_are_true() -> None:
    """Overdrawn, young, small and short each have a condition."""
    short = replace(OBJECTIVE, window=Rolling(240.0))
    budget = Budget(Fraction(100), Fraction(9), Fraction(8), Fraction(1, 100))
    status = status_of(standing(replace(MEASURED, objective=short, budget=budget)))
    assert conditions(status) == {
        "Ready": ("True", "Accepted"),
        "EvidenceFresh": ("True", "Fresh"),
        "BudgetExhausted": ("True", "NothingLeft"),
        "BudgetYoung": ("True", "WindowHardlyCovered"),
        "BudgetTooSmall": ("True", "FewEvents"),
        "Demonstration": ("True", "ShortWindow"),
    }
    assert status["summary"]["left"] == "-12.5%"


def test_obstacles_and_held_workloads() -> None:
    """An objective that cannot be used as it is says why; held counts workloads."""
    a, b, c = (Workload("shop", "Deployment", name) for name in "abc")
    states = {a: WorkloadState.HELD, b: WorkloadState.MISSING, c: WorkloadState.HELD}
    obstacle = (
        ConditionReason.WORKLOAD_MISSING,
        "Deployment shop/b does not exist; create it or remove it from workloads.",
    )
    status = status_of(standing(), workloads=states, obstacles=[obstacle])
    assert status["held"] == 2
    assert conditions(status)["Ready"] == ("False", "WorkloadMissing")


def test_the_same_again_is_the_same() -> None:
    """A later look at the same figures renders the same status: nothing is written."""
    first = status_of(standing())
    assert objective_status(standing(), now=NOW + 600, before=first) == first


def test_an_invalid_object_says_why() -> None:
    """Every reason is in the one condition of an object that cannot be used."""
    with pytest.raises(Invalid) as caught:
        parse_objective(objective(target="100", source=""))
    status: Any = invalid_status(caught.value, 4, now=NOW)
    ObjectiveStatus.model_validate(status)
    PolicyStatus.model_validate(status)
    (ready,) = status["conditions"]
    assert (ready["status"], ready["reason"], ready["observedGeneration"]) == ("False", "Invalid", 4)
    assert "spec.target: target must be above 0" in ready["message"]
    assert "spec.source: source is empty" in ready["message"]


def test_the_status_of_a_policy() -> None:
    """A policy says how many objectives it is for, and which of its rules can do nothing."""
    made = parse_policy(policy(rule({"burnRate": {"above": "1000", "over": "1h"}}, NOTIFY)))
    free = replace(OBJECTIVE, workloads=())
    status: Any = policy_status(made, [OBJECTIVE, free], findings(OBJECTIVE, [made], 15), now=NOW)
    PolicyStatus.model_validate(status)
    assert (status["objectives"], status["enforceable"]) == (2, 1)
    assert conditions(status) == {"Ready": ("True", "Accepted"), "RulesCanFire": ("False", "BurnRateImpossible")}
    assert conditions(policy_status(made, [], now=NOW))["RulesCanFire"] == ("True", "AllRulesCanFire")


def test_a_policy_names_the_objectives_where_it_cannot_be_enforced() -> None:
    """Why, one word each, beforehand; the condition has the sentences. Where all can be, nothing is listed."""
    made = parse_policy(policy(rule(WORSE, ROLL_BACK), rule({"budgetRemaining": {"below": "0"}}, HOLD, name="empty")))
    free = replace(OBJECTIVE, key=ObjectKey("shop", "free"), workloads=())
    query = replace(OBJECTIVE, key=ObjectKey("shop", "query"), indicator=Gauge("up", Fraction(1), True, 60))
    covered = [OBJECTIVE, query, free]
    found = [f for each in covered for f in findings(each, [made], 15)]
    status: Any = policy_status(made, covered, found, now=NOW)
    PolicyStatus.model_validate(status)
    assert (status["objectives"], status["enforceable"]) == (3, 1)
    assert status["notEnforceable"] == [
        {"objective": "free", "reason": "NoWorkload"},
        {"objective": "query", "reason": "NotAttributable"},
    ]
    assert conditions(status)["RulesCanFire"] == ("False", "NotAttributable")
    assert "notEnforceable" not in policy_status(made, [OBJECTIVE], now=NOW)
    few: Any = policy_status(made, [replace(free, key=ObjectKey("shop", f"o{n}")) for n in range(150)], now=NOW)
    PolicyStatus.model_validate(few)
    assert (few["enforceable"], len(few["notEnforceable"])) == (0, 100)
    assert worth_writing(policy_status(made, [OBJECTIVE], now=NOW), policy_status(made, [query], found, now=NOW), 0, 1)


def test_a_finding_of_a_release_has_a_status() -> None:
    """The verdict of an objective is RollBack while its rule is in force."""
    made = parse_policy(policy(rule(WORSE, ROLL_BACK), mode="Enforce")).rules[0]
    found = Finding(CauseKey(made.key, OBJECTIVE.key), made, MEASURED, Verdict.ROLL_BACK, Reason.BAD_RELEASE)
    status: Any = objective_status(Standing(MEASURED, (found,)), now=NOW)
    ObjectiveStatus.model_validate(status)
    assert (status["verdict"], status["summary"]["verdict"]) == ("RollBack", "RollBack")
    assert [(f["verdict"], f["reason"]) for f in status["findings"]] == [("RollBack", "BadRelease")]


FRACTIONS = st.fractions(0, 10**12, max_denominator=1000)


@given(
    total=FRACTIONS,
    bad=FRACTIONS,
    allowed=FRACTIONS,
    coverage=st.fractions(0, 1, max_denominator=100),
    evidence=st.sampled_from([Fresh(NOW), *(Missing(why, NOW, "x" * 9000) for why in Why)]),
    before=st.none()
    | st.integers()
    | st.dictionaries(
        st.sampled_from(["conditions", "measuredAt"]), st.none() | st.lists(st.dictionaries(st.text(), st.text()))
    ),
)
def test_any_measurement_has_a_status(
    total: Fraction, bad: Fraction, allowed: Fraction, coverage: Fraction, evidence: Fresh | Missing, before: object
) -> None:
    """Whatever was measured, and whatever the status was, the new one fits its schema."""
    status_of(
        standing(replace(MEASURED, budget=Budget(total, bad, allowed, coverage), evidence=evidence)), before=before
    )


@pytest.mark.parametrize(
    ("given_rule", "reasons"),
    [
        ({"above": "999.9", "over": "1h"}, []),
        ({"above": "1000", "over": "1h"}, ["BurnRateImpossible"]),
        ({"above": "1440", "over": "31d"}, ["BurnRateImpossible", "RuleWindowTooLong"]),
        ({"above": "2", "over": "30d"}, []),
        ({"above": "2", "over": "29s"}, ["RuleWindowTooShort"]),
        ({"above": "2", "over": "30s"}, []),
    ],
)
def test_rules_that_can_do_nothing(given_rule: dict[str, str], reasons: list[str]) -> None:
    """A burn rule that can never fire at an objective, or that looks further than its window, is reported."""
    made = parse_policy(policy(rule({"burnRate": given_rule}, NOTIFY)))
    found = findings(OBJECTIVE, [made], 15)
    assert [finding.reason for finding in found] == reasons
    assert all((finding.policy, finding.rule, finding.objective) == (made.key, "r", OBJECTIVE.key) for finding in found)


def test_findings_are_about_covering_policies() -> None:
    """A policy that does not cover an objective says nothing about it; a short window is always worth a word."""
    made = parse_policy(
        policy(
            rule({"burnRate": {"above": "1000", "over": "1h"}}, NOTIFY), objectiveSelector={"matchLabels": {"a": "b"}}
        )
    )
    (finding,) = findings(replace(OBJECTIVE, window=Rolling(240.0)), [made], 15)
    assert (finding.reason, finding.policy) == (ConditionReason.SHORT_WINDOW, None)


REMARKS = Remarks(
    forecast=Forecast(OBJECTIVE, MEASURED.budget, ((NOW - DAY, 1374.0),), NOW + 53 * DAY + 61, NOW),
    implausible=Doubt(Odd.TRAFFIC_GONE, "No events"),
    inexact=Doubt(Odd.GAP_WITH_CHURN, "25m were not measured"),
    effects=(
        Effect(ObjectKey("shop", "maintenance"), (Span(NOW - 3600, NOW - 60),), total=1200, bad=7),
        Effect(ObjectKey("shop", "reset"), reset=NOW - DAY, bad=3, coarse=True),
    ),
)


def test_what_is_said_beside_the_figures() -> None:
    """How long the budget lasts, what is odd, and what adjustments take out; a condition for each kind of doubt."""
    status = objective_status(standing(), remarks=REMARKS, now=NOW)
    assert (status["summary"]["empty"], status["budget"]["exhaustsIn"]) == ("53d1m", "53d1m")
    assert status["adjustments"] == [
        {
            "name": "maintenance",
            "totalEvents": "1200",
            "badEvents": "7",
            "excluded": [{"from": "2026-11-21T05:00:00Z", "to": "2026-11-21T05:59:00Z"}],
        },
        {"name": "reset", "totalEvents": "0", "badEvents": "3", "reset": "2026-11-20T06:00:00Z", "coarse": True},
    ]
    ObjectiveStatus.model_validate(status)
    found = conditions(status)
    assert found["Exact"] == ("False", "GapWithChurn")
    assert found["Plausible"] == ("False", "TrafficGone")
    assert found["Attributable"] == ("True", "PodsOfTheWorkloads")


def test_nothing_to_say() -> None:
    """Conditions say that all is well; an objective without workloads has nothing to attribute."""
    alone = standing(replace(MEASURED, objective=replace(OBJECTIVE, workloads=())))
    found = conditions(objective_status(alone, remarks=Remarks(), now=NOW))
    assert (found["Exact"], found["Plausible"]) == (("True", "EverythingCounted"), ("True", "NothingOdd"))
    assert "Attributable" not in found


def test_when_a_rule_on_the_budget_ends() -> None:
    """If nothing more fails: told for rules that are in force, where the ledger knows."""
    low = MEASURED.budget
    empty = Budget(low.total, low.allowed + 1, low.allowed, Fraction(1))
    told = Forecast(OBJECTIVE, empty, ((NOW - DAY, float(low.allowed)),), NOW, NOW)
    key = RuleKey("default", "exhausted")
    made = Rule(key, Mode.ENFORCE, BudgetRemaining(Fraction(0)), HoldReleases(Fraction(5, 100)))
    cause = CauseKey(key, OBJECTIVE.key)
    held = Standing(MEASURED, (Finding(cause, made, MEASURED, Verdict.HOLD, Reason.BUDGET_EXHAUSTED),))
    status = objective_status(held, remarks=Remarks(told), now=NOW)
    assert status["findings"][0]["clearsAt"] == "2026-12-20T06:00:00Z"
    assert status["summary"]["empty"] == "empty"
    assert "exhaustsIn" not in status["budget"]


@pytest.mark.parametrize(
    ("body", "does", "when", "coming"),
    [
        (
            adjustment({"from": "2026-11-22T02:00:00Z", "to": "2026-11-22T03:00:00Z"}),
            "Excludes",
            "2026-11-22T02:00:00Z to 2026-11-22T03:00:00Z",
            {"from": "2026-11-22T02:00:00Z", "to": "2026-11-22T03:00:00Z"},
        ),
        (
            adjustment({"from": "2026-11-20T02:00:00Z", "to": "2026-11-20T03:00:00Z"}),  # over
            "Excludes",
            "2026-11-20T02:00:00Z to 2026-11-20T03:00:00Z",
            None,
        ),
        (
            recurring(start="2026-11-21T06:30:00", timeZone="Europe/Berlin"),  # now
            "Excludes",
            "FREQ=WEEKLY;BYDAY=SU at 06:30:00 Europe/Berlin for 1h",
            {"from": "2026-11-22T05:30:00Z", "to": "2026-11-22T06:30:00Z"},
        ),
        (adjustment(reset={"at": "2026-11-01T00:00:00Z"}), "Resets", "at 2026-11-01T00:00:00Z", None),
    ],
)
def test_an_adjustment_says_what_it_does_and_what_comes_next(
    body: Any, does: str, when: str, coming: dict[str, str] | None
) -> None:
    """In words, with the present or the next time that is excluded, and for how many objectives."""
    made = adjustment_status(parse_adjustment(body), [OBJECTIVE, OBJECTIVE], now=NOW)
    AdjustmentStatus.model_validate(made)
    assert made["summary"] == {"does": does, "when": when}
    assert made.get("next") == coming
    assert made["objectives"] == 2
    assert conditions(made) == {"Ready": ("True", "Accepted")}


def test_an_adjustment_that_never_occurs_says_so() -> None:
    """A date that no calendar has is accepted, and its status tells that nothing comes."""
    made = adjustment_status(parse_adjustment(recurring("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")), [], now=NOW)
    (ready,) = AdjustmentStatus.model_validate(made).conditions or ()
    assert ready.message == "Understood and in use; it does not occur within the next 400 days."
    assert "next" not in made


def test_the_status_of_an_adjustment_stays_until_the_occurrence_is_over() -> None:
    """The same status while nothing changes, so that nothing is written; a new one after the end."""
    weekly = parse_adjustment(recurring())
    before = adjustment_status(weekly, [OBJECTIVE], now=NOW)
    end = parse_instant("2026-11-22T03:00:00Z")
    assert adjustment_status(weekly, [OBJECTIVE], now=end - 1, before=before) == before
    after = adjustment_status(weekly, [OBJECTIVE], now=end, before=before)
    assert after["next"] == {"from": "2026-11-29T02:00:00Z", "to": "2026-11-29T03:00:00Z"}
    assert worth_writing(before, after, 0, 1)


def test_conditions_from_elsewhere_stand_beside_the_others() -> None:
    """A comparison that is made once a day outlives a restart: it is read from the status so far."""
    said = Condition(ConditionType.LEDGER_CHECKED, False, ConditionReason.DRIFTS, "They differ.")
    status = status_of(standing(), extra=(said,))
    assert conditions(status)["LedgerChecked"] == ("False", "Drifts")
    assert kept(status, ConditionType.LEDGER_CHECKED) == said
    assert kept(status_of(standing()), ConditionType.LEDGER_CHECKED) is None


@pytest.mark.parametrize("before", [None, {}, {"conditions": 3}, {"conditions": [None, {"type": "LedgerChecked"}]}])
def test_a_strange_status_keeps_nothing(before: object) -> None:
    """Whatever the object holds, the answer is a condition or none."""
    assert kept(before, ConditionType.LEDGER_CHECKED) is None


@pytest.mark.parametrize("remarks", [None, Remarks(), REMARKS])
@pytest.mark.parametrize("evidence", [MEASURED.evidence, Missing(Why.STALE, NOW - 900, "nothing came")])
@pytest.mark.parametrize("left", [Fraction(0), Fraction(1, 3), Fraction(2)])
def test_the_outline_decides_as_the_whole_status_would(
    remarks: Remarks | None, evidence: Evidence, left: Fraction
) -> None:
    """What is made at every pass and what is written differ in nothing that makes a status worth writing."""
    budget = replace(MEASURED.budget, bad=MEASURED.budget.allowed * (1 - left))
    given_ = standing(replace(MEASURED, evidence=evidence, budget=budget))
    extra = (Condition(ConditionType.LEDGER_CHECKED, False, ConditionReason.DRIFTS, "They differ."),)
    states = dict.fromkeys(OBJECTIVE.workloads, WorkloadState.HELD)
    obstacles = ((ConditionReason.WORKLOAD_MISSING, "There is none."),)
    whole = objective_status(given_, states, obstacles, remarks, extra, now=NOW)
    outlined = objective_outline(given_, states, obstacles, remarks, extra=extra)
    assert not worth_writing(whole, outlined, float("inf"), 0)
    other = objective_status(standing(), now=NOW)
    assert worth_writing(other, outlined, 0, 1) is worth_writing(other, whole, 0, 1)
