"""What is said of a release: the sentences a person reads when one is on trial, found at fault, or undone."""

from __future__ import annotations

from dataclasses import replace
from math import log

import pytest

from holdfast.core.budget import Measured
from holdfast.core.explain import explain_rule, hold_message
from holdfast.core.explain_release import bound_of, explain_release, improbable, said_of, undo_message
from holdfast.core.hold import Reason, Template, Undo, UndoState
from holdfast.core.judge import Finding
from holdfast.core.judge_release import release_findings
from holdfast.core.policy import HoldReleases, Mode, Notify, Rule
from holdfast.core.release import (
    Ask,
    Cost,
    Readiness,
    ReadinessReason,
    ReleaseFinding,
    ReleaseState,
    Restrained,
    RestraintReason,
)
from holdfast.core.trial import Trial, Weighed
from tests.core.making import ERRORS, LATENCY, NEW, NOW, OLD, cause_key, on_record
from tests.core.releasing import STALL, burning_now, on_trial, spends, worse

BAD, SHARED, UNDECIDED = ReleaseFinding.BAD, ReleaseFinding.SHARED, ReleaseFinding.UNDECIDED
SURE = {"against_target": log(1234)}
FIGURES = burning_now()


def finding(trial: Trial, made: Rule, figures: Measured = FIGURES) -> Finding:
    """The one finding there is."""
    (only,) = release_findings(trial, (figures,), {LATENCY: (made,)}, {}, NOW)
    return only


ODDS = "61 of 1,204 requests of checkout:v2 failed, which a release that keeps its promise would show less than once in 1,000 times"


@pytest.mark.parametrize(
    ("trial", "made", "said"),
    [
        (on_trial(BAD, **SURE), worse(), f"in force ({ODDS}), so RollBack. It ends when another release is declared."),
        (
            on_trial(stall=STALL),
            worse(),
            "in force (checkout:v2 gets nowhere: 2 of 4 pods crash again and again), so RollBack. "
            "It ends when another release is declared.",
        ),
        (
            on_trial(UNDECIDED, spent=7),
            spends(),
            "in force (checkout:v2 has spent 7 % of the error budget of shop/checkout-latency), so RollBack. "
            "It ends when another release is declared.",
        ),
        (
            on_trial(SHARED),
            worse(),
            "in force (shop/checkout-latency burns its error budget, and pods of other releases fail as well as those of "
            "checkout:v2: an incident), so Hold. It ends when it burns at most 1 over 5m.",
        ),
        (
            on_trial(BAD, completed=NOW - 60),
            worse(),
            "in force (shop/checkout-latency burns its error budget, and no pods of another release serve any more that would "
            "show whether checkout:v2 is at fault), so Hold. It ends when it burns at most 1 over 5m.",
        ),
        (
            on_trial(ReleaseFinding.NOT_ATTRIBUTABLE),
            worse(),
            "in force (shop/checkout-latency burns its error budget, and nobody can tell which release's pods fail), so Hold. "
            "It ends when it burns at most 1 over 5m.",
        ),
        (
            on_trial(BAD, **SURE),
            worse(Notify()),
            f"in force ({ODDS}), so Notify. It ends when another release is declared.",
        ),
    ],
)
def test_a_rule_in_force_says_what_was_found(trial: Trial, made: Rule, said: str) -> None:
    """The figures, what follows, and what ends it, in one line."""
    assert explain_rule(made, finding(trial, made)) == f"Rule {made.key.rule} of policy default (Enforce): {said}"


def test_a_rule_that_is_not_carried_out_says_so() -> None:
    """In Audit, while Holdfast is switched off, and where a share of the budget says little."""
    audited = worse(mode=Mode.AUDIT)
    said = explain_rule(audited, finding(on_trial(BAD), audited))
    assert "; it would roll back, but its mode is Audit. It ends when another release is declared." in said
    held = worse(HoldReleases(), mode=Mode.AUDIT)
    assert "; it would hold, but its mode is Audit." in explain_rule(held, finding(on_trial(BAD), held))
    off = explain_rule(worse(), finding(on_trial(BAD), worse()), enforcing=False)
    assert "; it would roll back, but Holdfast is switched off." in off
    young = explain_rule(spends(), finding(on_trial(spent=9), spends(), burning_now(coverage=5)))
    assert young.endswith("it only notifies: the budget is young.")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (worse(), "RollBack when a release fails more often than promised (99.9 % sure). Not in force."),
        (worse(HoldReleases()), "Hold when a release fails more often than promised (99.9 % sure). Not in force."),
        (spends(), "RollBack when a release spends more than 6.2 % of the budget. Not in force."),
    ],
)
def test_a_rule_that_is_not_in_force(made: Rule, said: str) -> None:
    """What it would do, and when."""
    assert explain_rule(made, None).endswith(f": {said}")


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (Reason.BAD_RELEASE, "the release fails more often than shop/checkout-latency promises"),
        (
            Reason.RELEASE_COSTS,
            "the release has spent more than it is granted of the error budget of shop/checkout-latency",
        ),
        (Reason.RELEASE_STALLED, "the release gets nowhere"),
        (Reason.SHARED_INCIDENT, "pods of other releases fail as well as those of the release: an incident"),
    ],
)
def test_a_finding_without_its_release_still_says_what_it_is(reason: Reason, said: str) -> None:
    """A status that names no release leaves the figures out, and nothing else."""
    made = worse()
    bare = Finding(cause_key(made), made, FIGURES, made.then.verdict, reason)
    assert said in explain_rule(made, bare)


