"""In which steps the past is read: the newest hour at the pace of polling, older parts coarser, oldest first.

Slices of time are read in steps that meet their edges, never longer than a slice: each is seen from edge to edge.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from holdfast.core.ledger import Ledger
from holdfast.core.quantities import Instant, Seconds

Paces = Sequence[tuple[Seconds, Seconds]]

PACES: Final[Paces] = ((259_200, 3_600), (21_600, 300), (3_600, 60))
"""(older than, seconds between two looks), oldest first; what is younger is read at the pace of polling."""

FIRST_STEPS: Final = 8
"""Steps of the first answer, while nobody knows how many series there are."""
MOST_STEPS: Final = 10_000
"""Steps of one answer; Prometheus refuses more than 11,000."""
MOST_SAMPLES: Final = 15_000
"""Samples of all answers for one piece of the past together: some 25 MB while they are read, as series, readings and all."""

AGAIN: Final[Seconds] = 300
"""How much of the newest past is asked for again while it gave no evidence: a fault may have been the source's."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the past: from `first` to `last`, both included, a step apart, on the grid of the step."""

    first: Instant
    last: Instant
    step: Seconds


def stretches(
    after: Instant, until: Instant, interval: Seconds, length: Seconds | None = None, paces: Paces = PACES
) -> Iterator[Stretch]:
    """The steps that cover everything later than `after`, up to `until`; each is later than the one before.

    `length` is that of the slices of time where such are counted.
    """
    for older, pace in (*paces, (0, interval)):
        step = _step(max(float(pace), interval), interval, length)
        first, last = after // step * step + step, (until - older) // step * step
        if first <= last:
            yield Stretch(first, last, step)
            after = last


def begin(ledger: Ledger, until: Instant, interval: Seconds) -> Instant:
    """The time up to which nothing is to be read: the ledger has it, or it is out of the window."""
    pace = next((p for older, p in PACES if ledger.window >= older), interval)
    before = until - ledger.window - 2 * max(pace, interval)  # so that the window begins inside of what is known
    return max(x for x in (ledger.at, ledger.asked, before) if x is not None)


def note(ledger: Ledger, last: Instant, until: Instant) -> None:
    """Remember that the past up to `last` was answered, with or without evidence."""
    known = last if ledger.at == last else min(last, until - AGAIN)
    ledger.asked = known if ledger.asked is None else max(known, ledger.asked)


def more(steps: int, series: int) -> int:
    """Steps of the next answer, when one with so many steps had so many series."""
    return max(1, min(MOST_STEPS, 8 * steps, MOST_SAMPLES // max(1, series)))


def _step(pace: Seconds, interval: Seconds, length: Seconds | None) -> Seconds:
    """The longest step up to this pace that is made of intervals and divides a slice."""
    if length is None:
        return pace
    parts = range(math.ceil(length / pace), int(length // interval) + 1)
    return next((length / n for n in parts if length / n % interval == 0), interval)
