"""When a rule is in force: each condition, whether it was before, and what is known."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from holdfast.core.budget import Burn, measure
from holdfast.core.evidence import Evidence, Missing, Why
from holdfast.core.hold import Reason
from holdfast.core.judge import Standing, clears_above, findings, in_force, reason_of, tired
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Gauge, ObjectKey, TimeSlices
from holdfast.core.policy import (
    BudgetSpent,
    BurnRate,
    Mode,
    ReleaseWorse,
    Rule,
    Verdict,
    burn_rate,
    compared,
    false_stops,
)
from holdfast.core.window import Calendar, Period, Rolling, Window
from tests.core.making import (
    DAY,
    ERRORS,
    FRESH,
    HOUR,
    LATENCY,
    NOW,
    SILENT,
    burn_rule,
    burning,
    cause_key,
    measured,
    notify,
    objective,
    percent,
    rule,
    spent_rule,
)
from tests.core.releasing import spends, worse


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("evidence", [SILENT, *(Missing(why, NOW, "") for why in Why)])
@pytest.mark.parametrize("left", [-100, 3, 100])
def test_without_evidence_a_rule_stays_as_it_was(left: float, evidence: Evidence, before: bool) -> None:
    """Silence of every sort neither begins nor ends a rule, whatever the last figures were."""
    assert in_force(rule(), measured(left, evidence), before) is before
    assert in_force(burn_rule(), measured(left, evidence, burns=burning(99)), before) is before


@pytest.mark.parametrize(
    ("left", "before", "after"),
    [
        ("-0.001", False, True),
        ("-0.001", True, True),
        ("0", False, False),  # below means below
        ("0", True, True),
        ("3", False, False),  # inside the band it stays as it was
        ("3", True, True),
        ("5", True, True),  # above means above
        ("5.001", True, False),
        ("5.001", False, False),
    ],
)
def test_the_remaining_budget_has_a_band(left: str, before: bool, after: bool) -> None:
    """A rule begins below its threshold and ends above its `until`; in between it stays as it was."""
    assert in_force(rule(below=0, until=5), measured(left), before) is after


@pytest.mark.parametrize(
    ("made", "clears"),
    [
        (rule(below=0, until=5), 5),
        (rule(below=0, until=None), 5),  # a band of five percent where none is named
        (rule(below=25, until=None), 30),
        (rule(below=25, until=10), 25),  # never below its own threshold
        (notify(below=25), 30),
        (rule(below=-10, until=-5), -5),
    ],
)
def test_where_a_rule_ends(made: Rule, clears: int) -> None:
    """A rule ends above its `until`, else a little above its threshold, and never below the threshold."""
    assert clears_above(made, made.when.below) == percent(clears)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("long", "short", "total", "before", "after"),
    [
        (15, 15, 5000, False, True),
        (14.4, 15, 5000, False, False),  # above means above
        (15, 14.4, 5000, False, False),  # the short window must agree
        (15, 15, 1000, False, True),  # enough events for one expected failure
        (15, 15, 999, False, False),
        (15, 0, 1, True, True),  # once in force, only the long window ends it
        (14.4, 99, 5000, True, False),
        (0, 0, 0, True, False),
    ],
)
def test_a_burn_rate_begins_with_both_windows_and_ends_with_the_long_one(
    long: float, short: float, total: int, before: bool, after: bool
) -> None:
    """Both windows must burn and hold enough events to begin; the long one must calm down to end."""
    assert in_force(burn_rule(14.4), measured(burns=burning(long, short, total=total)), before) is after


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("missing", [HOUR, HOUR / 12])
def test_a_window_that_is_not_measured_says_nothing(missing: float, before: bool) -> None:
    """A rule whose window was just changed stays as it was until that window is measured."""
    burns = {window: burn for window, burn in burning(99).items() if window != missing}
    assert in_force(burn_rule(14.4), measured(burns=burns), before) is before


@pytest.mark.parametrize(("left", "after"), [(4, True), (5, True), (6, False)])
def test_a_burn_rate_with_until_waits_for_the_budget_too(left: float, after: bool) -> None:
    """Where the author asks for a budget to be left, calm alone does not end a burn rate rule; nor does it begin one."""
    calm = measured(left, burns=burning(0))
    assert in_force(burn_rule(until=5), calm, before=True) is after
    assert not in_force(burn_rule(until=5), calm, before=False)


def test_a_burn_rate_that_only_notifies_ends_when_it_is_calm() -> None:
    """A notice waits for no budget."""
    told = replace(burn_rule(), then=notify().then)
    assert in_force(told, measured(-5, burns=burning(20)), before=False)
    assert not in_force(told, measured(-5, burns=burning(0)), before=True)


def test_the_short_window_is_a_twelfth_and_never_under_two_intervals() -> None:
    """A window that holds less than two looks says nothing."""
    assert BurnRate(Fraction(1), 3600).short(15) == 300
    assert BurnRate(Fraction(1), 300).short(15) == 30
    short = measured(burns={120.0: Burn(Fraction(9), Fraction(5000)), 30.0: Burn(Fraction(9), Fraction(5000))})
    assert in_force(rule(when=BurnRate(Fraction(1), 120)), short, before=False)


PACE = 0.2 * 30 / 7
"""A fifth of a budget of thirty days, spent within seven."""


@pytest.mark.parametrize(
    ("long", "short", "total", "before", "after"),
    [
        (PACE + 0.001, PACE + 0.001, 5000, False, True),
        (PACE - 0.001, 99, 5000, False, False),  # less was spent
        (99, PACE - 0.001, 5000, False, False),  # it is long over
        (99, 99, 999, False, False),  # it rests on too little
        (PACE + 0.001, 0, 1, True, True),
        (PACE - 0.001, 99, 5000, True, False),
    ],
)
def test_a_share_of_the_budget_is_a_burn_rate(long: float, short: float, total: int, before: bool, after: bool) -> None:
    """What was spent within a time is judged as the rate that spends it, over both windows, on enough events."""
    figures = measured(burns=burning(long, short, over=7 * DAY, total=total))
    assert in_force(spent_rule(), figures, before) is after


@pytest.mark.parametrize(
    ("window", "within", "rate"),
    [
        (Rolling(30 * DAY), HOUR, "14.4"),  # the rates people know: 2 % in an hour
        (Rolling(28 * DAY), HOUR, "13.44"),
        (Calendar(Period.MONTH, "UTC"), HOUR, "14.88"),  # a month is reckoned as 31 days, whatever the clocks do
        (Calendar(Period.WEEK, "Europe/Berlin"), 7 * DAY, "0.02"),
        (Calendar(Period.QUARTER, "UTC"), DAY, "1.84"),
        (Calendar(Period.YEAR, "UTC"), DAY, "7.32"),
    ],
)
def test_the_rate_follows_from_the_window_of_the_objective(window: Window, within: float, rate: str) -> None:
    """Spending a share within a time is share x window / time as fast as the budget allows."""
    assert burn_rate(BudgetSpent(Fraction(2, 100), within), window) == BurnRate(Fraction(rate), within)


def test_a_burn_rate_is_itself_in_every_window() -> None:
    """Only a share depends on how long the window is."""
    assert burn_rate(BurnRate(Fraction(3), HOUR), Rolling(DAY)) == BurnRate(Fraction(3), HOUR)


def test_slices_have_a_short_window_of_their_own() -> None:
    """Where slices of time are counted, the short window holds two of them, or it would say nothing."""
    sampled = objective(LATENCY, indicator=Gauge("up", Fraction(1), True, 60))
    sliced = objective(LATENCY, slices=TimeSlices(300, Fraction(1, 2)))
    assert [o.grain(15) for o in (objective(), sampled, sliced)] == [15, 60, 300]
    assert measure(sampled, Ledger(30 * DAY, 45), None, (), NOW, 15).interval == 60
    assert objective().grain(15) == measure(objective(), Ledger(30 * DAY, 45), None, (), NOW, 15).interval


@pytest.mark.parametrize(
    ("made", "left", "reason"),
    [
        (rule(below=0), -1, Reason.BUDGET_EXHAUSTED),
        (rule(below=0), 3, Reason.BUDGET_EXHAUSTED),  # in the band it is still about the empty budget
        (rule(below=25), 10, Reason.BUDGET_LOW),
        (rule(below=25), 0, Reason.BUDGET_EXHAUSTED),
        (burn_rule(), -1, Reason.BURNING_FAST),
        (spent_rule(), -1, Reason.BURNING_FAST),
    ],
)
def test_the_word_for_why(made: Rule, left: float, reason: Reason) -> None:
    """Exhausted when nothing is left or the rule asks for no more than that, low otherwise, and burning for a rate."""
    assert reason_of(made, measured(left)) is reason


@pytest.mark.parametrize(
    ("coverage", "allowed", "why"),
    [
        (100, 1000, None),
        (10, 1000, None),
        ("9.99", 1000, "the budget is young"),
        (100, 10, None),
        (100, 9, "the budget is too small"),
        (1, 1, "the budget is young"),
    ],
)
def test_young_and_small_budgets_only_notify(coverage: str | float, allowed: int, why: str | None) -> None:
    """Under a tenth of the window or under ten allowed failures a budget rule is only reported, and says why."""
    (finding,) = findings(measured(-50, coverage=coverage, allowed=allowed), [rule()], ())
    assert finding.demoted == why
    assert finding.verdict is (Verdict.NOTIFY if why else Verdict.HOLD)


@pytest.mark.parametrize("made", [notify(below=25), burn_rule(), spent_rule(5, within=HOUR)])
def test_only_holds_on_the_budget_are_demoted(made: Rule) -> None:
    """A notice needs no demotion, and a burn rate guards itself with its count of events."""
    (finding,) = findings(measured(-50, coverage=1, allowed=1, burns=burning(99)), [made], ())
    assert finding.demoted is None
    assert finding.verdict is made.then.verdict


@pytest.mark.parametrize("more", [{"coverage": 5}, {"allowed": 5}])
def test_a_demoted_rule_stays_demoted_at_the_next_look(more: dict[str, int]) -> None:
    """To have been reported is not to hold: a young budget does not begin to hold by being looked at twice."""
    (finding,) = findings(measured(-50, **more), [rule()], {cause_key(rule())})
    assert finding.verdict is Verdict.NOTIFY


@pytest.mark.parametrize("more", [{"coverage": 5}, {"allowed": 5}])
def test_a_hold_that_has_begun_is_not_demoted(more: dict[str, int]) -> None:
    """A hold does not end because traffic fell or the ledger was lost."""
    (finding,) = findings(measured(-50, **more), [rule()], (), {cause_key(rule())})
    assert (finding.verdict, finding.demoted) == (Verdict.HOLD, None)


@pytest.mark.parametrize(("coverage", "still"), [(0, True), ("9.9", True), (10, False)])
def test_a_young_budget_lifts_nothing(coverage: str | float, still: bool) -> None:
    """A ledger that was lost says that all of the budget is left: that opens no gate until enough is measured."""
    found = findings(measured(100, coverage=coverage), [rule()], (), {cause_key(rule())})
    assert bool(found) is still


def test_a_young_budget_ends_what_only_notifies() -> None:
    """Only holds need more than young figures to end."""
    assert not findings(measured(100, coverage=1), [rule()], {cause_key(rule())})


def test_a_calm_burn_rate_ends_on_a_young_budget() -> None:
    """A burn rate rests on its own window, not on how much of the budget's was measured."""
    assert not findings(measured(100, coverage=1, burns=burning(0)), [burn_rule()], (), {cause_key(burn_rule())})


