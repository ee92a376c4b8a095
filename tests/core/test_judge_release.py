"""When a rule on releases is in force: what was found of the release, when, and what was so before."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.budget import Measured
from holdfast.core.hold import HoldState, Quarantined, Reason
from holdfast.core.judge import Finding
from holdfast.core.judge_release import known_before, release_findings
from holdfast.core.objective import Gauge
from holdfast.core.policy import Action, HoldReleases, Mode, Notify, RollBack, Rule, Verdict
from holdfast.core.release import Cost, ReleaseFinding, ReleaseState
from holdfast.core.trial import Trial, Weighed
from tests.core.making import (
    ERRORS,
    FRESH,
    HOUR,
    LATENCY,
    NEW,
    NOW,
    OLD,
    SILENT,
    cause_key,
    measured,
    notify,
    on_record,
    rule,
)
from tests.core.releasing import STALL, actions, burning_now, on_trial, provisional, spends, worse

BAD, GOOD, SHARED = ReleaseFinding.BAD, ReleaseFinding.GOOD, ReleaseFinding.SHARED
UNDECIDED, NOT_ATTRIBUTABLE = ReleaseFinding.UNDECIDED, ReleaseFinding.NOT_ATTRIBUTABLE
FIGURES = burning_now()

Answer = tuple[Verdict, Reason] | None


def found(
    trial: Trial | None, figures: Measured = FIGURES, of: Rule | None = None, before: Reason | None = None
) -> Answer:
    """What is in force of one rule on one objective: verdict and reason, or None."""
    made = of or worse()
    was = {} if before is None else {cause_key(made): before}
    findings = release_findings(trial, (figures,), {LATENCY: (made,)}, was, NOW)
    assert len(findings) <= 1
    return (findings[0].verdict, findings[0].reason) if findings else None


@pytest.mark.parametrize(
    ("trial", "asked"),
    [
        (on_trial(BAD), (Verdict.ROLL_BACK, Reason.BAD_RELEASE)),
        (on_trial(UNDECIDED, stall=STALL), (Verdict.ROLL_BACK, Reason.RELEASE_STALLED)),
        (on_trial(stall=STALL), (Verdict.ROLL_BACK, Reason.RELEASE_STALLED)),  # readiness needs no requests
        (on_trial(SHARED), (Verdict.HOLD, Reason.SHARED_INCIDENT)),
        (on_trial(SHARED, stall=STALL), (Verdict.HOLD, Reason.SHARED_INCIDENT)),  # what fails for all is not its fault
        (on_trial(GOOD), None),
        (on_trial(UNDECIDED), None),
        (on_trial(), None),
        (None, None),
    ],
)
def test_worse_than_target_goes_by_what_its_pods_say(trial: Trial | None, asked: Answer) -> None:
    """Bad and stalled releases are undone, a shared incident holds, and nothing else is in force."""
    assert found(trial) == asked


@pytest.mark.parametrize(
    ("trial", "asked"),
    [
        (on_trial(UNDECIDED, spent=6.3), (Verdict.ROLL_BACK, Reason.RELEASE_COSTS)),
        (on_trial(GOOD, spent=6.3), (Verdict.ROLL_BACK, Reason.RELEASE_COSTS)),
        (on_trial(spent=6.3), (Verdict.ROLL_BACK, Reason.RELEASE_COSTS)),
        (on_trial(BAD, spent=6.25), None),  # above means above
        (on_trial(BAD), None),
        (on_trial(SHARED, spent=50), None),
        (on_trial(UNDECIDED, stall=STALL), None),
    ],
)
def test_spends_goes_by_what_it_cost(trial: Trial | None, asked: Answer) -> None:
    """A release that spent more than it is granted is undone, unless the failures are everybody's."""
    assert found(trial, of=spends()) == asked


@pytest.mark.parametrize("made", [worse(), spends()])
@pytest.mark.parametrize(
    ("state", "judged"), [(s, s in {ReleaseState.ROLLING_OUT, ReleaseState.COMPLETE}) for s in ReleaseState]
)
def test_only_a_release_whose_pods_serve_is_found_at_fault(made: Rule, state: ReleaseState, judged: bool) -> None:
    """Nothing begins of a release that waits, is over, or was undone."""
    trial = on_trial(BAD, spent=50, strong=True, completed=NOW - 60, state=state)
    assert (found(trial, of=made) is not None) is judged


