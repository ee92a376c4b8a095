"""A hold over time: worn causes, overrides, drift, and a record that changes only when something happened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from holdfast.core.decide import decide
from holdfast.core.hold import HoldState, Reason
from holdfast.core.objective import ObjectKey
from holdfast.core.policy import Mode, Verdict
from holdfast.core.request import HOLD_LABEL, OVERRIDE_LABEL
from holdfast.core.wanted import Free, Held
from tests.core.making import (
    ERRORS,
    FIX,
    HOUR,
    LATENCY,
    NEW,
    NOW,
    OLD,
    SILENT,
    burn_rule,
    burning,
    cause_key,
    deployment,
    held,
    measured,
    observed,
    on_record,
    replica_set,
    rule,
)

WEEK = 7 * 24 * HOUR


def test_a_hold_ends_when_its_time_is_up() -> None:
    """After `atMost` it is lifted, its cause is worn, and the verdict only notifies though nothing has recovered."""
    limited = rule(at_most=HOUR)
    record = on_record(limited)
    before = decide(observed(measured(-5), rules=(limited,), hold=record, now=NOW - 0.001))
    after = decide(observed(measured(-5), rules=(limited,), hold=record, now=NOW))
    assert before.verdict is Verdict.HOLD
    assert after.verdict is Verdict.NOTIFY
    assert after.wanted == Free(Reason.AT_MOST_REACHED, (cause_key(limited),))


@pytest.mark.parametrize("evidence", [None, SILENT])
@pytest.mark.parametrize("at_most", [HOUR, WEEK, None])
def test_a_worn_cause_does_not_hold_again_before_it_has_ceased(evidence: Any, at_most: float | None) -> None:
    """Neither another look, nor silence, nor another `atMost` makes a worn cause hold again."""
    limited = rule(at_most=at_most)
    lifted = replace(on_record(limited), state=HoldState.LIFTED, worn=(cause_key(limited),))
    for left in (-5, 0, 5):
        figures = measured(left, evidence) if evidence else measured(left)
        decision = decide(observed(figures, rules=(limited,), hold=lifted, now=NOW + WEEK))
        assert decision.wanted == Free(None, (cause_key(limited),))
        assert decision.verdict is Verdict.NOTIFY


def test_a_worn_cause_that_ceased_may_hold_again() -> None:
    """Once the budget has recovered the cause is no longer worn, and the next time is a new episode with the old history."""
    limited = rule(at_most=HOUR)
    lifted = replace(on_record(limited), state=HoldState.LIFTED, worn=(cause_key(limited),))
    ceased = decide(observed(measured(6), rules=(limited,), hold=lifted))
    assert ceased.wanted == Free()
    again = held(decide(observed(measured(-1), rules=(limited,), hold=replace(lifted, worn=()), new_id="fresh")))
    assert again.id == "budget-exhausted-fresh"
    assert again.since == NOW
    assert again.history[:-1] == lifted.history
    assert (again.state, again.enforced) == (HoldState.ACTIVE, False)


@pytest.mark.parametrize(
    "change",
    [
        {"by": {}, "unreadable": frozenset({LATENCY})},
        {"by": {}, "unreadable": frozenset({ObjectKey("shop", "default")})},
        {"enforcing": False},
        {"view": None},
    ],
)
def test_what_was_not_seen_to_cease_stays_worn(change: dict[str, Any]) -> None:
    """A typing error, a switch and a new Deployment of the old name do not start the clock of `atMost` anew."""
    limited = rule(at_most=HOUR)
    lifted = replace(on_record(limited), state=HoldState.LIFTED, worn=(cause_key(limited),))
    figures = () if "by" in change else (measured(-5),)
    assert decide(observed(*figures, rules=(limited,), hold=lifted, **change)).wanted == Free(
        None, (cause_key(limited),)
    )


def test_one_worn_cause_leaves_the_other_holding() -> None:
    """Each cause has its own time; the hold lasts as long as one of them is live."""
    limited, other = rule("a", at_most=HOUR), rule("b")
    record = on_record(limited, other)
    after = held(decide(observed(measured(-5), rules=(limited, other), hold=record)))
    assert [c.key.rule.rule for c in after.causes] == ["b"]
    assert after.worn == (cause_key(limited),)
    assert after.id == record.id
    later = decide(observed(measured(-5), rules=(limited, other), hold=after, now=NOW + HOUR))
    assert held(later).worn == (cause_key(limited),)


def test_the_reason_of_a_lift_is_that_of_the_last_cause() -> None:
    """When one cause was worn long ago and the other recovers, the hold ends by recovery."""
    worn, other = rule("a", at_most=HOUR), burn_rule()
    record = replace(on_record(other), worn=(cause_key(worn),))
    calm = measured(-5, burns=burning(0))
    assert decide(observed(calm, rules=(worn, other), hold=record)).wanted == Free(
        Reason.BUDGET_RECOVERED, (cause_key(worn),)
    )


def test_a_cause_that_cannot_be_read_ends_with_its_time() -> None:
    """`atMost` is on record, so it holds no longer than that, whatever was done to its policy."""
    record = on_record(rule(at_most=HOUR))
    seen = observed(hold=record, by={}, unreadable=frozenset({LATENCY}), now=NOW)
    assert decide(seen).wanted == Free(Reason.AT_MOST_REACHED, (cause_key(rule()),))


def test_another_cause_is_told_in_the_message() -> None:
    """The sentence is written anew when the causes change, and when what ends the hold was edited."""
    record = on_record()
    view = deployment(labels={HOLD_LABEL: record.id})
    assert record.message.endswith("lifts above 5 %.")
    two = held(decide(observed(measured(-5), measured(-9, key=ERRORS), hold=record, view=view)))
    assert two.message.startswith("Error budget of shop/checkout-errors is exhausted (-9 % left) and 1 more cause")
    edited = held(decide(observed(measured(-5), rules=(rule(until=10, at_most=WEEK),), hold=record, view=view)))
    assert edited.message.endswith("lifts above 10 %, at the latest on 5 Dec 05:00 UTC.")
    assert held(decide(observed(measured(-6), rules=(rule(until=10, at_most=WEEK),), hold=edited, view=view))) == edited


def test_a_cause_that_becomes_unreadable_does_not_reorder_the_record() -> None:
    """Causes are kept in the order of their names, so that nothing is written because a list came in another order."""
    both = held(decide(observed(measured(-1), measured(-2, key=ERRORS))))
    view = deployment(labels={HOLD_LABEL: both.id})
    for gone, left in ((LATENCY, measured(-2, key=ERRORS)), (ERRORS, measured(-1))):
        after = held(decide(observed(left, hold=both, view=view, unreadable=frozenset({gone}))))
        assert after.causes == both.causes


@pytest.mark.parametrize("enforced", [False, True])
def test_a_label_that_is_gone_means_that_the_deed_is_to_be_done_again(enforced: bool) -> None:
    """A Deployment that was created anew, or stripped, is held like any other: what is in flight now is paused now."""
    record = on_record(enforced=enforced, paused=FIX)
    view = deployment(replica_set(OLD, 3), replica_set(NEW, 1, 2), template=NEW)
    after = held(decide(observed(measured(-5), hold=record, view=view)))
    assert (after.enforced, after.paused, after.declared, after.serving) == (False, NEW, NEW, OLD)
    person = held(decide(observed(measured(-5), hold=record, view=replace(view, paused=True))))
    assert (person.enforced, person.paused) == (False, None)  # a pause found without our label is not ours


@pytest.mark.parametrize("enforced", [False, True])
def test_a_release_under_an_override_is_not_paused(enforced: bool) -> None:
    """Whoever sets the override before our label is on, or takes our label off with it, is not stopped."""
    record = on_record(enforced=enforced)
    labels = {OVERRIDE_LABEL: record.id}
    view = deployment(replica_set(OLD, 3), replica_set(NEW, 1, 2), template=NEW, labels=labels)
    after = held(decide(observed(measured(-5), hold=record, view=view)))
    assert after.paused is None
    assert after.enforced is enforced


def test_a_hold_that_is_not_in_force_yet_keeps_what_it_says() -> None:
    """With the label on, what we paused is what the record says, whatever has moved since."""
    record = on_record(enforced=False, paused=NEW)
    view = deployment(
        replica_set(OLD, 3), replica_set(NEW, 1, 2), template=FIX, paused=True, labels={HOLD_LABEL: record.id}
    )
    assert held(decide(observed(measured(-5), hold=record, view=view))).paused == NEW


@pytest.mark.parametrize("mode", list(Mode))
def test_a_rule_set_to_audit_and_back(mode: Mode) -> None:
    """In Audit it is reported; when it is enforced again it holds at once, on fresh evidence, since then."""
    lifted = replace(on_record(), state=HoldState.LIFTED)
    decision = decide(
        observed(measured(3), rules=(rule(mode=mode),), hold=lifted, in_force=frozenset({cause_key(rule())}))
    )
    assert isinstance(decision.wanted, Held) is (mode is Mode.ENFORCE)
    if mode is Mode.ENFORCE:
        assert held(decision).causes[0].since == NOW


def test_history_keeps_the_last_twenty() -> None:
    """Whoever flips an override for a day does not fill the cluster's store."""
    record = on_record()
    for minute in range(30):
        record = record.moved(HoldState.OVERRIDDEN, Reason.OVERRIDDEN, NOW + minute)
    assert [t.at for t in record.history] == [NOW + minute for minute in range(10, 30)]