def test_memory_is_of_a_rule_on_an_objective() -> None:
    """What was in force on one objective says nothing of another, nor of the same rule in another policy."""
    assert not findings(measured(3), [rule()], {cause_key(rule(), ERRORS)})
    assert not findings(measured(3), [rule()], {cause_key(rule(policy="other"))})
    assert findings(measured(3), [rule()], {cause_key(rule())})


def test_the_most_severe_comes_first_and_then_what_is_carried_out() -> None:
    """By verdict, then enforced before audited, then by name."""
    rules = [notify("z"), rule("b", mode=Mode.AUDIT), rule("c"), rule("a")]
    found = findings(measured(-5), rules, ())
    assert [f.key.rule.rule for f in found] == ["a", "c", "b", "z"]
    assert [f.key.objective for f in found] == [LATENCY] * 4


def test_a_standing_is_unknown_only_while_nothing_is_known_and_nothing_in_force() -> None:
    """Silence has no verdict of its own; a rule that stays in force through it has."""
    assert Standing(measured(evidence=SILENT)).verdict is None
    assert Standing(measured(evidence=SILENT)).would is None
    assert Standing(measured(evidence=FRESH)).verdict is Verdict.OPEN
    found = findings(measured(-5, SILENT), [rule()], {cause_key(rule())})
    assert Standing(measured(-5, SILENT), found).verdict is Verdict.HOLD
    assert Standing(measured(-5, SILENT), found).in_force == {cause_key(rule())}


