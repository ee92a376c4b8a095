"""Asks one metrics source for the accounts that use it, in a thread of its own, so that a dead one delays nobody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import structlog

from holdfast.core.effects import coarse_edges
from holdfast.core.evidence import Missing, Why
from holdfast.core.objective import ObjectKey
from holdfast.core.quantities import Instant, Seconds, format_instant
from holdfast.prometheus.poller import MOST_OF_THE_PAST, Poller, grid_time
from holdfast.prometheus.refill import advance, refill, refine
from holdfast.prometheus.sources import Source
from holdfast.prometheus.starts import StartsOf

from .account import Account
from .metrics import Metrics

S = TypeVar("S")
T = TypeVar("T")

CUTS: Final = 8
"""Edges of the past that are read again in one look, each with a few queries."""

Work = Callable[[Sequence[Account], Instant], Mapping[ObjectKey, Missing]]
"""Asks for some accounts, and returns those that got nothing; blocks."""

log = structlog.get_logger("holdfast.asking")


class Asking:
    """One source, and who asks it."""

    def __init__(self, source: Source, interval: Seconds, metrics: Metrics, starts_of: StartsOf | None = None) -> None:
        """Nothing is asked yet."""
        self.source = source
        self._interval = interval
        self._metrics = metrics
        self._poller = Poller(source, starts_of)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"look-{source.name}")

    def close(self) -> None:
        """Ask nothing more; queries under way end by their time-out."""
        self._poller.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    @property
    def reach(self) -> Seconds:
        """How long the last value of a target that has gone stays readable."""
        return self._poller.reach(self._interval)

    def pause(self, now: Instant) -> Seconds:
        """How long until the scrapes of the next step of the grid have arrived."""
        delay = self.source.delay
        return max(0.01, grid_time(now, self._interval, delay) + self._interval + delay - now)

    def startless(self, account: Account) -> int:
        """How many of its targets have no known start: what a new one counts before it is first seen is not counted."""
        return self._poller.startless.get(account.objective.key, 0)

    async def look(self, accounts: Iterable[Account], now: Instant) -> None:
        """Bring these accounts up to the newest time of the source's grid."""
        at = grid_time(now, self._interval, self.source.delay)
        due = [a for a in accounts if (a.ledger.at or 0) < at and self.source.allows(a.objective.key.namespace)]
        began = time.monotonic()
        behind = [a for a in due if self._is_behind(a, at)]
        failed = await self._rounds(self._refill, self._poller.rounds(behind, MOST_OF_THE_PAST), at)
        # a look past a gap that was not read would close it: what happened in it could never be counted
        abreast = [a for a in due if a.filled and (a.ledger.at or 0) < at and a.objective.key not in failed]
        await self._rounds(self._poll, self._poller.rounds(abreast), at)
        uncut = self._uncut(due, at)
        if uncut:
            await self._run(self._cut, uncut, at)
        if due:
            self._metrics.look_seconds.labels(self.source.name).observe(time.monotonic() - began)
            self._metrics.clock_skew.labels(self.source.name).set(self._poller.clocks.skew)
            if self._poller.pace.seen is not None:
                self._metrics.scrape_interval.labels(self.source.name).set(self._poller.pace.seen)

    def _is_behind(self, account: Account, at: Instant) -> bool:
        """Whether more than the newest look is missing."""
        newest = account.ledger.at
        return not account.filled or newest is None or at - newest > 1.5 * account.objective.pace(self._interval)

    async def _run(self, work: Callable[[Sequence[S], Instant], T], some: Sequence[S], at: Instant) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, some, at)

    async def _rounds(
        self, work: Work, rounds: Iterable[Sequence[Account]], at: Instant
    ) -> Mapping[ObjectKey, Missing]:
        """Do this round by round; returns those that got nothing. A source that did not answer anything for one round is
        not asked for the next: each would wait as long, for nothing.
        """
        failed: dict[ObjectKey, Missing] = {}
        down: Missing | None = None
        for some in rounds:
            if down is None:
                said = await self._run(work, some, at)
                failed |= said
                down = _silence(said, len(some))
                continue
            for account in some:
                failed[account.objective.key] = down
                self._note(account, down)
        return failed

    def _refill(self, accounts: Sequence[Account], until: Instant) -> Mapping[ObjectKey, Missing]:
        """The past of new accounts, and the gaps of those that lag behind; returns those it could not be read for."""
        ledgers = {a.objective.key: a.ledger for a in accounts}
        failed = refill(self._poller, ledgers, [a.objective for a in accounts], until, self._interval)
        for account in accounts:
            missing = failed.get(account.objective.key)
            if missing is None:
                account.filled = account.asked = True
                if not self._is_behind(account, until):
                    self._note(account, None)
            else:
                self._note(account, missing)
        return failed

    def _poll(self, accounts: Sequence[Account], at: Instant) -> Mapping[ObjectKey, Missing]:
        """One more look for the accounts that are up to date."""
        ledgers = {a.objective.key: a.ledger for a in accounts}
        failed = advance(self._poller, ledgers, [a.objective for a in accounts], at, self._interval)
        for account in accounts:
            self._note(account, failed.get(account.objective.key))
        return failed

    def _uncut(self, accounts: Iterable[Account], at: Instant) -> list[tuple[Account, Instant]]:
        """Some edges of adjustments and of calendar periods that lie in a past that has grown coarse; each is tried once."""
        found: list[tuple[Account, Instant]] = []
        for account in accounts:
            pins = account.ledger.pins
            if not account.filled or account.cut is pins or len(found) >= CUTS:
                continue
            account.tried &= set(pins)
            coarse = coarse_edges(account.ledger, pins, self._interval)
            left = [edge for edge in coarse if edge < at and edge not in account.tried]
            if not left:
                account.cut = pins
            found += [(account, edge) for edge in left]
        return found[:CUTS]

    def _cut(self, edges: Sequence[tuple[Account, Instant]], at: Instant) -> None:  # noqa: ARG002 - as other work
        """Give them points of their own."""
        for account, edge in edges:
            account.tried.add(edge)
            if refine(self._poller, account.ledger, account.objective, edge, self._interval):
                log.info("past read again", objective=str(account.objective.key), at=format_instant(edge))

    def _note(self, account: Account, missing: Missing | None) -> None:
        if missing is not None:
            self._metrics.misses.labels(missing.why).inc()
        account.note(missing)


def _silence(said: Mapping[ObjectKey, Missing], asked: int) -> Missing | None:
    """What a source that answered nothing at all said last; None when it answered something."""
    silent = len(said) == asked and all(missing.why is Why.UNREACHABLE for missing in said.values())
    return list(said.values())[-1] if silent else None
