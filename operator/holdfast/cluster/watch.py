"""The supervisor of the watches.

Rule: Kopf runs while every kind it needs is served, and is started again when it fails. A missing definition is waited
for, without end; other failures end the process when there are five in ten minutes. While nobody watches, the store is
not synced, so that nobody acts on it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from signal import SIGINT, SIGTERM
from typing import Final

import aiohttp
import structlog

from .client import Client
from .engine import Engine
from .errors import ClusterError, Unreachable
from .resources import OBJECTIVES, WATCHED
from .store import Store
from .sweep import Rhythm, Sweeper

log = structlog.get_logger("holdfast.cluster")

_AWAY: Final = (aiohttp.ClientError, Unreachable, OSError)  # OSError: also a timeout


class WatchFailed(Exception):  # noqa: N818 - named for what happened
    """Watching failed again and again; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the supervisor is; times in seconds. `retries` are Kopf's own, within one request."""

    first: float = 1.0
    last: float = 30.0
    failures: int = 5
    within: float = 600.0
    retries: tuple[float, ...] = (1, 1, 2, 3, 5, 8)
    rhythm: Rhythm = field(default_factory=Rhythm)


class Watch:
    """Keeps the store up to date."""

    def __init__(
        self,
        client: Client,
        store: Store,
        *,
        take_signals_back: Callable[[], None] | None = None,
        pace: Pace = Pace(),
    ) -> None:
        """Kopf takes SIGTERM and SIGINT whenever it starts; `take_signals_back` is called at once and sets the handlers
        of the service again. Without it the signals do what they do in any process.
        """
        self._problem = "starting"
        self._trouble = ""
        self._engine: Engine | None = None
        self._client = client
        self._store = store
        self._take_back = take_signals_back or _leave_signals
        self._pace = pace
        self._failures: deque[float] = deque()

    @property
    def problem(self) -> str:
        """Why it cannot watch, in a sentence; empty while it can."""
        return self._problem or (self._engine.trouble if self._engine is not None else "")

    async def run(self) -> None:
        """Until cancelled. Raises WatchFailed."""
        pause = self._pace.first
        while True:
            began = time.monotonic()
            try:
                await self._kinds_served()
                await self._watch()
                why = "the watch ended without a reason"
            except _AWAY as error:
                self._say(f"the API server cannot be reached: {error}")
                why = ""
            except Exception as error:
                why = "" if _passes(error) else str(error) or type(error).__name__
            finally:
                self._store.down()
            if why:
                self._count(self._trouble or why)
            if time.monotonic() - began > 2 * self._pace.last:
                pause = self._pace.first
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._pace.last)

    async def _kinds_served(self) -> None:
        """Return when the server knows all our kinds; raises ClusterError when it cannot be asked."""
        pause = self._pace.first
        wanted = {r.plural for r in WATCHED if r.group == OBJECTIVES.group}
        while missing := sorted(wanted - await self._client.kinds(OBJECTIVES.group, OBJECTIVES.version)):
            names = ", ".join(f"{plural}.{OBJECTIVES.group}" for plural in missing)
            self._say(f"the cluster has no {names}: install the custom resource definitions; waiting for them")
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._pace.last)

    async def _watch(self) -> None:
        sweeper = Sweeper(self._client, self._store, self._pace.rhythm)
        engine = self._engine = Engine(self._client.connection, self._store, sweeper, self._pace.retries)
        self._trouble = self._problem = ""
        lists = asyncio.create_task(sweeper.run(), name="lists")
        try:
            await engine.run(self._take_back)
        finally:
            self._trouble, self._engine = engine.trouble, None
            lists.cancel()
            with suppress(asyncio.CancelledError):
                await lists

    def _say(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("not watching", why=problem)
        self._problem = problem

    def _count(self, why: str) -> None:
        now = time.monotonic()
        self._failures.append(now)
        while now - self._failures[0] > self._pace.within:
            self._failures.popleft()
        if len(self._failures) >= self._pace.failures:
            raise WatchFailed(
                f"Watching failed {len(self._failures)} times in {self._pace.within / 60:g} minutes, the last time because {why}."
            )
        self._say(f"watching failed, it is started again: {why}")


def _passes(error: Exception) -> bool:
    """Whether it is an answer of a server that is starting or busy, or has lost a definition: those are waited for."""
    status = getattr(error, "status", 0)
    return status in (404, 429) or status >= 500


def _leave_signals() -> None:
    loop = asyncio.get_running_loop()
    for signal in (SIGINT, SIGTERM):
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.remove_signal_handler(signal)


__all__ = ["ClusterError", "Pace", "Watch", "WatchFailed"]