@pytest.mark.parametrize(
    ("rules", "verdict", "would"),
    [
        ([], Verdict.OPEN, None),
        ([rule(mode=Mode.AUDIT)], Verdict.OPEN, Verdict.HOLD),
        ([rule(mode=Mode.AUDIT), notify()], Verdict.NOTIFY, Verdict.HOLD),
        ([rule(), notify()], Verdict.HOLD, None),
        ([rule(mode=Mode.AUDIT), notify(mode=Mode.AUDIT)], Verdict.OPEN, Verdict.HOLD),
        ([rule(), rule("more", mode=Mode.AUDIT)], Verdict.HOLD, None),  # not severer: not worth a word
        ([notify(mode=Mode.AUDIT)], Verdict.OPEN, Verdict.NOTIFY),
    ],
)
def test_a_standing_tells_what_is_and_what_would_be(rules: list[Rule], verdict: Verdict, would: Verdict | None) -> None:
    """The verdict is what is carried out; what Audit would do is told where it is severer."""
    standing = Standing(measured(-5), findings(measured(-5), rules, ()))
    assert (standing.verdict, standing.would) == (verdict, would)


def test_audit_during_silence_has_no_verdict_but_a_would() -> None:
    """An audited rule that stays in force through silence is told, and the workload counts as open."""
    audited = rule(mode=Mode.AUDIT)
    standing = Standing(measured(-5, SILENT), findings(measured(-5, SILENT), [audited], {cause_key(audited)}))
    assert (standing.verdict, standing.would) == (Verdict.OPEN, Verdict.HOLD)