@pytest.mark.parametrize(
    ("then", "age", "judged"),
    [
        (RollBack(600), 600, True),
        (RollBack(600), 601, False),
        (RollBack(), HOUR, True),
        (HoldReleases(), HOUR, True),  # others judge for an hour
        (HoldReleases(), HOUR + 1, False),
    ],
)
def test_a_release_is_on_trial_for_a_while_after_its_completion(then: Action, age: float, judged: bool) -> None:
    """Up to `within` after its completion a release may be found at fault, and not later."""
    assert (found(on_trial(BAD, strong=True, completed=NOW - age), of=worse(then)) is not None) is judged


@pytest.mark.parametrize(
    ("trial", "made", "reason"),
    [
        (on_trial(BAD, completed=NOW - 60, strong=True), worse(), Reason.BAD_RELEASE),
        (on_trial(BAD, completed=NOW - 60), worse(), Reason.SHARED_INCIDENT),
        (on_trial(completed=NOW - 60, stall=STALL), worse(), Reason.SHARED_INCIDENT),
        (on_trial(BAD, completed=NOW - 60, strong=True, spent=9), spends(), Reason.RELEASE_COSTS),
        (on_trial(UNDECIDED, completed=NOW - 60, strong=True, spent=9), spends(), Reason.SHARED_INCIDENT),
        (on_trial(completed=NOW - 60, spent=9), spends(), Reason.SHARED_INCIDENT),
    ],
)
def test_without_pods_beside_it_only_strong_evidence_undoes(trial: Trial, made: Rule, reason: Reason) -> None:
    """After completion nobody can compare, so anything but strong evidence holds at most."""
    verdict = Verdict.HOLD if reason is Reason.SHARED_INCIDENT else Verdict.ROLL_BACK
    assert found(trial, of=made) == (verdict, reason)


@pytest.mark.parametrize("made", [worse(), spends()])
@pytest.mark.parametrize(
    ("rate", "total", "holds"), [(14.5, 1000, True), (14.4, 1000, False), (14.5, 999, False), (1000, 0, False)]
)
def test_where_nobody_can_tell_only_a_fire_holds(made: Rule, rate: float, total: int, holds: bool) -> None:
    """Events of unknown pods undo nothing; a release on trial is held when the whole objective is on fire."""
    asked = found(on_trial(NOT_ATTRIBUTABLE, spent=50), burning_now(rate, total), made)
    assert asked == ((Verdict.HOLD, Reason.SHARED_INCIDENT) if holds else None)
    assert found(on_trial(NOT_ATTRIBUTABLE), measured(), made) is None


def test_a_fire_is_within_reach_of_every_target() -> None:
    """A target of 90 % can burn ten times as fast at most: half of that is a fire."""
    low = burning_now(5.1)
    low = replace(low, objective=replace(low.objective, target=Fraction(9, 10)))
    assert found(on_trial(NOT_ATTRIBUTABLE), low) == (Verdict.HOLD, Reason.SHARED_INCIDENT)


def test_a_query_is_never_put_down_to_a_release() -> None:
    """An indicator that is not counted by pod blames no release for its events, whatever is said of them; readiness still does."""
    sampled = replace(FIGURES, objective=replace(FIGURES.objective, indicator=Gauge("up", Fraction(1), True, 60)))
    assert found(on_trial(BAD), sampled) == (Verdict.HOLD, Reason.SHARED_INCIDENT)
    assert found(on_trial(BAD, stall=STALL), sampled) == (Verdict.ROLL_BACK, Reason.RELEASE_STALLED)


@pytest.mark.parametrize("then", actions())
@pytest.mark.parametrize(("trial", "most"), [(on_trial(BAD), Verdict.ROLL_BACK), (on_trial(SHARED), Verdict.HOLD)])
def test_an_action_is_never_exceeded(then: Action, trial: Trial, most: Verdict) -> None:
    """A rule that tells only tells, and a shared incident holds where the rule would undo."""
    asked = found(trial, of=worse(then))
    assert asked is not None
    assert asked[0] is min(then.verdict, most)


