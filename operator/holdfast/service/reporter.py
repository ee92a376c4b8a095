"""Tells people: statuses when there is news, Events when something happened, logs and counters beside them.

Everything here happens after the fact, and nothing here can stop the loop: what cannot be told is logged.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

import structlog

from holdfast.api import (
    Finding,
    Invalid,
    WorkloadState,
    adjustment_status,
    findings,
    invalid_status,
    objective_outline,
    objective_status,
    policy_status,
)
from holdfast.api.conditions import Condition, ConditionType, kept
from holdfast.cluster.act import Acting
from holdfast.cluster.client import Client
from holdfast.cluster.errors import ClusterError
from holdfast.cluster.events import Recorder, Regarding
from holdfast.cluster.resources import ADJUSTMENTS, HOLDS, OBJECTIVES, POLICIES, WORKLOADS, Body, Resource, key_of
from holdfast.cluster.store import Store
from holdfast.cluster.workloads import stored
from holdfast.core.hold import HoldRecord, Reason
from holdfast.core.judge import Standing
from holdfast.core.objective import Objective, ObjectKey, Workload
from holdfast.core.policy import Policy
from holdfast.core.quantities import Instant, Seconds
from holdfast.core.release import ReleaseRecord
from holdfast.core.remarks import Remarks
from holdfast.core.request import HOLD_LABEL

from .accounts import Accounts
from .metrics import Metrics
from .obstacles import obstacles
from .selfcheck import SelfCheck, condition
from .telling import Status, Telling, of_hold, of_objective, of_release, of_restraint, worth_writing
from .world import World

KEPT: Final[Seconds] = 3_600
"""How long a lifted Hold stays for people to read."""

PATIENCE: Final[Seconds] = 30
"""A label that no record explains is reported when it has stayed so long: both arrive by different ways."""

SIDE_BY_SIDE: Final = 16
"""Statuses that are written at once."""

Remarking = Callable[[Objective, Instant, bool], Remarks | None]
"""What is said of an objective beside its figures, on request with a forecast."""

Covered = tuple[Policy, tuple[Objective, ...], tuple[str | None, ...], list[Finding]]
"""A policy, the objectives it is for, why events of theirs are nobody's in particular, and what is worth a warning."""

Job = Callable[[], Awaitable[None]]

log = structlog.get_logger("holdfast.reporter")


@dataclass(frozen=True, slots=True)
class _Pass:
    """What the statuses of objectives are about at one moment."""

    world: World
    held: set[Workload]
    accounts: Accounts
    now: Instant
    remarks: Remarking


