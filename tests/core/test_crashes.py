"""The operator may be killed between any two writes: what it stored is enough to end where it would have ended."""

from __future__ import annotations

from typing import Final

import pytest

from holdfast.core.request import Done, PatchWorkload, Wait, WriteRecord
from tests.core.cluster import ConflictError
from tests.core.scenarios import SITUATIONS, in_flight
from tests.core.world import World

EVERY: Final = pytest.mark.parametrize("name", SITUATIONS)


def after(name: str, requests: int) -> World:
    """The situation after so many requests were carried out."""
    world = SITUATIONS[name]()
    began = len(world.requests)
    while len(world.requests) - began < requests:
        assert not isinstance(world.act(), Done)
    return world


def whole(name: str) -> tuple[int, object]:
    """How many requests it takes undisturbed, and where it ends."""
    world = SITUATIONS[name]()
    return len(world.settle()), world.state()


@EVERY
def test_a_kill_after_any_write_ends_where_no_kill_would(name: str) -> None:
    """Started anew from the stored record alone, at any point, the operator brings about the same end."""
    requests, end = whole(name)
    for killed in range(requests + 1):
        world = after(name, killed)
        world.restart()
        world.settle()
        assert world.state() == end, f"killed after request {killed}"


@EVERY
def test_a_kill_after_every_write_ends_where_no_kill_would(name: str) -> None:
    """An operator that lives for one write at a time still gets there, and not by more writes."""
    requests, end = whole(name)
    world = SITUATIONS[name]()
    began = len(world.requests)
    for _ in range(25):
        world.restart()
        if isinstance(world.act(), Done):
            break
    assert world.state() == end
    assert len(world.requests) - began == requests


@EVERY
def test_done_is_done(name: str) -> None:
    """Once done, a hundred more looks ask for nothing, whatever time it is and however the operator was restarted."""
    world = SITUATIONS[name]()
    world.settle()
    for _ in range(100):
        world.restart()
        assert isinstance(world.look()[1], Done)


@EVERY
def test_two_looks_at_one_world_name_one_request(name: str) -> None:
    """Looking twice before acting changes nothing but the random end of a new id and the time of a new record."""
    requests, _ = whole(name)
    for at in range(requests + 1):
        world = after(name, at)
        first, second = world.look()[1], world.look()[1]
        if isinstance(first, WriteRecord) and isinstance(second, WriteRecord):
            assert first.record.state is second.record.state
            assert first.record.paused == second.record.paused
        else:
            assert first == second


@EVERY
def test_a_conflict_at_any_write_changes_nothing_in_the_end(name: str) -> None:
    """When somebody else was faster, nothing is written; the next look begins from what is there now."""
    requests, end = whole(name)
    for at in range(requests):
        world = after(name, at)
        while isinstance(step := world.look()[1], Wait):
            world.controller()
        if isinstance(step, WriteRecord):
            continue  # the store refuses those by the version of the Hold; nothing of the world is in them
        assert world.view is not None
        sets = tuple(
            type(s)(s.name, s.resource_version + "x", s.template, s.desired, s.ready, s.revision, s.labels)
            for s in world.view.sets
        )
        world.change(labels={**world.view.labels, "team": "shop"}, sets=sets)
        with pytest.raises(ConflictError):
            world.carry_out(step)
        world.settle()
        world.change(labels={k: v for k, v in world.view.labels.items() if k != "team"})
        assert world.state() == end, f"conflict at request {at}"


def test_a_hold_in_flight_is_written_in_this_order() -> None:
    """Record; label and pause in one patch; ReplicaSets; and only then the record says that it is in force."""
    world = in_flight()
    kinds = [type(r).__name__ for r in world.settle()]
    assert kinds == ["WriteRecord", "PatchWorkload", "PatchReplicaSet", "PatchReplicaSet", "WriteRecord"]
    patch = world.requests[1]
    assert isinstance(patch, PatchWorkload)
    assert patch.paused is True
    assert patch.labels == {"holdfast.dev/hold": world.record and world.record.id}
    assert [r.record.enforced for r in world.requests if isinstance(r, WriteRecord)] == [False, True]


def test_nothing_is_said_to_be_in_force_before_the_controller_has_seen_it() -> None:
    """A pause takes effect when the controller has observed it; until then the answer is to wait."""
    world = in_flight()
    world.act()
    world.act()
    step = world.look()[1]
    assert step == Wait("the deployment controller has not seen the last change yet")
    world.controller()
    assert not isinstance(world.look()[1], Wait)


def test_a_rollout_that_completes_between_record_and_patch_is_not_paused() -> None:
    """What was in flight when the record was written may be complete when the patch is sent: then there is no pause."""
    world = in_flight()
    world.act()
    world.controller()
    world.settle()
    assert world.view is not None
    assert world.record is not None
    assert not world.view.paused
    assert world.record.paused is None


def test_a_rollout_that_begins_between_record_and_patch_is_paused() -> None:
    """A release that slips in after the record is in flight when the patch is sent, and stops."""
    world = World(left=-3)
    world.act()
    world.ship(in_flight().view.template)  # type: ignore[union-attr]
    world.controller(1)
    world.settle()
    assert world.view is not None
    assert world.view.paused
    world.left = 50
    world.settle()
    assert not world.view.paused