@pytest.mark.parametrize("before", [None, Reason.BAD_RELEASE, Reason.SHARED_INCIDENT])
@pytest.mark.parametrize("trial", [on_trial(BAD), on_trial(SHARED), on_trial(GOOD), on_trial(stall=STALL)])
def test_silence_keeps(before: Reason | None, trial: Trial) -> None:
    """Without fresh evidence nothing begins and nothing ends."""
    asked = found(trial, burning_now(evidence=SILENT), before=before)
    assert (asked[1] if asked else None) is before


@pytest.mark.parametrize("reason", [Reason.BAD_RELEASE, Reason.RELEASE_COSTS, Reason.RELEASE_STALLED])
@pytest.mark.parametrize("after", [None, *ReleaseFinding])
@pytest.mark.parametrize("figures", [burning_now(0), burning_now(99), measured(), burning_now(0, evidence=SILENT)])
@pytest.mark.parametrize("state", ReleaseState)
def test_a_verdict_on_a_release_is_steady(
    reason: Reason, after: ReleaseFinding | None, figures: Measured, state: ReleaseState
) -> None:
    """What was found against a release stays in force, whatever its figures say next, until another is declared."""
    asked = found(on_trial(after, state=state), figures, before=reason)
    assert asked == (None if state is ReleaseState.SUPERSEDED else (Verdict.ROLL_BACK, reason))


def test_what_was_found_against_a_release_that_nobody_knows_is_over() -> None:
    """A release of which there is no record is not judged."""
    assert found(None, before=Reason.BAD_RELEASE) is None


@pytest.mark.parametrize(
    ("rate", "before", "after"),
    [
        (2.1, None, True),
        (2, None, False),
        (2, Reason.SHARED_INCIDENT, True),  # inside the band it stays as it was
        (1.1, Reason.SHARED_INCIDENT, True),
        (1, Reason.SHARED_INCIDENT, False),
        (0, Reason.SHARED_INCIDENT, False),
    ],
)
@pytest.mark.parametrize("trial", [on_trial(SHARED), on_trial(BAD, completed=NOW - 60)])
def test_an_incident_has_a_band(trial: Trial, rate: float, before: Reason | None, after: bool) -> None:
    """An incident begins to hold while the objective burns, and ends when it is calm."""
    assert (found(trial, burning_now(rate), before=before) is not None) is after


@pytest.mark.parametrize(
    "trial", [None, on_trial(GOOD), on_trial(UNDECIDED, template=OLD), on_trial(state=ReleaseState.SUPERSEDED)]
)
@pytest.mark.parametrize(
    ("figures", "stays"),
    [
        (burning_now(1.1), True),
        (burning_now(1), False),
        (measured(), True),  # a window that is not measured says nothing
        (provisional(burning_now(0)), True),  # nor does a ledger that was begun anew
    ],
)
def test_an_incident_outlives_the_release(trial: Trial | None, figures: Measured, stays: bool) -> None:
    """An incident is no matter of one release: it ends when the objective is calm, whatever is declared."""
    assert (found(trial, figures, before=Reason.SHARED_INCIDENT) is not None) is stays


def test_an_incident_may_turn_out_to_be_the_release() -> None:
    """What was taken for an incident is blamed on the release when its pods say so."""
    assert found(on_trial(BAD), before=Reason.SHARED_INCIDENT) == (Verdict.ROLL_BACK, Reason.BAD_RELEASE)


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        (burning_now(allowed=9), "the budget is too small"),
        (burning_now(coverage=9), "the budget is young"),
        (burning_now(allowed=10, coverage=10), None),
    ],
)
def test_a_share_of_a_small_or_young_budget_only_notifies(figures: Measured, why: str | None) -> None:
    """What a release spends is a share of the budget, so it does not act on one that says little; the test of its pods does."""
    trial = on_trial(BAD, spent=50)
    of_cost, of_pods = (
        release_findings(trial, (figures,), {LATENCY: (made,)}, {}, NOW)[0] for made in (spends(), worse())
    )
    assert (of_cost.demoted, of_cost.verdict) == (why, Verdict.NOTIFY if why else Verdict.ROLL_BACK)
    assert (of_pods.demoted, of_pods.verdict) == (None, Verdict.ROLL_BACK)
    (told,) = release_findings(trial, (figures,), {LATENCY: (spends(then=Notify()),)}, {}, NOW)
    assert (told.demoted, told.verdict) == (None, Verdict.NOTIFY)


