"""Fills ledgers from the past: the newest hour at the pace of polling, older parts in coarser steps, oldest first.

A ledger that has evidence already is filled from there on: that is also how an outage heals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from holdfast.core.evidence import Missing
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Objective, ObjectKey
from holdfast.core.quantities import Instant, Seconds

from .poller import Poller

PACES: Final = ((259_200, 3_600), (21_600, 300), (3_600, 60))
"""(older than, seconds between two looks), oldest first; what is younger is read at the pace of polling."""

CHUNK: Final = 400
"""Steps in one answer, so that memory stays bounded however long the past is."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the past: from `first` to `last`, both included, a step apart."""

    first: Instant
    last: Instant
    step: Seconds


def stretches(after: Instant, until: Instant, interval: Seconds) -> Iterator[Stretch]:
    """The steps that cover everything later than `after`, up to `until`; each is later than the one before."""
    for older, pace in (*PACES, (0, interval)):
        step = max(float(pace), interval)
        end = until if pace == interval and older == 0 else (until - older) // step * step
        first = after // step * step + step
        while first <= end:
            last = min(end, first + (CHUNK - 1) * step)
            last = first + (last - first) // step * step
            yield Stretch(first, last, step)
            after, first = last, last + step


def refill(
    poller: Poller,
    ledgers: Mapping[ObjectKey, Ledger],
    objectives: Sequence[Objective],
    until: Instant,
    interval: Seconds,
) -> Mapping[ObjectKey, Missing]:
    """Feed these ledgers everything up to `until` that they do not have; blocks.

    `until` is a time of the grid. Returns the objectives whose source failed on the way; they keep what they got and
    can be filled further later.
    """
    begin = min((_begin(ledgers[o.key], until) for o in objectives), default=until)
    left, failed = list(objectives), dict[ObjectKey, Missing]()
    for stretch in stretches(begin, until, interval):
        moments, lost = poller.past(left, stretch.first, stretch.last, stretch.step)
        failed |= lost
        left = [o for o in left if o.key not in lost]
        for moment in moments:
            for key, sample in moment.samples.items():
                if not isinstance(sample, Missing):
                    ledgers[key].feed(moment.at, sample, poller.reach(stretch.step))
        if not left:
            break
    return failed


def _begin(ledger: Ledger, until: Instant) -> Instant:
    return ledger.at if ledger.at is not None else until - ledger.window