def test_a_release_is_called_by_what_there_is() -> None:
    """By its images, else by the number of its revision, else not by name."""
    nameless = Template("9f2c")
    told = explain_rule(worse(), finding(on_trial(BAD, template=nameless), worse()))
    assert "61 of 1,204 requests of revision 42 failed" in told
    told = explain_rule(worse(), finding(on_trial(BAD, template=nameless, revision=0), worse()))
    assert "61 of 1,204 requests of the release failed" in told


def test_a_hold_by_an_incident_says_why_and_until_when() -> None:
    """As the message of the Hold: a sentence with a capital, and its end."""
    found = finding(on_trial(SHARED), worse())
    record = on_record()
    record = replace(record, causes=(replace(record.causes[0], key=found.key, reason=found.reason),))
    assert hold_message(record, (found,)) == (
        "Shop/checkout-latency burns its error budget, and pods of other releases fail as well as those of checkout:v2: "
        "an incident; lifts when it burns at most 1 over 5m."
    )


@pytest.mark.parametrize(
    ("odds", "said"),
    [(0.3, ""), (1.9, ""), (2, "2"), (19.9, "10"), (1234, "1,000"), (9_999, "9,000"), (1e9, "1,000,000")],
)
def test_odds_are_rounded_down(odds: float, said: str) -> None:
    """The evidence is never told to be stronger than it is, and not at all while it is none."""
    told = improbable(Weighed(LATENCY, BAD, against_target=log(odds)))
    assert told == (
        f", which a release that keeps its promise would show less than once in {said} times" if said else ""
    )


def test_evidence_beyond_all_numbers_has_words() -> None:
    """An e-value that no float holds is still told."""
    assert improbable(Weighed(LATENCY, BAD, against_target=1e6)).endswith("in 1,000,000 times")
    assert improbable(Weighed(LATENCY, BAD, against_target=float("-inf"))) == ""


READY = Readiness(True, ReadinessReason.CAN_GO_BACK, "checkout:v1 would serve again.")
UNREADY = Readiness(False, ReadinessReason.NO_LAST_GOOD, "No release is known to be good.")


def _costs(found: ReleaseFinding, spent: float = 0.005) -> tuple[Cost, ...]:
    return (Cost(LATENCY, 1204, 61, spent, found),)


def test_what_is_said_of_a_release_on_trial() -> None:
    """Which it is, since when, what its pods say, what it cost, when a fault would be seen, and whether it could be undone."""
    trial = on_trial(changed_by="alice", readiness=READY, bound="On x a fault would be seen.", costs=_costs(UNDECIDED))
    assert list(explain_release(trial.release)) == [
        "checkout:v2 (revision 42) rolls out; it began on 28 Nov 05:30 UTC, declared by alice.",
        "shop/checkout-latency: 61 of 1,204 requests of its pods failed, 0.5 % of the budget; nothing is decided yet.",
        "On x a fault would be seen.",
        "It can be undone (CanGoBack). checkout:v1 would serve again.",
    ]


def test_what_is_said_of_a_release_that_is_over() -> None:
    """A completion, what was noted, and what stands in the way of undoing it."""
    trial = on_trial(completed=NOW - 60, readiness=UNREADY, message="It was undone.", revision=0)
    assert list(explain_release(trial.release)) == [
        "checkout:v2 is complete; it began on 28 Nov 05:30 UTC, and was complete on 28 Nov 05:59 UTC.",
        "It was undone.",
        "It cannot be undone (NoLastGood). No release is known to be good.",
    ]


def test_whose_word_it_was_is_said() -> None:
    """Who undoes a release, or lets one out, gives a reason: others read it, with the name."""
    ask = Ask("alice@example.com", "wrong prices")
    assert "alice@example.com asked to undo it: wrong prices" in list(explain_release(on_trial(undo=ask).release))
    allowed = list(explain_release(on_trial(allow=ask, undone=NOW, readiness=READY).release))
    assert allowed[1:] == ["alice@example.com asked to let it out although it was undone: wrong prices"]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (BAD, "failed, 0.5 % of the budget; it is at fault."),
        (SHARED, "of the budget; pods of other releases fail as well, so it is an incident and not this release."),
        (ReleaseFinding.GOOD, "of the budget; it keeps the promise."),
        (UNDECIDED, "of the budget; nothing is decided yet."),
        (ReleaseFinding.NOT_ATTRIBUTABLE, "nobody can tell which events are of its pods, so it is not judged by them."),
    ],
)
def test_each_finding_has_its_words(found: ReleaseFinding, said: str) -> None:
    """What the test of its pods says."""
    assert said in list(explain_release(on_trial(costs=_costs(found)).release))[1]


