"""Kopf as the engine of the watches: list, watch, reconnect, log in again. Nothing else of it is used.

Rule: its handlers put what they see into the store. Its HTTP session is ours, so that a projected token is always the
present one, and so that we know whether each watch is open.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import aiohttp
import kopf
import structlog

from . import tamed
from .connection import Connection
from .resources import WATCHED, WORKLOADS, Resource
from .store import Store
from .sweep import Sweeper
from .tamed import NoDiff, NoProgress, silence

log = structlog.get_logger("holdfast.cluster")

_NEVER: Final = object()


class _Slim(aiohttp.ClientResponse):
    """Lists without `managedFields`: they are most of an object, nobody reads them, and thousands wait for their turn."""

    async def json(self, **more: Any) -> Any:
        return await super().json(**{"loads": _loads, **more})


def _loads(text: str) -> Any:
    return json.loads(text, object_hook=_slimmed)


def _slimmed(found: dict[str, Any]) -> dict[str, Any]:
    found.pop("managedFields", None)
    return found


class Engine:
    """One run of Kopf; one at a time in an event loop. `trouble` is the last refusal it met, as a sentence."""

    def __init__(self, connection: Connection, store: Store, sweeper: Sweeper, backoffs: tuple[float, ...]) -> None:
        """Nothing is sent before `run`."""
        self.trouble = ""
        self._connection = connection
        self._store = store
        self._sweeper = sweeper
        self._backoffs = backoffs
        self._refused: object = _NEVER
        self._sessions: list[aiohttp.ClientSession] = []

    async def run(self, spawned: Callable[[], None]) -> None:
        """Watch until cancelled; raises whatever ends Kopf. `spawned` is called once Kopf has taken the signals."""
        silence(logging.getLogger("kopf"))
        older = asyncio.all_tasks()
        try:
            tasks = await kopf.spawn_tasks(
                registry=self._registry(), settings=self._settings(), clusterwide=True, standalone=True
            )
            spawned()
            await tamed.run(tasks, older)
        finally:
            for session in self._sessions:
                await session.close()

    def _settings(self) -> kopf.OperatorSettings:
        settings = kopf.OperatorSettings()
        settings.process.ultimate_exiting_timeout = None  # it would kill us ten minutes after a restart of Kopf
        settings.scanning.disabled = True  # the supervisor looks for the kinds; no right to CRDs is needed
        settings.posting.enabled = False
        settings.watching.chunk_size = 500
        settings.watching.server_timeout, settings.watching.client_timeout = 600, 610
        settings.networking.request_timeout, settings.networking.connect_timeout = 30, 5
        settings.networking.error_backoffs = self._backoffs
        settings.queueing.worker_limit, settings.queueing.idle_timeout = 200, 0.1
        settings.persistence.diffbase_storage = NoDiff()
        settings.persistence.progress_storage = NoProgress()
        settings.persistence.finalizer = "holdfast.dev/unused"
        return settings

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(self._login)
        for resource in WATCHED:
            kopf.on.event(resource.group, resource.version, resource.plural, registry=registry)(self._handler(resource))
        return registry

    def _handler(self, resource: Resource) -> Callable[..., Any]:
        async def observe(event: Mapping[str, Any], **_: Any) -> None:
            body = event["object"]
            if event["type"] != "DELETED":
                self._store.put(resource, body)
            elif resource in WORKLOADS.values():
                self._store.gone(resource, body["metadata"]["uid"])
            else:
                self._sweeper.soon(resource)

        return observe

    async def _login(self, **_: Any) -> kopf.AiohttpSession | None:
        """A session; None, which ends Kopf, when there are no other credentials than the refused ones."""
        await self._connection.renew()
        if self._connection.authorization == self._refused:
            return None
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._connection.ssl_context()),
            proxy=self._connection.proxy,
            trust_env=self._connection.trust_env,
            read_bufsize=2**21,
            response_class=_Slim,
            middlewares=(self._observe,),
        )
        self._sessions.append(session)
        return kopf.AiohttpSession(server=self._connection.server, aiohttp_session=session)

    async def _observe(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Every request of Kopf passes here: it gets the token, and what comes of it is noted."""
        authorization = self._connection.authorization
        if authorization is not None:
            request.headers["Authorization"] = authorization
        if self._connection.server_name:
            request.server_hostname = self._connection.server_name
        response = await handler(request)
        resource = next((r for r in WATCHED if request.url.path.endswith(_path(r))), None)
        verb = "watch" if "watch" in request.url.query else "list"
        if response.status == 401:
            self._refused = authorization
            self.trouble = "the API server does not accept our credentials"
        elif resource is None:
            pass
        elif response.status == 403:
            self._say(f"our account may not {verb} {resource}; grant it with a ClusterRole")
        elif response.status == 200 and verb == "watch":
            self._store.watching(resource, lambda: _is_open(response))
        elif response.status == 200 and "continue" not in request.url.query:
            self._store.distrust(resource)  # the watch was lost, and with it perhaps news of a deletion
            self._sweeper.soon(resource)
        return response

    def _say(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.warning("watching is refused", why=trouble)
        self.trouble = trouble


def _path(resource: Resource) -> str:
    return f"/apis/{resource.group}/{resource.version}/{resource.plural}"


def _is_open(response: aiohttp.ClientResponse) -> bool:
    return not response.closed and response.content.exception() is None and not response.content.at_eof()
