"""What is known of the cluster: every object of the kinds we watch, slimmed to what is needed.

Rule: an object is gone only when a successful list says so. A missed DELETED event is found by the next list, and a
list that fails removes nothing. Only for workloads a DELETED event is believed at once: nothing is lifted because of it
that a list would not lift.

Lists and events race, so every entry knows when it was last heard of: a list removes only what it does not contain and
what was not heard of since the list began.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from sys import intern
from typing import Final

from holdfast.core.objective import ObjectKey

from .packed import Packed
from .resources import DEPLOYMENTS, HOLDS, OBJECTIVES, RELEASES, WATCHED, WORKLOADS, Body, Resource, key_of
from .templates import digest

GRACE: Final = 5.0
"""Seconds for which a watch may be away (it is reopened every ten minutes) before what is known counts as old."""

_METADATA: Final = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "labels",
    "deletionTimestamp",
)

Listener = Callable[[Resource, ObjectKey], None]


def slim(resource: Resource, body: Body) -> Body:
    """What is kept of an object. Of a workload: metadata, what stops a rollout of it, and the digest of its template. Of a
    release all but its pod template, which is empty where there is one.
    """
    metadata = {intern(k): body["metadata"][k] for k in _METADATA if k in body["metadata"]}
    if resource == OBJECTIVES:
        return Packed(metadata, body)
    if resource == RELEASES:
        status = body.get("status") or {}
        return Packed(metadata, {**body, "status": {**status, "template": {}}} if "template" in status else body)
    if resource not in WORKLOADS.values():
        return {**body, "metadata": metadata}
    spec = body.get("spec") or {}
    kept = "paused" if resource == DEPLOYMENTS else "updateStrategy"
    return {
        "metadata": metadata,
        "spec": {kept: spec[kept]} if kept in spec else {},
        "template": digest(spec.get("template") or {}),
    }


@dataclass(slots=True)
class _Entry:
    body: Body
    version: int
    heard: int


@dataclass(slots=True)
class _Shelf:
    """All objects of one kind, and how far they can be trusted."""

    by_key: dict[ObjectKey, _Entry] = field(default_factory=dict)
    by_uid: dict[str, ObjectKey] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    listed: bool = False
    is_open: Callable[[], bool] = lambda: False
    open_at: float = -math.inf


class Store:
    """The objects, by place and by UID. Filled by the watch and by lists; read by the loop. One event loop, no locks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Empty, and nothing of it is synced."""
        self.changed = asyncio.Event()
        self._clock = clock
        self._shelves = {resource: _Shelf() for resource in WATCHED}
        self._listeners: list[Listener] = []
        self._moment = 0

    # --- reading

    def get(self, resource: Resource, key: ObjectKey) -> Body | None:
        """The object of that name."""
        found = self._shelves[resource].by_key.get(key)
        return None if found is None else found.body

    def by_uid(self, resource: Resource, uid: str) -> Body | None:
        """The object with that UID."""
        key = self._shelves[resource].by_uid.get(uid)
        return None if key is None else self.get(resource, key)

    def all(self, resource: Resource) -> tuple[Body, ...]:
        """Every object of a kind."""
        return tuple(entry.body for entry in self._shelves[resource].by_key.values())

    def synced(self, resource: Resource | None = None) -> bool:
        """Whether what is known is all there is: listed since the last break, and the watch is alive. None: every kind."""
        kinds = self._shelves if resource is None else (resource,)
        return all(self._shelves[kind].listed and self.watch_age(kind) <= GRACE for kind in kinds)

    def watch_age(self, resource: Resource | None = None) -> float:
        """Seconds since the watch was last seen open; 0 while it is, infinite before the first time. None: the oldest."""
        if resource is None:
            return max(self.watch_age(kind) for kind in self._shelves)
        shelf = self._shelves[resource]
        if shelf.is_open():
            shelf.open_at = self._clock()
        return self._clock() - shelf.open_at

    def listen(self, listener: Listener) -> None:
        """Call it with the kind and the place of every object that came, went, or changed in what it says.

        A change in the status of what people write is no news: it is our own report.
        """
        self._listeners.append(listener)

    # --- filling

    def put(self, resource: Resource, body: Body) -> None:
        """An object as an event or a list shows it; an older state than the known one changes nothing."""
        shelf, key, uid = self._shelves[resource], key_of(body), body["metadata"]["uid"]
        if uid in shelf.deleted:
            return
        self._moment += 1
        version = _version(body)
        before = shelf.by_key.get(key)
        if before is not None and version < before.version:
            if _uid(before.body) == uid:
                before.heard = self._moment
            return
        after = slim(resource, body)
        if before is not None:
            shelf.by_uid.pop(_uid(before.body), None)
        shelf.by_key[key] = _Entry(after, version, self._moment)
        shelf.by_uid[uid] = key
        if before is None or _news(resource, before.body) != _news(resource, after):
            self._tell(resource, key)

    def gone(self, resource: Resource, uid: str) -> None:
        """Forget it, and whatever an older list says of it later."""
        self._moment += 1
        self._shelves[resource].deleted[uid] = self._moment
        self._drop(resource, uid)

    def mark(self) -> int:
        """The present moment, to be remembered before a list begins."""
        return self._moment

    def sweep(self, resource: Resource, began: int, listed: Iterable[str]) -> None:
        """A list that began at this mark was read to its end and showed these UIDs: what it does not show is gone."""
        shelf, present = self._shelves[resource], set(listed)
        for entry in list(shelf.by_key.values()):
            if entry.heard <= began and _uid(entry.body) not in present:
                self._drop(resource, _uid(entry.body))
        shelf.deleted = {uid: at for uid, at in shelf.deleted.items() if at > began}
        if not shelf.listed:
            shelf.listed = True
            self.changed.set()

    def distrust(self, resource: Resource) -> None:
        """What is known may be old until the next sweep. Nothing is removed."""
        self._shelves[resource].listed = False

    def watching(self, resource: Resource, is_open: Callable[[], bool]) -> None:
        """A watch was opened; `is_open` tells whether it still is."""
        self._shelves[resource].is_open = is_open

    def down(self) -> None:
        """Nobody watches: nothing is synced until everything was listed and is watched again."""
        for shelf in self._shelves.values():
            shelf.listed, shelf.is_open, shelf.open_at = False, lambda: False, -math.inf

    def _drop(self, resource: Resource, uid: str) -> None:
        shelf = self._shelves[resource]
        key = shelf.by_uid.pop(uid, None)
        if key is not None:
            del shelf.by_key[key]
            self._tell(resource, key)

    def _tell(self, resource: Resource, key: ObjectKey) -> None:
        self.changed.set()
        for listener in self._listeners:
            listener(resource, key)


def _uid(body: Body) -> str:
    return str(body["metadata"]["uid"])


def _version(body: Body) -> int:
    """Versions of one kind are numbers that grow (a promise since Kubernetes 1.35, and so in etcd ever since)."""
    text = str(body["metadata"].get("resourceVersion", ""))
    return int(text) if text.isdecimal() else 0


def _news(resource: Resource, body: Body) -> object:
    metadata = {k: v for k, v in body["metadata"].items() if k != "resourceVersion"}
    if isinstance(body, Packed):
        return metadata, body.said
    own = () if resource in (HOLDS, *WORKLOADS.values()) else ("status",)
    if resource in WORKLOADS.values():
        metadata = dict(body["metadata"])  # its status is not kept, yet a rollout that goes on is news
    return {**{k: v for k, v in body.items() if k not in own}, "metadata": metadata}
