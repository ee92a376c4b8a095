"""What the kubelet and Prometheus ask: alive by progress, ready by what is known, metrics by what is true now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest


@dataclass(frozen=True, slots=True)
class Health:
    """The answer to a probe: well, or what is wrong."""

    problems: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What a person sees who asks by hand."""
        return "ok\n" if not self.problems else "".join(f"{p}\n" for p in self.problems)


Probe = Callable[[], Health]


async def serve(host: str, port: int, alive: Probe, ready: Probe, registry: CollectorRegistry) -> web.AppRunner:
    """Start the HTTP server; `await runner.cleanup()` ends it."""

    def probe(ask: Probe) -> Callable[[web.Request], object]:
        async def answer(_: web.Request) -> web.Response:
            health = ask()
            return web.Response(text=health.text, status=503 if health.problems else 200)

        return answer

    async def metrics(_: web.Request) -> web.Response:
        # beside the loop: of ten thousand objectives it takes a second
        body = await asyncio.to_thread(generate_latest, registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/healthz", probe(alive))  # type: ignore[arg-type] # aiohttp types its handlers too narrowly
    app.router.add_get("/readyz", probe(ready))  # type: ignore[arg-type]
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