@pytest.mark.parametrize(
    ("override", "state"),
    [("own", HoldState.OVERRIDDEN), ("budget-exhausted-older", HoldState.ACTIVE), (None, HoldState.ACTIVE)],
)
def test_an_override_counts_for_the_present_hold_alone(override: str | None, state: HoldState) -> None:
    """The label must carry the id of this episode; one of an earlier episode opens nothing."""
    record = on_record()
    labels = {HOLD_LABEL: record.id}
    if override:
        labels[OVERRIDE_LABEL] = record.id if override == "own" else override
    after = held(decide(observed(measured(-5), hold=record, view=deployment(labels=labels))))
    assert after.state is state
    assert after.id == record.id
    news = [(t.state, t.reason) for t in after.history[1:]]
    assert news == ([(HoldState.OVERRIDDEN, Reason.OVERRIDDEN)] if state is HoldState.OVERRIDDEN else [])


def test_an_override_that_ends_is_in_the_history() -> None:
    """Held, overridden, held again for the old reason."""
    record = on_record(state=HoldState.OVERRIDDEN)
    after = held(decide(observed(measured(-5), hold=record, view=deployment(labels={HOLD_LABEL: record.id}))))
    assert after.state is HoldState.ACTIVE
    assert (after.history[-1].at, after.history[-1].reason) == (NOW, Reason.BUDGET_EXHAUSTED)


@pytest.mark.parametrize(
    ("override", "template", "paused", "resume"),
    [
        (True, NEW, True, False),  # the release that was stopped stays stopped
        (True, OLD, True, True),
        (False, OLD, True, False),
        (True, OLD, False, False),  # nothing to resume any more
    ],
)
def test_an_override_resumes_what_is_new_and_only_that(
    override: bool, template: Any, paused: bool, resume: bool
) -> None:
    """Under an override another template than the one we stopped is let go; the stopped one only by a person's hand."""
    record = on_record(paused=NEW)
    labels = {HOLD_LABEL: record.id} | ({OVERRIDE_LABEL: record.id} if override else {})
    view = deployment(replica_set(OLD, 3), replica_set(NEW, 1, 2), template=template, labels=labels, paused=paused)
    wanted = decide(observed(measured(-5), hold=record, view=view)).wanted
    assert isinstance(wanted, Held)
    assert wanted.resume is resume
    assert wanted.record.paused == (NEW if paused else None)  # a pause that is gone is not remembered as ours
