"""Ledgers that are not open: kept as bytes, and found again by identity.

An objective that is deleted and created anew goes on with its ledger, and so does one after a restart. One whose
indicator was changed begins anew and owes what the ledger before it covered: until it knows as much it lifts nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from holdfast.cluster.shards import Record, newest
from holdfast.core.identity import Identity, identity_of
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Objective, ObjectKey
from holdfast.core.quantities import Instant, Seconds

from .encoding import decode, encode

MOST_CLOSED: Final = 2_000
"""So many ledgers without an objective are kept; or a tenth of those with one, where that is more."""

AHEAD: Final[Seconds] = 3_600
"""A record whose evidence is from further in the future than this was written by a wrong clock."""

log = structlog.get_logger("holdfast.memory")


class Shelf:
    """The records of all ledgers that are not open. `unreadable` is told of each that makes no ledger."""

    def __init__(self, unreadable: Callable[[], object], clock: Callable[[], Instant] = time.time) -> None:
        """It is empty."""
        self._records: dict[ObjectKey, dict[Identity, Record]] = {}
        self._unreadable = unreadable
        self._clock = clock
        self.settled = False  # whether all that want their ledger back have had it

    @property
    def records(self) -> list[Record]:
        """All that are kept."""
        return [record for several in self._records.values() for record in several.values()]

    def put(self, records: Iterable[Record]) -> None:
        """Keep these; of two of one ledger the newer one."""
        for record in records:
            several = self._records.setdefault(record.identity.key, {})
            several.update(newest(several.values(), [record]))

    def open(self, objective: Objective, window: Seconds, reach: Seconds) -> tuple[Ledger, Seconds]:
        """The ledger of an objective, and how much coverage it owes to the one it had before."""
        several = self._records.get(objective.key, {})
        last = max(several.values(), key=lambda r: r.at, default=None)
        record = several.pop(identity_of(objective), None)
        ledger = self._restored(record, objective, window, reach) if record is not None else None
        owed = last.covered if last is not None else 0.0
        if ledger is not None and last is record and _covered(ledger) >= owed:
            owed = 0.0
        return ledger or Ledger(window, reach, objective.slices), owed

    def close(self, objective: Objective, ledger: Ledger, owed: Seconds) -> None:
        """Keep the ledger of an objective that is gone or counts something else now."""
        if ledger.at is not None:
            self.put([record_of(objective, ledger, owed)])

    def sweep(self, live: int) -> frozenset[Identity]:
        """Forget what nobody can ask for any more, and the oldest of too many; returns those."""
        now, limit, before = self._clock(), max(MOST_CLOSED, live // 10), self.records
        kept = sorted((r for r in before if r.until >= now), key=lambda r: r.at, reverse=True)[:limit]
        self._records = {}
        self.put(kept)
        return frozenset(r.identity for r in before) - frozenset(r.identity for r in kept)

    def _restored(self, record: Record, objective: Objective, window: Seconds, reach: Seconds) -> Ledger | None:
        if record.at > self._clock() + AHEAD:
            self._refuse(record, "its newest figures are from the future")
            return None
        try:
            return Ledger.restored(decode(record.data), window, reach, objective.slices)
        except ValueError as error:
            self._refuse(record, str(error))
            return None

    def _refuse(self, record: Record, why: str) -> None:
        self._unreadable()
        log.error("a stored ledger is lost; it is read again from its source", ledger=str(record.identity), why=why)


def record_of(objective: Objective, ledger: Ledger, owed: Seconds) -> Record:
    """What is stored of an open ledger that has evidence."""
    state, window = ledger.state(), ledger.window
    at = state.newest or 0.0
    covered = max(owed, ledger.counts(window).covered)
    return Record(identity_of(objective), at, at + window, covered, encode(state))


def _covered(ledger: Ledger) -> Seconds:
    """All that it has measured, whatever the window is now."""
    return (
        ledger.counts(ledger.at - ledger.epoch).covered if ledger.at is not None and ledger.epoch is not None else 0.0
    )
