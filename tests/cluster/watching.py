"""A watch that runs for the length of a block, with less patience than in earnest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from holdfast.cluster.client import Client
from holdfast.cluster.store import Store
from holdfast.cluster.sweep import Rhythm
from holdfast.cluster.watch import Pace, Watch

QUICK: Final = Pace(first=0.2, last=1.0, retries=(0.2, 0.2), rhythm=Rhythm(gather=0.1, first_retry=0.2, confirm=0.2))


@asynccontextmanager
async def watched(client: Client, pace: Pace = QUICK, *, wait: bool = True) -> AsyncIterator[tuple[Store, Watch]]:
    """A store and its watch; synced when the block begins, unless `wait` is False."""
    store = Store()
    watch = Watch(client, store, pace=pace)
    running = asyncio.create_task(watch.run(), name="watch")
    try:
        if wait:
            await until(store.synced, "the store to be synced")
        yield store, watch
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def until(true: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Return when it is true; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        await asyncio.sleep(0.02)
