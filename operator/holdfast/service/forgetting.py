"""Deletes the records of releases that need not be kept any longer, a few at a time.

Rule: where it is not certain what is declared or quarantined, all records stay.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import structlog

from holdfast.cluster.client import Client
from holdfast.cluster.errors import ClusterError
from holdfast.cluster.releases import forget_release
from holdfast.cluster.resources import HOLDS
from holdfast.cluster.store import Store
from holdfast.cluster.workloads import stored
from holdfast.core.course import quarantined_of
from holdfast.core.keeping import abandoned, outdated, present
from holdfast.core.objective import ObjectKey
from holdfast.core.quantities import Instant, Seconds
from holdfast.core.release import ReleaseRecord

from .releases import Releases
from .world import World

EVERY: Final[Seconds] = 60
"""It is looked for them this often."""

FEW: Final = 4
"""So many are deleted in one go: nobody waits for it."""

log = structlog.get_logger("holdfast.forgetting")


@dataclass
class Forgetting:
    """Remembers when it looked last."""

    client: Client
    store: Store
    releases: Releases
    _looked: float = float("-inf")

    async def some(self, world: World, now: Instant) -> None:
        """Delete a few, if it is time to; what cannot be deleted is left for the next time."""
        if time.monotonic() - self._looked < EVERY:
            return
        self._looked = time.monotonic()
        for record in islice(self.forgettable(world, now), FEW):
            try:
                await forget_release(self.client, record)
            except ClusterError as error:
                log.warning("the record of a release stays", release=record.name, why=str(error))
                return
            log.info("a release is forgotten", workload=str(record.workload), release=record.name)

    def forgettable(self, world: World, now: Instant) -> Iterator[ReleaseRecord]:
        """Those that need not be kept, of all workloads."""
        for workload, records in self.releases.all().items():
            there = stored(self.store, workload) is not None
            hold = world.holds.get(workload)
            known = hold is not None or self.store.get(HOLDS, ObjectKey(workload.namespace, workload.hold_name)) is None
            if not known or (there and present(records) is None):
                continue
            if there or world.within(workload) is not None:
                yield from outdated(records, now, quarantined_of(hold))
            else:
                yield from abandoned(records, now, quarantined_of(hold))
