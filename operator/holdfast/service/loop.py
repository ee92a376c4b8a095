"""The loop: measure → judge → act → tell, one pass at every step of the grid and whenever somebody changed something.

Two tasks and one direction: the first asks the metrics sources, the second judges, acts and tells. A slow source
delays nobody but itself, and a person who breaks the glass is heard at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from holdfast.api import Invalid
from holdfast.cluster.errors import ClusterError
from holdfast.cluster.resources import DEPLOYMENTS, HOLDS, OBJECTIVES, POLICIES, Resource
from holdfast.cluster.store import Store
from holdfast.core.decide import Decision, Observed, decide, remembered
from holdfast.core.hold import CauseKey, HoldRecord
from holdfast.core.judge import Standing, findings
from holdfast.core.kinds.deployment import Deployment, step
from holdfast.core.objective import Objective, ObjectKey, Workload
from holdfast.core.quantities import Instant, Seconds
from holdfast.core.request import HOLD_LABEL, OVERRIDE_LABEL, Done

from .accounts import Accounts
from .acting import Hands, Think, bring
from .metrics import Metrics
from .reporter import Reporter
from .switch import Switch
from .world import Reader, World, windows_of

ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
"""The letters of ids: no vowels, so no words, and no digits that look like letters."""

LOOK_AGAIN: Final[Seconds] = 60
"""A held workload that seems settled is looked at this often all the same."""

SIDE_BY_SIDE: Final = 8
"""Workloads that are acted on at once."""

log = structlog.get_logger("holdfast.loop")


def whole(now: Instant) -> Instant:
    """The second that has begun: what is written down is written in whole seconds."""
    return float(int(now))


@dataclass(frozen=True, slots=True)
class Settled:
    """What a workload and its Hold looked like when there was nothing left to do, and when that was."""

    view: Deployment | None
    hold: HoldRecord | None
    at: float


@dataclass
class Loop:
    """Everything the two tasks share."""

    store: Store
    hands: Hands
    accounts: Accounts
    reporter: Reporter
    switch: Switch
    metrics: Metrics
    enforcement: bool
    clock: Callable[[], Instant] = time.time
    world: World = field(default_factory=World)
    standings: dict[ObjectKey, Standing] = field(default_factory=dict)
    progress: float = field(default_factory=time.monotonic)
    _reader: Reader = field(default_factory=Reader)
    _settled: dict[Workload, Settled] = field(default_factory=dict)
    _measured: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: set[tuple[Resource, ObjectKey]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Hear of every change."""
        self.store.listen(lambda kind, key: self._changed.add((kind, key)))

    async def run(self) -> None:
        """Both tasks, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._measure())
            tasks.create_task(self._judge())

    async def _measure(self) -> None:
        """As soon as the scrapes of the next step of the grid have arrived, and at once for a new objective.

        A look that takes longer skips steps, and the next one catches up. It goes on while the cluster is out of sight.
        """
        while True:
            if self.store.synced():
                self._read()
            self._opened.clear()
            await self.accounts.look(self.clock())
            self._measured.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._opened.wait(), self.accounts.pause(self.clock()))

    async def _judge(self) -> None:
        """A whole pass after every look and after every change of what people wrote; workloads alone in between."""
        while True:
            await self._woken()
            if not self.store.synced():
                self.progress = time.monotonic()
                continue
            began = time.monotonic()
            changed, self._changed = self._changed, set()
            touched = {Workload(k.namespace, "Deployment", k.name) for kind, k in changed if kind == DEPLOYMENTS}
            only = touched if changed and not self._measured.is_set() and len(touched) == len(changed) else None
            self._measured.clear()
            await self.one_pass(only)
            self.metrics.passes.inc()
            self.metrics.pass_seconds.observe(time.monotonic() - began)
            self.progress = time.monotonic()

    async def _woken(self) -> None:
        waits = [asyncio.ensure_future(e.wait()) for e in (self._measured, self.store.changed)]
        try:
            await asyncio.wait(waits, timeout=self.accounts.interval, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await wait
        self.store.changed.clear()

    def _read(self) -> None:
        self.world = self._reader.read(*(self.store.all(kind) for kind in (OBJECTIVES, POLICIES, HOLDS)))
        if self.accounts.keep(self.world.objectives, self.world.invalid_objectives):
            self._opened.set()

    async def one_pass(self, only: set[Workload] | None = None) -> None:
        """Judge every objective, bring every workload (or these alone) where it is wanted, and tell."""
        await self.switch.look()
        self._read()
        world, now = self.world, self.clock()
        memory = self._stand(world, now)
        workloads = world.by_workload()
        await self._act(world, {w: o for w, o in workloads.items() if only is None or w in only}, memory)
        if only is None:
            self._settled = {w: s for w, s in self._settled.items() if w in workloads}
        await self.reporter.report(world, self.standings, self.accounts.sources, now)

    def _stand(self, world: World, now: Instant) -> Mapping[ObjectKey, frozenset[CauseKey]]:
        """Judge every objective anew; returns the rules that were in force before."""
        before = {key: standing.in_force for key, standing in self.standings.items()}
        holding = frozenset(key for hold in world.holds.values() for key in remembered(hold))
        standings = {}
        for key, objective in world.objectives.items():
            rules = world.rules_of(objective)
            measured = self.accounts.measured(key, windows_of(objective, rules, self.accounts.interval), now)
            standings[key] = Standing(measured, findings(measured, rules, before.get(key, ()), holding))
        for key in world.invalid_objectives:
            if key in self.standings:
                standings[key] = self.standings[key]
        self.standings = standings
        return before

    async def _act(
        self,
        world: World,
        workloads: Mapping[Workload, tuple[Objective, ...]],
        memory: Mapping[ObjectKey, frozenset[CauseKey]],
    ) -> None:
        lanes = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(workload: Workload, objectives: tuple[Objective, ...]) -> None:
            async with lanes:
                await self._one(world, workload, objectives, memory)

        await asyncio.gather(*(one(w, o) for w, o in workloads.items()))

    async def _one(
        self,
        world: World,
        workload: Workload,
        objectives: tuple[Objective, ...],
        memory: Mapping[ObjectKey, frozenset[CauseKey]],
    ) -> None:
        """Bring one workload where it is wanted; what stands in the way is told, and tried again at the next pass."""
        before = frozenset(key for o in objectives for key in memory.get(o.key, ()))
        new_id = "".join(secrets.choice(ALPHABET) for _ in range(5))

        def think(view: Deployment | None, hold: HoldRecord | None) -> Decision:
            return decide(
                Observed(
                    now=whole(self.clock()),
                    workload=workload,
                    view=view,
                    measured=tuple(self.standings[o.key].measured for o in objectives),
                    rules={o.key: world.rules_of(o) for o in objectives},
                    hold=hold,
                    in_force=before,
                    unreadable=world.unreadable,
                    new_id=new_id,
                    enforcing=self.enforcement and self.switch.on,
                )
            )

        if self._rests(workload, world.holds.get(workload), objectives, think):
            return
        try:
            brought = await bring(workload, self.hands, think, self.reporter.hold_written, lambda: whole(self.clock()))
        except (ClusterError, Invalid) as error:
            self._settled.pop(workload, None)
            await self.reporter.stuck(workload, str(error))
            return
        if brought.refused:
            self.metrics.refused.inc()
            await self.reporter.stuck(workload, brought.refused)
        else:
            self.reporter.unstuck(workload)
        if brought.settled:
            self._settled[workload] = Settled(brought.view, brought.hold, time.monotonic())
        else:
            self._settled.pop(workload, None)
            log.debug("waiting", workload=str(workload), why=brought.waits or brought.refused)

    def _rests(
        self, workload: Workload, hold: HoldRecord | None, objectives: tuple[Objective, ...], think: Think
    ) -> bool:
        """Whether a workload can be left alone without another look at it.

        One that nothing asks to hold, and that carries neither hold nor label, needs none. One that was settled needs
        none until it or its Hold changes, or the same picture, judged now, asks for something.
        """
        body = self.store.get(DEPLOYMENTS, ObjectKey(workload.namespace, workload.name))
        labels = (body["metadata"].get("labels") or {}) if body is not None else {}
        asked = any(f.enforced for o in objectives for f in self.standings[o.key].found)
        if hold is None and not (asked and body is not None) and not labels.keys() & {HOLD_LABEL, OVERRIDE_LABEL}:
            return True
        seen = self._settled.get(workload)
        if seen is None or time.monotonic() - seen.at > LOOK_AGAIN or seen.hold != hold:
            return False
        version = body["metadata"]["resourceVersion"] if body is not None else None
        if version != (seen.view.resource_version if seen.view is not None else None):
            return False
        return isinstance(step(think(seen.view, hold).wanted, seen.view, hold, self.clock()), Done)
