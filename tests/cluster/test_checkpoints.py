"""Shards in a real API server, with the rights of the chart: nothing that was stored is lost, whatever is interrupted."""

from __future__ import annotations

import base64
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from holdfast.cluster.checkpoints import KIND, LABEL, PREFIX, Checkpoints
from holdfast.cluster.client import Client
from holdfast.cluster.errors import Conflict, NotFound, Unreachable
from holdfast.cluster.resources import CONFIGMAPS
from holdfast.cluster.shards import LARGEST, Record, shard_of
from holdfast.core.identity import Identity
from holdfast.core.objective import ObjectKey
from lab import Cluster
from tests.fixtures_chart import InstalledChart

pytestmark = pytest.mark.lab
Json = dict[str, Any]


def record(name: str, at: float = 1.0, size: int = 100) -> Record:
    """One stored ledger of so many bytes."""
    return Record(Identity(ObjectKey("shop", name), "0" * 32), at, at + 60, 0.0, random.Random(name).randbytes(size))


def all_of(*records: Record) -> dict[Identity, Record]:
    """By identity, as they are read."""
    return {r.identity: r for r in records}


LARGE = [record(f"slo-{n}", size=60_000) for n in range(40)]
"""2.4 MB: more than three shards can hold."""


def keep(_: Record) -> bool:
    """Everything."""
    return True


@pytest.fixture
async def store(operator: Client, admin: Client, installed_chart: InstalledChart) -> AsyncIterator[Checkpoints]:
    """No shard is there, before and after."""
    namespace = installed_chart.namespace

    async def clear() -> None:
        for body in await admin.everything(CONFIGMAPS, namespace, labels=f"{LABEL}={KIND}"):
            await admin.delete(CONFIGMAPS, namespace, body["metadata"]["name"])

    await clear()
    yield Checkpoints(operator, namespace)
    await clear()


async def shards(admin: Client, chart: InstalledChart) -> dict[int, Json]:
    """The ConfigMaps that are there."""
    found = await admin.everything(CONFIGMAPS, chart.namespace, labels=f"{LABEL}={KIND}")
    return {int(body["metadata"]["name"].removeprefix(PREFIX)): dict(body) for body in found}


async def test_what_is_stored_is_read(store: Checkpoints) -> None:
    """By this process, and by the next one; an empty namespace is an empty checkpoint."""
    assert (await store.read()).records == {}
    assert await store.write(0, [record("a"), record("b")], keep)
    assert await store.write(0, [record("b", 2.0), record("c")], keep)
    found = await Checkpoints(store._client, store._namespace).read()
    assert found.records == all_of(record("a"), record("b", 2.0), record("c"))
    assert (found.problems, found.tidy) == ((), True)


async def test_a_copy_that_is_newer_is_kept(store: Checkpoints) -> None:
    """A ledger that is not written keeps its copy, an older one replaces nothing, and what is to be forgotten goes."""
    await store.write(0, [record("a", 5.0), record("b")], keep)
    await store.write(0, [record("a", 4.0)], lambda r: r.identity.key.name != "b")
    assert (await store.read()).records == all_of(record("a", 5.0))


async def test_it_grows_when_it_must_and_shrinks_when_it_can(
    store: Checkpoints, admin: Client, installed_chart: InstalledChart
) -> None:
    """No shard is larger than the API server takes; all of them together have everything, each in its place."""
    await store.write(0, [record("a")], keep)
    assert not await store.write(0, LARGE, keep)
    assert (await store.read()).records == all_of(record("a"))
    assert await store.spread(LARGE, keep) == ()
    found = await store.read()
    assert found.records == all_of(record("a"), *LARGE)
    assert found.tidy
    assert store.shards == 8
    assert max(store.sizes.values()) <= LARGEST
    assert set(await shards(admin, installed_chart)) == set(range(8))

    for place in range(8):
        await store.write(place, [], lambda r: r.identity.key.name == "a")
    assert not (await store.read()).tidy  # eight shards for one ledger
    await store.spread([], keep)
    assert set(await shards(admin, installed_chart)) == {0}
    assert (await store.read()).records == all_of(record("a"))


class Dying(Client):
    """A connection that is cut after so many writes."""

    writes = 10**9

    async def _ask(self, verb: str, *args: Any, **options: Any) -> Any:
        if verb in {"create", "update", "delete"}:
            self.writes -= 1
            if self.writes < 0:
                raise Unreachable("The process is killed here.")
        return await super()._ask(verb, *args, **options)


