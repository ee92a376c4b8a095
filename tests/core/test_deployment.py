"""What is read off a Deployment, and the next request: the smallest difference to what is wanted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from holdfast.core.hold import HoldState, Reason
from holdfast.core.kinds.deployment import ReplicaSet, step
from holdfast.core.request import (
    HOLD_LABEL,
    OVERRIDE_LABEL,
    Done,
    PatchReplicaSet,
    PatchWorkload,
    Wait,
    WriteRecord,
)
from holdfast.core.wanted import Free, Held
from tests.core.making import (
    FIX,
    NEW,
    NOW,
    OLD,
    SHOP,
    cause_key,
    deployment,
    on_record,
    replica_set,
    rule,
)

RECORD = on_record()
MARK = {HOLD_LABEL: RECORD.id}
OTHER = {HOLD_LABEL: "budget-low-other"}


def rolling(**more: Any) -> Any:
    """One new pod, three old ones."""
    return deployment(replica_set(OLD, 3), replica_set(NEW, 1, 2), **{"template": NEW, **more})


@pytest.mark.parametrize(
    ("sets", "template", "in_flight"),
    [
        ((), OLD, False),  # a first rollout has nothing else to keep
        ((replica_set(NEW, 4),), NEW, False),
        ((replica_set(OLD, 3), replica_set(NEW, 1)), NEW, True),
        ((replica_set(OLD, 4),), NEW, True),  # the controller has not begun yet
        ((replica_set(OLD, 0), replica_set(NEW, 4)), NEW, False),
        ((replica_set(OLD, 1), replica_set(NEW, 4)), NEW, True),
    ],
)
def test_in_flight_is_while_pods_of_another_template_are_wanted(sets: Any, template: Any, in_flight: bool) -> None:
    """A rollout can be stopped half-way as long as there is something else that serves."""
    assert replace(deployment(), sets=sets, template=template).in_flight is in_flight


@pytest.mark.parametrize(
    ("sets", "serving"),
    [
        ((), None),
        ((replica_set(OLD, 0),), None),
        ((replica_set(OLD, 3), replica_set(NEW, 1, 2)), OLD),
        ((replica_set(OLD, 2), replica_set(NEW, 2, 2)), NEW),  # of equals the later one
        ((replica_set(NEW, 2, 2), replica_set(OLD, 2)), NEW),
        ((replica_set(OLD, 1), ReplicaSet("x", "1", NEW, 4, 0, 2)), OLD),  # wanted is not available
    ],
)
def test_what_serves_is_what_most_available_pods_run(sets: Any, serving: Any) -> None:
    """Pods that are wanted but not ready serve nobody."""
    assert replace(deployment(), sets=sets).serving == serving


def test_the_record_comes_before_any_deed() -> None:
    """As long as what is stored differs from what is wanted, that is the next request, whatever the world is like."""
    for stored in (None, replace(RECORD, message="older"), replace(RECORD, state=HoldState.LIFTED)):
        for view in (deployment(), rolling(labels=MARK), rolling(paused=True)):
            assert step(Held(RECORD), view, stored, NOW) == WriteRecord(RECORD)


@pytest.mark.parametrize(
    ("enforced", "paused", "already", "asks"),
    [
        (False, NEW, False, True),
        (False, None, False, None),
        (False, NEW, True, None),  # paused twice would be our pause in name only
        (True, NEW, False, None),  # a label that got lost is put back; nothing is paused a second time
    ],
)
def test_label_and_pause_are_one_patch(enforced: bool, paused: Any, already: bool, asks: bool | None) -> None:
    """Nothing can be released between the two; a pause is asked for only while the hold is being put in force."""
    record = replace(RECORD, enforced=enforced, paused=paused)
    assert step(Held(record), rolling(paused=already), record, NOW) == PatchWorkload(SHOP, "1", MARK, asks)
    patch = step(Held(record), rolling(paused=already, labels=OTHER), record, NOW)
    assert isinstance(patch, PatchWorkload)
    assert (patch.labels, patch.paused) == (MARK, asks)


def test_replica_sets_are_labelled_one_by_one() -> None:
    """One request at a time, each with the version that was seen; also when they carry another episode's label."""
    record = replace(RECORD, enforced=False)
    first, second = replica_set(OLD, 3, labels=OTHER), replica_set(NEW, 1, 2)
    view = deployment(first, second, template=NEW, labels=MARK)
    request = step(Held(record), view, record, NOW)
    assert request == PatchReplicaSet(SHOP, "checkout-v1", "1", MARK)
    assert isinstance(request, PatchReplicaSet)
    assert request.labels == MARK
    view = replace(view, sets=(replace(first, labels=MARK), second))
    assert step(Held(record), view, record, NOW) == PatchReplicaSet(SHOP, "checkout-v2", "1", MARK)
    view = replace(view, sets=(replace(first, labels=MARK), replace(second, labels=MARK)))
    assert step(Held(record), view, record, NOW) == WriteRecord(replace(record, enforced=True))
    assert step(Held(RECORD), view, RECORD, NOW) == Done()


def test_a_hold_in_force_waits_for_nobody() -> None:
    """The controller's lag matters only until the hold is in force; a new ReplicaSet is labelled at once."""
    view = rolling(labels=MARK, generation=2, observed_generation=1)
    record = replace(RECORD, enforced=False)
    assert isinstance(step(Held(record), view, record, NOW), Wait)
    assert isinstance(step(Held(RECORD), view, RECORD, NOW), PatchReplicaSet)
    seen = replace(view, observed_generation=2)
    assert isinstance(step(Held(record), seen, record, NOW), PatchReplicaSet)


