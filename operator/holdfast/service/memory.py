"""When ledgers are stored, and when they are read: seldom, and before anything is opened or judged.

A ledger is stored when its evidence is fresh; one that is blind or lags behind keeps the last good copy in the store.
What cannot be read or stored is told, and costs nothing but the memory: the past is read again from its source.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from holdfast.cluster.checkpoints import Checkpoints
from holdfast.cluster.errors import ClusterError, Unreachable
from holdfast.cluster.shards import Record, shard_of
from holdfast.core.identity import Identity, identity_of
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Objective
from holdfast.core.quantities import Instant, Seconds

from .metrics import Metrics
from .shelf import Shelf, record_of

EVERY: Final[Seconds] = 900
"""How often each shard is stored."""

TURN: Final[Seconds] = 5
"""How often it is asked whether a shard is due."""

WAIT: Final[Seconds] = 60
"""After a failure nothing is stored for so long."""

LAST: Final[Seconds] = 15
"""How long storing may take when the operator stops: half of the time that Kubernetes gives by default."""

log = structlog.get_logger("holdfast.memory")


@dataclass(frozen=True, slots=True)
class Open:
    """A ledger that is in use, what it owes, and whether its evidence is fresh."""

    objective: Objective
    ledger: Ledger
    owed: Seconds
    fresh: bool


class Memory:
    """Ledgers beyond the life of the process. `live` lists those that are open now."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        live: Callable[[Instant], Iterable[Open]],
        shelf: Shelf,
        metrics: Metrics,
        clock: Callable[[], Instant] = time.time,
    ) -> None:
        """Nothing is read yet."""
        self._checkpoints = checkpoints
        self._live = live
        self._shelf = shelf
        self._metrics = metrics
        self._clock = clock
        self._stored: dict[Identity, Instant] = {}  # how new the copy in the store is
        self._forgotten: set[Identity] = set()
        self._tidy = True
        self._written: dict[int, Instant] = {}
        self._began = clock()
        metrics.checkpoint_age.set_function(lambda: self._clock() - self._oldest)

    async def load(self) -> bool:
        """Read everything that is stored; False when the API server cannot be reached: try again."""
        began = time.monotonic()
        try:
            found = await self._checkpoints.read()
        except Unreachable as error:
            log.warning("the checkpoint cannot be read yet", why=str(error))
            return False
        except ClusterError as error:
            self._fail("read", "the checkpoint cannot be read; the past is read from its sources", str(error))
            return True
        for problem in found.problems:
            self._fail("read", "a shard is lost; its ledgers are read again from their sources", problem)
        self._shelf.put(found.records.values())
        self._stored = {identity: record.at for identity, record in found.records.items()}
        self._tidy = found.tidy
        self._count()
        took, shards = time.monotonic() - began, len(self._checkpoints.sizes)
        log.info("restored", ledgers=len(found.records), shards=shards, seconds=round(took, 2))
        return True

    async def run(self) -> None:
        """Store each shard in its turn, until cancelled."""
        before = self._clock()
        while True:
            await asyncio.sleep(TURN)
            now = self._clock()
            due = [p for p in range(self._checkpoints.shards) if self._turn(p, now) != self._turn(p, before)]
            before = now
            if not await self.store(due):
                await asyncio.sleep(WAIT)
                before -= WAIT + EVERY  # all of them are due

    async def stop(self) -> None:
        """Store what is newer than its copy, as far as the time allows; those that wait for longest first."""
        places = sorted(range(self._checkpoints.shards), key=lambda p: self._written.get(p, self._began))
        try:
            async with asyncio.timeout(LAST):
                await self.store(places)
        except TimeoutError:
            log.warning("not all ledgers were stored in time; the rest is read again from its source")

    async def store(self, places: Iterable[int]) -> bool:
        """Store what has changed in these shards; False when the API server would not have it."""
        self._forget()
        try:
            for place in places:
                await self._store(place)
        except ClusterError as error:
            self._fail("write", "ledgers are not stored", str(error))
            return False
        return True

    async def _store(self, place: int) -> None:
        changed = await self._changed([place])
        if not self._tidy:
            await self._spread()
        elif changed:
            with self._metrics.checkpoint_seconds.time():
                whole = await self._checkpoints.write(place, changed, self._keep)
            if whole:
                self._note(changed)
            else:
                await self._spread()
        self._written[place] = self._clock()
        self._count()

    async def _spread(self) -> None:
        """All shards anew, in another number."""
        changed = await self._changed(range(self._checkpoints.shards))
        self._too_large(await self._checkpoints.spread(changed, self._keep))
        self._tidy = True
        self._note(changed)
        log.info("ledgers are spread", shards=self._checkpoints.shards)

    async def _changed(self, places: Container[int]) -> list[Record]:
        """The records in these shards that are newer than what is stored. Packing them is work for another thread."""
        shards = self._checkpoints.shards
        live = [one for one in self._live(self._clock()) if shard_of(one.objective.key, shards) in places]
        closed = [r for r in self._shelf.records if shard_of(r.identity.key, shards) in places]
        packed = await asyncio.to_thread(self._packed, [one for one in live if one.fresh and self._newer(one)])
        changed = packed + [r for r in closed if r.at > self._stored.get(r.identity, float("-inf"))]
        large = [r for r in changed if not r.fits]
        self._too_large(large)
        self._note(large)
        return [r for r in changed if r.fits]

    def _packed(self, live: Iterable[Open]) -> list[Record]:
        found = []
        for one in live:
            try:
                found.append(record_of(one.objective, one.ledger, one.owed))
            except ValueError as error:
                self._fail("write", "a ledger cannot be stored", f"{one.objective.key}: {error}")
        return found

    def _newer(self, one: Open) -> bool:
        return (one.ledger.at or 0.0) > self._stored.get(identity_of(one.objective), 0.0)

    def _forget(self) -> None:
        if not self._shelf.settled:
            return  # nobody has had the time to ask for what is there
        open_now = {identity_of(one.objective) for one in self._live(self._clock())}
        self._forgotten |= self._shelf.sweep(len(open_now))
        self._forgotten -= open_now

    def _keep(self, record: Record) -> bool:
        return record.identity not in self._forgotten

    def _note(self, records: Iterable[Record]) -> None:
        self._stored |= {record.identity: record.at for record in records}

    def _turn(self, place: int, now: Instant) -> float:
        """Turns of a shard since the epoch: the shards take theirs one after the other, whenever the process began."""
        return (now - place * EVERY / self._checkpoints.shards) // EVERY

    @property
    def _oldest(self) -> Instant:
        return min((self._written.get(p, self._began) for p in range(self._checkpoints.shards)), default=self._began)

    def _too_large(self, records: Iterable[Record]) -> None:
        for record in records:
            self._fail("write", "a ledger is too large to be stored", f"{record.identity}: {record.size} bytes")

    def _count(self) -> None:
        self._metrics.checkpoint_bytes.set(sum(self._checkpoints.sizes.values()))

    def _fail(self, doing: str, what: str, why: str) -> None:
        self._metrics.checkpoint_errors.labels(doing).inc()
        log.error(what, why=why)