def test_what_was_only_reported_is_judged_anew() -> None:
    """A costly release on a young budget is not undone when the budget has grown old and its trial is over."""
    trial = on_trial(UNDECIDED, spent=50)
    young = release_findings(trial, (burning_now(coverage=9),), {LATENCY: (spends(),)}, {}, NOW)
    assert known_before(trial, young, None) == {}


def test_it_is_too_late_for_what_nobody_carried_out_in_time() -> None:
    """A verdict that only Audit knew undoes nothing when somebody enforces it hours later; one that was carried out stays."""
    late = on_trial(BAD, completed=NOW - 2 * HOUR)
    before = {cause_key(worse()): Reason.BAD_RELEASE}
    (finding,) = release_findings(late, (FIGURES,), {LATENCY: (worse(),)}, before, NOW)
    assert (finding.verdict, finding.demoted) == (Verdict.NOTIFY, "the time in which it could be undone is over")
    tried = replace(late, release=replace(late.release, undone=NOW - HOUR))
    (finding,) = release_findings(tried, (FIGURES,), {LATENCY: (worse(),)}, before, NOW)
    assert (finding.verdict, finding.demoted) == (Verdict.ROLL_BACK, None)
    (finding,) = release_findings(late, (FIGURES,), {LATENCY: (worse(Notify()),)}, before, NOW)
    assert (finding.verdict, finding.demoted) == (Verdict.NOTIFY, None)


def test_each_objective_is_judged_by_its_own_rules() -> None:
    """Findings are of a rule on an objective, the most severe first; rules on budgets are none of them."""
    trial = on_trial(BAD, key=ERRORS)
    rules = {
        LATENCY: (worse(), rule()),
        ERRORS: (notify(), worse(Notify(), name="a"), worse(), worse(mode=Mode.AUDIT, name="b")),
    }
    findings = release_findings(trial, (FIGURES, burning_now(key=ERRORS)), rules, {}, NOW)
    assert [(f.key.objective, f.verdict, f.enforced) for f in findings] == [
        (ERRORS, Verdict.ROLL_BACK, True),
        (ERRORS, Verdict.ROLL_BACK, False),
        (ERRORS, Verdict.NOTIFY, True),
    ]
    assert all(f.trial is trial for f in findings)
    assert release_findings(trial, (FIGURES,), {}, {}, NOW) == ()


def test_a_finding_on_record_is_a_finding() -> None:
    """Where nothing is weighed yet, what a release cost says what was found of it."""
    trial = on_trial(spent=9)
    shared = replace(trial.release, costs=(replace(trial.release.costs[0], finding=SHARED),))
    assert found(replace(trial, release=shared), of=spends()) is None
    assert found(replace(trial, release=shared)) == (Verdict.HOLD, Reason.SHARED_INCIDENT)


def _finding(trial: Trial | None, reason: Reason) -> Finding:
    made = worse()
    return Finding(cause_key(made), made, FIGURES, Verdict.ROLL_BACK, reason, None, trial)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (_finding(on_trial(), Reason.BAD_RELEASE), True),
        (_finding(on_trial(template=OLD), Reason.BAD_RELEASE), False),
        (_finding(None, Reason.BAD_RELEASE), False),
        (_finding(on_trial(template=OLD), Reason.SHARED_INCIDENT), True),
        (_finding(on_trial(), Reason.BUDGET_EXHAUSTED), False),
    ],
)
def test_what_is_remembered_of_the_last_look(said: Finding, kept: bool) -> None:
    """A verdict on this very release, and an incident whatever the release."""
    assert known_before(on_trial(), (said,), None) == ({said.key: said.reason} if kept else {})
    assert known_before(None, (said,), None) == (
        {said.key: said.reason} if said.reason is Reason.SHARED_INCIDENT else {}
    )


