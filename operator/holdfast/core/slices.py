"""Slices of time instead of events: a slice is good when enough of its events are, and none at all without any.

A slice counts only when it was measured from edge to edge: what came in one answer for a time that reaches over an edge
cannot be told apart, so both slices are torn, and their time was not measured.
"""

from __future__ import annotations

from typing import NamedTuple

from .objective import TimeSlices
from .quantities import Instant, Seconds


class Slice(NamedTuple):
    """The slice under way as plain values, to be stored."""

    number: int | None
    total: float
    bad: float
    torn: bool
    early: Seconds


class Slicer:
    """The slice that is under way: its index on the grid, its events so far, whether it is torn, and how much of it was
    before the first look.
    """

    __slots__ = ("bad", "early", "index", "rule", "torn", "total")

    def __init__(self, rule: TimeSlices) -> None:
        self.rule = rule
        self.index: int | None = None
        self.total = self.bad = 0.0
        self.torn = True
        self.early = 0.0

    @property
    def state(self) -> Slice:
        """The slice that is under way."""
        return Slice(self.index, self.total, self.bad, self.torn, self.early)

    @state.setter
    def state(self, state: Slice) -> None:
        self.index, self.total, self.bad, self.torn, self.early = state

    def take(
        self, before: Instant, at: Instant, gain: tuple[float, float], lost: Seconds
    ) -> tuple[float, float, Seconds]:
        """(slices, bad slices, seconds not measured) that end with this look; `gain` and `lost` came since `before`."""
        length = self.rule.length
        first, last = (
            int(before // length),
            int(-(-at // length)) - 1,
        )  # the slices that (before, at] begins and ends in
        if self.index is None:
            self.index, self.early = first, before % length
            self.torn = self.early > 0
        counted: tuple[float, float] = (0.0, 0.0)
        missed = 0.0
        torn = lost > 0 or (last > first and gain != (0.0, 0.0))
        self.torn = self.torn or torn
        if not torn:
            self.total += gain[0]
            self.bad += gain[1]
        while self.index < last or (self.index == last and at >= (last + 1) * length):
            if self.torn:
                missed += length - self.early
            elif self.total > 0:
                counted = counted[0] + 1, counted[1] + (not self._good())
            self.index += 1
            self.total = self.bad = self.early = 0.0
            self.torn = torn and self.index <= last
        return *counted, missed

    def _good(self) -> bool:
        share = self.rule.good
        return (self.total - self.bad) * share.denominator >= share.numerator * self.total
