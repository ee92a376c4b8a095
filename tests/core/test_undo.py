"""The shadow rollback, one look at a time: what is named next, and when it is done, stuck or begun again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from holdfast.core.hold import HoldRecord, HoldState, Quarantined, Reason, Undo, UndoState
from holdfast.core.kinds.deployment import CAVEAT, begin_undo, end_undo, keep_undo, step
from holdfast.core.kinds.deployment_undo import strays
from holdfast.core.kinds.marks import Marks, between
from holdfast.core.request import (
    HOLD_LABEL,
    OVERRIDE_LABEL,
    QUEUE_LABEL,
    AttachReplicaSet,
    CreateReplicaSet,
    DetachReplicaSet,
    Done,
    PatchReplicaSet,
    PatchWorkload,
    ScaleReplicaSet,
    Wait,
    WriteRecord,
)
from holdfast.core.wanted import Free, Held
from tests.core.making import FIX, HOUR, NEW, NOW, OLD, SHOP, deployment, on_record, replica_set
from tests.core.undo_scenarios import ANCIENT, DUD

ID = "bad-release-x7k2p"
MARK = {QUEUE_LABEL: ID}
UNDO = Undo(ID, NEW, OLD, NOW)
DONE = replace(UNDO, state=UndoState.UNDONE)
RECORD = HoldRecord(
    SHOP,
    ID,
    HoldState.ACTIVE,
    Reason.BAD_RELEASE,
    NOW,
    (),
    "v2 was undone.",
    NEW,
    OLD,
    enforced=True,
    undo=UNDO,
    quarantined=(Quarantined(ID, NEW, NOW),),
)


def marked(*sets: Any) -> tuple[Any, ...]:
    """The same ReplicaSets with the mark."""
    return tuple(replace(s, labels=MARK) for s in sets)


def closed(*sets: Any, detached: tuple[Any, ...] = (), **more: Any) -> Any:
    """Paused and labelled."""
    view = deployment(*marked(*sets), **{"template": NEW, "paused": True, "labels": MARK, **more})
    return replace(view, detached=marked(*detached), sets=marked(*sets))


def asked(view: Any, undo: Undo = UNDO) -> Any:
    """The next step when all of it is on record."""
    record = replace(RECORD, undo=undo)
    return step(Held(record), view, record, NOW)


def test_the_record_then_one_patch() -> None:
    """Label and pause in one request that relies on the same spec, not on the same status."""
    view = deployment(replica_set(OLD, 0), replica_set(NEW, 4, 2), template=NEW, generation=7)
    assert step(Held(RECORD), view, None, NOW) == WriteRecord(RECORD)
    patch = asked(view)
    assert patch == PatchWorkload(SHOP, "1", MARK, True, "uid-1", 7)
    assert patch.labels == MARK
    paused = asked(replace(view, paused=True))
    assert (paused.labels, paused.paused) == (MARK, None)
    resumed = asked(replace(view, labels=MARK))
    assert (resumed.labels, resumed.paused) == ({}, True)


def test_nothing_is_detached_before_the_pause_was_observed() -> None:
    """Without it the controller makes a new ReplicaSet of the bad template under another hash."""
    view = closed(replica_set(OLD, 0), replica_set(NEW, 4, 2), generation=2, observed_generation=1)
    assert isinstance(asked(view), Wait)
    unmarked = replace(view, observed_generation=2, sets=(replica_set(OLD, 0), view.sets[1]))
    assert isinstance(asked(unmarked), PatchReplicaSet)
    detach = asked(replace(view, observed_generation=2))
    assert detach == DetachReplicaSet(SHOP, "checkout-v2", "uid-checkout-v2", "uid-1", MARK)
    assert detach.labels == MARK


@pytest.mark.parametrize(
    ("sets", "names"),
    [
        ((replica_set(OLD, 0), replica_set(NEW, 4, 2)), ["v2"]),
        ((replica_set(OLD, 4), replica_set(NEW, 0, 2)), ["v2"]),  # the declared one, although it is empty
        ((replica_set(ANCIENT, 0), replica_set(OLD, 0, 2), replica_set(NEW, 4, 3)), ["v2"]),
        ((replica_set(ANCIENT, 1), replica_set(OLD, 0, 2), replica_set(NEW, 4, 3)), ["v0", "v2"]),
        ((replica_set(OLD, 0), replica_set(DUD, 0, 2), replica_set(NEW, 4, 3)), ["v1b", "v2"]),
        ((replica_set(OLD, 0), replica_set(DUD, 0, 1), replica_set(NEW, 4, 3)), ["v1b", "v2"]),  # of the same second
        ((replica_set(OLD, 0), replica_set(NEW, 3, 2), replica_set(FIX, 1, 3)), ["v3", "v2"]),
        ((replica_set(ANCIENT, 0), replica_set(NEW, 4, 2)), ["v0", "v2"]),  # nothing to go back to but the record
    ],
)
def test_whatever_could_be_filled_instead_is_taken_away(sets: Any, names: list[str]) -> None:
    """The smallest first: of two that are left, one gets all the pods."""
    assert [s.template.digest for s in strays(closed(*sets), UNDO)] == names


def test_bad_pods_go_when_the_good_ones_are_there() -> None:
    """As many as are asked for now, and available, not only ready."""
    bad = replica_set(NEW, 4, 2)
    few = replace(replica_set(OLD, 4), available=3)
    assert asked(closed(few, detached=(bad,))) == Wait("3 of 4 pods of the last good release are available")
    assert asked(closed(replica_set(OLD, 4), detached=(bad,), replicas=6)) == Wait(
        "4 of 6 pods of the last good release are available"
    )
    empty = ScaleReplicaSet(SHOP, "checkout-v2", "uid-checkout-v2", "uid-1", 0)
    assert asked(closed(replica_set(OLD, 4), detached=(bad,))) == empty
    assert asked(closed(few, detached=(bad,)), DONE) == empty  # somebody scaled it up again
    assert asked(closed(few, detached=(bad,)), replace(UNDO, at_once=True)) == empty
    gone = replace(bad, desired=0)
    assert asked(closed(replica_set(OLD, 4), detached=(gone,))) == Wait(
        "the pods of the release that is undone are not gone yet"
    )
    assert asked(closed(replica_set(OLD, 4), detached=(gone,)), DONE) == Done()


@pytest.mark.parametrize(("undo", "recreate"), [(replace(UNDO, at_once=True), False), (UNDO, True)])
def test_in_one_request_where_they_must_not_run_together(undo: Undo, recreate: bool) -> None:
    """Detached and emptied at once: for pods that only do harm, and for Recreate."""
    request = asked(closed(replica_set(OLD, 0), replica_set(NEW, 4, 2), recreate=recreate), undo)
    assert isinstance(request, DetachReplicaSet)
    assert request.replicas == 0


def test_a_good_set_that_is_gone_comes_back() -> None:
    """From where it was put, else from the record; never empty, and not before it is adopted."""
    bad, good = replica_set(NEW, 4, 2), replica_set(OLD, 1)
    create = asked(closed(detached=(bad,)))
    assert create == CreateReplicaSet(SHOP, "uid-1", "v1", 4, MARK)
    attach = asked(closed(detached=(bad, good)))
    assert attach == AttachReplicaSet(SHOP, "checkout-v1", "uid-checkout-v1", "uid-1", MARK)
    assert asked(closed(detached=(replace(bad, desired=0, pods=0),), replicas=0)) == Done()
    assert isinstance(asked(closed(detached=(bad,), unadopted=True)), Wait)
    nothing = asked(closed(detached=(replace(bad, desired=0, pods=0),), observed_generation=0))
    assert isinstance(nothing, CreateReplicaSet)


def test_with_no_good_set_yet_none_of_its_pods_is_available() -> None:
    """The record is on its way to the server, and nothing was taken from what serves."""
    bad = replica_set(NEW, 4, 2)
    view = closed(replica_set(OLD, 4), detached=(bad,))
    assert keep_undo(replace(view, sets=()), UNDO, NOW + 1) is UNDO


@pytest.mark.parametrize(
    ("paused", "by_other", "stored", "before"),
    [
        (False, False, None, False),
        (True, True, None, True),
        (True, False, None, False),
        (True, True, RECORD, False),  # ours, whatever became of the fields' owners
        (True, True, on_record(paused=NEW), False),
        (True, True, replace(RECORD, state=HoldState.LIFTED), True),
        (True, True, replace(RECORD, undo=replace(UNDO, paused_before=True)), True),
    ],
)
def test_whose_pause_it_is(paused: bool, by_other: bool, stored: Any, before: bool) -> None:
    """Somebody else's, unless it is on record or the server says that it is ours."""
    view = replace(deployment(template=NEW), paused=paused, paused_by_other=by_other)
    undo = begin_undo(view, stored, ID, OLD, NOW, at_once=True)
    assert undo == replace(UNDO, paused_before=before, at_once=True)
    assert begin_undo(view, None, ID, None, NOW).state is UndoState.STOPPED


