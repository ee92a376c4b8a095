"""What is wanted for one workload: the most severe enforced rule over all its objectives, and what it is held by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from holdfast.core.decide import decide
from holdfast.core.hold import HoldState, Reason
from holdfast.core.objective import ObjectKey
from holdfast.core.policy import Mode, Rule, Verdict
from holdfast.core.release import ReleaseFinding
from holdfast.core.request import HOLD_LABEL
from holdfast.core.wanted import Free, Held
from tests.core.making import (
    ERRORS,
    FRESH,
    HOUR,
    LATENCY,
    NEW,
    NOW,
    OLD,
    SHOP,
    SILENT,
    burn_rule,
    burning,
    cause_key,
    deployment,
    held,
    measured,
    notify,
    observed,
    on_record,
    replica_set,
    rule,
)
from tests.core.releasing import on_trial


@pytest.mark.parametrize(
    ("left", "rules", "verdict"),
    [
        (50, (rule(), notify()), Verdict.OPEN),
        (20, (rule(), notify()), Verdict.NOTIFY),
        (-1, (rule(), notify()), Verdict.HOLD),
        (-1, (notify(), rule()), Verdict.HOLD),
        (-1, (rule(mode=Mode.AUDIT),), Verdict.OPEN),
        (-1, (rule(mode=Mode.AUDIT), notify()), Verdict.NOTIFY),
        (-1, (), Verdict.OPEN),
    ],
)
def test_the_most_severe_rule_that_is_enforced_wins(left: float, rules: tuple[Rule, ...], verdict: Verdict) -> None:
    """Open, Notify, Hold, in this order; rules in Audit have no say."""
    decision = decide(observed(measured(left), rules=rules))
    assert decision.verdict is verdict
    assert isinstance(decision.wanted, Held) is (verdict is Verdict.HOLD)


def test_what_audit_would_do_is_told_and_not_done() -> None:
    """Findings of rules in Audit are in `would` alone, the most severe first."""
    audit = (notify(mode=Mode.AUDIT), rule(mode=Mode.AUDIT))
    decision = decide(observed(measured(-1), rules=audit))
    assert decision.because == ()
    assert [f.verdict for f in decision.would] == [Verdict.HOLD, Verdict.NOTIFY]
    assert decision.wanted == Free()


def test_switched_off_every_rule_only_reports() -> None:
    """A person who switches enforcing off gets reports and no holds, and the one in force is lifted by hand."""
    off = decide(observed(measured(-1), enforcing=False))
    assert (off.verdict, off.because, off.wanted) == (Verdict.OPEN, (), Free())
    assert [f.verdict for f in off.would] == [Verdict.HOLD]
    assert decide(observed(measured(-1), enforcing=False, hold=on_record())).wanted == Free(Reason.LIFTED_BY_HAND)
    unreadable = observed(rules=(), enforcing=False, hold=on_record(), unreadable=frozenset({LATENCY}))
    assert decide(unreadable).wanted == Free(Reason.LIFTED_BY_HAND)


def test_a_hold_begins_with_all_that_a_restart_must_know() -> None:
    """The record of a new episode names its causes, what is declared and serving, and what is about to be paused."""
    view = deployment(replica_set(OLD, 3), replica_set(NEW, 1, 2), template=NEW)
    record = held(decide(observed(measured(-3.1), rules=(rule(at_most=7 * 24 * HOUR),), view=view)))
    assert (record.workload, record.id, record.state) == (SHOP, "budget-exhausted-abcde", HoldState.ACTIVE)
    assert (record.reason, record.since) == (Reason.BUDGET_EXHAUSTED, NOW)
    assert [(c.key, c.reason, c.since, c.ends) for c in record.causes] == [
        (cause_key(rule()), Reason.BUDGET_EXHAUSTED, NOW, NOW + 7 * 24 * HOUR)
    ]
    assert (record.declared, record.serving, record.paused, record.enforced) == (NEW, OLD, NEW, False)
    assert [(t.at, t.state, t.reason) for t in record.history] == [(NOW, HoldState.ACTIVE, Reason.BUDGET_EXHAUSTED)]
    assert record.worn == ()


@pytest.mark.parametrize("paused", [False, True])
def test_only_a_rollout_in_flight_that_nobody_paused_is_to_be_paused(paused: bool) -> None:
    """An idle workload is not paused; a pause that was there is a person's and not ours."""
    idle = held(decide(observed(measured(-1), view=deployment(paused=paused))))
    moving = deployment(replica_set(OLD, 3), replica_set(NEW, 1, 2), template=NEW, paused=paused)
    rolling = held(decide(observed(measured(-1), view=moving)))
    assert idle.paused is None
    assert rolling.paused == (None if paused else NEW)


