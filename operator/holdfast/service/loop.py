"""The loop: measure → judge → act → tell, one pass at every step of the grid and whenever somebody changed something.

A task for each metrics source asks it, and one judges, acts and tells; there is one direction. A slow source delays
nobody but itself, and a person who breaks the glass is heard at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from holdfast.cluster.resources import ADJUSTMENTS, HOLDS, OBJECTIVES, POLICIES, RELEASES, WORKLOADS, Resource
from holdfast.cluster.store import Store
from holdfast.cluster.workloads import stored
from holdfast.core.attribution import foreseen
from holdfast.core.decide import remembered
from holdfast.core.hold import CauseKey
from holdfast.core.judge import Standing, findings, severest, tired
from holdfast.core.objective import Objective, ObjectKey, Workload
from holdfast.core.policy import Mode, false_stops
from holdfast.core.quantities import Instant
from holdfast.core.release import ReleaseRecord
from holdfast.core.remarks import Remarks
from holdfast.core.trial import Trial

from .accounts import Accounts
from .adjusting import Adjusting
from .enforcing import Enforcer
from .forgetting import Forgetting
from .judged import Judged
from .metrics import Metrics
from .releases import Releases
from .remarking import remarks
from .reporter import Reporter
from .selfcheck import SelfCheck
from .switch import Switch
from .trials import Trials
from .world import Reader, World


@dataclass
class Loop:
    """Everything the tasks share."""

    store: Store
    enforcer: Enforcer
    accounts: Accounts
    reporter: Reporter
    switch: Switch
    metrics: Metrics
    enforcement: bool
    selfcheck: SelfCheck
    releases: Releases
    trials: Trials
    forgetting: Forgetting
    follow: bool = True
    adjusting: Adjusting = field(default_factory=Adjusting)
    clock: Callable[[], Instant] = time.time
    world: World = field(default_factory=World)
    standings: dict[ObjectKey, Standing] = field(default_factory=dict)
    progress: float = field(default_factory=time.monotonic)
    _reader: Reader = field(default_factory=Reader)
    _measured: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: dict[str, asyncio.Event] = field(default_factory=dict)
    _settled: bool = False
    _changed: set[tuple[Resource, ObjectKey]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Hear of every change."""
        self.store.listen(lambda kind, key: self._changed.add((kind, key)))

    async def run(self) -> None:
        """All tasks, until cancelled."""
        self._opened = {source: asyncio.Event() for source in self.accounts.sources}
        async with asyncio.TaskGroup() as tasks:
            for source, opened in self._opened.items():
                tasks.create_task(self._measure(source, opened), name=f"measure-{source}")
            tasks.create_task(self._judge())

    async def _measure(self, source: str, opened: asyncio.Event) -> None:
        """As soon as the scrapes of the next step of the grid have arrived, and at once for a new objective.

        A look that takes longer skips steps, and the next one catches up. It goes on while the cluster is out of sight.
        """
        while True:
            if self.store.synced():
                self._read()
            opened.clear()
            await self.accounts.look(source, self.clock())
            self._measured.set()
            self.selfcheck.wake(self.accounts.kept, self.clock())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(opened.wait(), self.accounts.pause(source, self.clock()))

    async def _judge(self) -> None:
        """A whole pass after every look and after every change of what people wrote; workloads alone in between."""
        while True:
            await self._woken()
            if not self.store.synced():
                self._measured.clear()  # or it would wake us again at once, for as long as the list takes
                self.progress = time.monotonic()
                continue
            began = time.monotonic()
            changed, self._changed = self._changed, set()
            touched = {Workload(k.namespace, kind.kind, k.name) for kind, k in changed if kind.kind in WORKLOADS}
            only = touched if changed and not self._measured.is_set() and len(touched) == len(changed) else None
            self._measured.clear()
            await self.one_pass(only)
            if not self._settled and self.accounts.settled:
                self._settled = True
                gc.collect()
                gc.freeze()  # what lives from here on is not looked through for garbage again and again
            self.metrics.passes.inc()
            self.metrics.pass_seconds.observe(time.monotonic() - began)
            self.progress = time.monotonic()

    async def _woken(self) -> None:
        waits = [asyncio.ensure_future(e.wait()) for e in (self._measured, self.store.changed)]
        try:
            await asyncio.wait(waits, timeout=self.accounts.interval, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()  # not awaited: a cancellation of ours that came meanwhile would be lost
        self.store.changed.clear()

    def _read(self) -> None:
        before, self.world = (
            self.world,
            self._reader.read(*map(self.store.all, (OBJECTIVES, POLICIES, HOLDS, ADJUSTMENTS))),
        )
        self.releases.hear(self.store.all(RELEASES))
        if self.world is not before:
            self.adjusting.keep(self.world.objectives)
            if self.accounts.keep(self.world.objectives, self.world.invalid_objectives):
                for opened in self._opened.values():
                    opened.set()
        workloads = self.world.by_workload()
        asked = {w: r for w, r in self.releases.declared().items() if self.world.within(w) is not None}
        asked = asked if self.follow else {}
        self.trials.keep(asked, workloads, self.world.within, dict(self._foreseen(asked.values())))

    def _foreseen(self, declared: Iterable[ReleaseRecord]) -> Iterator[tuple[Workload, ReleaseRecord]]:
        """Releases that the watch shows and that are not on record yet: what they serve meanwhile is not to be missed."""
        for record in declared:
            body = stored(self.store, record.workload)
            if body is not None and body["template"] != record.template.digest:
                yield record.workload, foreseen(record, body["metadata"]["uid"], body["template"])

    async def one_pass(self, only: set[Workload] | None = None) -> None:
        """Judge every objective, bring every workload (or these alone) where it is wanted, and tell."""
        await self.switch.look()
        self._read()
        world, now = self.world, self.clock()
        enforcing = self.enforcement and self.switch.on
        before = self._stand(world, now, enforcing)
        await self.trials.look()
        judged = Judged(world, self.standings, before, enforcing, self._trials(world), self.follow)
        await self.enforcer.enforce(judged, only)
        self.standings = self._told(self.standings, world)
        await self.reporter.report(world, self.standings, self.accounts, now, self._remarks)
        await self.forgetting.some(world, now)

    def _trials(self, world: World) -> Mapping[Workload, Trial]:
        """What is to be judged of the releases that rules ask about. The objectives of a workload share what one good
        release in so many may be stopped for.
        """
        found = {}
        for workload, objectives in world.by_workload().items():
            if world.within(workload) is None:
                continue
            measured = [self.standings[o.key].measured for o in objectives if o.key in self.standings]
            alphas = false_stops({o.key: world.rules_of(o) for o in objectives})
            trial = self.trials.trial(workload, measured, alphas)
            if trial is not None:
                found[workload] = trial
        return found

    def _remarks(self, objective: Objective, now: Instant, foresee: bool) -> Remarks | None:
        """What is said of an objective beside its figures; nothing of a composite, whose parts say it."""
        account = self.accounts.filled(objective.key)
        if account is None:
            return None
        declaration = self.adjusting.of(objective, self.world.adjustments_of(objective), now)
        return remarks(self.accounts, account, declaration, now, foresee)

    def _stand(self, world: World, now: Instant, enforcing: bool) -> Mapping[ObjectKey, frozenset[CauseKey]]:
        """Judge every objective anew; returns the rules that were in force before."""
        before = {key: standing.in_force for key, standing in self.standings.items()}
        holding = frozenset(key for hold in world.holds.values() for key in remembered(hold))
        holds = {cause.key for hold in world.holds.values() if hold.in_force for cause in hold.causes}
        worn = {key for hold in world.holds.values() for key in hold.worn} - holds
        standings = {}
        for key, objective in world.objectives.items():
            rules = world.rules_of(objective)
            if not enforcing:
                rules = tuple(replace(rule, mode=Mode.AUDIT) for rule in rules)
            declaration = self.adjusting.of(objective, world.adjustments_of(objective), now)
            self.accounts.declare(objective, declaration.declared, declaration.pins)
            windows = world.windows_of(objective, self.accounts.interval)
            measured = self.accounts.measured(objective, windows, now, declaration.adjusted)
            found = findings(measured, rules, before.get(key, ()), holding)
            standings[key] = Standing(measured, tired(found, worn))
        for key in world.invalid_objectives:
            if key in self.standings:
                standings[key] = self.standings[key]
        self.standings = self._told(standings, world)
        return before

    def _told(self, standings: Mapping[ObjectKey, Standing], world: World) -> dict[ObjectKey, Standing]:
        """With what the last decisions found about the releases of each objective's workloads, by the rules of now."""
        told = dict(standings)
        for key, objective in world.objectives.items():
            standing = standings[key]
            budgets = tuple(f for f in standing.found if not f.rule.on_releases)
            found = self.enforcer.told(objective)
            if found or len(budgets) < len(standing.found):
                rules = {rule.key for rule in world.rules_of(objective)}
                found = severest([*budgets, *(f for f in found if f.key.rule in rules)])
                told[key] = replace(standing, found=found)
        return told
