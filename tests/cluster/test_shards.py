"""A shard is whole or nothing; and where a record belongs never changes."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest

from holdfast.cluster.shards import LARGEST, MOST, CorruptCheckpoint, Record, needed, newest, pack, shard_of, unpack
from holdfast.core.identity import Identity
from holdfast.core.objective import ObjectKey

FORMAT = (
    "4846435001a11b9092645d232a30963c1f02fdc08b657d07fea77abc46592b83e8363190fa4e00060000005b2273686f7022"
    "2c2261222c223030303030303030303030303030303030303030303030303030303030303030222c31303030303030303030"
    "2e302c313030303030333630302e302c36302e305d6c6564676572"
)
PLACES = [27, 49, 37]


def record(name: str = "a", at: float = 1e9, data: bytes = b"ledger", digest: str = "0" * 32) -> Record:
    """One stored ledger."""
    return Record(Identity(ObjectKey("shop", name), digest), at, at + 3_600, 60.0, data)


MANY = [record(f"slo-{n}", 1e9 + n, random.Random(n).randbytes(n)) for n in range(50)]


def sealed(body: bytes) -> bytes:
    """A shard whose checksum is right, whatever its body."""
    return pack(())[:5] + sha256(body).digest() + body


def test_records_come_back() -> None:
    """All of them, in the order of their names."""
    assert unpack(pack(MANY), "x") == sorted(MANY, key=lambda r: r.identity)
    assert unpack(pack(()), "x") == []


def test_the_same_records_are_the_same_bytes() -> None:
    """In whatever order they come."""
    assert pack(MANY) == pack(reversed(MANY))


def test_the_format_never_changes_unnoticed() -> None:
    """What is in clusters is read by the next version too: who changes this raises the version."""
    assert pack([record()]).hex() == FORMAT


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "does not begin like one"),
        (b"HFCP", "is cut"),
        (b"PK\x03\x04" + bytes(60), "does not begin like one"),
        (pack(MANY)[:-1], "its checksum is another"),
        (pack(MANY) + b"x", "its checksum is another"),
        (b"HFCP\x02" + pack(MANY)[5:], "of version 2; this Holdfast reads version 1"),
        (b"HFCP\x00" + pack(MANY)[5:], "of version 0"),
        (sealed(b"\x01"), "corrupt"),
        (sealed(record().packed()[:-1]), "a record is cut"),
        (sealed(b"\xff\xff\xff\xff\xff\xff"), "a record is cut"),
        (sealed(b"\x02\x00\x00\x00\x00\x00{}"), "corrupt"),
        (sealed(b"\x04\x00\x00\x00\x00\x00null"), "corrupt"),
        (sealed(b"\x01\x00\x00\x00\x00\x00\xff"), "corrupt"),
        (sealed(record().packed().replace(b'"shop"', b"123456")), "the head of a record makes no sense"),
        (sealed(record().packed().replace(b"60.0", b" NaN")), "the head of a record makes no sense"),
        (sealed(record().packed().replace(b"60.0", b'"ab"')), "corrupt"),
    ],
)
def test_what_is_no_shard_is_refused_by_name(data: bytes, said: str) -> None:
    """Cut, changed, of another version, or well-sealed nonsense: one error, which names the shard."""
    with pytest.raises(CorruptCheckpoint, match=said) as refused:
        unpack(data, "holdfast-ledgers-3")
    assert "holdfast-ledgers-3" in str(refused.value)


def test_every_mutation_is_noticed() -> None:
    """Whatever byte is changed, added or taken away, nothing of the shard is believed."""
    chance, whole = random.Random(1), pack(MANY)
    for _ in range(3_000):
        place, mutated = chance.randrange(len(whole)), bytearray(whole)
        match chance.randrange(3):
            case 0:
                mutated[place] ^= chance.randrange(1, 256)
            case 1:
                del mutated[place : place + chance.randrange(1, 50)]
            case _:
                mutated[place:place] = chance.randbytes(chance.randrange(1, 50))
        with pytest.raises(CorruptCheckpoint):
            unpack(bytes(mutated), "x")


def test_well_sealed_mutations_are_shards_or_refused() -> None:
    """Even with a right checksum nothing but CorruptCheckpoint comes out."""
    chance, body = random.Random(2), pack(MANY[:9])[37:]
    for _ in range(3_000):
        mutated = bytearray(body)
        mutated[chance.randrange(len(body))] = chance.randrange(256)
        try:
            unpack(sealed(bytes(mutated)), "x")
        except CorruptCheckpoint:
            continue


def test_a_record_stays_where_it_is() -> None:
    """Another place for the same name would be a ledger that is not found; all ledgers of an objective are together."""
    assert [shard_of(ObjectKey("shop", name), 128) for name in ("a", "b", "checkout")] == PLACES
    assert shard_of(ObjectKey("shop", "\ud800"), 4) in range(4)


def test_doubling_splits_each_shard_in_two() -> None:
    """What is in shard p of n is in p or p + n of twice as many."""
    for n in range(300):
        key = ObjectKey("shop", str(n))
        assert shard_of(key, 8) % 4 == shard_of(key, 4)


def test_the_number_of_shards_is_by_need() -> None:
    """With some room, a power of two, and never more than there may be."""
    assert [needed([size]) for size in (0, LARGEST // 2, LARGEST, 3 * LARGEST, 10**12)] == [1, 1, 2, 4, MOST]


def test_the_newest_copy_counts() -> None:
    """Of a ledger that is read twice, in whatever order; other indicators are other ledgers."""
    old, new, other = record(at=1.0), record(at=2.0), record(digest="f" * 32)
    for order in ([old], [new, other]), ([new, other], [old]):
        assert newest(*order) == {new.identity: new, other.identity: other}


def test_the_size_of_a_record_is_what_it_takes() -> None:
    """Planning and packing agree."""
    assert all(len(r.packed()) == r.size for r in MANY)
