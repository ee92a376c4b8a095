"""A connection to the API server that can be cut or go silent, and a watch behind it with short patience."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import lab
from holdfast.cluster.client import Client
from holdfast.cluster.connection import Connection
from holdfast.cluster.resources import WATCHED
from holdfast.cluster.store import Store
from holdfast.cluster.sweep import Rhythm
from holdfast.cluster.watch import Pace, Watch

CRDS: Final = Path(__file__).parents[2] / "crds"
QUICK: Final = Pace(
    first=0.2,
    last=0.5,
    failures=3,
    within=60,
    retries=(0.2, 0.2),
    rhythm=Rhythm(every=300, gather=0.1, first_retry=0.2, last_retry=0.5, confirm=0.2),
)


class Wire:
    """A TCP relay to the API server. `cut` drops all connections and takes no new ones; `hush` lets them hang."""

    def __init__(self, target: str) -> None:
        """`target` is the URL of the API server."""
        self._target = urlsplit(target)
        self._server: asyncio.Server | None = None
        self._pairs: set[asyncio.Task[None]] = set()
        self._silent: set[asyncio.Task[None]] = set()
        self._for_ever = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        """The address to connect to."""
        return f"https://127.0.0.1:{self.port}"

    async def mend(self) -> None:
        """Accept connections, on the same port every time."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """End everything."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for pair in list(self._pairs):
            pair.cancel()
        await asyncio.gather(*self._pairs, return_exceptions=True)

    def hush(self) -> None:
        """The connections of now stay open and carry nothing any more; new ones are well."""
        self._silent |= self._pairs

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = asyncio.current_task()
        assert pair is not None
        self._pairs.add(pair)
        try:
            there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
            both = [asyncio.ensure_future(self._carry(pair, *way)) for way in ((reader, back), (there, writer))]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in both:
                    way.cancel()
                back.close()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._pairs.discard(pair)
            writer.transport.abort()

    async def _carry(self, pair: asyncio.Task[None], source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if pair in self._silent:
                    await self._for_ever.wait()
                sink.write(data)
                await sink.drain()


@dataclass
class Eyes:
    """A running watch and what it sees."""

    client: Client
    store: Store
    watch: Watch
    task: asyncio.Task[None]
    wire: Wire

    async def sees(self, probe: Callable[[], object], what: str, within: float = 20.0) -> None:
        """Return when it is so; fails with what the watch says and when it ended."""
        until = time.monotonic() + within
        while not probe():
            if self.task.done():
                await self.task
                raise AssertionError("the watch ended without an error")
            assert time.monotonic() < until, f"not within {within:g} s: {what}. {self}"
            await asyncio.sleep(0.05)

    def __str__(self) -> str:
        """What the watch says and what the store trusts."""
        trust = {str(kind): (self.store.synced(kind), self.store.watch_age(kind)) for kind in WATCHED}
        return f"The watch says {self.watch.problem!r}; synced and age: {trust}"

    async def synced(self) -> None:
        """Return when everything is known."""
        await self.sees(self.store.synced, "everything synced")


@asynccontextmanager
async def watching(
    cluster: lab.Cluster, token: str | None = None, pace: Pace = QUICK, *, token_file: Path | None = None
) -> AsyncIterator[Eyes]:
    """A watch over a wire, as the admin or with a token; ends with the block, with whatever it raised."""
    wire = Wire(cluster.access.server)
    await wire.mend()
    connection = Connection(
        server=wire.url,
        ca_file=str(cluster.access.ca),
        _authorization=f"Bearer {token or cluster.access.admin_token}",
        _token_file=token_file,
    )
    client, store = Client(connection, timeout=2), Store()
    watch = Watch(client, store, pace=pace)
    eyes = Eyes(client, store, watch, asyncio.create_task(watch.run()), wire)
    try:
        yield eyes
    finally:
        eyes.task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await eyes.task
        await client.close()
        await wire.cut()
        # Failed tasks that Kopf never looked at tell it when they are collected; in CPython 3.11 that breaks an
        # ast.parse which happens to run at that moment (gh-106905), such as those of pytest.
        gc.collect()


def install_crds(cluster: lab.Cluster) -> None:
    """Install the definitions and return when they are served."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "-f", str(CRDS), "--timeout=20s")


def remove_crds(cluster: lab.Cluster) -> None:
    """Delete the definitions, and with them every object of ours."""
    cluster.kubectl("delete", "-f", str(CRDS), "--ignore-not-found", "--wait=true")
