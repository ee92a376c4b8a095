"""StatefulSets and DaemonSets: what stops a rollout, how a release is undone, and what is left when it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from holdfast.core.explain import undo_message
from holdfast.core.hold import HoldRecord, HoldState, Quarantined, Reason, Template, UndoState
from holdfast.core.kinds import begin_undo, end_undo, keep_undo, lasts, step
from holdfast.core.kinds.revisions import Pod, Revision, serving
from holdfast.core.kinds.sets_undo import PATIENCE
from holdfast.core.kinds.statefulset import STOPPED
from holdfast.core.request import HOLD_LABEL, OVERRIDE_LABEL, QUEUE_LABEL, Done, Wait, WriteRecord
from holdfast.core.request_sets import DeletePod, PatchSet, PutTemplateBack
from holdfast.core.wanted import Free, Held
from tests.core.making import FIX, NEW, NOW, OLD, SHOP, deployment, replica_set
from tests.core.sets_world import (
    CAUSE,
    HOLD,
    NEVER,
    UNDO,
    ConflictError,
    SetWorld,
    complete,
    daemonset,
    in_flight,
    statefulset,
)


def held(world: SetWorld) -> SetWorld:
    """A budget that asks for a hold, and no release that is undone."""
    world.causes, world.bad = (CAUSE,), frozenset()
    return world


def then(world: SetWorld, **change: Any) -> SetWorld:
    """Settled, and something changes."""
    world.settle()
    for name, value in change.items():
        setattr(world, name, value)
    return world


def shipped(world: SetWorld, template: Template = FIX) -> SetWorld:
    """Settled, and another template is declared."""
    world.settle()
    world.ship(template)
    return world


SITUATIONS: Final[dict[str, Callable[[], SetWorld]]] = {
    "hold of an idle StatefulSet": lambda: held(SetWorld()),
    "hold of an idle DaemonSet": lambda: held(SetWorld(daemonset())),
    "hold in flight": lambda: held(in_flight()),
    "hold in flight with a partition": lambda: held(in_flight(partition=1)),
    "hold in flight of a DaemonSet": lambda: held(in_flight(daemonset)),
    "lift": lambda: then(held(in_flight(partition=1)), causes=()),
    "lift of a DaemonSet": lambda: then(held(in_flight(daemonset)), causes=()),
    "undo in flight": in_flight,
    "undo of pods that are never ready": lambda: in_flight(bad=NEVER),
    "undo in flight at once": lambda: replace(in_flight(), at_once=True),
    "undo in flight under a hold": lambda: then(held(in_flight()), bad=frozenset({NEW.digest})),
    "hold of what is undone": lambda: then(in_flight(), causes=(CAUSE,)),
    "lift of the hold, and the undo goes on": lambda: then(replace(in_flight(), causes=(CAUSE,)), causes=()),
    "undo when complete": complete,
    "undo when complete under a hold": lambda: replace(complete(), causes=(CAUSE,)),
    "undo of what somebody applies": lambda: replace(complete(), applied=True),
    "undo where the partition is declared": lambda: in_flight(declares="flux", bad=NEVER),
    "undo by hand of a StatefulSet": lambda: complete(rolling=False),
    "undo of a DaemonSet in flight": lambda: in_flight(daemonset),
    "undo of a DaemonSet": lambda: replace(complete(daemonset), applied=True),
    "a fix after an undo in flight": lambda: shipped(in_flight(partition=1)),
    "a fix under a hold": lambda: shipped(replace(in_flight(partition=1), causes=(CAUSE,))),
    "allowed after an undo in flight": lambda: then(in_flight(), allowed=True),
    "allowed after an undo when complete": lambda: then(complete(), allowed=True),
    "allowed for a DaemonSet": lambda: then(complete(daemonset), allowed=True),
    "no way back in flight": lambda: replace(in_flight(), serve=None),
    "no way back when complete": lambda: replace(complete(), serve=None),
}
EVERY: Final = pytest.mark.parametrize("name", SITUATIONS)


def after(name: str, requests: int) -> SetWorld:
    """The situation after so many requests were carried out."""
    world = SITUATIONS[name]()
    began = len(world.requests)
    while len(world.requests) - began < requests:
        assert not isinstance(world.act(), Done)
    return world


@EVERY
def test_a_kill_after_any_request_ends_where_no_kill_would(name: str) -> None:
    """Everything that decides is on record or in the world: stopped anywhere, the end is the same."""
    whole = SITUATIONS[name]()
    requests = len(whole.settle())
    for killed in range(requests + 1):
        assert after(name, killed).settled().end() == whole.end(), f"killed after {killed} requests"


@pytest.mark.parametrize("name", [name for name in SITUATIONS if name.startswith("undo")])
def test_whatever_the_controller_does_meanwhile_the_last_good_release_serves(name: str) -> None:
    """A rollout may go on or complete between any two requests of an undo that was cut short there."""
    requests = len(SITUATIONS[name]().settle())
    for killed in range(requests + 1):
        for passes in (1, 2, 3, 10):
            world = after(name, killed)
            world.rest(passes)
            world.settled()
            assert (world.running, world.undone, world.view.disowned) == ({"v1": 3}, UndoState.UNDONE, False)
            assert world.view.queue == UNDO


@EVERY
def test_done_is_done(name: str) -> None:
    """However often it looks again, and whatever the controller does, nothing more is asked."""
    world = SITUATIONS[name]()
    world.settle()
    for _ in range(20):
        assert isinstance(world.look(), Done)
    world.rest()
    world.settle()
    for _ in range(20):
        world.controller()
        assert isinstance(world.look(), Done)


@EVERY
def test_a_conflict_at_any_request_changes_nothing_in_the_end(name: str) -> None:
    """When somebody else was faster nothing is written, and the next look begins from what is there now."""
    whole = SITUATIONS[name]()
    requests = len(whole.settle())
    for at in range(requests):
        world = after(name, at)
        while isinstance(asked := world.look(), Wait):
            world.controller()
        if isinstance(asked, PatchSet):
            world.change(labels={**world.view.labels, "team": "shop"})
            with pytest.raises(ConflictError):
                world.carry_out(asked)
            world.change(labels={k: v for k, v in world.view.labels.items() if k != "team"})
        world.settle()
        assert world.end() == whole.end()


def test_a_rollout_is_stopped_together_with_the_label_and_goes_on_with_the_lift() -> None:
    """The partition that was there is on record before it is moved; pods that go away come back old; it is put back."""
    world = held(in_flight(partition=1))
    assert world.settle() == ["WriteRecord", "PatchSet", "WriteRecord"]
    assert (world.view.partition, world.view.labels) == (STOPPED, {HOLD_LABEL: HOLD})
    assert world.record is not None
    assert (world.record.found, world.record.enforced) == (1, True)
    assert [r.record.found for r in world.requests if isinstance(r, WriteRecord)] == [1, 1]
    world.change(pods=world.view.pods[1:])
    world.rest()
    assert world.running == {"v1": 2, "v2": 1}
    world.causes = ()
    assert world.settle() == ["PatchSet", "WriteRecord"]
    assert (world.view.partition, world.view.labels) == (1, {})
    assert world.record.state is HoldState.LIFTED
    assert world.record.found is None
    world.rest()
    assert world.running == {"v1": 1, "v2": 2}


def test_a_stop_that_somebody_took_back_is_not_repeated_and_not_ours() -> None:
    """Whoever moves the partition under a hold has decided so; the lift leaves it where it is then."""
    world = held(in_flight())
    world.settle()
    world.change(partition=2)
    world.settle()
    assert world.view.partition == 2
    assert world.record is not None
    assert (world.record.paused, world.record.found) == (None, None)
    world.causes = ()
    world.settle()
    assert (world.view.partition, world.view.labels) == (2, {})


@pytest.mark.parametrize(
    ("world", "says"),
    [
        (in_flight(declares="flux"), "flux declares its partition"),
        (in_flight(rolling=False), "OnDelete"),
        (in_flight(daemonset), "cannot be stopped"),
    ],
)
def test_where_a_rollout_cannot_be_stopped_the_label_alone_is_set_and_the_record_says_why(
    world: SetWorld, says: str
) -> None:
    """Nothing is moved that somebody would move back, and nothing is promised that is not so."""
    held(world).settle()
    assert not world.view.paused
    assert world.view.hold == HOLD
    assert world.record is not None
    assert says in world.record.message
    assert world.record.message.count(says) == 1


def test_in_flight_the_bad_pods_come_back_old_one_after_the_other() -> None:
    """What is declared stays; there is never more than one pod away; a fix queues and goes straight from old to new."""
    world = in_flight()
    world.controller()
    least = []
    while not isinstance(asked := world.look(), Done):
        if isinstance(asked, Wait):
            world.controller()
        else:
            world.carry_out(asked)
            world.requests.append(asked)
        least.append(len(world.view.pods))
    assert [type(r).__name__ for r in world.requests] == [
        "WriteRecord",
        "PatchSet",
        "WriteRecord",
        "DeletePod",
        "DeletePod",
        "WriteRecord",
    ]
    assert min(least) == 2
    assert (world.view.template, world.running, world.undone) == (NEW, {"v1": 3}, UndoState.UNDONE)
    assert world.view.labels == {QUEUE_LABEL: UNDO}
    world.ship(FIX, 5)
    assert world.running == {"v1": 3}
    assert world.settle() == ["PatchSet", "WriteRecord"]
    seen = set()
    for _ in range(5):
        world.controller()
        seen |= world.running.keys()
    assert (seen, world.running) == ({"v1", "v3"}, {"v3": 3})


def test_pods_that_are_not_ready_go_first_and_need_no_waiting() -> None:
    """A pod that serves nobody is not spared, wherever it stands."""
    world = in_flight()
    first, *others = world.view.pods
    new = next(p for p in world.view.pods if p.hash == "db-v2")
    lame = replace(first, hash="db-v2", ready=False)
    world.change(pods=(lame, *others))
    asked = world.look()
    while not isinstance(asked, DeletePod):
        world.act()
        asked = world.look()
        if isinstance(asked, Wait):
            world.change(observed_generation=world.view.generation)
            asked = world.look()
    assert asked.name == lame.name != new.name


def test_at_once_nobody_waits_for_good_pods() -> None:
    """Where the bad ones serve nothing but errors they all go."""
    world = replace(in_flight(), at_once=True)
    world.controller()
    while not isinstance(world.look(), DeletePod):
        world.act()
    world.act()
    assert isinstance(world.look(), DeletePod)


def test_a_complete_release_is_undone_by_the_template_once() -> None:
    """One request brings template and labels; the gate is closed to every other template, and what is said tells how to open
    it. When somebody gets the bad one in again all the same, that is not fought.
    """
    world = complete()
    assert world.settle() == ["WriteRecord", "PutTemplateBack", "WriteRecord", "WriteRecord"]
    put = world.requests[1]
    assert isinstance(put, PutTemplateBack)
    assert (put.digest, put.labels) == ("v1", {HOLD_LABEL: UNDO, QUEUE_LABEL: UNDO})
    assert (world.view.template, world.running, world.undone) == (OLD, {"v1": 3}, UndoState.UNDONE)
    assert world.record is not None
    assert world.record.denies
    said = undo_message(world.view.workload, world.record.undo)  # type: ignore[arg-type]
    assert "every other one is refused" in said
    assert "a person lets it in: holdfast lift statefulset/db -n shop" in said
    world.ship(NEW, 5)
    assert isinstance(world.look(), Done)
    assert world.running == {"v2": 3}


def test_a_template_that_came_in_again_on_the_way_is_not_fought() -> None:
    """The queue label says that ours was sent: then there is only to wait, and in time to say that it is stuck."""
    world = complete()
    while not isinstance(world.act(), PutTemplateBack):
        pass
    world.ship(NEW, 1)
    world.act()
    assert isinstance(world.look(), Wait)
    assert world.view.template == NEW
    world.now += PATIENCE
    world.act()
    assert world.undone is UndoState.STUCK
    assert isinstance(world.look(), Wait)


def test_ownership_goes_back_right_after_the_template() -> None:
    """Before any pod is waited for: the next apply may come at any time."""
    world = replace(complete(), applied=True)
    assert world.settle()[:4] == ["WriteRecord", "PutTemplateBack", "WriteRecord", "GiveTemplateBack"]
    assert not world.view.disowned


def test_what_is_never_ready_does_not_stop_the_way_back() -> None:
    """OrderedReady waits for ever for such a pod, also when its template is gone: so it is deleted."""
    world = in_flight(declares="flux", bad=NEVER)
    assert "DeletePod" in world.settle()
    assert world.running == {"v1": 3}


def test_a_release_that_completes_before_it_is_stopped_is_undone_by_the_template() -> None:
    """Then pods come back bad: the partition is put back first."""
    world = in_flight()
    world.act()
    assert world.record is not None
    assert world.record.undo is not None
    assert world.record.undo.found == 0
    world.rest()
    assert world.settle()[:2] == ["WriteRecord", "PutTemplateBack"]
    assert (world.view.partition, world.running, world.undone) == (0, {"v1": 3}, UndoState.UNDONE)


def test_a_release_that_completes_while_it_is_stopped_is_let_go_first() -> None:
    """The label off and the partition back in one patch, then the record, then the template."""
    world = in_flight()
    world.act()
    world.rest()
    world.mark({QUEUE_LABEL: UNDO})
    world.change(partition=STOPPED)
    assert world.settle()[:3] == ["PatchSet", "WriteRecord", "PutTemplateBack"]
    assert (world.view.partition, world.running, world.undone) == (0, {"v1": 3}, UndoState.UNDONE)


def test_a_partition_that_somebody_moved_during_an_undo_is_not_fought() -> None:
    """It waits, and in time it says that it is stuck."""
    world = in_flight()
    while world.view.queue is None:
        world.act()
    world.change(partition=0)
    world.controller()
    world.act()
    assert "somebody else moved the partition" in str(world.look())
    world.now += PATIENCE
    world.act()
    assert world.undone is UndoState.STUCK


def test_what_is_stuck_goes_on_when_it_can() -> None:
    """Good pods that are ready late still make the undo complete."""
    world = in_flight()
    while not isinstance(world.act(), DeletePod):
        pass
    world.now += PATIENCE
    world.act()
    assert world.undone is UndoState.STUCK
    assert isinstance(world.look(), Wait)
    world.settle()
    assert world.undone is UndoState.UNDONE


def test_an_undo_that_is_done_starts_again_when_the_bad_pods_are_back() -> None:
    """By the partition that fights nobody: they came back by accident."""
    world = in_flight()
    world.settle()
    pod = world.view.pods[0]
    world.change(pods=(*world.view.pods[1:], replace(pod, uid="x", hash="db-v2")))
    assert world.settle() == ["WriteRecord", "DeletePod", "WriteRecord"]
    assert world.running == {"v1": 3}


def test_pods_that_fail_later_are_not_our_business() -> None:
    """An undo that is done stays done when good pods are not ready for a while."""
    world = in_flight()
    world.settle()
    world.change(pods=tuple(replace(p, ready=False) for p in world.view.pods))
    assert isinstance(world.look(), Done)
    assert world.undone is UndoState.UNDONE


def test_another_bad_release_takes_over_without_letting_go() -> None:
    """The partition stays where it is and what is to be put back is what was there first."""
    world = in_flight(partition=1)
    world.settle()
    world.ship(FIX, 3)
    world.bad |= {FIX.digest}
    assert world.record is not None
    second = replace(world.record.undo, id="bad-release-2", bad=FIX)  # type: ignore[type-var]
    assert second is not None
    world.record = replace(world.record, undo=second, id="bad-release-2")
    done = len(world.requests)
    assert "PatchSet" in world.settle()
    assert [r.partition for r in world.requests[done:] if isinstance(r, PatchSet)] == [None]
    assert (world.view.partition, world.view.queue, world.running) == (STOPPED, "bad-release-2", {"v1": 3})
    world.allowed = True
    world.settle()
    assert world.view.partition == 1


def test_an_override_goes_with_what_it_opened() -> None:
    """With the labels off nothing is left for it to open."""
    world = complete()
    world.settle()
    world.change(labels={**world.view.labels, OVERRIDE_LABEL: UNDO})
    world.allowed = True
    assert world.settle() == ["PatchSet", "WriteRecord"]
    assert world.view.labels == {}


@pytest.mark.parametrize("labels", [{}, {HOLD_LABEL: "older"}, {OVERRIDE_LABEL: "older"}, {QUEUE_LABEL: "older"}])
def test_a_label_without_its_record_stays(labels: dict[str, str]) -> None:
    """What we have no record of is not ours to open."""
    world = SetWorld(statefulset(labels=labels))
    assert isinstance(world.look(), Done)


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ((), None),
        ((Pod("a", "1", "x", ready=False),), None),
        ((Pod("a", "1", "gone", ready=True),), None),
        ((Pod("a", "1", "x", ready=True), Pod("b", "2", "y", ready=True)), NEW),  # of equals the later one
        ((Pod("a", "1", "x", ready=True), Pod("b", "2", "y", ready=False)), OLD),
    ],
)
def test_what_serves_is_what_most_ready_pods_run(pods: tuple[Pod, ...], expected: Template | None) -> None:
    """A pod of a revision that is gone is of no known template."""
    assert serving((Revision("x", 1, OLD), Revision("y", 2, NEW)), pods) == expected


def test_time_is_no_part_of_a_step() -> None:
    """The same world at another time asks for the same."""
    world = in_flight()
    world.act()
    first = world.look()
    world.now = NOW + 300
    assert world.look() == first


def test_the_next_pod_waits_for_one_that_is_still_going() -> None:
    """A pod on its way out may count as ready until it is gone."""
    world = in_flight()
    world.controller()
    while not isinstance(world.look(), DeletePod):
        world.act()
    asked = world.look()
    assert isinstance(asked, DeletePod)
    leaving = tuple(replace(p, deleting=p.uid == asked.uid) for p in world.view.pods)
    world.change(pods=leaving, observed_generation=world.view.generation)
    assert world.look() == Wait("1 of 3 pods of the last good release are ready")


def test_pods_of_a_release_in_between_go_too() -> None:
    """What was superseded half-way was never good: the last good release serves alone."""
    world = SetWorld(statefulset())
    world.ship(NEW, 2)
    world.ship(FIX, 1)
    first, *others = world.view.pods
    world.change(pods=(replace(first, hash="db-v2"), *others))
    assert "v2" in world.running
    world.bad = frozenset({FIX.digest})
    world.settle()
    assert world.running == {"v1": 3}


def test_nothing_is_deleted_before_the_controller_has_seen_the_partition() -> None:
    """It would come back as it is."""
    world = in_flight()
    while not isinstance(world.act(), PatchSet):
        pass
    assert world.record is not None
    world.record = replace(world.record, enforced=True)
    assert "has not seen the last change" in str(world.look())


def test_what_a_person_lets_through_goes_on_with_the_partition_that_was_there() -> None:
    """Under an override the rollout is let go, and the labels stay for the rest."""
    world = held(in_flight(partition=1))
    world.settle()
    assert world.record is not None
    asked = step(Held(world.record, resume=True), world.view, world.record, NOW)
    assert asked == PatchSet(world.view.workload, world.view.resource_version, {}, 1)
    assert isinstance(asked, PatchSet)
    assert asked.labels == {}


def test_an_override_of_an_undo_goes_with_it_and_the_hold_stays() -> None:
    """Under a hold as well, the label that opened the undo is of no use any more."""
    world = replace(complete(), causes=(CAUSE,))
    world.settle()
    world.change(labels={**world.view.labels, OVERRIDE_LABEL: UNDO})
    world.allowed = True
    world.settle()
    assert world.view.labels == {HOLD_LABEL: HOLD}


def test_what_a_hold_stopped_goes_on_once_the_template_is_put_back() -> None:
    """Where pods would come back as a release that is not the last good one: the stop would be in the way."""
    world = SetWorld(statefulset())
    world.ship(NEW, 10)
    world.ship(FIX, 1)
    held(world).settle()
    assert world.view.paused
    world.bad = frozenset({FIX.digest, NEW.digest})
    names = world.settle()
    assert names[:3] == ["WriteRecord", "PutTemplateBack", "PatchSet"]
    assert (world.view.template, world.view.partition, world.running) == (OLD, 0, {"v1": 3})
    assert world.undone is UndoState.UNDONE


def test_a_hold_keeps_what_an_undo_had_stopped() -> None:
    """The rollout of a fix waits for the budget: its stop becomes the hold's, with the partition that was there."""
    world = replace(in_flight(partition=1), causes=(CAUSE,))
    world.settle()
    world.ship(FIX)
    world.settle()
    assert world.record is not None
    assert (world.record.undo, world.record.paused, world.record.found) == (None, FIX, 1)
    assert world.view.paused
    world.rest()
    assert world.running == {"v1": 3}
    world.causes = ()
    world.settle()
    world.rest()
    assert (world.view.partition, world.running) == (1, {"v1": 1, "v3": 2})


