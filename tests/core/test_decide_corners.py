"""Corners of a decision: two things at once, and what must not be remembered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.core.decide import decide
from holdfast.core.hold import HoldState, Reason
from holdfast.core.request import HOLD_LABEL, OVERRIDE_LABEL
from holdfast.core.wanted import Free
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


def test_a_lifted_hold_is_not_in_force_inside_the_band() -> None:
    """The record of an episode that is over is no memory: a restart inside the band begins nothing."""
    lifted = replace(on_record(), state=HoldState.LIFTED)
    assert decide(observed(measured(3), hold=lifted)).wanted == Free()
    assert held(decide(observed(measured(3), hold=on_record())))


@pytest.mark.parametrize("view", [None, deployment(deleting=True)])
def test_a_workload_that_was_never_held_may_go(view: object) -> None:
    """There is nothing to lift, nor after a hold that was lifted long ago."""
    for hold in (None, replace(on_record(), state=HoldState.LIFTED)):
        assert decide(observed(measured(-5), view=view, hold=hold)).wanted == Free()


def test_silence_about_one_objective_does_not_hide_another() -> None:
    """A cause that may not begin in silence takes nothing from one that is on record, or that is seen."""
    record = on_record()
    seen = observed(measured(-5, SILENT, key=ERRORS), measured(-5), in_force=frozenset({cause_key(rule(), ERRORS)}))
    assert [c.key.objective for c in held(decide(seen)).causes] == [LATENCY]
    assert [c.key.objective for c in held(decide(replace(seen, hold=record))).causes] == [LATENCY]


def test_the_reason_of_a_cause_is_that_of_its_beginning() -> None:
    """A budget that was low and is exhausted now is no other cause; nothing is written."""
    low = rule(below=25, until=30)
    record = held(decide(observed(measured(10), rules=(low,))))
    view = deployment(labels={HOLD_LABEL: record.id})
    assert held(decide(observed(measured(-5), rules=(low,), hold=record, view=view))) == record


def test_a_cause_is_counted_once() -> None:
    """Also when it is found and on record and said to be unreadable."""
    seen = observed(measured(-5), hold=on_record(), unreadable=frozenset({LATENCY}))
    assert [c.key for c in held(decide(seen)).causes] == [cause_key(rule())]


def test_worn_causes_are_listed_in_order() -> None:
    """By name, so that the record does not change because a set was walked in another order."""
    rules = tuple(rule(name, at_most=HOUR) for name in "gfedcba")
    wanted = decide(observed(measured(-5), rules=rules, hold=on_record(*rules))).wanted
    assert isinstance(wanted, Free)
    assert [key.rule.rule for key in wanted.worn] == list("abcdefg")


def test_a_new_episode_keeps_what_is_worn() -> None:
    """When another cause begins to hold, one that was worn before does not come back with it."""
    limited, other = rule("a", at_most=HOUR), burn_rule()
    lifted = replace(on_record(limited), state=HoldState.LIFTED, worn=(cause_key(limited),))
    seen = observed(measured(-5, burns=burning(20)), rules=(limited, other), hold=lifted)
    record = held(decide(seen))
    assert [c.key for c in record.causes] == [cause_key(other)]
    assert record.worn == (cause_key(limited),)


def test_when_time_and_recovery_come_together_time_is_the_reason() -> None:
    """One cause is worn as the other recovers: people should know that the first has not."""
    limited, other = rule("a", at_most=HOUR), burn_rule()
    calm = measured(-5, burns=burning(0))
    wanted = decide(observed(calm, rules=(limited, other), hold=on_record(limited, other))).wanted
    assert wanted == Free(Reason.AT_MOST_REACHED, (cause_key(limited),))


def test_when_removal_and_recovery_come_together_recovery_is_the_reason() -> None:
    """One policy is gone as the budget recovers for the other."""
    wanted = decide(observed(measured(50), rules=(rule("a"),), hold=on_record(rule("a"), rule("b")))).wanted
    assert wanted == Free(Reason.BUDGET_RECOVERED)


@pytest.mark.parametrize("labels", [{}, {OVERRIDE_LABEL: "budget-exhausted-abcde"}])
def test_until_the_label_is_on_the_record_follows_the_workload(labels: dict[str, str]) -> None:
    """What is declared follows the workload, overridden or not; what serves too, but not in the middle of a rollout."""
    record = on_record(enforced=False, serving=FIX, declared=FIX)
    view = deployment(replica_set(OLD, 3), replica_set(NEW, 1, 2), template=NEW, labels=labels)
    after = held(decide(observed(measured(-5), hold=record, view=view)))
    assert (after.declared, after.serving) == (NEW, OLD)
    on = held(decide(observed(measured(-5), hold=record, view=replace(view, labels={HOLD_LABEL: record.id}))))
    assert (on.declared, on.serving) == (NEW, FIX)


def test_times_are_kept_to_the_end() -> None:
    """The clock of a cause is not set back by another look, an edit of its rule, or silence."""
    record = on_record(rule(at_most=HOUR))
    edited = rule(at_most=2 * HOUR)
    for evidence in (measured(-5), measured(-5, SILENT)):
        (cause,) = held(decide(observed(evidence, rules=(edited,), hold=record))).causes
        assert (cause.since, cause.ends) == (NOW - HOUR, NOW + HOUR)
