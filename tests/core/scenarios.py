"""Situations in which something is about to happen, named. Each call gives a fresh world, just before the first look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.core.making import FIX, HOUR, NEW, OLD, SILENT, deployment, replica_set, rule
from tests.core.world import World


def in_flight(**more: object) -> World:
    """Three old pods, one new one, and the budget is gone."""
    sets = (replica_set(OLD, 3), replica_set(NEW, 1, 2))
    return World(deployment(*sets, template=NEW, **more), left=-3)


def _paused_by_a_person() -> World:
    world = in_flight(paused=True)
    world.paused_by = "somebody"
    return world


def _held(world: World) -> World:
    world.settle()
    return world


def _recovered(world: World) -> World:
    world.settle()
    world.left = 50
    return world


def _overridden(world: World, *, fix: bool) -> World:
    world.settle()
    world.override()
    if fix:
        world.ship(FIX)
    return world


def _lifted_overridden() -> World:
    world = _overridden(in_flight(), fix=True)
    world.settle()
    world.left = 50
    return world


def _override_ended() -> World:
    world = _overridden(in_flight(), fix=False)
    world.settle()
    world.end_override()
    return world


def _expired() -> World:
    world = in_flight()
    world.rules = (rule(at_most=HOUR),)
    world.settle()
    world.now += HOUR
    return world


def _second_episode() -> World:
    world = _recovered(in_flight())
    world.settle()
    world.controller()
    world.left = -1
    return world


def _policy_gone() -> World:
    world = _held(in_flight())
    world.rules = ()
    return world


def _switched_off() -> World:
    world = _held(in_flight())
    world.enforcing = False
    return world


def _deleted() -> World:
    world = _held(in_flight())
    world.delete()
    return world


def _recreated() -> World:
    world = _deleted()
    world.create(NEW)
    return world


def _blind() -> World:
    world = _held(in_flight())
    world.left, world.blind = 90, SILENT
    return world


SITUATIONS: Final[dict[str, Callable[[], World]]] = {
    "hold, idle": lambda: World(left=-3),
    "hold, in flight": in_flight,
    "hold, in flight, paused by a person": _paused_by_a_person,
    "hold that is in force": lambda: _held(in_flight()),
    "hold without evidence": _blind,
    "lift, idle": lambda: _recovered(World(left=-3)),
    "lift, in flight": lambda: _recovered(in_flight()),
    "lift, paused by a person": lambda: _recovered(_paused_by_a_person()),
    "lift after an override": _lifted_overridden,
    "override with another template": lambda: _overridden(in_flight(), fix=True),
    "override with the same template": lambda: _overridden(in_flight(), fix=False),
    "override of an idle workload": lambda: _overridden(World(left=-3), fix=True),
    "override that ended": _override_ended,
    "at most": _expired,
    "second episode": _second_episode,
    "policy gone": _policy_gone,
    "switched off": _switched_off,
    "workload deleted": _deleted,
    "workload deleted and created anew": _recreated,
}
