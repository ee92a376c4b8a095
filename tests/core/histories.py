"""Histories of ledgers that see everything that can happen to one, for tests of storing and restoring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from hypothesis import strategies as st

from holdfast.core.ledger import Ledger, Reading, Target
from holdfast.core.objective import TimeSlices
from tests.core.test_ledger_oracle import EPOCH, PACES, World, worlds

SLICES: Final = TimeSlices(10, Fraction(9, 10))
WINDOWS: Final = (1_000.0, 60.0, 13.0)
Look = Callable[[Ledger], object]


@dataclass(frozen=True)
class History:
    """How a ledger is made, and all its looks in order."""

    reach: float
    slices: TimeSlices | None
    looks: tuple[Look, ...]

    def begin(self) -> Ledger:
        """The ledger before the first look."""
        return Ledger(WINDOWS[0], self.reach, self.slices)

    def restored(self, ledger: Ledger) -> Ledger:
        """What goes on from the state of another one."""
        return Ledger.restored(ledger.state(), WINDOWS[0], self.reach, self.slices)


def figures(ledger: Ledger) -> object:
    """All that anybody can read off a ledger."""
    counts = [ledger.counts(window) for window in WINDOWS]
    return counts, ledger.at, ledger.epoch, ledger.asked, ledger.gap, ledger.targets, ledger.points()


def _watched(world: World, at: int, step: int, missing: set[str], renamed: int, named: bool) -> Look:
    """One look; after `renamed` every target has another name, as when scraping is configured anew."""
    found: dict[Target, Reading] = {}
    for target, seen in world.look(at, step + 2, False, missing).items():
        name = (*target, "renamed") if at >= renamed else target
        process = ("process", *target) if named else None
        found[name] = Reading(seen.total, seen.bad, seen.started, seen.derived, process)
    return lambda ledger: ledger.feed(at, found)


def _counted(at: int, total: int, share: float) -> Look:
    """One look at something that is counted elsewhere."""
    return lambda ledger: ledger.add(at, total / 3, total / 7, share)


@st.composite
def histories(draw: Any) -> History:
    """Births, deaths, restarts, half answers, looks left out, renamed targets, and slices of time."""
    step = draw(PACES)
    slices = draw(st.sampled_from((None, SLICES)))
    kept = draw(st.lists(st.integers(0, 3), min_size=100 // step, max_size=100 // step))
    if draw(st.booleans()):
        shares = draw(st.lists(st.floats(0, step), min_size=len(kept), max_size=len(kept)))
        looks = [_counted(EPOCH + n * step, k, share) for n, (k, share) in enumerate(zip(kept, shares, strict=True))]
        return History(step + 2, slices, tuple(looks))
    world, renamed, named = draw(worlds(True, step)), draw(st.integers(20, 200)), draw(st.booleans())
    names = st.sets(st.sampled_from(("good", "bad", "start")))
    looks = [
        _watched(world, EPOCH + n * step, step, draw(names) if k == 1 else set(), renamed, named)
        for n, k in enumerate(kept)
        if k
    ]
    return History(step + 2, slices, tuple(looks))