def test_what_is_to_be_put_back_is_what_was_there_before_anything_of_ours() -> None:
    """An undo that begins while a hold, or another undo, has moved the partition already."""
    holding = held(in_flight(partition=1))
    holding.settle()
    assert begin_undo(holding.view, holding.record, "next", OLD, NOW).found == 1
    undoing = in_flight(partition=1)
    undoing.settle()
    undoing.ship(FIX)
    assert begin_undo(undoing.view, undoing.record, "next", OLD, NOW).found == 1
    somebodys = in_flight(partition=STOPPED)
    somebodys.change(pods=(replace(somebodys.view.pods[0], hash="db-v2"), *somebodys.view.pods[1:]))
    assert begin_undo(somebodys.view, None, "next", OLD, NOW).found == STOPPED
    assert begin_undo(somebodys.view, holding.record, "next", OLD, NOW).found == 1
    nothing = replace(somebodys.record or holding.record, found=None, undo=None)  # type: ignore[type-var]
    assert begin_undo(somebodys.view, nothing, "next", OLD, NOW).found == STOPPED


@pytest.mark.parametrize("view", [statefulset(), daemonset()])
def test_what_serves_is_read_off_the_pods(view: Any) -> None:
    """Of an idle workload that is what it declares."""
    assert view.serving == view.template == OLD
    assert not view.paused
    assert not view.in_flight
    assert view.caveat == ""


