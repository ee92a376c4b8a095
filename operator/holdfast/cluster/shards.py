"""Shards of a checkpoint: how records of ledgers are packed into one piece that the API server takes, and unpacked.

A shard is whole or it is nothing: its checksum is verified before a byte of it is believed. What a record holds is not
known here.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from typing import Any, Final

from holdfast.core.identity import Identity
from holdfast.core.objective import ObjectKey
from holdfast.core.quantities import Instant, Seconds

LARGEST: Final = 700 * 1024
"""Bytes of a shard. The API server takes 1 MiB in one ConfigMap."""

MOST: Final = 128
"""Shards; always a power of two, so that doubling their number splits each into two."""

VERSION: Final = 1
_MAGIC: Final = b"HFCP"
_HEAD: Final = struct.Struct("<4sB32s")
_LENGTHS: Final = struct.Struct("<HI")


class CorruptCheckpoint(Exception):  # noqa: N818 - named for what it is
    """A shard, or one record, that cannot be believed; the sentence names it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One stored ledger: whose it is, of when its newest evidence is, and how much of its window it covers (or owes).

    After `until` nobody can ask for it any more.
    """

    identity: Identity
    at: Instant
    until: Instant
    covered: Seconds
    data: bytes

    @property
    def size(self) -> int:
        """About how many bytes it takes in a shard."""
        return len(self.data) + len(self._head()) + _LENGTHS.size

    @property
    def fits(self) -> bool:
        """Whether a shard has room for it."""
        return self.size <= LARGEST - _HEAD.size

    def packed(self) -> bytes:
        """The record as a shard has it."""
        head = self._head()
        return _LENGTHS.pack(len(head), len(self.data)) + head + self.data

    def _head(self) -> bytes:
        key = self.identity.key
        values = [key.namespace, key.name, self.identity.digest, self.at, self.until, self.covered]
        return json.dumps(values, separators=(",", ":")).encode()


Records = Mapping[Identity, Record]


def shard_of(key: ObjectKey, shards: int) -> int:
    """Where the records of an objective are, all of them in one shard. It is stored: it never changes."""
    return int.from_bytes(sha256(str(key).encode("utf-8", "surrogatepass")).digest()[:4], "big") % shards


def needed(sizes: Iterable[int]) -> int:
    """How many shards so many bytes should be in: with room for a third more, a power of two."""
    whole, shards = sum(sizes), 1
    while whole > shards * LARGEST * 3 // 4 and shards < MOST:
        shards *= 2
    return shards


def newest(*several: Iterable[Record]) -> dict[Identity, Record]:
    """Of records read twice the newest."""
    found: dict[Identity, Record] = {}
    for records in several:
        for record in records:
            before = found.get(record.identity)
            if before is None or before.at <= record.at:
                found[record.identity] = record
    return found


def pack(records: Iterable[Record]) -> bytes:
    """A shard of these records. The same records give the same bytes."""
    body = b"".join(record.packed() for record in sorted(records, key=lambda r: r.identity))
    return _HEAD.pack(_MAGIC, VERSION, sha256(body).digest()) + body


def unpack(data: bytes, name: str) -> list[Record]:
    """The records of a shard; raises CorruptCheckpoint, which names it."""
    if len(data) < _HEAD.size or not data.startswith(_MAGIC):
        raise CorruptCheckpoint(f"Checkpoint {name} is none: it does not begin like one, or is cut.")
    _, version, checksum = _HEAD.unpack_from(data)
    if version != VERSION:
        raise CorruptCheckpoint(f"Checkpoint {name} is of version {version}; this Holdfast reads version {VERSION}.")
    body = data[_HEAD.size :]
    if sha256(body).digest() != checksum:
        raise CorruptCheckpoint(f"Checkpoint {name} is corrupt: its checksum is another.")
    try:
        return list(_records(body))
    except (ValueError, TypeError, OverflowError, RecursionError, struct.error) as error:
        raise CorruptCheckpoint(f"Checkpoint {name} is corrupt: {error}.") from error


def _records(body: bytes) -> Iterator[Record]:
    place = 0
    while place < len(body):
        head, length = _LENGTHS.unpack_from(body, place)
        begin = place + _LENGTHS.size + head
        place = begin + length
        if place > len(body):
            raise ValueError("a record is cut")
        yield _record(json.loads(body[begin - head : begin].decode()), body[begin:place])


def _record(values: Any, data: bytes) -> Record:
    namespace, name, digest, *times = values
    at, until, covered = map(float, times)
    if not all(type(word) is str for word in (namespace, name, digest)) or not all(map(isfinite, (at, until, covered))):
        raise ValueError("the head of a record makes no sense")
    return Record(Identity(ObjectKey(namespace, name), digest), at, until, covered, data)