def test_an_undo_that_stands_is_the_same_value() -> None:
    """What has not changed is not written again."""
    busy = closed(replica_set(OLD, 4), detached=(replica_set(NEW, 4, 2),))
    still = closed(replica_set(OLD, 4), detached=(replica_set(NEW, 0, 2),))
    assert keep_undo(busy, UNDO, NOW + 599) is UNDO
    assert keep_undo(still, DONE, NOW + HOUR) is DONE
    stopped = replace(UNDO, serve=None, state=UndoState.STOPPED)
    assert keep_undo(busy, stopped, NOW + HOUR) is stopped
    stuck = replace(UNDO, state=UndoState.STUCK)
    assert keep_undo(busy, stuck, NOW + HOUR) is stuck


def test_how_far_an_undo_is() -> None:
    """Done when the good pods serve alone; stuck after the deadline of the Deployment; begun again with the bad pods."""
    busy = closed(replica_set(OLD, 4), detached=(replica_set(NEW, 4, 2),))
    there = closed(replica_set(OLD, 4), detached=(replica_set(NEW, 0, 2),))
    later = NOW + 600
    assert keep_undo(there, UNDO, later) == replace(DONE, since=later)
    assert keep_undo(busy, UNDO, later) == replace(UNDO, state=UndoState.STUCK, since=later)
    assert keep_undo(replace(busy, deadline=HOUR), UNDO, later) is UNDO
    assert keep_undo(there, replace(UNDO, state=UndoState.STUCK), later) == replace(DONE, since=later)
    failing = closed(replace(replica_set(OLD, 4), available=0), detached=(replica_set(NEW, 0, 2),))
    assert keep_undo(failing, DONE, later) is DONE
    again = closed(replica_set(OLD, 3), replica_set(NEW, 1, 3))
    assert keep_undo(again, DONE, later) == replace(UNDO, since=later)


