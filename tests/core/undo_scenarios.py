"""Situations of an undo, named. Each call gives a fresh world, just before something is to be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from holdfast.core.hold import Template
from holdfast.core.kinds.deployment import ReplicaSet
from tests.core.making import FIX, NEW, OLD, deployment, replica_set
from tests.core.undo_world import UndoWorld

WORSE, DUD, ANCIENT = (Template(v, (f"checkout:{v}",)) for v in ("v9", "v1b", "v0"))


def world(*sets: ReplicaSet, template: Template = NEW, view: dict[str, Any] | None = None, **more: Any) -> UndoWorld:
    """Four pods; v2 is bad, v1 is the last good one."""
    return UndoWorld(deployment(*sets, template=template, **(view or {})), **{"bad": {NEW}, **more})


def complete(**more: Any) -> UndoWorld:
    """All pods are bad ones, and from now on there may never be fewer than four that serve."""
    return world(replica_set(OLD, 0), replica_set(NEW, 4, 2), careful=True, **more)


def in_flight(**more: Any) -> UndoWorld:
    """Three good pods, two bad ones."""
    return world(replica_set(OLD, 3), replica_set(NEW, 2, 2), **more)


def undone(**more: Any) -> UndoWorld:
    """The undo is done."""
    made = complete(**more)
    made.settle()
    return made


def _then(deed: Callable[[UndoWorld], object], begin: Callable[[], UndoWorld] = undone) -> Callable[[], UndoWorld]:
    def made() -> UndoWorld:
        one = begin()
        deed(one)
        return one

    return made


def _half(requests: int, begin: Callable[[], UndoWorld] = complete) -> Callable[[], UndoWorld]:
    def made() -> UndoWorld:
        one = begin()
        while len(one.requests) < requests:
            one.act()
        return one

    return made


def _superseded() -> UndoWorld:
    return world(replica_set(ANCIENT, 0), replica_set(OLD, 0, 2), replica_set(DUD, 0, 3), replica_set(NEW, 4, 4))


def _two_bad() -> UndoWorld:
    sets = replica_set(OLD, 2), replica_set(NEW, 2, 2), replica_set(WORSE, 1, 3)
    return world(*sets, template=WORSE, bad={NEW, WORSE})


def _two_bad_alone() -> UndoWorld:
    sets = replica_set(OLD, 0), replica_set(NEW, 3, 2), replica_set(WORSE, 1, 3)
    return world(*sets, template=WORSE, bad={NEW, WORSE})


def _twins() -> UndoWorld:
    restarted = replace(replica_set(OLD, 2, 2), name="checkout-v1-restarted", uid="uid-restarted")
    return world(replica_set(OLD, 1), restarted, replica_set(NEW, 2, 3))


def _recreate() -> UndoWorld:
    return world(replica_set(OLD, 0), replica_set(NEW, 4, 2), view={"recreate": True})


def _no_history() -> UndoWorld:
    return world(replica_set(NEW, 4, 2), limit=0)


def _by_a_person(begin: Callable[..., UndoWorld]) -> UndoWorld:
    one = begin(view={"paused": True})
    one.paused_by = "somebody"
    one._own()
    return one


def _unready() -> UndoWorld:
    one = in_flight(broken={NEW})
    one.kubelet()
    return one


def _held_first() -> UndoWorld:
    one = in_flight(bad=set(), empty=True)
    one.settle()
    one.bad = {NEW}
    return one


def _scaled(to: int, *back: int) -> Callable[[UndoWorld], None]:
    def deed(one: UndoWorld) -> None:
        for replicas in (to, *back):
            one.careful = False
            one.change(replicas=replicas)
            one.work()

    return deed


def _ship(template: Template) -> Callable[[UndoWorld], None]:
    return lambda one: one.change(template=template)


def _second(one: UndoWorld) -> None:
    one.change(template=FIX)
    one.settle()
    one.change(template=NEW)


def _worse(one: UndoWorld) -> None:
    one.bad = {NEW, WORSE}
    one.change(template=WORSE)


def _allow(one: UndoWorld) -> None:
    one.allowed = {NEW}


def _starts_again(one: UndoWorld) -> None:
    one.settle()
    one.broken = set()


def _somebody_scales(one: UndoWorld) -> None:
    assert one.view is not None
    one._put(replace(one.view.detached[0], desired=3))
    one.work()


def _forced(one: UndoWorld) -> None:
    one.careful = False
    one.force_resume()
    one.work()


def _wiped(one: UndoWorld) -> None:
    one.careful = False
    one.wipe()
    one.work()


def _anew(one: UndoWorld) -> None:
    one.careful = False
    one.delete()
    one.create(NEW)
    one.work()


def _good_set_gone(one: UndoWorld) -> None:
    assert one.view is not None
    one.careful = False
    one.view = replace(one.view, sets=())


def _held_too(one: UndoWorld) -> None:
    one.empty = True


def _held_then_fixed(one: UndoWorld) -> None:
    one.empty = True
    one.settle()
    one.change(template=FIX)


def _held_then_recovered(one: UndoWorld) -> None:
    one.empty = True
    one.settle()
    one.empty = False


def _held_and_fixed_at_once(one: UndoWorld) -> None:
    one.empty = True
    one.change(template=FIX)


def _hold_swaps_with_undo(one: UndoWorld) -> None:
    one.empty = False


def _held_then_both_end(one: UndoWorld) -> None:
    one.empty = True
    one.settle()
    one.empty = False
    one.change(template=FIX)


def _held_then_allowed(one: UndoWorld) -> None:
    one.empty = True
    one.settle()
    one.careful = False
    one.allowed = {NEW}


def _overridden_fix(one: UndoWorld) -> None:
    one.empty = True
    one.settle()
    one.override()
    one.change(template=FIX)


SITUATIONS: Final[dict[str, Callable[[], UndoWorld]]] = {
    "complete": complete,
    "in flight": in_flight,
    "in flight, bad pods never ready": _unready,
    "complete, a superseded release between": _superseded,
    "two bad sets": _two_bad,
    "two bad sets and no good pod": _two_bad_alone,
    "good pods from before and after a restart": _twins,
    "recreate": _recreate,
    "at once": lambda: world(replica_set(OLD, 0), replica_set(NEW, 4, 2), at_once=True),
    "no history": _no_history,
    "paused by a person, complete": lambda: _by_a_person(complete),
    "paused by a person, in flight": lambda: _by_a_person(in_flight),
    "paused by a person, then fixed": _then(_ship(FIX), lambda: _settled(_by_a_person(complete))),
    "good pods do not start": lambda: complete(broken={OLD}),
    "good pods start late": _then(_starts_again, lambda: complete(broken={OLD})),
    "no way back": lambda: in_flight(serve=None),
    "no way back, fixed": _then(_ship(FIX), lambda: _settled(in_flight(serve=None))),
    "scaled to nothing": _then(_scaled(0)),
    "scaled to nothing and back": _then(_scaled(0, 6)),
    "scaled up": _then(_scaled(7)),
    "no history, scaled to nothing and back": _then(_scaled(0, 3), lambda: _settled(_no_history())),
    "scaled up in the middle": _then(lambda one: one.change(replicas=6), _half(3, in_flight)),
    "fix": _then(_ship(FIX)),
    "fix when half detached": _then(_ship(FIX), _half(4)),
    "fix right after the first patch": _then(_ship(FIX), _half(2, in_flight)),
    "fix before the first patch": _then(_ship(FIX), _half(1, in_flight)),
    "fix while the good pods do not start": _then(_ship(FIX), lambda: _settled(complete(broken={OLD}))),
    "git reverts": _then(_ship(OLD)),
    "git reverts half-way": _then(_ship(OLD), _half(4)),
    "known bad again": _then(_second),
    "second bad release": _then(_worse),
    "allowed": _then(_allow),
    "detached set scaled by somebody": _then(_somebody_scales),
    "resumed by somebody": _then(_forced),
    "resumed by somebody half-way": _then(_forced, _half(4)),
    "labels and pause wiped": _then(_wiped),
    "deleted": _then(lambda one: one.delete()),
    "deleted and created anew": _then(_anew),
    "good set deleted": _then(_good_set_gone),
    "held too": _then(_held_too),
    "held first": _held_first,
    "held and undone at once": lambda: in_flight(empty=True),
    "held too, fixed": _then(_held_then_fixed),
    "held too, fixed under an override": _then(_overridden_fix),
    "held too, allowed": _then(_held_then_allowed),
    "held too, recovered": _then(_held_then_recovered),
    "held and fixed at once": _then(_held_and_fixed_at_once),
    "held first, undone and recovered at once": _then(_hold_swaps_with_undo, _held_first),
    "held too, all over at once": _then(_held_then_both_end),
}


def _settled(one: UndoWorld) -> UndoWorld:
    one.settle()
    return one
