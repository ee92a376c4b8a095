"""`python -m lab.faultserver TARGET PORT`: the process behind lab.faults, which says what the modes mean.

Rule: a request is decided by the mode at its arrival; a hanging one is let go when the mode changes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web

from lab.faults import MODES
from lab.ports import LOOPBACK

_LOGIN: Final = "<!DOCTYPE html><html><body><form action='/login'>Please sign in</form></body></html>"
_SWAPPED: Final = {"200": "500", "500": "200"}
_HOP_BY_HOP: Final = {"connection", "transfer-encoding", "content-length", "content-encoding", "host", "keep-alive"}


@dataclass(frozen=True, slots=True)
class Mode:
    """One failure; only queries that contain `match` are hit."""

    name: str = "pass"
    seconds: float = 0.0
    status: int = 503
    match: str = ""


class Proxy:
    """The web application and its present mode."""

    def __init__(self, target: str) -> None:
        """`target` is the address of the real Prometheus."""
        self._target = target
        self._mode = Mode()
        self._mode_changed = asyncio.Event()
        self._seen: deque[dict[str, object]] = deque(maxlen=100_000)
        self._session = aiohttp.ClientSession(auto_decompress=True)

    async def run(self, port: int) -> None:
        """Serve until the process ends."""
        app = web.Application(client_max_size=2**26)
        app.add_routes(
            [
                web.get("/-/lab/ready", self._ready),
                web.get("/-/lab/requests", self._requests),
                web.post("/-/lab/mode", self._set_mode),
                web.post("/-/lab/forget", self._forget),
                web.route("*", "/{path:.*}", self._any),
            ]
        )
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, port).start()
        await asyncio.Event().wait()

    async def _ready(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _requests(self, _: web.Request) -> web.Response:
        return web.json_response(list(self._seen))

    async def _set_mode(self, request: web.Request) -> web.Response:
        mode = Mode(**await request.json())
        if mode.name not in MODES:
            raise web.HTTPBadRequest(text=f"The proxy knows no mode {mode.name}; it knows {', '.join(MODES)}.")
        self._mode = mode
        self._mode_changed.set()
        self._mode_changed = asyncio.Event()
        return web.Response()

    async def _forget(self, _: web.Request) -> web.Response:
        self._seen.clear()
        return web.Response()

    async def _any(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        query = _expression(request, body)
        self._seen.append({"at": time.time(), "method": request.method, "path": request.path, "query": query})
        mode = self._mode if self._mode.match in query else Mode()
        match mode.name:
            case "refuse":
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            case "hang":
                await self._mode_changed.wait()
                return web.Response(status=504, text="the lab's proxy let this request go")
            case "slow":
                await asyncio.sleep(mode.seconds)
            case "status":
                return web.Response(status=mode.status, text="upstream is not available")
            case "html":
                return web.Response(text=_LOGIN, content_type="text/html")
        return await self._forward(request, body, mode.name)

    async def _forward(self, request: web.Request, body: bytes, mode: str) -> web.Response:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_BY_HOP}
        try:
            async with self._session.request(
                request.method, self._target + request.raw_path, data=body, headers=headers
            ) as answer:
                content = await answer.read()
        except aiohttp.ClientError as error:
            return web.Response(status=502, text=f"the Prometheus behind the proxy does not answer: {error}")
        if answer.content_type == "application/json":
            content = spoil(content, mode)
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP}
        return web.Response(status=answer.status, body=content, headers=kept)


def _expression(request: web.Request, body: bytes) -> str:
    if request.content_type == "application/x-www-form-urlencoded":
        return " ".join(parse_qs(body.decode(errors="replace")).get("query", [""]))
    return request.query.get("query", "")


def spoil(content: bytes, mode: str) -> bytes:
    """A Prometheus answer as the mode wants it; unchanged in every mode that does not touch answers."""
    if mode not in {"warnings", "nan", "partial", "empty", "swapped"}:
        return content
    answer: dict[str, Any] = json.loads(content)
    data = answer.get("data")
    series = data.get("result") if isinstance(data, dict) else None
    if mode == "warnings":
        answer["warnings"] = ["results may be incomplete: a store did not answer in time"]
    elif isinstance(data, dict) and isinstance(series, list) and data.get("resultType") in {"vector", "matrix"}:
        match mode:
            case "nan":
                for one in series:
                    _nan(one)
            case "partial":
                data["result"] = series[::2]
            case "empty":
                data["result"] = []
            case "swapped":
                for labels in (one["metric"] for one in series if "code" in one["metric"]):
                    labels["code"] = _SWAPPED.get(labels["code"], labels["code"])
    return json.dumps(answer).encode()


def _nan(series: dict[str, Any]) -> None:
    if "value" in series:
        series["value"][1] = "NaN"
    for point in series.get("values", []):
        point[1] = "NaN"


if __name__ == "__main__":
    target, port = sys.argv[1:]

    async def _serve() -> None:
        await Proxy(target).run(int(port))

    asyncio.run(_serve())