@pytest.mark.parametrize(
    ("labels", "paused", "by_other", "before"),
    [(MARK, True, True, True), (MARK, False, False, False), ({}, True, False, False), ({}, True, True, True)],
)
def test_a_pause_of_before_is_forgotten_with_it(labels: Any, paused: bool, by_other: bool, before: bool) -> None:
    """While it stands it is remembered; what is paused after it is ours."""
    view = closed(replica_set(OLD, 4), replica_set(NEW, 1, 2), labels=labels, paused=paused, paused_by_other=by_other)
    assert keep_undo(view, replace(UNDO, paused_before=True), NOW).paused_before is before


def test_a_release_without_a_way_back_is_only_stopped() -> None:
    """Label, pause and marks; what serves goes on."""
    stopped = replace(UNDO, serve=None, state=UndoState.STOPPED)
    view = closed(replica_set(OLD, 3), replica_set(NEW, 2, 2))
    assert asked(view, stopped) == Done()
    assert isinstance(asked(replace(view, sets=(replica_set(OLD, 3),)), stopped), PatchReplicaSet)


def test_it_is_said_to_be_in_force_while_it_waits() -> None:
    """The gate is closed long before the last bad pod is gone."""
    record = replace(RECORD, enforced=False)
    view = closed(replace(replica_set(OLD, 4), available=0), detached=(replica_set(NEW, 4, 2),))
    assert step(Held(record), view, record, NOW) == WriteRecord(RECORD)


