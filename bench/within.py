"""`python -m bench.within COUNT [PAST]`: looks and passes of the loop in this process, without a cluster, under a profiler.

For finding what a pass spends its time on; the figures are measured by `bench.scale` on a real API server. The metrics
come from the stand-in, in a process of its own; statuses go nowhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import cProfile
import gc
import os
import pstats
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, Final, cast

import structlog

from bench import estate
from bench.frame import BenchError
from holdfast.cluster.act import Acting
from holdfast.cluster.client import Client
from holdfast.cluster.events import Recorder
from holdfast.cluster.resources import DEPLOYMENTS, OBJECTIVES, POLICIES, WATCHED, Body, Resource
from holdfast.cluster.store import Store
from holdfast.core.objective import ObjectKey
from holdfast.prometheus.sources import Source
from holdfast.service.accounts import Accounts
from holdfast.service.enforcing import Enforcer
from holdfast.service.forgetting import Forgetting
from holdfast.service.loop import Loop
from holdfast.service.metrics import Metrics
from holdfast.service.releases import Releases
from holdfast.service.reporter import Reporter
from holdfast.service.selfcheck import SelfCheck
from holdfast.service.shelf import Shelf
from holdfast.service.switch import Switch
from holdfast.service.trials import Trials
from lab.ports import LOOPBACK, free_port

INTERVAL: Final = 15.0


class Nowhere:
    """A client whose statuses are kept in the store alone."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.writes = 0

    async def apply_status(self, kind: Resource, where: str, name: str, status: Mapping[str, Any]) -> Body:
        """As the server would answer."""
        self.writes += 1
        body = self.store.get(kind, ObjectKey(where, name))
        if body is None:
            raise KeyError(name)
        metadata = {**body["metadata"], "resourceVersion": str(100_000 + self.writes)}
        return {**body, "metadata": metadata, "status": dict(status)}

    async def create(self, *_: object, **__: object) -> Body:
        """An Event; nobody keeps it."""
        return {}


class Always(Switch):
    """Enforcement is on."""

    async def look(self) -> None:
        """Nothing to ask."""


def filled(count: int) -> Store:
    """A store that knows everything."""
    store = Store()
    for kind, bodies in (
        (DEPLOYMENTS, (estate.deployment(n) for n in range(estate.WORKLOADS))),
        (OBJECTIVES, estate.objectives(count)),
        (POLICIES, estate.policies()),
    ):
        for place, body in enumerate(bodies):
            body["metadata"] |= {
                "uid": f"{kind.plural}-{place:032}",
                "generation": 1,
                "resourceVersion": str(place + 1),
            }
            store.put(kind, body)
    for kind in WATCHED:
        store.watching(kind, lambda: True)
        store.sweep(kind, -1, ())
    return store


async def nobody(*_: object) -> Any:
    """No rule asks about releases of this fleet, so none is looked at."""
    raise BenchError("a release was looked at, though no rule asks about one")


async def run(count: int, past: float) -> None:
    """A first look, then looks and passes, timed and profiled apart."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "bench.standin", str(port), str(past)])  # noqa: ASYNC220
    try:
        await asyncio.sleep(4)
        store = filled(count)
        say("filled")
        client, metrics, clock = Nowhere(store), Metrics(), [time.time()]
        hands = Acting(cast("Client", client), lambda: clock[0])
        recorder = Recorder(cast("Client", client), "bench", lambda: clock[0])
        sources = [Source("default", f"http://{LOOPBACK}:{port}", 15, 2, 60)]
        check = SelfCheck(sources, clock[0])
        reporter = Reporter(cast("Client", client), store, hands, recorder, metrics, INTERVAL, check)
        accounts = Accounts(sources, INTERVAL, metrics, Shelf(lambda: None))
        releases = Releases(nobody, nobody)
        enforcer = Enforcer(store, hands, reporter, metrics, releases)
        switch = Always(cast("Client", client), "holdfast-system")
        trials = Trials(accounts, nobody)
        forgetting = Forgetting(cast("Client", client), store, releases)
        loop = Loop(
            store,
            enforcer,
            accounts,
            reporter,
            switch,
            metrics,
            True,
            check,
            releases,
            trials,
            forgetting,
            clock=lambda: clock[0],
        )
        loop._read()
        say("read")
        await timed("filling", profiled("filling", lambda: accounts.look("default", clock[0]), accounts))
        await timed("first pass", loop.one_pass())
        say(f"{client.writes} statuses")
        for _ in range(3):
            clock[0] += INTERVAL
            await timed("look", accounts.look("default", clock[0]))
            await timed("pass", loop.one_pass())
        say(f"{client.writes} statuses")
        clock[0] += INTERVAL
        await profiled("look", lambda: accounts.look("default", clock[0]), accounts)
        await profiled("pass", loop.one_pass)
        weigh()
    finally:
        server.kill()


def weigh() -> None:
    """Show where what is kept was made, where this was asked for by TRACE=1."""
    if not os.environ.get("TRACE"):
        return
    gc.collect()
    kept = tracemalloc.take_snapshot().statistics("lineno")
    print(
        f"== kept: {sum(s.size for s in kept) / 2**20:.1f} MiB, most {tracemalloc.get_traced_memory()[1] / 2**20:.1f}"
    )
    for each in kept[:45]:
        print(f"{each.size / 2**20:8.2f} MiB {each.count:9,}  {each.traceback[0]}")


class Here(Executor):
    """Work that is done at once, in this thread, where the profiler sees it."""

    def submit(self, work: Any, /, *args: Any, **more: Any) -> Any:
        """Done before it returns."""
        done: Future[Any] = Future()
        done.set_result(work(*args, **more))
        return done


async def profiled(name: str, work: Callable[[], Awaitable[None]], accounts: Accounts | None = None) -> None:
    """Show what it consists of, where this was asked for by PROFILE=1."""
    if not os.environ.get("PROFILE"):
        return await work()
    asking = accounts._askings["default"] if accounts is not None else None
    pool = asking._thread if asking is not None else None
    if asking is not None:
        asking._thread = Here()  # type: ignore[assignment]
    profile = cProfile.Profile()
    with profile:
        await work()
    if asking is not None and pool is not None:
        asking._thread = pool
    print(f"== {name}")
    pstats.Stats(profile).sort_stats("tottime").print_stats(28)
    return None


async def timed(what: str, work: Any) -> None:
    """Say how long it took on the clock and on the cores."""
    began, spent = time.monotonic(), time.process_time()
    await work
    say(f"{what}: {time.monotonic() - began:.2f} s, {time.process_time() - spent:.2f} s of a core")


def say(what: str) -> None:
    """With the memory in use now, and the most so far."""
    now = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{what:60} RSS {now / 2**20:6.1f} MiB, at most {most / 2**10:6.1f}", flush=True)


if __name__ == "__main__":
    if os.environ.get("TRACE"):
        tracemalloc.start()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 3_600))