@dataclass
class Reporter:
    """Writes statuses and Events."""

    client: Client
    store: Store
    hands: Acting
    recorder: Recorder
    metrics: Metrics
    interval: Seconds
    selfcheck: SelfCheck
    _written: dict[str, float] = field(default_factory=dict)
    _stuck: dict[Workload, str] = field(default_factory=dict)
    _covered: dict[ObjectKey, Covered] = field(default_factory=dict)
    _unknown: dict[tuple[Workload, str], float] = field(default_factory=dict)

    async def report(
        self,
        world: World,
        standings: Mapping[ObjectKey, Standing],
        accounts: Accounts,
        now: Instant,
        remarks: Remarking,
    ) -> None:
        """Bring the statuses of everything people wrote up to date, and clear away what has been read."""
        held = {w for w, hold in world.holds.items() if hold.in_force}
        about = _Pass(world, held, accounts, now, remarks)
        news = [s for key, s in standings.items() if key in world.objectives and self._has_news(s, about)]
        news.sort(key=lambda standing: self._written.get(standing.measured.objective.uid, 0.0))
        self._covered = {key: covered for key, covered in self._covered.items() if key in world.policies}
        jobs: list[Job] = [partial(self._policy, about, key) for key in world.policies]
        jobs += [partial(self._adjustment, world, key, now) for key in world.adjustments]
        for kind, errors in (
            (OBJECTIVES, world.invalid_objectives),
            (POLICIES, world.invalid_policies),
            (ADJUSTMENTS, world.invalid_adjustments),
        ):
            jobs += [partial(self._invalid, kind, key, error, now) for key, error in errors.items()]
        jobs += [partial(self._retire, hold, now) for hold in world.holds.values()]
        jobs.append(partial(self._unknown_labels, world))
        jobs += [partial(self._objective, standing, about) for standing in news]
        waiting, end = iter(jobs), time.monotonic() + self.interval

        async def some() -> None:
            for job in waiting:
                await job()
                if time.monotonic() > end:
                    return  # the next pass tells the rest: nobody is judged later because much is to be told

        await asyncio.gather(*(some() for _ in range(SIDE_BY_SIDE)))

    async def hold_written(self, before: HoldRecord | None, after: HoldRecord) -> None:
        """A record was written: tell what it means, on the workload and on its Hold."""
        telling = of_hold(before, after)
        if telling is None:
            return
        self.metrics.transitions.labels(telling.action, telling.reason).inc()
        if telling.action == "Undo" and after.undo is not None:
            self.metrics.rollbacks.labels(after.undo.state).inc()
        log.info("hold", action=telling.action, reason=telling.reason, workload=str(after.workload), note=telling.note)
        await self._event(WORKLOADS[after.workload.kind], stored(self.store, after.workload), telling)
        hold = ObjectKey(after.workload.namespace, after.workload.hold_name)
        await self._event(HOLDS, self.store.get(HOLDS, hold), telling)

    async def release_written(self, before: ReleaseRecord | None, after: ReleaseRecord) -> None:
        """The record of a release was written: tell what was found of it, on the workload."""
        for telling in filter(None, (of_release(before, after), of_restraint(before, after))):
            log.warning("release", reason=telling.reason, workload=str(after.workload), note=telling.note)
            await self._event(WORKLOADS[after.workload.kind], stored(self.store, after.workload), telling)

    async def stuck(self, workload: Workload, why: str) -> None:
        """Something stands in the way of a workload; told once per reason."""
        if self._stuck.get(workload) == why:
            return
        self._stuck[workload] = why
        log.error("cannot act", workload=str(workload), why=why)
        note = f"{workload} could not be brought where the policy wants it; it is tried again. {why}"
        telling = Telling(True, Reason.REQUEST_REFUSED, "Act", note)
        await self._event(WORKLOADS[workload.kind], stored(self.store, workload), telling)

    def unstuck(self, workload: Workload) -> None:
        """It works again."""
        if self._stuck.pop(workload, None) is not None:
            log.info("acting works again", workload=str(workload))

    def _has_news(self, standing: Standing, about: _Pass) -> bool:
        """Whether the status of an objective is worth writing."""
        objective = standing.measured.objective
        body = self.store.get(OBJECTIVES, objective.key)
        if body is None:
            return False
        before = body.get("status") or {}
        if before.get("observedGeneration") == objective.generation and about.accounts.waiting(objective):
            return False  # a restart is no news
        states = {w: self._state(w, about.held) for w in objective.workloads}
        found = tuple(obstacles(objective, about.world, states, about.accounts.sources, self.interval))
        checked = self._checked(objective.key, before)
        after = objective_outline(standing, states, found, about.remarks(objective, about.now, False), extra=checked)
        waited = time.monotonic() - self._written.get(body["metadata"]["uid"], float("-inf"))
        return worth_writing(before, after, waited, objective.window.longest)

    async def _objective(self, standing: Standing, about: _Pass) -> None:
        objective = standing.measured.objective
        body = self.store.get(OBJECTIVES, objective.key)
        if body is None:
            return
        before = body.get("status") or {}
        states = {w: self._state(w, about.held) for w in objective.workloads}
        found = tuple(obstacles(objective, about.world, states, about.accounts.sources, self.interval))
        said = about.remarks(objective, about.now, True)
        checked = self._checked(objective.key, before)
        after = objective_status(standing, states, found, said, extra=checked, now=about.now, before=before)
        if await self._write(OBJECTIVES, body, after):
            telling = of_objective(before, standing)
            if telling is not None:
                log.info("verdict", objective=str(objective.key), note=telling.note)
                await self._event(OBJECTIVES, body, telling)

    def _checked(self, key: ObjectKey, before: Status) -> tuple[Condition, ...]:
        """What the self-check said last, before a restart too."""
        result = self.selfcheck.results.get(key)
        said = condition(result) if result is not None else kept(before, ConditionType.LEDGER_CHECKED)
        return (said,) if said is not None else ()

    def _state(self, workload: Workload, held: set[Workload]) -> WorkloadState:
        if stored(self.store, workload) is None:
            return WorkloadState.MISSING
        return WorkloadState.HELD if workload in held else WorkloadState.FREE

    async def _policy(self, about: _Pass, key: ObjectKey) -> None:
        policy, body = about.world.policies[key], self.store.get(POLICIES, key)
        if body is None:
            return
        covered = about.world.covered_by(policy)
        of_releases = any(rule.on_releases for rule in policy.rules)
        whys = tuple(about.accounts.unattributable(o.key) if of_releases else None for o in covered)
        known = self._covered.get(key)
        if known is None or known[0] is not policy or known[1:3] != (covered, whys):
            each = (findings(o, (policy,), self.interval, why) for o, why in zip(covered, whys, strict=True))
            known = self._covered[key] = policy, covered, whys, [f for found in each for f in found]
        before: Status = body.get("status") or {}
        after: Status = policy_status(policy, covered, known[3], now=about.now, before=before)
        if worth_writing(before, after, 0, 1):
            await self._write(POLICIES, body, after)

    async def _adjustment(self, world: World, key: ObjectKey, now: Instant) -> None:
        adjustment, body = world.adjustments[key], self.store.get(ADJUSTMENTS, key)
        if body is None:
            return
        covered = world.covered_by(adjustment)
        before: Status = body.get("status") or {}
        after: Status = adjustment_status(adjustment, covered, now=now, before=before)
        if worth_writing(before, after, 0, 1):
            await self._write(ADJUSTMENTS, body, after)

    async def _invalid(self, kind: Resource, key: ObjectKey, error: Invalid, now: Instant) -> None:
        body = self.store.get(kind, key)
        if body is None:
            return
        before: Status = body.get("status") or {}
        after = invalid_status(error, body["metadata"].get("generation", 0), now=now, before=before)
        if worth_writing(before, after, 0, 1):
            log.warning("invalid", kind=kind.kind, object=str(key), problems=[str(p) for p in error.errors])
            await self._write(kind, body, after)

    async def _retire(self, hold: HoldRecord, now: Instant) -> None:
        """Remove a lifted Hold that has been there long enough and remembers nothing that still matters."""
        last = hold.history[-1].at if hold.history else hold.since
        if not hold.in_force and not hold.worn and not hold.quarantined and now - last > KEPT:
            try:
                await self.hands.forget(hold.workload)
            except ClusterError as error:
                log.warning("a lifted Hold stays", workload=str(hold.workload), why=str(error))

    async def _unknown_labels(self, world: World) -> None:
        """A hold label that no record explains stays closed, and is reported: never fought, never opened."""
        found = {}
        for kind, body in ((each, body) for each in WORKLOADS.values() for body in self.store.all(each)):
            label = (body["metadata"].get("labels") or {}).get(HOLD_LABEL)
            if label is None:
                continue
            key = key_of(body)
            workload = Workload(key.namespace, kind.kind, key.name)
            hold = world.holds.get(workload)
            if hold is None or not hold.in_force:
                found[workload, label] = self._unknown.get((workload, label), time.monotonic())
        for (workload, label), since in found.items():
            if time.monotonic() - since > PATIENCE and self._unknown.get((workload, label)) != float("-inf"):
                note = (
                    f"{workload} carries the hold label {label}, and no Hold explains it: it stays closed. "
                    "`holdfast lift --all` takes such labels off."
                )
                log.warning("unknown hold", workload=str(workload), label=label)
                telling = Telling(True, Reason.UNKNOWN_HOLD, "Report", note)
                await self._event(WORKLOADS[workload.kind], stored(self.store, workload), telling)
                found[workload, label] = float("-inf")
        self._unknown = found

    async def _write(self, kind: Resource, body: Body, status: Mapping[str, Any]) -> bool:
        key = key_of(body)
        try:
            written = await self.client.apply_status(kind, key.namespace, key.name, status)
        except ClusterError as error:
            log.warning("a status is not written", kind=kind.kind, object=str(key), why=str(error))
            return False
        self.store.put(kind, written)
        self._written[body["metadata"]["uid"]] = time.monotonic()
        return True

    async def _event(self, kind: Resource, body: Body | None, telling: Telling) -> None:
        if body is not None:
            severity: Literal["Normal", "Warning"] = "Warning" if telling.warning else "Normal"
            await self.recorder.record(Regarding.of(kind, body), severity, telling.reason, telling.note, telling.action)
