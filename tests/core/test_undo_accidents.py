"""Accidents and people at any moment of an undo: what may never happen does not, and every path ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.cluster import RefusedError
from tests.core.making import FIX, NEW, OLD
from tests.core.undo_scenarios import SITUATIONS, WORSE, in_flight, world
from tests.core.undo_world import UndoWorld


def _set(**fields: object) -> Callable[[UndoWorld], None]:
    def change(one: UndoWorld) -> None:
        for name, value in fields.items():
            setattr(one, name, value)

    return change


def _ship(one: UndoWorld, template: object) -> None:
    one._gate()
    one.change(template=template)


def _replace(one: UndoWorld) -> None:
    one.delete()
    one.create(NEW)


def _scale_detached(one: UndoWorld) -> None:
    assert one.view is not None
    if one.view.detached:
        one._put(replace(one.view.detached[-1], desired=2))


def _lose_sets(one: UndoWorld) -> None:
    assert one.view is not None
    one.view = replace(one.view, sets=())


IF_THERE: Final[dict[str, Callable[[UndoWorld], object]]] = {
    "look": UndoWorld.act,
    "killed": UndoWorld.restart,
    "controller": UndoWorld.controller,
    "kubelet": UndoWorld.kubelet,
    "works": UndoWorld.work,
    "bad again": lambda w: _ship(w, NEW),
    "worse": lambda w: _ship(w, WORSE),
    "fix": lambda w: _ship(w, FIX),
    "revert": lambda w: _ship(w, OLD),
    "paused": UndoWorld.pause,
    "resumed": UndoWorld.resume,
    "forced to resume": UndoWorld.force_resume,
    "wiped": UndoWorld.wipe,
    "scaled up": lambda w: w.change(replicas=6),
    "scaled to nothing": lambda w: w.change(replicas=0),
    "scaled back": lambda w: w.change(replicas=4),
    "detached scaled": _scale_detached,
    "sets lost": _lose_sets,
    "good ones break": _set(broken={OLD}),
    "all mended": _set(broken=set()),
    "budget gone": _set(empty=True),
    "budget back": _set(empty=False),
    "allowed": _set(allowed={NEW}),
    "override": UndoWorld.override,
    "override ended": UndoWorld.end_override,
    "deleted and created anew": _replace,
    "an hour later": lambda w: setattr(w, "now", w.now + 3600),
}


def happen(one: UndoWorld, name: str) -> None:
    """One accident; people are refused what the gate refuses."""
    one.careful = False
    with suppress(RefusedError):
        IF_THERE[name](one)


BEGUN: Final = (
    "complete, a superseded release between",
    "two bad sets",
    "no history",
    "good pods do not start",
    "fix when half detached",
    "fix",
    "git reverts half-way",
    "second bad release",
    "allowed",
    "resumed by somebody",
    "held too, fixed",
    "held first, undone and recovered at once",
)
"""Situations between which every branch of an undo is on the way."""


@pytest.mark.parametrize("accident", sorted(IF_THERE))
@pytest.mark.parametrize("name", BEGUN)
def test_one_accident_at_any_point_of_an_undo(name: str, accident: str) -> None:
    """Whatever happens between two writes, the rest of the way keeps every promise and has an end."""
    total = len(SITUATIONS[name]().settle())
    for at in range(total + 1):
        one = SITUATIONS[name]()
        began = len(one.requests)
        for _ in range(200):
            if len(one.requests) - began >= at:
                break
            one.act()
        happen(one, accident)
        one.settle()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["look", *IF_THERE, "look", "works"]), max_size=40))
def test_any_story_of_an_undo_ends_well(story: list[str]) -> None:
    """Any order of looks, kills, people and bad news; and once another template is declared, everything is let go."""
    one = in_flight(bad={NEW, WORSE})
    for name in story:
        happen(one, name)
    one.settle()
    one.empty, one.broken = False, set()
    one.change(template=FIX)
    one.settle()
    assert one.record is None or not one.record.in_force
    assert one.view is not None
    if not one.view.paused:
        one.work()
        assert {s.template for s in one.view.sets if s.active} <= {FIX}


def test_a_pause_of_somebody_is_left_to_them() -> None:
    """Who had paused the Deployment before finds it paused after."""
    one = world()
    one.pause()
    one.settle()
    one.change(template=FIX)
    one.settle()
    assert one.view is not None
    assert one.view.paused
