"""Lists beside the watch: they find what a watch misses.

Rule: after every list that Kopf makes (it had lost the watch), after every DELETED event, and every five minutes, each
kind is listed by ourselves and what is gone is removed. A list that fails removes nothing and makes the kind unsynced.
That every object of a kind is gone is believed when a second list says so: whoever deletes the definition of a kind
deletes its objects first, and for some seconds (the server looks every five whether all are gone) a list truthfully shows
none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from .client import Client
from .errors import ClusterError, Gone
from .resources import WATCHED, Resource
from .store import Store

log = structlog.get_logger("holdfast.cluster")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds: between two lists of a kind, to gather requests for a prompt one, between tries that fail, and before it is
    believed that nothing is left.
    """

    every: float = 300.0
    gather: float = 0.5
    first_retry: float = 1.0
    last_retry: float = 30.0
    confirm: float = 15.0


class Sweeper:
    """Lists every kind when it is asked to, and from time to time."""

    def __init__(self, client: Client, store: Store, rhythm: Rhythm = Rhythm()) -> None:
        """Nothing is sent before `run`."""
        self._client = client
        self._store = store
        self._rhythm = rhythm
        self._asked = {resource: asyncio.Event() for resource in WATCHED}

    def soon(self, resource: Resource) -> None:
        """List this kind within a second."""
        self._asked[resource].set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as kinds:
            for resource in WATCHED:
                kinds.create_task(self._keep(resource), name=f"lists of {resource}")

    async def _keep(self, resource: Resource) -> None:
        """The first list is the one that Kopf's own asks for: it must come after it."""
        pause = self._rhythm.every
        retry = self._rhythm.first_retry
        while True:
            await self._wait(resource, pause)
            try:
                await self.list(resource)
            except Exception as error:
                self._store.distrust(resource)
                if not isinstance(error, ClusterError):
                    log.exception("list failed", kind=str(resource))
                log.info("list failed", kind=str(resource), error=str(error), again_in=retry)
                pause, retry = retry, min(2 * retry, self._rhythm.last_retry)
            else:
                pause, retry = self._rhythm.every, self._rhythm.first_retry

    async def _wait(self, resource: Resource, pause: float) -> None:
        asked = self._asked[resource]
        try:
            await asyncio.wait_for(asked.wait(), pause)
        except TimeoutError:
            return
        await asyncio.sleep(self._rhythm.gather)
        asked.clear()

    async def list(self, resource: Resource) -> None:
        """List all of a kind and sweep. Raises ClusterError, and then nothing was removed."""
        began, listed = await self._all(resource)
        if not listed and self._store.all(resource):
            await asyncio.sleep(self._rhythm.confirm)
            began, listed = await self._all(resource)
        self._store.sweep(resource, began, listed)

    async def _all(self, resource: Resource) -> tuple[int, Sequence[str]]:
        """The mark before the list, and the UIDs of all objects, page by page."""
        for last_try in (False, False, True):
            began, listed = self._store.mark(), list[str]()
            try:
                async for page in self._client.pages(resource):
                    for body in page.items:
                        self._store.put(resource, body)
                        listed.append(body["metadata"]["uid"])
            except Gone:
                if last_try:
                    raise
                continue
            break
        return began, listed
