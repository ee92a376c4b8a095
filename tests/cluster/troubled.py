"""The API server behind a relay that answers some of the requests itself: refused before, or lost after, they were carried out.

Rule: only requests that write are troubled, every second one. What is read is read from the server itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from aiohttp import ClientSession, TCPConnector, web

from holdfast.cluster.client import Client
from holdfast.cluster.connection import Connection

WRITES: Final = frozenset({"POST", "PATCH", "PUT", "DELETE"})
_KEPT: Final = ("Authorization", "Content-Type", "Accept")


@dataclass
class Trouble:
    """Answers with `status`; with `lost` only after the server has carried the request out."""

    status: int
    lost: bool
    target: str
    session: ClientSession
    writes: int = 0
    troubled: list[str] = field(default_factory=list)

    async def relay(self, request: web.Request) -> web.Response:
        """One request."""
        body, trouble = await request.read(), False
        if request.method in WRITES:
            self.writes += 1
            trouble = self.writes % 2 == 1
        if trouble:
            self.troubled.append(f"{request.method} {request.path}")
        if trouble and not self.lost:
            return self._answer()
        headers = {name: request.headers[name] for name in _KEPT if name in request.headers}
        url = f"{self.target}{request.rel_url}"
        async with self.session.request(request.method, url, data=body, headers=headers) as said:
            got = web.Response(status=said.status, body=await said.read(), content_type=said.content_type)
        return self._answer() if trouble else got

    def _answer(self) -> web.Response:
        return web.json_response({"kind": "Status", "code": self.status, "message": "trouble"}, status=self.status)


@asynccontextmanager
async def troubled(connection: Connection, status: int, *, lost: bool) -> AsyncIterator[tuple[Client, Trouble]]:
    """A client whose every second write goes wrong so, with the rights of this connection."""
    async with ClientSession(connector=TCPConnector(ssl=connection.ssl_context())) as session:
        trouble = Trouble(status, lost, connection.server, session)
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{rest:.*}", trouble.relay)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        try:
            async with Client(replace(connection, server=f"http://127.0.0.1:{port}")) as client:
                yield client, trouble
        finally:
            await runner.cleanup()