def test_a_worn_hold_only_notifies() -> None:
    """A finding whose hold has lasted as long as it may is still told, as a notice that says so; no other changes."""
    found = findings(measured(-5), (rule(), notify()), ())
    hold, low = found
    after = tired(found, {hold.key})
    assert after == (replace(hold, verdict=Verdict.NOTIFY, demoted="its hold lasted as long as it may"), low)
    assert tired(found, set()) == found


@pytest.mark.parametrize("made", [rule(), burn_rule(), burn_rule(until=5)])
def test_a_ledger_that_was_begun_anew_lifts_nothing_before_it_knows_as_much(made: Rule) -> None:
    """What holds stays in force, however good the figures of the new ledger are; no other rule is kept by it."""
    plenty = replace(measured(99, burns=burning(0)), provisional=True)
    key = cause_key(made)
    found = findings(plenty, (made,), (key,), (key,))
    assert [(f.key, f.verdict, f.demoted) for f in found] == [(key, Verdict.HOLD, None)]
    assert findings(plenty, (made,), (key,), ()) == ()
    assert findings(replace(plenty, provisional=False), (made,), (key,), (key,)) == ()


def test_the_windows_that_rules_compare() -> None:
    """The long and the short one of each rule on a burn rate or a share of the budget; none for what is left."""
    rules = [rule(), burn_rule(), spent_rule(within=6 * HOUR), burn_rule(3)]
    assert compared(rules, objective(), 15) == {HOUR, HOUR / 12, 6 * HOUR, HOUR / 2}


def test_a_hold_of_last_month_ends_with_the_month() -> None:
    """A new period is young, so nothing begins in it; but what was measured of it is all there is, so a hold ends on it.
    Without anything measured of the window a hold stays.
    """
    key = cause_key(rule())
    for coverage, stays in ((100, False), (5, True)):
        month = measured(100, coverage=coverage)
        month = replace(month, budget=replace(month.budget, passed=Fraction(1, 100)))
        assert month.budget.young
        assert [f.key for f in findings(month, (rule(),), (key,), (key,))] == ([key] if stays else [])


def test_rules_on_releases_are_judged_elsewhere() -> None:
    """The figures of a budget neither begin nor end what is about a release, and have no finding of it."""
    made = worse()
    assert findings(measured(-50), (made, rule()), (cause_key(made),), (cause_key(made),)) == findings(
        measured(-50), (rule(),), ()
    )
    assert [in_force(each, measured(-50), before) for each in (made, spends()) for before in (True, False)] == [
        True,
        False,
    ] * 2


def test_rules_on_releases_look_whether_it_is_calm() -> None:
    """Five minutes, or all there is of a shorter window."""
    assert compared((worse(), spends(), rule()), objective(), 15) == {300}
    assert compared((worse(),), objective(window=120), 15) == {120}


def test_the_chance_of_a_false_stop_is_shared() -> None:
    """With several objectives no more good releases of the workload are stopped than with one; the surest rule counts."""
    sure = replace(worse(name="sure"), when=ReleaseWorse(Fraction(9999, 10_000)))
    assert false_stops({LATENCY: (worse(), rule(), spends())}) == {LATENCY: Fraction(1, 1000)}
    assert false_stops({LATENCY: (worse(), sure), ERRORS: (worse(),), ObjectKey("shop", "none"): (spends(),)}) == {
        LATENCY: Fraction(1, 20_000),
        ERRORS: Fraction(1, 2000),
    }
    assert false_stops({}) == {}


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_is_read_as_it_is_written(verdict: Verdict) -> None:
    """The word people read names the verdict."""
    assert Verdict.of(verdict.label) is verdict
