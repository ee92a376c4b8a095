"""All rooms put together: what is made from what, what runs beside what, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from holdfast import __version__
from holdfast.cluster.act import Acting
from holdfast.cluster.checkpoints import Checkpoints
from holdfast.cluster.client import Client
from holdfast.cluster.connection import connect
from holdfast.cluster.errors import ClusterError
from holdfast.cluster.events import Recorder
from holdfast.cluster.gate import Gate, read_gate
from holdfast.cluster.pods import PodStarts
from holdfast.cluster.readiness import surroundings
from holdfast.cluster.releases import kept_template
from holdfast.cluster.rollouts import read_rollout
from holdfast.cluster.store import Store
from holdfast.cluster.watch import Watch, WatchFailed
from holdfast.core.quantities import Seconds
from holdfast.core.readiness import Surroundings, readiness
from holdfast.core.release import Readiness, ReleaseRecord

from .accounts import Accounts
from .enforcing import Enforcer
from .forgetting import Forgetting
from .http import Health
from .http import serve as serve_http
from .loop import Loop
from .memory import Memory
from .metrics import Budgets, Metrics, State
from .releases import Releases
from .reporter import Reporter
from .selfcheck import SelfCheck
from .settings import Settings
from .shelf import Shelf
from .switch import Switch
from .trials import Trials

GATE_EVERY: Final[Seconds] = 30
"""How often the gate is inspected; until it is effective every second."""

LOAD_AGAIN: Final[Seconds] = 2
"""Pause before the checkpoint is asked for again, while the API server is away."""

LONGEST_AWAY: Final[Seconds] = 900
"""Without a watch for so long a new start is worth a try."""

log = structlog.get_logger("holdfast")


class Service:
    """One operator process."""

    def __init__(self, settings: Settings, client: Client, namespace: str) -> None:
        """Everything is made here, and nothing runs yet."""
        self._settings = settings
        self._began = time.monotonic()
        self._client = client
        self.metrics = Metrics()
        self.store = Store()
        self.watch = Watch(client, self.store, take_signals_back=self.take_signals)
        hands = Acting(client, time.time, partial(kept_template, client))
        recorder = Recorder(client, os.environ.get("POD_NAME", "holdfast"), time.time)
        sources = [s.source() for s in settings.sources]
        self._selfcheck = SelfCheck(sources, time.time())
        reporter = Reporter(client, self.store, hands, recorder, self.metrics, settings.interval, self._selfcheck)
        shelf = Shelf(self.metrics.checkpoint_errors.labels("read").inc)
        starts_of = PodStarts(client, asyncio.get_running_loop()) if settings.pod_starts else None
        self._accounts = Accounts(sources, settings.interval, self.metrics, shelf, starts_of)
        self._memory = Memory(Checkpoints(client, namespace), self._accounts.live, shelf, self.metrics)
        releases = Releases(self._judge, reporter.release_written)
        self.loop = Loop(
            store=self.store,
            accounts=self._accounts,
            enforcer=Enforcer(
                self.store, hands, reporter, self.metrics, releases, per_hour=settings.restraint.per_hour
            ),
            releases=releases,
            trials=Trials(self._accounts, partial(read_rollout, client)),
            forgetting=Forgetting(client, self.store, releases),
            follow=settings.releases,
            reporter=reporter,
            switch=Switch(client, namespace),
            metrics=self.metrics,
            enforcement=settings.enforcement,
            selfcheck=self._selfcheck,
        )
        self.gate = Gate(installed=False, effective=False, why="not looked at yet")
        self._stopping = asyncio.Event()
        self._remembered = False
        self.metrics.registry.register(Budgets(self._state))

    async def _judge(self, release: ReleaseRecord, good: ReleaseRecord | None) -> Readiness:
        """Whether a release that starts could be undone."""
        may = self._settings.rollback.templates
        found = await surroundings(self._client, release.workload, good, templates=may)
        return readiness(found or Surroundings(release.workload))

    def take_signals(self) -> None:
        """SIGTERM and SIGINT mean: stop cleanly. Kopf takes them whenever it starts; we take them back."""
        running = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            running.add_signal_handler(number, self._stopping.set)

    async def run(self) -> int:
        """Until a signal asks to stop (0) or watching fails for good (1)."""
        self.take_signals()
        http = self._settings.http
        server = await serve_http(http.host, http.port, self.alive, self.ready, self.metrics.registry)
        parts = [
            asyncio.create_task(self.watch.run(), name="watch"),
            asyncio.create_task(self._remember_and_go_on(), name="loop"),
            asyncio.create_task(self._inspect_gate(), name="gate"),
        ]
        stop = asyncio.create_task(self._stopping.wait(), name="stop")
        log.info(
            "started", version=__version__, interval=self._settings.interval, enforcement=self._settings.enforcement
        )
        try:
            done, _ = await asyncio.wait([*parts, stop], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _ended(*parts, stop)
            self._accounts.close()
            if self._remembered:
                await self._memory.stop()
            await self._selfcheck.close()
            await server.cleanup()
        failed = next((t for t in done if t is not stop), None)
        if failed is None:
            log.info("stopped")
            return 0
        error = failed.exception()
        log.error(
            "ended", part=failed.get_name(), why=str(error), exc_info=None if isinstance(error, WatchFailed) else error
        )
        return 1

    async def _remember_and_go_on(self) -> None:
        """What is stored is read before any ledger is opened; then measure, judge and store."""
        while not await self._memory.load():
            self.loop.progress = time.monotonic()
            await asyncio.sleep(LOAD_AGAIN)
        self._remembered = True
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.loop.run())
            tasks.create_task(self._memory.run())

    def alive(self) -> Health:
        """Alive: the loop makes progress, and the watch has not been away for longer than any outage should last."""
        now, problems = time.monotonic(), []
        idle, limit = now - self.loop.progress, 3 * self._settings.interval + 60
        if idle > limit:
            problems.append(f"the loop has made no progress for {idle:.0f} s (limit {limit:.0f} s)")
        away = min(self.store.watch_age(), now - self._began)
        if away > LONGEST_AWAY:
            problems.append(f"the cluster has not been watched for {away:.0f} s (limit {LONGEST_AWAY:.0f} s)")
        return Health(tuple(problems))

    def ready(self) -> Health:
        """Ready: everything is listed and watched, and the gate would refuse what it must."""
        problems = []
        if not self.store.synced():
            problems.append(f"the cluster is not fully known: {self.watch.problem or 'still listing'}")
        if self._settings.enforcement and not self.gate.effective:
            problems.append(f"the gate is not effective: {self.gate.why}")
        return Health(tuple(problems))

    def _state(self) -> State:
        return State(
            self.loop.standings,
            self.loop.world.holds,
            self.gate.effective,
            self._settings.enforcement and self.loop.switch.on,
            self.loop.releases.declared(),
            self.loop.trials.count,
            {k: r.drift for k, r in self._selfcheck.results.items() if r.drift is not None and not r.few},
        )

    async def _inspect_gate(self) -> None:
        while True:
            before = self.gate
            try:
                self.gate = await read_gate(self._client)
            except ClusterError as error:
                self.gate = Gate(installed=before.installed, effective=False, why=str(error))
            if self.gate != before and self._settings.enforcement:
                say = log.info if self.gate.effective else log.error
                say("gate", effective=self.gate.effective, keeps_fixes=self.gate.keeps, why=self.gate.why)
            await asyncio.sleep(GATE_EVERY if self.gate.effective else 1)


async def _ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel them until they are over: one that was ending something of its own may have lost the first time."""
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=1)
    await asyncio.gather(*tasks, return_exceptions=True)


async def serve(settings: Settings, kubeconfig: Path | None, namespace: str) -> int:
    """Connect and run; returns the exit code of the process."""
    try:
        connection = await connect(kubeconfig)
    except ClusterError as error:
        log.critical("cannot start", why=str(error))
        return 2
    async with Client(connection) as client:
        code = await Service(settings, client, namespace).run()
    # watches that Kopf leaves open are closed with the event loop, and complain about it
    asyncio.get_running_loop().set_exception_handler(lambda _, said: log.debug("left open", what=said["message"]))
    return code
