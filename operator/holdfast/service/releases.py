"""The records of releases as they are on the server: what the watch told, what was written since, and what is to be written.

Rule: what has happened is written at once, figures that merely move seldom.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from holdfast.api import Invalid, parse_release
from holdfast.core.keeping import last_good, present
from holdfast.core.objective import Workload
from holdfast.core.quantities import Seconds
from holdfast.core.release import Readiness, ReleaseRecord, ReleaseState
from holdfast.core.request import WriteRelease

QUIET: Final[Seconds] = 10
"""Figures alone are written at most this often."""

PATIENCE: Final[Seconds] = 30
"""For so long the watch may be behind what was written."""

Body = Mapping[str, Any]

log = structlog.get_logger("holdfast.releases")

Judge = Callable[[ReleaseRecord, ReleaseRecord | None], Awaitable[Readiness]]
"""Whether a release that starts could be undone, given the last good one."""

Tell = Callable[[ReleaseRecord | None, ReleaseRecord], Awaitable[None]]


@dataclass
class _Written:
    before: ReleaseRecord | None
    after: ReleaseRecord
    at: float


@dataclass
class Releases:
    """What is known of all of them. `judge` looks at the cluster; `tell` hears of every record that was written."""

    judge: Judge
    tell: Tell
    _told: dict[str, tuple[str, ReleaseRecord | None]] = field(default_factory=dict)
    _of: dict[Workload, dict[str, ReleaseRecord]] = field(default_factory=dict)
    _written: dict[tuple[Workload, str], _Written] = field(default_factory=dict)

    def hear(self, bodies: Iterable[Body]) -> None:
        """These are all there are, as the watch tells them. One that cannot be read is none."""
        before, self._told, self._of = self._told, {}, {}
        for body in bodies:
            uid, version = body["metadata"]["uid"], body["metadata"]["resourceVersion"]
            known = before.get(uid)
            record = known[1] if known is not None and known[0] == version else _parsed(body)
            self._told[uid] = version, record
            if record is not None:
                self._of.setdefault(record.workload, {})[record.template.digest] = record
        for place, written in list(self._written.items()):
            told = self._of.get(place[0], {}).get(place[1])
            if time.monotonic() - written.at > PATIENCE or told not in (written.before, written.after):
                del self._written[place]

    def of(self, workload: Workload) -> tuple[ReleaseRecord, ...]:
        """The records of one workload."""
        known = dict(self._of.get(workload, {}))
        known |= {digest: w.after for (whose, digest), w in self._written.items() if whose == workload}
        return tuple(known.values())

    def all(self) -> dict[Workload, tuple[ReleaseRecord, ...]]:
        """Those of every workload."""
        return {workload: self.of(workload) for workload in {*self._of, *(whose for whose, _ in self._written)}}

    def declared(self) -> dict[Workload, ReleaseRecord]:
        """The release that each workload declares, as far as it is on record."""
        found = {workload: present(records) for workload, records in self.all().items()}
        return {workload: record for workload, record in found.items() if record is not None}

    async def next(self, wanted: Sequence[ReleaseRecord]) -> WriteRelease | None:
        """The first record of a workload that is to be written; None when all are as they should be."""
        workload = wanted[0].workload if wanted else None
        stored = {record.template.digest: record for record in self.of(workload)} if workload is not None else {}
        for each in wanted:
            before, record = stored.get(each.template.digest), each
            if _unjudged(each):
                record = replace(each, readiness=await self.judge(each, last_good(wanted)))
            if self._is_due(record, before):
                return WriteRelease(record, before)
        return None

    def due(self, wanted: Sequence[ReleaseRecord]) -> bool:
        """Whether one of these is to be written."""
        stored = {r.template.digest: r for record in wanted for r in self.of(record.workload)}
        return any(self._is_due(r, stored.get(r.template.digest)) or _unjudged(r) for r in wanted)

    async def wrote(self, request: WriteRelease) -> None:
        """It was carried out: remember that, and tell people."""
        record = request.record
        self._written[record.workload, record.template.digest] = _Written(request.before, record, time.monotonic())
        await self.tell(request.before, record)

    def _is_due(self, record: ReleaseRecord, before: ReleaseRecord | None) -> bool:
        if record == before:
            return False
        if before is None or _event(record) != _event(before):
            return True
        written = self._written.get((record.workload, record.template.digest))
        return written is None or time.monotonic() - written.at >= QUIET


def _parsed(body: Body) -> ReleaseRecord | None:
    try:
        return parse_release(body)
    except Invalid as error:
        log.warning("the record of a release cannot be read", name=body["metadata"]["name"], why=str(error))
        return None


def _unjudged(record: ReleaseRecord) -> bool:
    return record.state is ReleaseState.ROLLING_OUT and record.readiness is None


def _event(record: ReleaseRecord) -> object:
    """A record without the figures that move all the time."""
    findings = tuple((cost.objective, cost.finding) for cost in record.costs)
    restraint = record.restrained.reason if record.restrained is not None else None
    return replace(record, costs=(), bound="", message="", restrained=None), findings, restraint
