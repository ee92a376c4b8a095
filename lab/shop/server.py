"""The shop's process: keeps the traffic moving, serves exporter pages, http_sd and the control API.

Rule: every order, every look at the truth and every change of pods first brings the traffic up to now. Exporter pages
are as old as the last step (at most 0.05 s while requests flow), so that thousands of pods can be scraped cheaply.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from aiohttp import web

from lab.ports import LOOPBACK
from lab.shop import protobuf
from lab.shop.faults import Fault, Setting
from lab.shop.page import CONTENT_TYPE, render, render_containers, render_pods, render_protobuf
from lab.shop.pods import Pod, parse
from lab.shop.traffic import Traffic
from lab.shop.watch import Change, Connection, Gone, Only, changes

_STEP: Final = 0.05  # seconds between two steps while requests flow


class Server:
    """One shop. `run` never returns."""

    def __init__(self, port: int, rate: float) -> None:
        """`rate` is the default rate in requests/s per workload."""
        self._port = port
        self._traffic = Traffic(rate)
        self._changed = asyncio.Event()
        self._synced = False
        self._schema = 3  # of native histograms

    async def run(self, connection: Connection) -> None:
        """Serve until the process ends."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/ready", self._ready),
                web.get("/sd", self._discovery),
                web.get("/metrics/{namespace}/{pod}", self._metrics),
                web.get("/metrics/{namespace}/{pod}/{container}", self._metrics),
                web.get("/cadvisor", self._cadvisor),
                web.get("/kube-state-metrics", self._kube_state_metrics),
                web.get("/truth/{namespace}/{app}", self._truth),
                web.post("/control", self._control),
            ]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, self._port).start()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(connection))
            tasks.create_task(self._step())

    def _catch_up(self) -> float:
        now = time.time()
        self._traffic.advance(time.monotonic(), now)
        return now

    async def _step(self) -> None:
        while True:
            self._catch_up()
            if self._traffic.busy:
                await asyncio.sleep(_STEP)
            else:
                self._changed.clear()
                await self._changed.wait()

    async def _follow(self, connection: Connection) -> None:
        async for change in changes(connection):
            now = self._catch_up()
            self._apply(change, now)
            self._changed.set()

    def _apply(self, change: Change, now: float) -> None:
        match change:
            case Gone(uid):
                self._traffic.remove(uid)
            case Only(items):
                present = {item["metadata"]["uid"] for item in items}
                for uid in {pod.uid for pod in self._traffic.pods.values()} - present:
                    self._traffic.remove(uid)
                for item in items:
                    self._put(item, now)
                self._synced = True
            case dict():
                self._put(change, now)

    def _put(self, item: dict[str, Any], now: float) -> None:
        for place in range(len(item["spec"]["containers"])):
            if (pod := parse(item, now, place)) is not None:
                self._traffic.put(pod)

    async def _ready(self, _: web.Request) -> web.Response:
        return web.Response(status=200 if self._synced else 503)

    async def _discovery(self, _: web.Request) -> web.Response:
        targets = [
            {
                "targets": [f"{LOOPBACK}:{self._port}"],
                "labels": {
                    **pod.labels,
                    "__metrics_path__": f"/metrics/{pod.namespace}/{pod.name}/{pod.container}".rstrip("/"),
                },
            }
            for pod in self._traffic.pods.values()
            if pod.running
        ]
        return web.json_response(targets)

    async def _metrics(self, request: web.Request) -> web.Response:
        match = request.match_info
        pod = self._traffic.find(match["namespace"], match["pod"], match.get("container", ""))
        if pod is None:
            raise web.HTTPNotFound(text="no such pod runs")
        if pod.paused:
            raise web.HTTPServiceUnavailable(text="the exporter is paused")
        start = pod.start_from == "process"
        if pod.native and "application/vnd.google.protobuf" in request.headers.get("Accept", ""):
            page = render_protobuf(pod.counters, self._schema, start=start)
            return web.Response(body=page, headers={"Content-Type": protobuf.CONTENT_TYPE})
        text = render(pod.counters, native=pod.native, start=start)
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def _cadvisor(self, _: web.Request) -> web.Response:
        return self._page(render_containers(pod for pod in self._traffic.pods.values() if pod.running))

    async def _kube_state_metrics(self, _: web.Request) -> web.Response:
        return self._page(render_pods(self._traffic.pods.values()))

    def _page(self, text: str) -> web.Response:
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def _truth(self, request: web.Request) -> web.Response:
        now = self._catch_up()
        truth = self._traffic.truth(request.match_info["namespace"], request.match_info["app"])
        return web.json_response(truth.as_json(now))

    async def _control(self, request: web.Request) -> web.Response:
        """One command as JSON; the client in client.py is its documentation."""
        order = await request.json()
        now = self._catch_up()
        try:
            self._obey(order, now)
        except (LookupError, ValueError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        self._changed.set()
        return web.json_response({"at": now})

    def _obey(self, order: dict[str, Any], now: float) -> None:
        match order:
            case {"do": "rate", "rate": rate, "namespace": namespace, "app": app}:
                self._traffic.set_rate(namespace, app, rate)
            case {"do": "rate", "rate": rate}:
                self._traffic.default_rate = rate
            case {"do": "fault", "fault": fault, "tag": tag, "namespace": namespace, "app": app}:
                self._traffic.faults.set(Setting(Fault(**fault), tag, namespace, app))
            case {"do": "clear"}:
                self._traffic.faults.settings.clear()
            case {"do": "chance", "seed": seed}:
                self._traffic.use_chance(seed)
            case {"do": "resolution", "schema": schema}:
                self._schema = int(schema)
            case {"do": "restart", "namespace": namespace, "pod": name, "container": container}:
                self._traffic.restart(self._pod(namespace, name, container), now)
            case {"do": "pause", "namespace": namespace, "pod": name, "paused": paused}:
                self._pod(namespace, name).paused = paused
            case _:
                raise ValueError(f"The shop does not know the order {order}.")

    def _pod(self, namespace: str, name: str, container: str = "") -> Pod:
        pod = self._traffic.find(namespace, name, container)
        if pod is None:
            raise LookupError(f"No running pod {namespace}/{name} {container} in the shop.")
        return pod
