"""Fills ledgers from the past, oldest first, and feeds them the present.

A ledger that has evidence already is filled from there on: that is also how an outage heals. Every look goes through
`Ledger.feed`, which takes each time once, so parts that overlap count nothing twice.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from holdfast.core.evidence import Missing
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Counted, Objective, ObjectKey, Sampled
from holdfast.core.quantities import Instant, Seconds, Span

from . import sampled
from .poller import Moment, Poller
from .readings import Sample
from .stretches import FIRST_STEPS, PACES, Paces, begin, more, note, stretches

MOST_RESTARTS: Final = 50
"""Looks between two steps, at the starts of processes. Beyond it the last counts of the processes before are lost."""


def refill(
    poller: Poller,
    ledgers: Mapping[ObjectKey, Ledger],
    objectives: Sequence[Objective],
    until: Instant,
    interval: Seconds,
    paces: Paces = PACES,
) -> Mapping[ObjectKey, Missing]:
    """Feed these ledgers everything up to `until` that they do not have; blocks.

    `until` is a time of the grid. Returns the objectives whose source failed on the way; they keep what they got, and
    another call goes on from there. Times at which an objective has no evidence are left out of its ledger.
    """
    failed: dict[ObjectKey, Missing] = {}
    alike: defaultdict[Seconds | None, list[Objective]] = defaultdict(list)
    for objective in objectives:
        if isinstance(objective.indicator, Counted):
            alike[objective.slices.length if objective.slices is not None else None].append(objective)
    for length, group in alike.items():
        failed.update(_refill(poller, ledgers, group, until, (interval, length, paces)))
    others = [o for o in objectives if isinstance(o.indicator, Sampled)]
    return failed | dict(sampled.refill(poller.connection, ledgers, others, until))


def _refill(
    poller: Poller,
    ledgers: Mapping[ObjectKey, Ledger],
    objectives: Sequence[Objective],
    until: Instant,
    pace: tuple[Seconds, Seconds | None, Paces],
) -> Mapping[ObjectKey, Missing]:
    """The same for counters that are read alike: the interval, the length of their slices of time, and the paces."""
    begins = {o.key: begin(ledgers[o.key], until, pace[0]) for o in objectives}
    failed: dict[ObjectKey, Missing] = {}
    steps = FIRST_STEPS
    for stretch in stretches(min(begins.values(), default=until), until, *pace):
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
                        note(ledgers[objective.key], last, until)
                steps = more(steps, past.series)
            first = last + stretch.step
    return failed


def advance(
    poller: Poller,
    ledgers: Mapping[ObjectKey, Ledger],
    objectives: Sequence[Objective],
    at: Instant,
    interval: Seconds,
) -> Mapping[ObjectKey, Missing]:
    """Feed these ledgers one more look; blocks. Returns the objectives that got no evidence.

    A look past a gap would close it: where the refill that came before had no evidence of this very time, the source is
    of two minds, and the next refill reads the gap.
    """
    counted = [o for o in objectives if isinstance(o.indicator, Counted)]
    moment = poller.poll(counted, at, interval)
    read = [o for o in counted if not _unread(ledgers[o.key], at, interval)]
    seen = Moment(at, {o.key: moment.samples[o.key] for o in read})
    _take(poller, ledgers, read, seen, interval)
    failed = {key: sample for key, sample in moment.samples.items() if isinstance(sample, Missing)}
    others = [o for o in objectives if isinstance(o.indicator, Sampled)]
    return failed | dict(sampled.look(poller.connection, ledgers, others, at))


def _unread(ledger: Ledger, at: Instant, interval: Seconds) -> bool:
    """Whether a part of the past was asked for, and gave no evidence up to now."""
    return ledger.asked is not None and max(ledger.asked, ledger.at or 0.0) < at - 1.5 * interval


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