@pytest.mark.parametrize("view", [statefulset(), deployment()])
def test_what_may_roll_out_again_is_on_record_before_any_label_goes(view: Any) -> None:
    """The override label with which a person said so goes with ours: without the record the undo would begin again."""
    world = in_flight()
    world.settle()
    stored = replace(world.record, quarantined=(Quarantined(UNDO, NEW, NOW),), workload=view.workload)  # type: ignore[type-var]
    labelled = replace(view, labels={QUEUE_LABEL: UNDO, OVERRIDE_LABEL: UNDO})
    want = Free(Reason.ALLOWED_BY_HAND, (), ())
    first = step(want, labelled, stored, NOW)
    assert first == WriteRecord(replace(stored, quarantined=(), reason=Reason.ALLOWED_BY_HAND))
    assert isinstance(first, WriteRecord)
    assert not isinstance(step(want, labelled, first.record, NOW), WriteRecord)
    last = step(want, view, first.record, NOW)
    assert isinstance(last, WriteRecord)
    assert (last.record.state, last.record.undo) == (HoldState.LIFTED, None)
    assert step(want, view, last.record, NOW) == Done()


def test_deployments_are_undone_through_the_same_door() -> None:
    """Each kind has its own way; who decides need not know which."""
    view = deployment(replica_set(OLD, 3), replica_set(NEW, 1, 2), template=NEW)
    undo = begin_undo(view, None, UNDO, OLD, NOW)
    assert (undo.bad, undo.serve, undo.found) == (NEW, OLD, None)
    assert keep_undo(view, undo, NOW) == undo
    assert lasts(view, undo)
    assert not lasts(replace(view, template=OLD), undo)
    record = HoldRecord(SHOP, UNDO, HoldState.ACTIVE, Reason.BAD_RELEASE, NOW, (), "Why.", NEW, undo=undo)
    assert not record.denies
    assert end_undo(record, view).undo is None
    assert step(Free(), view, None, NOW) == step(Free(), None, None, NOW) == Done()
