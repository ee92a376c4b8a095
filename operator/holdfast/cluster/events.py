"""Events: what Holdfast did or saw, where `kubectl describe` and `kubectl get events` show it.

Rule: an Event tells, it never decides: whatever goes wrong with one is logged and nothing else. The same sentence about
the same object within ten minutes is one Event with a count.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

import structlog

from holdfast.core.quantities import Instant, Seconds

from .client import Client
from .errors import ClusterError, NotFound
from .resources import EVENTS, Body, Resource

log = structlog.get_logger("holdfast.cluster")

CONTROLLER: Final = "holdfast.dev/holdfast"
REPEAT: Final[Seconds] = 600
LONGEST_NOTE: Final = 1024
"""Bytes, not characters."""
_REMEMBERED: Final = 10_000
_LONGEST_NAME: Final = 253


@dataclass(frozen=True, slots=True)
class Regarding:
    """The object that an Event is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, resource: Resource, body: Body) -> Regarding:
        """An object as it was read."""
        metadata = body["metadata"]
        return cls(resource.api_version, resource.kind, metadata["namespace"], metadata["name"], metadata["uid"])


@dataclass(frozen=True, slots=True)
class _Told:
    name: str
    count: int
    last: Instant


class Recorder:
    """Writes Events in the namespace of the object they are about."""

    def __init__(self, client: Client, instance: str, clock: Callable[[], Instant] = time.time) -> None:
        """`instance` is the name of this pod."""
        self._client = client
        self._instance = instance[:128]
        self._clock = clock
        self._told: OrderedDict[tuple[Regarding, str, str], _Told] = OrderedDict()

    async def record(
        self, regarding: Regarding, kind: Literal["Normal", "Warning"], reason: str, note: str, action: str
    ) -> None:
        """Tell it. Never raises ClusterError."""
        key, now = (regarding, reason, note), self._clock()
        told = self._told.get(key)
        try:
            if told is None or now - told.last > REPEAT or not await self._repeat(regarding, told, now):
                told = await self._new(regarding, kind, reason, note, action)
            else:
                told = replace(told, count=told.count + 1, last=now)
        except ClusterError as error:
            log.warning(
                "event not written",
                reason=reason,
                about=f"{regarding.kind} {regarding.namespace}/{regarding.name}",
                error=str(error),
            )
            return
        self._told[key] = told
        self._told.move_to_end(key)
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)

    async def _new(self, regarding: Regarding, kind: str, reason: str, note: str, action: str) -> _Told:
        now = self._clock()
        suffix = "." + secrets.token_hex(8)
        name = regarding.name[: _LONGEST_NAME - len(suffix)].rstrip("-.") + suffix
        about = {"kind": regarding.kind, "apiVersion": regarding.api_version}
        about |= {"namespace": regarding.namespace, "name": regarding.name, "uid": regarding.uid}
        body = {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"name": name, "namespace": regarding.namespace},
            "eventTime": micro(now),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "regarding": about,
            "type": kind,
            "reason": reason,
            "action": action,
            "note": cut(note),
        }
        await self._client.create(EVENTS, regarding.namespace, body)
        return _Told(name, 1, now)

    async def _repeat(self, regarding: Regarding, told: _Told, now: Instant) -> bool:
        """Count it once more; False when the server has forgotten the Event."""
        series = {"series": {"count": told.count + 1, "lastObservedTime": micro(now)}}
        try:
            await self._client.merge_patch(EVENTS, regarding.namespace, told.name, series)
        except NotFound:
            return False
        return True


def micro(at: Instant) -> str:
    """RFC 3339 with exactly six fractional digits: the server takes no other number of them."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def cut(note: str) -> str:
    """The note, ended at a word when the server would find it too long."""
    if len(note.encode()) <= LONGEST_NOTE:
        return note
    kept = note.encode()[: LONGEST_NOTE - len("…".encode())].decode(errors="ignore")
    return kept.rpartition(" ")[0].rstrip() + "…" if " " in kept else kept + "…"
