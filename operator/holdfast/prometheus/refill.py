"""Fills ledgers from the past: the newest hour at the pace of polling, older parts in coarser steps, oldest first.

A ledger that has evidence already is filled from there on: that is also how an outage heals. Every look goes through
`Ledger.feed`, which takes each time once, so parts that overlap count nothing twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from holdfast.core.evidence import Missing
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Objective, ObjectKey
from holdfast.core.quantities import Instant, Seconds, Span

from .poller import Moment, Poller
from .readings import Sample

PACES: Final = ((259_200, 3_600), (21_600, 300), (3_600, 60))
"""(older than, seconds between two looks), oldest first; what is younger is read at the pace of polling."""

FIRST_STEPS: Final = 60
"""Steps of the first answer, while nobody knows how many series there are."""
MOST_STEPS: Final = 10_000
"""Steps of one answer; Prometheus refuses more than 11,000."""
MOST_SAMPLES: Final = 250_000
"""Samples of all answers for one piece of the past together: some 100 MB while they are read."""
MOST_RESTARTS: Final = 50
"""Looks between two steps, at the starts of processes. Beyond it the last counts of the processes before are lost."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the past: from `first` to `last`, both included, a step apart, on the grid of the step."""

    first: Instant
    last: Instant
    step: Seconds


def stretches(after: Instant, until: Instant, interval: Seconds) -> Iterator[Stretch]:
    """The steps that cover everything later than `after`, up to `until`; each is later than the one before."""
    for older, pace in (*PACES, (0, interval)):
        step = max(float(pace), interval)
        first, last = after // step * step + step, (until - older) // step * step
        if first <= last:
            yield Stretch(first, last, step)
            after = last


def refill(
    poller: Poller,
    ledgers: Mapping[ObjectKey, Ledger],
    objectives: Sequence[Objective],
    until: Instant,
    interval: Seconds,
) -> Mapping[ObjectKey, Missing]:
    """Feed these ledgers everything up to `until` that they do not have; blocks.

    `until` is a time of the grid. Returns the objectives whose source failed on the way; they keep what they got, and
    another call goes on from there. Times at which an objective has no evidence are left out of its ledger.
    """
    begins = {o.key: _begin(ledgers[o.key], until, interval) for o in objectives}
    failed: dict[ObjectKey, Missing] = {}
    steps = FIRST_STEPS
    for stretch in stretches(min(begins.values(), default=until), until, interval):
        first = stretch.first
        while first <= stretch.last:
            last = min(stretch.last, first + (steps - 1) * stretch.step)
            wanted = [o for o in objectives if o.key not in failed and begins[o.key] < last]
            if wanted:
                past = poller.past(wanted, first, last, stretch.step)
                failed.update(past.lost)
                for moment in past.moments:
                    _take(poller, ledgers, wanted, moment, stretch.step)
                for objective in wanted:
                    if objective.key not in failed:
                        ledgers[objective.key].asked = last
                steps = max(1, min(MOST_STEPS, 8 * steps, MOST_SAMPLES // max(1, past.series)))
            first = last + stretch.step
    return failed


def advance(
    poller: Poller,
    ledgers: Mapping[ObjectKey, Ledger],
    objectives: Sequence[Objective],
    at: Instant,
    interval: Seconds,
) -> Mapping[ObjectKey, Missing]:
    """Feed these ledgers one more look; blocks. Returns the objectives that got no evidence."""
    moment = poller.poll(objectives, at, interval)
    _take(poller, ledgers, objectives, moment, interval)
    return {key: sample for key, sample in moment.samples.items() if isinstance(sample, Missing)}


def refine(poller: Poller, ledger: Ledger, objective: Objective, edge: Instant, interval: Seconds) -> bool:
    """Read again what came between two coarse points around a time of the past, so that it has a point; blocks.

    False where the source has nothing to say of it any more, or another thing than the ledger: then it stays coarse.
    """
    around = ledger.around(edge)
    if around is None:
        return False
    scratch = Ledger(edge - around.begin, ledger.reach, objective.slices)
    if refill(poller, {objective.key: scratch}, [objective], edge, interval):
        return False
    found = scratch.between(Span(around.begin, edge))
    return found.covered >= edge - around.begin and ledger.part(edge, found)


def _take(
    poller: Poller, ledgers: Mapping[ObjectKey, Ledger], objectives: Sequence[Objective], moment: Moment, step: Seconds
) -> None:
    """Feed one moment. Where a process started anew under its old name since the look before, the last counts of the
    one before are overwritten by now: they are read at the time of that start.
    """
    starts = {s for key, sample in moment.samples.items() for s in _restarts(ledgers[key], moment.at, sample)}
    for start in sorted(starts)[:MOST_RESTARTS]:
        look = poller.poll(objectives, start, step)
        if not _feed(ledgers, look, poller.reach(step)):
            break  # the source fails: do not wait for it again and again
    _feed(ledgers, moment, poller.reach(step))


def _feed(ledgers: Mapping[ObjectKey, Ledger], moment: Moment, reach: Seconds) -> bool:
    """Whether there was evidence of any objective."""
    found = {key: sample for key, sample in moment.samples.items() if not isinstance(sample, Missing)}
    for key, sample in found.items():
        ledgers[key].feed(moment.at, sample, reach)
    return bool(found)


def _restarts(ledger: Ledger, at: Instant, sample: Sample) -> Iterator[Instant]:
    """When targets that the ledger knows started anew since its last look, to the millisecond below."""
    if isinstance(sample, Missing) or ledger.at is None:
        return
    for target, reading in sample.items():
        if reading.started is not None and ledger.at < reading.started < at and ledger.knows(target):
            yield math.floor(reading.started * 1000) / 1000


def _begin(ledger: Ledger, until: Instant, interval: Seconds) -> Instant:
    """The time up to which nothing is to be read: the ledger has it, or it is out of the window."""
    pace = next((p for older, p in PACES if ledger.window >= older), interval)
    before = until - ledger.window - 2 * max(pace, interval)  # so that the window begins inside of what is known
    return max(x for x in (ledger.at, ledger.asked, before) if x is not None)