def test_what_a_restart_knows() -> None:
    """From the record: incidents that hold, and what is quarantined, if it is what is declared."""
    key = cause_key(worse())
    record = on_record()
    incident = replace(record, causes=(replace(record.causes[0], key=key, reason=Reason.SHARED_INCIDENT),))
    assert known_before(None, (), record) == {}
    assert known_before(None, (), incident) == {key: Reason.SHARED_INCIDENT}
    assert known_before(None, (), replace(incident, state=HoldState.LIFTED)) == {}
    undone = replace(record, quarantined=(Quarantined("a", NEW, NOW, key), Quarantined("b", NEW, NOW)))
    assert known_before(on_trial(), (), undone) == {key: Reason.BAD_RELEASE}
    assert known_before(on_trial(template=OLD), (), undone) == {}
    assert known_before(None, (), undone) == {}


BEFORE = st.sampled_from([None, *Reason])
FINDINGS = st.sampled_from([None, *ReleaseFinding])
TRIALS = st.builds(
    on_trial,
    FINDINGS,
    spent=st.none() | st.floats(0, 1e9),
    stall=st.sampled_from([None, STALL]),
    completed=st.none() | st.floats(NOW - 3 * HOUR, NOW + HOUR),
    strong=st.booleans(),
    undone=st.none() | st.just(NOW),
    template=st.sampled_from([OLD, NEW]),
)
WORLD = st.builds(
    burning_now,
    st.sampled_from([0, 1, 1.5, 2, 3, 14.4, 15, 1000]),
    st.sampled_from([0, 999, 1000, 5000]),
    evidence=st.sampled_from([FRESH, SILENT]),
    coverage=st.sampled_from([0, 9, 100]),
    allowed=st.sampled_from([0, 9, 1000]),
)
RULES = st.builds(lambda make, then: make(then=then), st.sampled_from([worse, spends]), st.sampled_from(actions()))


@given(st.none() | TRIALS, WORLD, RULES, BEFORE)
def test_every_world_has_an_answer(trial: Trial | None, figures: Measured, made: Rule, before: Reason | None) -> None:
    """Whatever is so, there is one finding at most, no severer than its rule, and the same when asked again."""
    first = found(trial, figures, made, before)
    assert first == found(trial, figures, made, before)
    assert first is None or first[0] <= made.then.verdict
    if trial is None and first is not None:
        assert first[1] not in {Reason.BAD_RELEASE, Reason.RELEASE_COSTS, Reason.RELEASE_STALLED}


@given(TRIALS, WORLD, RULES, BEFORE, st.lists(st.tuples(TRIALS, WORLD), max_size=6))
def test_an_undo_is_never_taken_back(
    trial: Trial, figures: Measured, made: Rule, before: Reason | None, later: list[tuple[Trial, Measured]]
) -> None:
    """Once a release is to be undone, no later look at the same template asks for less, as long as it is carried out."""
    now = figures
    rules = {LATENCY: (made,)}
    was = {} if before is None else {cause_key(made): before}
    findings = release_findings(trial, (now,), rules, was, NOW)
    if not findings or findings[0].verdict is not Verdict.ROLL_BACK or not findings[0].blames:
        return
    for step, (other, then) in enumerate(later):
        same = replace(other, release=replace(other.release, template=trial.release.template, undone=NOW))
        findings = release_findings(same, (then,), rules, known_before(same, findings, None), NOW + step * HOUR)
        assert [f.verdict for f in findings] == [Verdict.ROLL_BACK]


@given(TRIALS, WORLD, st.floats(0, 10), st.floats(0, 10))
def test_a_dearer_release_is_never_judged_more_mildly(
    trial: Trial, figures: Measured, less: float, more: float
) -> None:
    """Spending more never yields a laxer verdict."""
    verdicts = []
    for spent in sorted((less, more)):
        costs = (Cost(LATENCY, 1000, 10, spent),)
        priced = replace(trial, release=replace(trial.release, costs=costs))
        asked = found(priced, figures, spends())
        verdicts.append(Verdict.OPEN if asked is None else asked[0])
    assert verdicts == sorted(verdicts)


def test_other_objectives_do_not_speak_for_this_one() -> None:
    """What is found on one objective is no finding of another; only an incident excuses a stall everywhere."""
    elsewhere = replace(on_trial(), weighed=(Weighed(ERRORS, SHARED),), stall=STALL)
    assert found(elsewhere) is None
    assert found(replace(elsewhere, weighed=(Weighed(ERRORS, BAD),), stall=None)) is None