def test_a_cost_beyond_all_numbers_has_words() -> None:
    """A budget of next to nothing can be spent any number of times."""
    assert "% of the budget" in list(explain_release(on_trial(costs=_costs(BAD, float("inf"))).release))[1]


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        (on_trial(UNDECIDED), ""),
        (on_trial(BAD), "On checkout-latency 61 of 1,204 requests of its pods failed."),
        (
            on_trial(BAD, **SURE),
            "On checkout-latency 61 of 1,204 requests of its pods failed, which a release that keeps its promise would show "
            "less than once in 1,000 times.",
        ),
        (on_trial(BAD, stall=STALL), "It gets nowhere since 28 Nov 05:50 UTC: 2 of 4 pods crash again and again."),
    ],
)
def test_what_is_noted_on_the_record(trial: Trial, said: str) -> None:
    """The evidence against a release in plain words, and nothing while there is none."""
    assert said_of(trial) == said


def test_the_strongest_evidence_is_noted() -> None:
    """Of several objectives that find a release bad."""
    trial = on_trial(BAD, **SURE)
    stronger = replace(trial.weighed[0], objective=ERRORS, against_target=99)
    assert said_of(replace(trial, weighed=(*trial.weighed, stronger))).startswith("On checkout-errors")


def test_when_a_fault_would_be_seen() -> None:
    """On each objective on which nothing is decided; how long that takes is known where there is traffic."""
    trial = on_trial(UNDECIDED, seen_after=1400, seen_in=240)
    other = replace(trial.weighed[0], objective=ERRORS, seen_in=None)
    done = replace(trial.weighed[0], objective=ERRORS, finding=BAD)
    assert bound_of(replace(trial, weighed=(*trial.weighed, other, done))) == (
        "On checkout-latency a fault of ten times the budget would be seen after about 1,400 requests, at the present rate in 4m. "
        "On checkout-errors a fault of ten times the budget would be seen after about 1,400 requests."
    )
    assert bound_of(on_trial(UNDECIDED)) == bound_of(on_trial(BAD, seen_after=9)) == ""


def test_a_record_is_a_trial_without_its_evidence() -> None:
    """Findings and counts come back from the record, and nothing is said to be improbable that nobody knows any more."""
    trial = Trial.of(on_trial(costs=_costs(BAD)).release)
    assert [(w.objective, w.finding, w.total, w.bad) for w in trial.weighed] == [(LATENCY, BAD, 1204, 61)]
    assert "(61 of 1,204 requests of checkout:v2 failed)" in explain_rule(worse(), finding(trial, worse()))


def test_a_release_that_is_left_to_people_says_why() -> None:
    """And what a person can do."""
    many = Restrained(RestraintReason.MANY_AT_ONCE, "Look at the metrics source first.")
    said = list(explain_release(on_trial(restrained=many).release))
    assert "A rule asks to undo it, and it is not undone by itself. Look at the metrics source first." in said


@pytest.mark.parametrize("state", ReleaseState)
def test_every_state_has_words(state: ReleaseState) -> None:
    """A sentence for each."""
    assert next(explain_release(on_trial(state=state).release)).startswith("checkout:v2 (revision 42) ")


@pytest.mark.parametrize(
    ("state", "serve", "said"),
    [
        (UndoState.UNDER_WAY, OLD, "checkout:v2 is being undone, so that checkout:v1 serves again."),
        (UndoState.UNDONE, OLD, "checkout:v2 was undone: checkout:v1 serves, while checkout:v2 is still declared."),
        (
            UndoState.STUCK,
            OLD,
            "checkout:v2 is undone in part: the pods of checkout:v1 did not become available in time",
        ),
        (UndoState.STOPPED, None, "checkout:v2 is stopped where it is: there is nothing to go back to"),
        (UndoState.UNDER_WAY, None, "checkout:v2 is stopped where it is"),
    ],
)
def test_an_undo_says_how_far_it_is_and_what_ends_it(state: UndoState, serve: Template | None, said: str) -> None:
    """Why, what serves, what is declared, and what goes out again."""
    undo = Undo("bad-release-abcde", NEW, serve, NOW, state)
    message = undo_message(on_trial().release.workload, undo, finding(on_trial(BAD, **SURE), worse()))
    assert message.startswith(f"{ODDS}. {said}")
    assert message.endswith(
        "Any other release goes out; checkout:v2 does not, until a person allows it: holdfast lift deployment/checkout -n shop "
        "--reason WHY."
    )
    assert undo_message(on_trial().release.workload, undo).startswith(said)
