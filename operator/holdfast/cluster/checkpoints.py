"""Where checkpoints are: ConfigMaps in the operator's own namespace, one for each shard.

Rule: whatever is interrupted, nothing that was stored is lost. A write merges with what is there under a precondition; a
new number of shards is written whole before anything old goes; and what is read twice counts by its newest copy.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from holdfast.core.identity import Identity

from .client import Client
from .errors import Conflict, NotFound
from .resources import CONFIGMAPS, Body
from .shards import LARGEST, MOST, CorruptCheckpoint, Record, needed, newest, pack, shard_of, unpack

PREFIX: Final = "holdfast-ledgers-"
LABEL: Final = "holdfast.dev/checkpoint"
KIND: Final = "ledgers"
PAGE: Final = 8
TRIES: Final = 3

Keep = Callable[[Record], bool]


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything that is stored: the newest record of each ledger, and a sentence for each shard that is corrupt.

    `tidy` says that every record is in the shard it belongs to.
    """

    records: dict[Identity, Record]
    problems: tuple[str, ...]
    tidy: bool


class Checkpoints:
    """All shards of one namespace. `shards` is their number; `sizes` are their bytes by place."""

    def __init__(self, client: Client, namespace: str) -> None:
        """Nothing is read yet."""
        self._client = client
        self._namespace = namespace
        self.shards = 1
        self.sizes: dict[int, int] = {}

    async def read(self) -> Stored:
        """Every shard there is; raises ClusterError."""
        bodies = {place: body for body in await self._all() if (place := _place(body)) is not None}
        self.shards, self.sizes = 1, {}
        while self.shards <= max(bodies, default=0):
            self.shards *= 2
        several, problems, tidy = [], [], True
        for place, body in bodies.items():
            try:
                found = self._unpacked(place, body)
            except CorruptCheckpoint as error:
                problems.append(str(error))
                continue
            several.append(found)
            tidy = tidy and all(shard_of(r.identity.key, self.shards) == place for r in found)
        records = newest(*several)
        few = 4 * needed(r.size for r in records.values()) <= self.shards
        return Stored(records, tuple(problems), tidy and not few)

    async def write(self, place: int, changed: Sequence[Record], keep: Keep) -> bool:
        """Store these in their shard, beside what is there and is to be kept. False when it would grow too large."""
        for last in (False,) * (TRIES - 1) + (True,):
            body = await self._get(place)
            data = pack(filter(keep, newest(self._believed(place, body), changed).values()))
            if len(data) > LARGEST:
                return False
            try:
                await self._put(place, data, body)
                break
            except Conflict:
                if last:
                    raise
        return True

    async def spread(self, changed: Iterable[Record], keep: Keep) -> tuple[Record, ...]:
        """Store everything anew, in as many shards as it needs. Returns what is too large to be stored at all.

        New shards come first, the ones that are split or joined next, and those that are not needed go last.
        """
        bodies = {place: body for body in await self._all() if (place := _place(body)) is not None}
        several = [self._believed(place, body) for place, body in bodies.items()]
        records = [r for r in newest(*several, changed).values() if keep(r)]
        some = [r for r in records if r.fits]
        shards = needed(r.size for r in some)
        while shards < MOST and any(len(pack(part)) > LARGEST for part in _parts(some, shards)):
            shards *= 2
        fitting = [_fitting(part) for part in _parts(some, shards)]
        for place in sorted(range(shards), key=lambda p: (p in bodies, p)):
            await self._put(place, pack(fitting[place]), bodies.get(place))
        for place in sorted(bodies, reverse=True):
            if place >= shards:
                await self._client.delete(CONFIGMAPS, self._namespace, _name(place))
                self.sizes.pop(place, None)
        self.shards = shards
        stored = {r.identity for part in fitting for r in part}
        return tuple(r for r in records if r.identity not in stored)

    async def _all(self) -> Sequence[Body]:
        pages = self._client.pages(CONFIGMAPS, self._namespace, labels=f"{LABEL}={KIND}", limit=PAGE)
        return [body async for page in pages for body in page.items]

    async def _get(self, place: int) -> Body | None:
        try:
            return await self._client.get(CONFIGMAPS, self._namespace, _name(place))
        except NotFound:
            return None

    async def _put(self, place: int, data: bytes, before: Body | None) -> None:
        metadata: dict[str, Any] = {"name": _name(place), "namespace": self._namespace, "labels": {LABEL: KIND}}
        body = {
            "apiVersion": CONFIGMAPS.api_version,
            "kind": CONFIGMAPS.kind,
            "metadata": metadata,
            "binaryData": {KIND: base64.b64encode(data).decode()},
        }
        if before is None:
            await self._client.create(CONFIGMAPS, self._namespace, body)
        else:
            metadata["resourceVersion"] = before["metadata"]["resourceVersion"]
            await self._client.replace(CONFIGMAPS, self._namespace, body)
        self.sizes[place] = len(data)

    def _unpacked(self, place: int, body: Body) -> list[Record]:
        try:
            data = base64.b64decode(body["binaryData"][KIND], validate=True)
        except (KeyError, TypeError, binascii.Error) as error:
            raise CorruptCheckpoint(f"Checkpoint {_name(place)} is corrupt: it has no data.") from error
        self.sizes[place] = len(data)
        return unpack(data, _name(place))

    def _believed(self, place: int, body: Body | None) -> list[Record]:
        """The records of a shard that is about to be written; one that is corrupt was reported when it was read."""
        try:
            return self._unpacked(place, body) if body is not None else []
        except CorruptCheckpoint:
            return []


def _name(place: int) -> str:
    return f"{PREFIX}{place}"


def _place(body: Body) -> int | None:
    """Which shard this is; None for one that is called otherwise."""
    number = str(body["metadata"]["name"]).removeprefix(PREFIX)
    return int(number) if number.isdecimal() and int(number) < MOST and _name(int(number)) == _called(body) else None


def _called(body: Body) -> str:
    return str(body["metadata"]["name"])


def _parts(records: Iterable[Record], shards: int) -> list[list[Record]]:
    parts: list[list[Record]] = [[] for _ in range(shards)]
    for record in records:
        parts[shard_of(record.identity.key, shards)].append(record)
    return parts


def _fitting(part: list[Record]) -> list[Record]:
    """As many of them as fit into one shard: the smallest."""
    found, room = [], LARGEST - len(pack(()))
    for record in sorted(part, key=lambda r: r.size):
        room -= len(record.packed())
        if room >= 0:
            found.append(record)
    return found
