"""The remaining budget of some objectives at some moments, by every method there is, from one Prometheus.

Rule: every method gets the same samples. Holdfast's figures come from its own poller, refill and ledger; those of recording
rules from Prometheus.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from bench.designs import DESIGNS, answers
from bench.frame import BenchError, Say
from bench.making import TARGET
from holdfast.core.budget import measure
from holdfast.core.evidence import Missing
from holdfast.core.ledger import Ledger
from holdfast.core.objective import BadOverTotal, Objective, ObjectKey
from holdfast.prometheus.poller import Moment, Poller
from holdfast.prometheus.refill import advance, refill
from holdfast.prometheus.sources import Source
from lab.prometheus import Prometheus

WATCHED: Final = "Holdfast, watched"
REFILLED: Final = "Holdfast, refilled"
METHODS: Final = (WATCHED, REFILLED, *DESIGNS)

WINDOW: Final = 28 * 86_400.0
WATCHING: Final = 60.0  # seconds between two looks of the ledgers that watch: a month of looks must fit into minutes
SHIPPED: Final = 15.0  # seconds between two looks as the chart ships, for the refill
AHEAD: Final = 1_000  # looks that are asked for at once
LIVE: Final = 6 * 3_600.0  # seconds at the end in which looks are taken one by one
RULES_EVERY: Final = "1m"  # evaluation of recording rules, Prometheus's default

Remaining = dict[tuple[ObjectKey, float], float]
"""Share of the budget that remains, by objective and moment. What has no answer is not in it."""


class Ahead(Poller):
    """Takes many looks at once by a range query, as the refill does; a poller gives the same either way."""

    def __init__(self, source: Source, until: float) -> None:
        """Looks later than `until` are taken one by one, and those between two steps (at the restart of a process)."""
        super().__init__(source)
        self._until = until
        self._known: dict[float, Moment] = {}
        self._asked = -math.inf

    def poll(self, objectives: Sequence[Objective], at: float, step: float) -> Moment:
        """One look."""
        if self._asked < at <= self._until and at % step == 0:
            last = min(self._until, at + (AHEAD - 1) * step)
            past = self.past(objectives, at, last, step)
            for missing in past.lost.values():
                raise BenchError(f"The past cannot be read: {missing.note}.")
            self._known, self._asked = {moment.at: moment for moment in past.moments}, last
        return self._known.get(at) or super().poll(objectives, at, step)


def watched(
    source: Source, objectives: Sequence[Objective], epoch: float, moments: Sequence[float], say: Say
) -> Remaining:
    """By ledgers that looked all the time, from the epoch on."""
    poller = Ahead(source, moments[-1] - LIVE)
    ledgers = _ledgers(objectives, poller, WATCHING)
    found: Remaining = {}
    at = epoch
    for moment in moments:
        say(f"watching until day {(moment - epoch) / 86_400:.1f}")
        while at < moment:
            at += WATCHING
            advance(poller, ledgers, objectives, at, WATCHING)
        found |= _remaining(objectives, ledgers, moment)
    return found


def refilled(source: Source, objectives: Sequence[Objective], moments: Sequence[float], say: Say) -> Remaining:
    """By ledgers that a restart emptied just before each moment, so that all is read again in coarse steps."""
    found: Remaining = {}
    for place, moment in enumerate(moments):
        say(f"refilling {place + 1} of {len(moments)}")
        poller = Poller(source)
        ledgers = _ledgers(objectives, poller, SHIPPED)
        lost: Mapping[ObjectKey, Missing] = refill(poller, ledgers, objectives, moment, SHIPPED)
        for missing in lost.values():
            raise BenchError(f"The past cannot be read: {missing.note}.")
        found |= _remaining(objectives, ledgers, moment)
    return found


def by_rules(
    prometheus: Prometheus, asked: Mapping[ObjectKey, BadOverTotal], moments: Sequence[float], say: Say
) -> dict[str, Remaining]:
    """By each of the designs; the moments lie a fixed step apart."""
    found: dict[str, Remaining] = {name: {} for name in DESIGNS}
    step = moments[1] - moments[0]
    for place, (key, indicator) in enumerate(asked.items()):
        say(f"recording rules of {key.name}, {place + 1} of {len(asked)}")
        for name, expression in answers(indicator, f"{WINDOW / 86_400:g}d", RULES_EVERY).items():
            for series in prometheus.query_range(expression, moments[0], moments[-1], step):
                for at, share in series["values"]:
                    if math.isfinite(float(share)):
                        found[name][key, float(at)] = 1 - float(share) / float(1 - TARGET)
    return found


def _ledgers(objectives: Sequence[Objective], poller: Poller, interval: float) -> dict[ObjectKey, Ledger]:
    return {o.key: Ledger(WINDOW, poller.reach(interval)) for o in objectives}


def _remaining(objectives: Sequence[Objective], ledgers: Mapping[ObjectKey, Ledger], moment: float) -> Remaining:
    found: Remaining = {}
    for objective in objectives:
        measured = measure(objective, ledgers[objective.key], None, (), moment)
        if ledgers[objective.key].at == moment:
            found[objective.key, moment] = float(measured.budget.remaining)
    return found