@pytest.mark.parametrize(
    ("rules", "reason", "slug"),
    [
        ((rule(),), Reason.BUDGET_EXHAUSTED, "budget-exhausted"),
        ((rule(below=25, until=30),), Reason.BUDGET_LOW, "budget-low"),
        ((burn_rule(),), Reason.BURNING_FAST, "burning-fast"),
        ((rule(), burn_rule()), Reason.BURNING_FAST, "burning-fast"),  # of several, the first by name
    ],
)
def test_the_id_says_why(rules: tuple[Rule, ...], reason: Reason, slug: str) -> None:
    """An id is the reason and five random characters."""
    left = 10 if reason is Reason.BUDGET_LOW else -1
    record = held(decide(observed(measured(left, burns=burning(99)), rules=rules)))
    assert (record.reason, record.id) == (reason, f"{slug}-abcde")


@pytest.mark.parametrize("evidence", [FRESH, SILENT])
@pytest.mark.parametrize("remembered", [False, True])
def test_silence_begins_nothing(evidence: object, remembered: bool) -> None:
    """Not even a rule that was in force at the last look, in Audit say, begins to hold in silence."""
    seen = observed(measured(-5, evidence), in_force=frozenset({cause_key(rule())} if remembered else ()))  # type: ignore[arg-type]
    decision = decide(seen)
    assert isinstance(decision.wanted, Held) is (evidence is FRESH)
    if evidence is SILENT:
        assert decision.verdict is (Verdict.NOTIFY if remembered else Verdict.OPEN)


@pytest.mark.parametrize("left", [-5, 3, 100])
def test_silence_lifts_nothing(left: float) -> None:
    """Without fresh evidence a hold stays, however good the last numbers were, and its record is not touched."""
    record = on_record()
    decision = decide(observed(measured(left, SILENT), hold=record, view=deployment(labels={HOLD_LABEL: record.id})))
    assert held(decision) == record
    assert decision.verdict is Verdict.HOLD


@pytest.mark.parametrize("left", [-99, -5, -4.999, 0, 3, 5])
def test_moving_figures_do_not_touch_the_record(left: float) -> None:
    """The record tells why it began; it is not written again at every look because a number moved."""
    record = on_record()
    view = deployment(labels={HOLD_LABEL: record.id})
    assert held(decide(observed(measured(left), hold=record, view=view, now=NOW + 5, new_id="zzzzz"))) == record


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, Reason.BUDGET_RECOVERED),
        ({"rules": ()}, Reason.CAUSE_REMOVED),
        ({"rules": (rule("other"),)}, Reason.CAUSE_REMOVED),
        ({"rules": (rule(mode=Mode.AUDIT),)}, Reason.CAUSE_REMOVED),
        ({"rules": (replace(rule(), then=notify().then),)}, Reason.CAUSE_REMOVED),
        ({"view": None}, Reason.WORKLOAD_GONE),
        ({"view": deployment(deleting=True)}, Reason.WORKLOAD_GONE),
        ({"enforcing": False}, Reason.LIFTED_BY_HAND),
    ],
)
def test_why_a_hold_is_lifted(change: dict[str, Any], reason: Reason) -> None:
    """The budget came back, or the cause was removed, or the workload, or a person switched it off."""
    assert decide(observed(measured(50), hold=on_record(), **change)).wanted == Free(reason)


def test_an_objective_that_is_gone_lifts_what_it_caused() -> None:
    """Gone is not unreadable: only what exists and makes no sense keeps a hold."""
    gone = observed(hold=on_record(), by={LATENCY: (rule(),)})
    assert decide(gone).wanted == Free(Reason.CAUSE_REMOVED)


@pytest.mark.parametrize("key", [LATENCY, ObjectKey("shop", "default")])
def test_what_cannot_be_read_keeps_what_it_holds(key: ObjectKey) -> None:
    """A typing error in an objective or a policy neither opens a gate nor rewrites why it is closed."""
    record = on_record()
    view = deployment(labels={HOLD_LABEL: record.id})
    decision = decide(observed(hold=record, by={}, view=view, unreadable=frozenset({key})))
    assert held(decision) == record
    assert decision.verdict is Verdict.HOLD
    for other in (ObjectKey("shop", "other"), ObjectKey("bank", key.name)):
        assert isinstance(decide(observed(hold=record, by={}, unreadable=frozenset({other}))).wanted, Free)