def test_another_template_lets_go_before_it_takes_back() -> None:
    """A paused controller shares the pods among all it owns, available or not."""
    view = closed(replica_set(OLD, 4), detached=(replica_set(NEW, 0, 2),), template=FIX)
    request = step(Free(), view, RECORD, NOW)
    assert request == PatchWorkload(SHOP, "1", {QUEUE_LABEL: None}, False, "uid-1", 1)
    assert isinstance(request, PatchWorkload)
    assert request.labels == {QUEUE_LABEL: None}
    free = replace(view, paused=False, labels={})
    attach = step(Free(), free, RECORD, NOW)
    assert attach == AttachReplicaSet(SHOP, "checkout-v2", "uid-checkout-v2", "uid-1", {})
    full = replace(free, detached=marked(replica_set(NEW, 4, 2)))
    assert isinstance(step(Free(), full, RECORD, NOW), ScaleReplicaSet)  # the bad pods do not come back
    few = replace(full, sets=marked(replace(replica_set(OLD, 4), available=1)))
    assert isinstance(step(Free(), few, RECORD, NOW), AttachReplicaSet)  # they serve, as long as they have to
    assert isinstance(step(Free(), replace(free, detached=(), unadopted=True), RECORD, NOW), Wait)
    assert isinstance(step(Free(), replace(free, detached=()), RECORD, NOW), PatchReplicaSet)
    over = step(Free(Reason.TEMPLATE_CHANGED), replace(free, detached=(), sets=()), RECORD, NOW)
    assert isinstance(over, WriteRecord)
    assert (over.record.undo, over.record.quarantined) == (None, RECORD.quarantined)


def test_the_same_template_is_taken_back_before_it_is_let_go() -> None:
    """Else its controller would make a second ReplicaSet of it."""
    view = closed(replica_set(OLD, 4), detached=(replica_set(NEW, 0, 2),))
    assert isinstance(step(Free(Reason.ALLOWED_BY_HAND), view, RECORD, NOW), AttachReplicaSet)
    assert isinstance(step(Free(), replace(view, detached=(), unadopted=True), RECORD, NOW), Wait)
    assert isinstance(step(Free(), replace(view, detached=()), RECORD, NOW), PatchWorkload)


def test_quarantined_templates_outlive_the_hold() -> None:
    """What is free may still not roll out again; a person who allows one is remembered."""
    over = replace(RECORD, state=HoldState.LIFTED, undo=None, enforced=False)
    assert step(Free(), deployment(), over, NOW) == Done()
    allowed = step(Free(quarantined=()), deployment(), over, NOW)
    assert allowed == WriteRecord(replace(over, quarantined=()))


@pytest.mark.parametrize(
    ("more", "resumes"),
    [({}, False), ({"paused_by_other": True}, None), ({"paused": False}, None)],
)
def test_only_our_own_pause_is_taken_back(more: dict[str, Any], resumes: bool | None) -> None:
    """A pause that somebody else owns stays; one that is gone is not taken back."""
    view = closed(replica_set(OLD, 4), template=FIX, **more)
    request = step(Free(), view, RECORD, NOW)
    assert isinstance(request, PatchWorkload)
    assert request.paused is resumes
    before = replace(RECORD, undo=replace(UNDO, paused_before=True))
    request = step(Free(), view, before, NOW)
    assert isinstance(request, PatchWorkload)
    assert request.paused is None


@pytest.mark.parametrize("held", [True, False])
def test_an_override_of_the_undo_goes_with_it(held: bool) -> None:
    """Its label is taken off in the same patch."""
    view = closed(replica_set(OLD, 4), template=NEW, labels={**MARK, OVERRIDE_LABEL: ID})
    if held:
        hold = on_record(undo=UNDO, quarantined=RECORD.quarantined)
        view = replace(view, labels={**view.labels, HOLD_LABEL: hold.id})
        request = step(Held(replace(hold, undo=None)), view, hold, NOW)
    else:
        request = step(Free(), view, RECORD, NOW)
    assert isinstance(request, PatchWorkload)
    assert request.labels == {QUEUE_LABEL: None, OVERRIDE_LABEL: None}


