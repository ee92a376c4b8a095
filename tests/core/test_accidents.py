"""Accidents and people at any moment, in any order: what may never happen does not, and every path ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdfast.core.request import Done
from tests.core.cluster import RefusedError
from tests.core.making import FIX, HOUR, LATENCY, NEW, OLD, SILENT, rule
from tests.core.scenarios import SITUATIONS
from tests.core.world import World


def _create(world: World) -> None:
    if world.view is None:
        world.create(NEW)


def _replace(world: World) -> None:
    if world.view is not None:
        world.delete()
    world.create(FIX)


def _create_paused(world: World) -> None:
    if world.view is not None:
        world.delete()
    world.create(FIX, paused=True)


def _set(**fields: object) -> Callable[[World], None]:
    def change(world: World) -> None:
        for name, value in fields.items():
            setattr(world, name, value)

    return change


def _later(seconds: float) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.now += seconds

    return change


ALWAYS: Final[dict[str, Callable[[World], object]]] = {
    "look": World.act,
    "killed": World.restart,
    "created": _create,
    "created anew": _replace,
    "created anew, paused": _create_paused,
    "budget gone": _set(left=-3),
    "budget in the band": _set(left=3),
    "budget back": _set(left=50),
    "no evidence": _set(blind=SILENT),
    "evidence": _set(blind=None),
    "ledger lost": _set(left=100, coverage=1),
    "ledger whole": _set(coverage=100),
    "policy gone": _set(rules=()),
    "policy back": _set(rules=(rule(at_most=HOUR),)),
    "objective unreadable": _set(unreadable=frozenset({LATENCY})),
    "objective readable": _set(unreadable=frozenset()),
    "switched off": _set(enforcing=False),
    "switched on": _set(enforcing=True),
    "an hour later": _later(HOUR),
}

IF_THERE: Final[dict[str, Callable[[World], object]]] = {
    "controller": lambda w: w.controller(1),
    "rollout completes": lambda w: w.controller(9),
    "ships": lambda w: w.ship(NEW),
    "ships a fix": lambda w: w.ship(FIX),
    "goes back": lambda w: w.ship(OLD),
    "paused": World.pause,
    "resumed": World.resume,
    "override": World.override,
    "override ended": World.end_override,
    "deleted": World.delete,
    "scaled": lambda w: w.change(replicas=5),
}

NAMES: Final = sorted({*ALWAYS, *IF_THERE})


def happen(world: World, name: str) -> None:
    """One accident; people are refused what the gate refuses, and nobody changes what is not there."""
    if name in ALWAYS:
        ALWAYS[name](world)
    elif world.view is not None:
        with suppress(RefusedError):
            IF_THERE[name](world)


@pytest.mark.parametrize("accident", NAMES)
@pytest.mark.parametrize("name", SITUATIONS)
def test_one_accident_at_any_point_of_any_sequence(name: str, accident: str) -> None:
    """Whatever happens between two writes, the rest of the way keeps every promise and has an end."""
    total = len(SITUATIONS[name]().settle())
    for at in range(total + 1):
        world = SITUATIONS[name]()
        began = len(world.requests)
        while len(world.requests) - began < at:
            world.act()
        happen(world, accident)
        world.settle()
        assert isinstance(world.look()[1], Done)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["look", *NAMES, "look"]), max_size=40))
@example(["budget gone", "ships", "controller", *["look"] * 6, "budget back", "look", "killed", "paused"])
@example(["budget gone", "ships", "controller", *["look"] * 6, "override", "ships a fix", "look", "look", "paused"])
def test_any_story_ends_well(story: list[str]) -> None:
    """Any order of looks, kills, people and bad news: no foreign pause is taken back, no label stands without a record."""
    world = World(rules=(rule(at_most=HOUR),))
    for name in story:
        happen(world, name)
    world.settle()
    world.left, world.blind, world.coverage, world.unreadable = 50, None, 100, frozenset()
    world.settle()
    assert world.record is None or not world.record.in_force