def test_a_rollout_is_resumed_only_while_it_is_paused() -> None:
    """Letting go is one patch that touches no label."""
    view = rolling(labels=MARK, paused=True)
    request = step(Held(RECORD, resume=True), view, RECORD, NOW)
    assert request == PatchWorkload(SHOP, "1", {}, False)
    assert isinstance(request, PatchWorkload)
    assert request.labels == {}
    assert isinstance(step(Held(RECORD, resume=True), replace(view, paused=False), RECORD, NOW), PatchReplicaSet)


def test_nothing_is_done_to_a_workload_that_is_gone() -> None:
    """A hold has nothing to act on; a lift writes its record."""
    assert step(Held(RECORD), None, None, NOW) == Done()
    assert isinstance(step(Free(Reason.WORKLOAD_GONE), None, RECORD, NOW), WriteRecord)


@pytest.mark.parametrize("labels", [{}, OTHER, {OVERRIDE_LABEL: "x"}, {**OTHER, OVERRIDE_LABEL: "budget-low-other"}])
def test_a_label_without_its_record_stays(labels: dict[str, str]) -> None:
    """What we have no record of is not ours to open, nor is a pause that somebody else made."""
    view = rolling(labels=labels, paused=True)
    assert step(Free(), view, None, NOW) == Done()
    lifted = replace(RECORD, state=HoldState.LIFTED)
    assert step(Free(), view, lifted, NOW) == Done()
    request = step(Free(Reason.BUDGET_RECOVERED), view, RECORD, NOW)
    assert isinstance(request, WriteRecord)


@pytest.mark.parametrize(
    ("labels", "paused", "ours", "gone", "resumes"),
    [
        (MARK, False, None, {HOLD_LABEL: None}, None),
        (MARK, True, NEW, {HOLD_LABEL: None}, False),
        (MARK, True, None, {HOLD_LABEL: None}, None),  # a person's pause
        (MARK, False, NEW, {HOLD_LABEL: None}, None),  # nothing to take back
        ({**MARK, OVERRIDE_LABEL: RECORD.id}, True, NEW, {HOLD_LABEL: None, OVERRIDE_LABEL: None}, False),
        ({**MARK, OVERRIDE_LABEL: "older"}, False, None, {HOLD_LABEL: None, OVERRIDE_LABEL: None}, None),
        ({OVERRIDE_LABEL: RECORD.id}, True, NEW, {OVERRIDE_LABEL: None}, False),  # our label was taken off with it
        ({**OTHER, OVERRIDE_LABEL: RECORD.id}, False, None, {OVERRIDE_LABEL: None}, None),
    ],
)
def test_a_lift_takes_off_all_of_it_at_once(labels: Any, paused: bool, ours: Any, gone: Any, resumes: Any) -> None:
    """Hold, override and our own pause go in one patch, so that none of them is ever left without the others."""
    record = replace(RECORD, paused=ours)
    request = step(Free(Reason.BUDGET_RECOVERED), rolling(labels=labels, paused=paused), record, NOW)
    assert isinstance(request, PatchWorkload)
    assert (request.labels, request.paused, request.resource_version) == (gone, resumes, "1")


@pytest.mark.parametrize(("labels", "enforced"), [({}, True), ({}, False), ({OVERRIDE_LABEL: RECORD.id}, False)])
def test_a_pause_without_our_labels_is_not_ours(labels: dict[str, str], enforced: bool) -> None:
    """Labels and pause come and go in one patch: with the labels gone, or not yet on, a pause is somebody else's."""
    record = replace(RECORD, paused=NEW, enforced=enforced)
    request = step(Free(Reason.BUDGET_RECOVERED), rolling(labels=labels, paused=True), record, NOW)
    assert isinstance(request, (PatchWorkload, WriteRecord))
    assert not isinstance(request, PatchWorkload) or request.paused is None


@pytest.mark.parametrize("state", [HoldState.ACTIVE, HoldState.LIFTED])
def test_leftovers_of_an_episode_that_is_over_are_cleaned_up(state: HoldState) -> None:
    """ReplicaSets that were away during the lift lose their label when they are back; a workload too."""
    record = replace(RECORD, state=state)
    view = deployment(replica_set(OLD, 4, labels=OTHER), replica_set(NEW, 0, labels=MARK))
    request = step(Free(Reason.BUDGET_RECOVERED), view, record, NOW)
    assert isinstance(request, PatchReplicaSet)
    assert (request.name, request.labels) == ("checkout-v2", {HOLD_LABEL: None})
    assert isinstance(step(Free(), rolling(labels=MARK), record, NOW), PatchWorkload)


def test_the_record_of_a_lift_is_the_last_write() -> None:
    """It says why, forgets the pause and that it was in force, and keeps what is worn and what happened."""
    worn = (cause_key(rule()),)
    record = replace(RECORD, paused=FIX)
    request = step(Free(Reason.AT_MOST_REACHED, worn), deployment(), record, NOW)
    assert isinstance(request, WriteRecord)
    after = request.record
    assert (after.state, after.reason, after.enforced, after.paused) == (
        HoldState.LIFTED,
        Reason.AT_MOST_REACHED,
        False,
        None,
    )
    assert (after.id, after.worn, after.history[:-1]) == (record.id, worn, record.history)
    assert (after.history[-1].at, after.history[-1].reason) == (NOW, Reason.AT_MOST_REACHED)
    assert step(Free(None, worn), deployment(), after, NOW) == Done()
    assert step(Free(), deployment(), after, NOW) == WriteRecord(replace(after, worn=()))


def test_a_lift_without_a_reason_is_a_cause_removed() -> None:
    """Every transition has a reason."""
    request = step(Free(), deployment(), RECORD, NOW)
    assert isinstance(request, WriteRecord)
    assert request.record.reason is request.record.history[-1].reason is Reason.CAUSE_REMOVED