@pytest.mark.parametrize("forwards", [True, False], ids=["growing", "shrinking"])
async def test_spreading_may_be_cut_anywhere(store: Checkpoints, forwards: bool) -> None:
    """After each possible number of writes everything is still there, and the next process brings it into order."""
    small = [record(f"slo-{n}", size=40_000) for n in range(16)]  # 640 kB: one full shard, or two
    extra = record("more", size=60_000)

    def few(stored: Record) -> bool:
        return stored.identity == small[0].identity

    dying = Dying(store._client.connection)
    try:
        for writes in range(5):
            dying.writes = 10**9
            mine = Checkpoints(dying, store._namespace)
            await mine.spread([*small, extra], keep)
            if forwards:
                await mine.spread([], few)
            else:
                for place in range(mine.shards):
                    await mine.write(place, [], few)
            dying.writes = writes
            try:
                await mine.spread([*small, extra] if forwards else [], keep)
            except Unreachable:
                pass
            else:
                assert writes >= 2
            after = Checkpoints(store._client, store._namespace)
            found = (await after.read()).records
            assert small[0].identity in found
            wanted = all_of(*small, extra) if forwards else all_of(small[0])
            await after.spread([*small, extra] if forwards else [], keep)
            assert (await after.read()).records == wanted
            assert (await after.read()).tidy
    finally:
        await dying.close()


async def test_what_is_not_in_its_place_is_still_read(store: Checkpoints) -> None:
    """As after a cut: read, said to be untidy, and the newest of two copies counts."""
    await store.write(0, LARGE[:5], keep)
    await store.write(1, [record("a"), record(LARGE[0].identity.key.name, 9.0)], keep)
    found = await store.read()
    assert not found.tidy
    assert set(found.records) == {r.identity for r in (*LARGE[:5], record("a"))}
    assert found.records[LARGE[0].identity].at == 9.0
    assert store.shards == 2


async def test_a_ledger_larger_than_a_shard_is_named_and_left_out(store: Checkpoints) -> None:
    """The others are stored all the same."""
    giant = record("giant", size=LARGEST)
    assert not await store.write(0, [giant, record("a")], keep)
    assert await store.spread([giant, record("a")], keep) == (giant,)
    assert (await store.read()).records == all_of(record("a"))


async def test_who_comes_second_merges(store: Checkpoints, operator: Client) -> None:
    """A shard that changed between reading and writing is read again: nothing of the other writer is lost."""
    await store.write(0, [record("a")], keep)
    another = Checkpoints(operator, store._namespace)
    put, hurdles = store._put, [record("b"), record("c")]

    async def late(place: int, data: bytes, before: Any) -> None:
        if hurdles:
            await another.write(0, [hurdles.pop()], keep)
        await put(place, data, before)

    store._put = late  # type: ignore[method-assign]
    await store.write(0, [record("d")], keep)
    assert (await store.read()).records == all_of(*map(record, "abcd"))
    hurdles[:] = [record(name) for name in "efghi"]
    with pytest.raises(Conflict):
        await store.write(0, [record("z")], keep)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "it has no data"),
        ({"binaryData": {"other": "AAAA"}}, "it has no data"),
        ({"binaryData": {KIND: base64.b64encode(b"HFCP\x09" + bytes(40)).decode()}}, "of version 9"),
        ({"binaryData": {KIND: base64.b64encode(b"garbage").decode()}}, "is none"),
    ],
)
async def test_a_corrupt_shard_costs_only_itself(
    store: Checkpoints, admin: Client, content: Json, said: str, installed_chart: InstalledChart
) -> None:
    """It is named in a sentence, all others are read, and the next write makes it whole."""
    await store.spread(LARGE, keep)
    lost = shard_of(LARGE[0].identity.key, store.shards)
    body = (await shards(admin, installed_chart))[lost]
    body.pop("binaryData")
    await admin.replace(CONFIGMAPS, installed_chart.namespace, body | content)
    found = await store.read()
    assert len(found.problems) == 1
    assert f"{PREFIX}{lost} " in found.problems[0]
    assert said in found.problems[0]
    others = [r for r in LARGE if shard_of(r.identity.key, store.shards) != lost]
    assert found.records == all_of(*others)
    await store.write(lost, [LARGE[0]], keep)
    again = await store.read()
    assert (again.records, again.problems) == (all_of(*others, LARGE[0]), ())


async def test_what_is_not_ours_is_left_alone(
    store: Checkpoints, admin: Client, lab_cluster: Cluster, installed_chart: InstalledChart
) -> None:
    """A ConfigMap that carries the label under another name is neither read nor deleted."""
    names = ("somebody-elses", f"{PREFIX}01", f"{PREFIX}999", f"{PREFIX}x")
    for name in names:
        metadata = {"name": name, "namespace": installed_chart.namespace, "labels": {LABEL: KIND}}
        await admin.create(
            CONFIGMAPS, installed_chart.namespace, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        )
    await store.write(0, [record("a")], keep)
    assert (await store.read()).problems == ()
    await store.spread([], keep)
    for name in names:
        assert await admin.get(CONFIGMAPS, installed_chart.namespace, name)


async def test_in_a_namespace_that_is_not_there_the_error_says_so(operator: Client, admin: Client) -> None:
    """Reading finds nothing, writing is NotFound."""
    nowhere = Checkpoints(admin, "nowhere")
    assert (await nowhere.read()).records == {}
    with pytest.raises(NotFound):
        await nowhere.write(0, [record("a")], keep)
