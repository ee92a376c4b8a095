"""Indicators that are the value of a query, slice by slice: each slice of `every` is looked at when it ends.

A slice without a value that can be trusted is not measured: it is left out of the ledger, and asked for again until the
next one ends. Where no traffic is what the weight says, that is measured, whatever the query makes of it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final
from zlib import crc32

from holdfast.core.evidence import Missing, Why
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Gauge, Objective, ObjectKey, Proportion, Sampled
from holdfast.core.quantities import Instant

from .connection import Connection
from .plans import Silence
from .readings import MOST
from .sources import excerpt
from .stretches import FIRST_STEPS, begin, more, note
from .tenancy import confined_indicator

NEAR: Final = 1e-9
"""A share may leave 0 to 1 by so much; that is how floating point divides."""

Counted = tuple[float, float]
"""(events, bad events) of one slice."""
Problem = tuple[Why, str]
Values = Mapping[Instant, Sequence[float]]


def look(
    connection: Connection, ledgers: Mapping[ObjectKey, Ledger], objectives: Sequence[Objective], at: Instant
) -> Mapping[ObjectKey, Missing]:
    """Feed the newest slice that is over; nothing is asked where a ledger has it. Returns who got no evidence."""
    failed: dict[ObjectKey, Missing] = {}
    silence = Silence()
    for objective in _in_turn(objectives, at):
        ledger, indicator = ledgers[objective.key], sampled(connection, objective, at)
        if isinstance(indicator, Missing):
            failed[objective.key] = indicator
            continue
        end = at // indicator.every * indicator.every
        if ledger.at is not None and end <= ledger.at:
            continue
        found = silence.down or _read(connection, indicator, end, end)
        silence.hear(found if isinstance(found, Missing) else [])
        said = found if isinstance(found, Missing) else _feed(ledger, indicator, end, found)
        if said is not None:
            failed[objective.key] = said
    return failed


def refill(
    connection: Connection, ledgers: Mapping[ObjectKey, Ledger], objectives: Sequence[Objective], until: Instant
) -> Mapping[ObjectKey, Missing]:
    """Feed all slices up to `until` that these ledgers do not have. Returns those whose source failed on the way."""
    failed: dict[ObjectKey, Missing] = {}
    silence = Silence()
    for objective in _in_turn(objectives, until):
        indicator = sampled(connection, objective, until)
        if isinstance(indicator, Missing):
            failed[objective.key] = indicator
            continue
        missing = silence.down or _refill(connection, ledgers[objective.key], indicator, until)
        silence.hear(missing or [])
        if missing is not None:
            failed[objective.key] = missing
    return failed


def _in_turn(objectives: Sequence[Objective], at: Instant) -> list[Objective]:
    """In another order at every look: when two queries in a row are not answered the rest is not asked, and that must not
    be the same ones each time.
    """
    return sorted(objectives, key=lambda objective: crc32(f"{objective.key} {at}".encode()))


def sampled(connection: Connection, objective: Objective, at: Instant) -> Sampled | Missing:
    """Its indicator, held to its namespace where the source demands that; only objectives with such a one come here."""
    try:
        label = connection.source.namespace_label
        indicator = confined_indicator(objective.indicator, label, objective.key.namespace)
    except ValueError as error:
        return Missing(Why.CONTRADICTORY, at, str(error))
    assert isinstance(indicator, Sampled)  # noqa: S101 - the callers sort them
    return indicator


def _refill(connection: Connection, ledger: Ledger, indicator: Sampled, until: Instant) -> Missing | None:
    every = indicator.every
    end, steps = until // every * every, FIRST_STEPS
    first = begin(ledger, end, every) // every * every + every
    while first <= end:
        last = min(end, first + (steps - 1) * every)
        found = _read(connection, indicator, first, last)
        if isinstance(found, Missing):
            return found
        for n in range(round((last - first) / every) + 1):
            _feed(ledger, indicator, first + n * every, found)
        note(ledger, last, end)
        steps = more(steps, max(map(len, found[0].values()), default=1))
        first = last + every
    return None


def _read(connection: Connection, indicator: Sampled, first: Instant, last: Instant) -> tuple[Values, Values] | Missing:
    """The values of the query and of the weight at the end of every slice.

    One more is asked for: a range has series also where the query is a scalar, and an instant has not.
    """
    read: list[Values] = []
    for query in (indicator.query, indicator.weight if isinstance(indicator, Proportion) else None):
        answer = connection.range(query, first - indicator.every, last, indicator.every) if query is not None else []
        if isinstance(answer, Missing):
            return answer
        values: defaultdict[Instant, list[float]] = defaultdict(list)
        for series in answer:
            for at, value in series.values:
                values[at].append(value)
        read.append(values)
    doubt = connection.clocks.doubt(indicator.every + 2 * connection.source.scrape_interval)
    return doubt or (read[0], read[1])


def _feed(ledger: Ledger, indicator: Sampled, end: Instant, found: tuple[Values, Values]) -> Missing | None:
    """Add the slice that ends now, if it was measured; else say why it was not."""
    counted = judge(indicator, found[0].get(end, ()), found[1].get(end, ()))
    if isinstance(counted[0], Why):
        return Missing(counted[0], end, str(counted[1]))
    ledger.add(end, counted[0], float(counted[1]), indicator.every)
    return None


def judge(indicator: Sampled, values: Sequence[float], weights: Sequence[float]) -> Counted | Problem:
    """What one slice counts, or why it was not measured."""
    if isinstance(indicator, Gauge):
        return _gauge(indicator, values)
    total = 1.0
    if indicator.weight is not None:
        problem = _one(indicator.weight, weights)
        if problem is None and weights[0] < 0:
            problem = Why.CONTRADICTORY, f"the weight {excerpt(indicator.weight)} is negative: {weights[0]:g}"
        if problem is not None:
            return problem
        total = weights[0] * indicator.every
        if total > MOST:
            return (
                Why.CONTRADICTORY,
                f"the weight {excerpt(indicator.weight)} is no number of events a second: {weights[0]:g}",
            )
        if not total:
            return 0.0, 0.0
    problem = _one(indicator.query, values)
    if problem is not None:
        return problem
    share = values[0]
    if not -NEAR <= share <= 1 + NEAR:
        return (
            Why.CONTRADICTORY,
            f"{excerpt(indicator.query)} gives {share:g}, which is no share: it must be from 0 to 1",
        )
    share = min(1.0, max(0.0, share))
    return total, total * (1 - share if indicator.is_good else share)


def _gauge(indicator: Gauge, values: Sequence[float]) -> Counted | Problem:
    if not values:
        return Why.ABSENT, f"{excerpt(indicator.query)} gives no value; check its metric names and labels"
    if not all(map(math.isfinite, values)):
        return _no_number(indicator.query)
    bound = indicator.bound
    good = all(Fraction(v) > bound if indicator.good_above else Fraction(v) < bound for v in values)
    return 1.0, 0.0 if good else 1.0


def _one(query: str, values: Sequence[float]) -> Problem | None:
    """Why this is not the one number that it must be."""
    if not values:
        return Why.ABSENT, f"{excerpt(query)} gives no value; check its metric names and labels"
    if len(values) > 1:
        return Why.CONTRADICTORY, (
            f"{excerpt(query)} gives {len(values)} series where one is needed; aggregate them, such as with sum()"
        )
    return None if math.isfinite(values[0]) else _no_number(query)


def _no_number(query: str) -> Problem:
    return Why.CONTRADICTORY, f"{excerpt(query)} gives a value that is no number (NaN or infinite), such as of 0 / 0"
