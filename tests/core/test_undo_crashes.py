"""An undo may be cut short between any two writes: what was stored is enough to end where it would have ended."""

from __future__ import annotations

from typing import Final

import pytest

from holdfast.core.request import Done, Wait, WriteRecord
from tests.core.undo_scenarios import SITUATIONS, complete
from tests.core.undo_world import UndoWorld

MOVING: Final = {"no way back", "good pods from before and after a restart"}
"""Where it ends depends on how far the rollout was when it was paused."""

EVERY: Final = pytest.mark.parametrize("name", SITUATIONS)


def after(name: str, requests: int) -> UndoWorld:
    """The situation after so many requests were carried out."""
    world = SITUATIONS[name]()
    began = len(world.requests)
    for _ in range(200):
        if len(world.requests) - began >= requests:
            break
        world.act()
    return world


def whole(name: str) -> tuple[int, object]:
    """How many requests it takes undisturbed, and where it ends."""
    world = SITUATIONS[name]()
    return len(world.settle()), world.state()


@EVERY
def test_a_kill_after_any_write_ends_where_no_kill_would(name: str) -> None:
    """Started anew from the stored record alone, at any point, whether the cluster worked on meanwhile or not."""
    requests, end = whole(name)
    for killed in range(requests + 1):
        for works in (False, True) if name not in MOVING or killed > 1 else (False,):
            world = after(name, killed)
            world.restart()
            if works:
                world.work()
            world.settle()
            assert world.state() == end, f"killed after request {killed}, {works}"


@EVERY
def test_done_is_done(name: str) -> None:
    """Once done, more looks ask for nothing, however the operator was restarted."""
    world = SITUATIONS[name]()
    world.settle()
    for _ in range(20):
        world.restart()
        assert isinstance(world.look(), Done | Wait)


@EVERY
def test_two_looks_at_one_world_name_one_request(name: str) -> None:
    """Looking twice before acting changes nothing but the time of a new record."""
    requests, _ = whole(name)
    for at in range(requests + 1):
        world = after(name, at)
        first, second = world.look(), world.look()
        if isinstance(first, WriteRecord) and isinstance(second, WriteRecord):
            assert first.record.state is second.record.state
        else:
            assert first == second


def test_an_undo_is_written_in_this_order() -> None:
    """Record; label and pause; the mark of the good set; detached; in force; emptied only when the good pods are there."""
    world = complete()
    kinds = [type(r).__name__ for r in world.settle()]
    assert kinds == [
        "WriteRecord",
        "PatchWorkload",
        "PatchReplicaSet",
        "DetachReplicaSet",
        "WriteRecord",
        "ScaleReplicaSet",
        "WriteRecord",
    ]