def test_a_workload_that_is_being_deleted_gets_nothing_back() -> None:
    """Its controller adopts nothing any more, and all of its ReplicaSets go with it."""
    view = closed(replica_set(OLD, 4), detached=(replica_set(NEW, 0, 2),), deleting=True)
    assert isinstance(step(Free(), view, RECORD, NOW), PatchWorkload)
    assert isinstance(step(Free(), replace(view, labels={}, detached=(), sets=()), RECORD, NOW), WriteRecord)


def test_a_hold_keeps_the_pause_that_an_undo_leaves() -> None:
    """Ending one of the two never lets go what the other still holds."""
    hold = on_record(undo=DONE, quarantined=RECORD.quarantined)
    labels = {**MARK, HOLD_LABEL: hold.id}
    view = closed(replica_set(OLD, 4), template=FIX, labels=labels)
    after = end_undo(hold, view)
    assert (after.undo, after.paused) == (None, FIX)
    assert step(Held(after), view, hold, NOW) == WriteRecord(replace(after, undo=DONE))
    request = step(Held(after), view, replace(after, undo=DONE), NOW)
    assert isinstance(request, PatchWorkload)
    assert (request.labels, request.paused) == ({QUEUE_LABEL: None}, None)
    lifted = step(Held(RECORD), view, hold, NOW)
    assert isinstance(lifted, WriteRecord)  # the undo under way is on record before the hold is let go
    request = step(Held(RECORD), view, replace(hold, undo=UNDO), NOW)
    assert isinstance(request, PatchWorkload)
    assert (request.labels, request.paused) == ({HOLD_LABEL: None}, None)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": {OVERRIDE_LABEL: on_record().id}},
        {"paused": False},
        {"template": OLD},  # nothing in flight
    ],
)
def test_a_pause_passes_to_the_hold_only_where_it_needs_it(change: dict[str, Any]) -> None:
    """Not under an override, not where nothing is in flight, and not what was there before."""
    hold = on_record(undo=DONE)
    view = closed(replica_set(OLD, 4), **{"template": FIX, **change})
    assert end_undo(hold, view).paused is None
    assert end_undo(replace(hold, undo=replace(DONE, paused_before=True)), closed(replica_set(OLD, 4))).paused is None
    assert end_undo(replace(RECORD, undo=DONE), closed(replica_set(OLD, 4), template=FIX)).paused is None
    assert end_undo(on_record(paused=NEW), closed(replica_set(OLD, 4), template=FIX)).paused is NEW


def test_where_git_declares_the_pause_it_is_said() -> None:
    """Once, in the message of the Hold."""
    view = closed(replica_set(OLD, 4), declares_pause=True)
    request = step(Held(RECORD), view, RECORD, NOW)
    assert isinstance(request, WriteRecord)
    assert request.record.message == f"v2 was undone. {CAVEAT}"
    told = request.record
    assert not isinstance(step(Held(told), view, told, NOW), WriteRecord)
    hold = on_record(undo=UNDO, message="It is on hold; lifts above 5 %.")
    request = step(Held(hold), view, hold, NOW)
    assert isinstance(request, WriteRecord)
    assert request.record.message == f"{CAVEAT} It is on hold; lifts above 5 %."


def test_labels_of_an_earlier_undo_are_ours_too() -> None:
    """From one bad release to the next the label changes; whichever is found goes."""
    second = replace(RECORD, id="bad-release-2", undo=replace(UNDO, id="bad-release-2"))
    assert between(second, None).changes(MARK) == {QUEUE_LABEL: None}
    assert between(second, second).changes(MARK) == {QUEUE_LABEL: "bad-release-2"}
    assert between(second, None).changes({QUEUE_LABEL: "somebody"}) == {}
    assert between(None, None) == Marks({})