def test_what_cannot_be_read_begins_nothing() -> None:
    """A lifted record is no cause."""
    record = replace(on_record(), state=HoldState.LIFTED)
    assert decide(observed(hold=record, by={}, unreadable=frozenset({LATENCY}))).wanted == Free()


def test_two_objectives_hold_until_both_have_recovered() -> None:
    """Each is a cause of its own, since its own time; the hold and its id outlast the first to recover."""
    first = on_record()
    seen = observed(measured(-1), measured(-2, key=ERRORS), hold=first)
    both = held(decide(seen))
    assert [(c.key.objective, c.since) for c in both.causes] == [(ERRORS, NOW), (LATENCY, NOW - HOUR)]
    assert both.id == first.id
    second = held(decide(observed(measured(50), measured(-2, key=ERRORS), hold=both)))
    assert [c.key.objective for c in second.causes] == [ERRORS]
    assert second.id == first.id
    assert decide(observed(measured(50), measured(50, key=ERRORS), hold=second)).wanted == Free(Reason.BUDGET_RECOVERED)


def test_of_two_policies_that_disagree_the_stricter_one_holds() -> None:
    """A policy that only notifies, or audits, takes nothing from one that holds."""
    rules = (notify(), rule(mode=Mode.AUDIT, policy="a"), rule(policy="b"))
    decision = decide(observed(measured(-1), rules=rules))
    assert [c.key.rule.policy for c in held(decision).causes] == ["b"]
    lifted = decide(
        observed(
            measured(4),
            rules=(rule(policy="a", until=3), rule(policy="b", until=5)),
            hold=on_record(rule(policy="a"), rule(policy="b")),
        )
    )
    assert [c.key.rule.policy for c in held(lifted).causes] == ["b"]


def test_the_order_in_which_things_are_listed_changes_nothing() -> None:
    """Objectives and rules come in any order; the decision is the same."""
    figures, rules = (
        (
            measured(-1),
            measured(-2, key=ERRORS),
        ),
        (rule(), burn_rule(), notify(), rule("b", mode=Mode.AUDIT)),
    )
    assert decide(observed(*figures, rules=rules)) == decide(observed(*figures[::-1], rules=rules[::-1]))


@pytest.mark.parametrize("more", [{"coverage": 5}, {"allowed": 5}])
def test_a_young_or_small_budget_does_not_begin_to_hold(more: dict[str, int]) -> None:
    """It is reported at the first look and at every later one, until it has grown."""
    first = decide(observed(measured(-50, **more)))
    again = decide(observed(measured(-50, **more), in_force=frozenset(f.key for f in first.because)))
    assert [d.verdict for d in (first, again)] == [Verdict.NOTIFY] * 2
    assert [d.wanted for d in (first, again)] == [Free()] * 2
    grown = decide(observed(measured(-50), in_force=frozenset(f.key for f in again.because)))
    assert grown.verdict is Verdict.HOLD


def test_a_lost_ledger_lifts_nothing() -> None:
    """After a loss everything seems to be left of a budget of which nothing is known: the hold stays."""
    assert held(decide(observed(measured(100, coverage=0), hold=on_record())))


@pytest.mark.parametrize(
    ("better", "paused"),
    [
        ({LATENCY}, False),
        ({ERRORS}, True),  # no word about the promise that is broken
        (set(), True),
    ],
)
def test_a_rollout_whose_pods_are_the_better_ones_goes_on(better: set[ObjectKey], paused: bool) -> None:
    """A fix in flight while the budget empties is not paused, and let go when that turns out after the pause."""
    trial = on_trial(ReleaseFinding.GOOD)
    weighed = tuple(replace(trial.weighed[0], objective=key, better=key in better) for key in (LATENCY, ERRORS))
    trial = replace(trial, weighed=weighed)
    moving = deployment(replica_set(OLD, 3), replica_set(NEW, 1, 2), template=NEW)
    before = held(decide(observed(measured(-1), view=moving, trial=trial)))
    assert before.paused == (NEW if paused else None)
    stopped = replace(before, enforced=True, paused=NEW)
    still = replace(moving, paused=True, labels={HOLD_LABEL: before.id})
    wanted = decide(observed(measured(-1), view=still, hold=stopped, trial=trial)).wanted
    assert isinstance(wanted, Held)
    assert wanted.resume is not paused
