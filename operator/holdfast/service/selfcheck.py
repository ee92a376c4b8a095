"""Once a day each ledger is compared with what its source makes of the same day. It tells, and never acts.

Each source has its own time of the day, so that not all are asked at once. A ledger is first compared when it has been
kept, or could be filled, for a whole day.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from zlib import crc32

import structlog

from holdfast.api.conditions import Condition, ConditionReason, ConditionType
from holdfast.core.drift import BOUND, DAY, Compared
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Counted, Objective, ObjectKey
from holdfast.core.quantities import Instant, Span, spell_instant
from holdfast.prometheus.connection import Connection
from holdfast.prometheus.families import TOTAL
from holdfast.prometheus.selfcheck import increases
from holdfast.prometheus.sources import Source

MEASURED: Final = 0.98
"""A ledger that knows less of the day than this is not compared."""

Kept = Sequence[tuple[Objective, Ledger]]

log = structlog.get_logger("holdfast.selfcheck")


class SelfCheck:
    """What the last comparison of each ledger said."""

    def __init__(self, sources: Iterable[Source], now: Instant) -> None:
        """Nothing has been compared yet; the first comparison of each source is at its time of the day."""
        self.results: dict[ObjectKey, Compared] = {}
        self._connections = {source.name: Connection(source) for source in sources}
        self._next = {name: due(name, now) for name in self._connections}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="selfcheck")
        self._running: asyncio.Task[None] | None = None

    def wake(self, kept: Kept, now: Instant) -> None:
        """Begin to compare, beside everything else, where it is time; `kept` are all ledgers that are up to date."""
        keys = {objective.key for objective, _ in kept}
        self.results = {key: result for key, result in self.results.items() if key in keys}
        names = [name for name, at in self._next.items() if now >= at]
        if not names or (self._running is not None and not self._running.done()):
            return
        for name in names:
            self._next[name] = due(name, now)
        self._running = asyncio.create_task(self._compare(kept, names))

    async def close(self) -> None:
        """Compare nothing more; a query under way ends by its time-out."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for connection in self._connections.values():
            connection.close()
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running

    async def _compare(self, kept: Kept, names: Collection[str]) -> None:
        running = asyncio.get_running_loop()
        for name in names:
            mine = [(objective, ledger) for objective, ledger in kept if objective.source == name]
            found = await running.run_in_executor(self._pool, compare, self._connections[name], mine)
            for key, result in found.items():
                self.results[key] = result
                if not result.agrees:
                    log.warning("ledger drifts", objective=str(key), note=sentence(result))
            log.info("self-check", source=name, compared=len(found))


def due(source: str, now: Instant) -> Instant:
    """The next time of the day that is this source's."""
    time = crc32(source.encode()) % DAY
    day = now // DAY * DAY
    return day + time if day + time > now else day + DAY + time


def compare(connection: Connection, kept: Kept) -> Mapping[ObjectKey, Compared]:
    """One comparison for each ledger that counts events and knows the whole day; blocks."""
    able: list[tuple[Objective, float]] = []
    at = min((ledger.at for _, ledger in kept if ledger.at is not None), default=None)
    if at is None:
        return {}
    for objective, ledger in kept:
        counts = ledger.between(Span(at - DAY, at))
        counted = isinstance(objective.indicator, Counted) and objective.slices is None
        if counted and counts.covered >= MEASURED * DAY:
            able.append((objective, counts.total))
    found = increases(connection, [objective for objective, _ in able], at, DAY, (TOTAL,)) if able else {}
    return {
        objective.key: Compared(at, total, found[objective.key][TOTAL])
        for objective, total in able
        if objective.key in found
    }


def sentence(result: Compared) -> str:
    """Both figures and what they may mean."""
    both = (
        f"Of the day up to {spell_instant(result.at)} the ledger has {result.counted:,.0f} events, "
        f"and increase() at the source {result.increase:,.0f}"
    )
    if result.few:
        return f"{both}: too few to compare."
    if result.agrees:
        return f"{both}: they agree within {BOUND * 100:.0f} %."
    if result.counted > result.increase:
        why = "pods that live shortly, whose first requests increase() never sees; or counters that are shown twice"
    else:
        why = "counters that started again unseen, or series that the source shows twice (replicas, renamed jobs)"
    return f"{both}: they differ by more than {BOUND * 100:.0f} %. It may be {why}. Nothing is done about it."


def condition(result: Compared) -> Condition:
    """The condition of an objective that has been compared."""
    reason = ConditionReason.AGREES if result.agrees else ConditionReason.DRIFTS
    return Condition(ConditionType.LEDGER_CHECKED, result.agrees, reason, sentence(result))
