"""When ledgers are stored and read, against a real API server with the rights of the chart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest

from holdfast.cluster.checkpoints import KIND, LABEL, Checkpoints, Keep
from holdfast.cluster.client import Client
from holdfast.cluster.connection import connect
from holdfast.cluster.resources import CONFIGMAPS
from holdfast.cluster.shards import LARGEST, Record, shard_of
from holdfast.core.ledger import Ledger, Reading
from holdfast.core.objective import Objective, ObjectKey
from holdfast.service.memory import EVERY, LAST, TURN, Memory, Open
from holdfast.service.metrics import Metrics
from holdfast.service.shelf import Shelf
from lab import Cluster
from tests.cluster.conftest import admin, operator
from tests.core.making import DAY, objective
from tests.fixtures_chart import InstalledChart, installed_chart

__all__ = ["admin", "installed_chart", "operator"]
pytestmark = pytest.mark.lab
START = 1_764_000_000.0


def named(name: str) -> Objective:
    """An objective of this name."""
    return objective(ObjectKey("shop", name))


def ledger(minutes: int = 10) -> Ledger:
    """One that was fed for so long."""
    found = Ledger(30 * DAY, 45)
    for n in range(minutes + 1):
        found.feed(START + 60 * n, {("pod",): Reading(10 * n, n, START - 900)})
    return found


@dataclass
class Process:
    """One life of the operator, as far as memory goes: its clock, its shelf, and what it has open."""

    checkpoints: Checkpoints
    now: float = START + 3_600
    live: list[Open] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.shelf = Shelf(lambda: None, lambda: self.now)
        self.shelf.settled = True
        self.memory = Memory(self.checkpoints, lambda _: self.live, self.shelf, self.metrics, lambda: self.now)

    def open(self, name: str, of: Ledger | None = None, fresh: bool = True) -> Ledger:
        """Have a ledger in use."""
        found = of or ledger()
        self.live.append(Open(named(name), found, 0.0, fresh))
        return found

    def figure(self, name: str, **labels: str) -> float:
        """A metric as it would be scraped."""
        return self.metrics.registry.get_sample_value(f"holdfast_checkpoint_{name}", labels) or 0.0

    async def versions(self) -> dict[str, str]:
        """The shards that are there, and in which version."""
        found = await self.checkpoints._all()
        return {body["metadata"]["name"]: body["metadata"]["resourceVersion"] for body in found}


@pytest.fixture
async def process(operator: Client, admin: Client, installed_chart: InstalledChart) -> AsyncIterator[Process]:
    """Nothing is stored, before and after."""

    async def clear() -> None:
        for body in await admin.everything(CONFIGMAPS, installed_chart.namespace, labels=f"{LABEL}={KIND}"):
            await admin.delete(CONFIGMAPS, installed_chart.namespace, body["metadata"]["name"])

    await clear()
    yield Process(Checkpoints(operator, installed_chart.namespace))
    await clear()


def after(process: Process) -> Process:
    """The next life."""
    return Process(Checkpoints(process.checkpoints._client, process.checkpoints._namespace), process.now)


async def test_fresh_ledgers_are_stored_and_read(process: Process) -> None:
    """Those in use and those that are closed; the next process finds each by its identity."""
    process.open("a")
    process.shelf.close(named("b"), ledger(20), 0.0)
    assert await process.memory.load()
    assert await process.memory.store([0])
    assert process.figure("bytes") > 300
    assert process.figure("seconds_count") == 1
    later = after(process)
    assert await later.memory.load()
    assert later.figure("bytes") == process.figure("bytes")
    for name, minutes in (("a", 10), ("b", 20)):
        found, owed = later.shelf.open(named(name), 30 * DAY, 45)
        assert (found.counts(DAY), owed) == (ledger(minutes).counts(DAY), 0)


async def test_what_is_blind_keeps_its_last_good_copy(process: Process) -> None:
    """A ledger that is not fresh is not stored, and what is stored of it stays."""
    one = process.open("a")
    await process.memory.store([0])
    one.feed(START + 700, {("pod",): Reading(500, 9, START - 900)})
    process.live[0] = replace(process.live[0], fresh=False)
    process.open("b")
    await process.memory.store([0])
    later = after(process)
    await later.memory.load()
    assert later.shelf.open(named("a"), 30 * DAY, 45)[0].at == START + 600
    assert later.shelf.open(named("b"), 30 * DAY, 45)[0].at == START + 600


async def test_what_has_not_changed_is_not_written(process: Process) -> None:
    """No request for a shard in which no ledger has news."""
    one = process.open("a")
    await process.memory.store([0])
    before = await process.versions()
    await process.memory.store([0])
    assert await process.versions() == before
    one.feed(START + 700, {("pod",): Reading(500, 9, START - 900)})
    await process.memory.store([0])
    assert await process.versions() != before


async def test_shards_take_turns(process: Process) -> None:
    """Each is due once in a period, at its own time, whenever the process began."""
    process.checkpoints.shards = 4
    for began in (START, START + 333):
        turns = [began + n * TURN for n in range(int(EVERY / TURN) + 1)]
        for place in range(4):
            due = [b for a, b in pairwise(turns) if process.memory._turn(place, a) != process.memory._turn(place, b)]
            assert len(due) == 1
            assert (due[0] - place * EVERY / 4) % EVERY < TURN


async def test_too_much_for_one_shard_is_spread(process: Process) -> None:
    """The ledgers are in several shards then, all of them; what is too large for any is told and left out."""
    await process.memory.load()
    whole = after(process)
    process.shelf.close(named("a"), ledger(), 0.0)
    (record,) = process.shelf.records
    names = [f"slo-{n}" for n in range(30)]
    for name in names:
        identity = replace(record.identity, key=ObjectKey("shop", name))
        process.shelf.put([replace(record, identity=identity, data=bytes(50_000))])
    process.shelf.put([replace(record, identity=replace(record.identity, digest="f" * 32), data=bytes(LARGEST))])
    assert await process.memory.store([0])
    assert process.checkpoints.shards == 4
    assert process.figure("errors_total", doing="write") == 1
    await whole.memory.load()
    assert {r.identity.key.name for r in whole.shelf.records} == {"a", *names}
    before = await process.versions()
    assert await process.memory.store(range(4))
    assert await process.versions() == before


async def test_an_untidy_store_is_brought_into_order(process: Process) -> None:
    """Shards left behind by a process that was cut while it spread them."""
    process.shelf.close(named("a"), ledger(), 0.0)
    (record,) = process.shelf.records
    wrong = 1 - shard_of(record.identity.key, 2)
    await process.checkpoints.write(wrong, [record], lambda _: True)
    later = after(process)
    await later.memory.load()
    await later.memory.store([0])
    assert await later.versions() == {"holdfast-ledgers-0": (await later.versions())["holdfast-ledgers-0"]}
    assert list((await later.checkpoints.read()).records) == [record.identity]


async def test_the_forgotten_leave_the_store(process: Process) -> None:
    """A window after its last evidence a closed ledger goes, at the next write; not before all have had theirs back."""
    process.shelf.close(named("old"), ledger(), 0.0)
    await process.memory.store([0])
    later = after(process)
    later.now += 31 * DAY
    await later.memory.load()
    later.shelf.settled = False
    later.open("a")
    await later.memory.store([0])
    assert len((await later.checkpoints.read()).records) == 2
    later.shelf.settled = True
    later.open("b")
    await later.memory.store([0])
    assert {i.key.name for i in (await later.checkpoints.read()).records} == {"a", "b"}


async def test_it_runs_until_it_is_cancelled(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shard is stored in its turn; after a failure everything is due again, a while later."""
    monkeypatch.setattr("holdfast.service.memory.TURN", 0.01)
    monkeypatch.setattr("holdfast.service.memory.WAIT", 0.01)
    process.open("a")
    works, calls, enough = process.memory.store, [], asyncio.Event()

    async def store(places: Sequence[int]) -> bool:
        calls.append(list(places))
        process.now += EVERY / 4
        if len(calls) == 9:
            enough.set()
        return len(calls) != 6 and await works(places)

    process.memory.store = store  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(process.memory.run())
    await asyncio.wait_for(enough.wait(), 10)
    task.cancel()
    assert (calls[0], calls[6]) == ([], [0])
    assert sum(map(len, calls[:6])) in {1, 2}
    assert len(await process.versions()) == 1


async def test_a_ledger_that_cannot_be_packed_costs_only_itself(process: Process) -> None:
    """It is told; all others are stored."""
    broken = process.open("a")
    broken.asked = float("nan")
    process.open("b")
    assert await process.memory.store([0])
    assert process.figure("errors_total", doing="write") == 1
    assert {i.key.name for i in (await process.checkpoints.read()).records} == {"b"}


async def test_a_corrupt_shard_is_counted(process: Process, admin: Client) -> None:
    """Once for each, and what the others have is there."""
    process.open("a")
    await process.memory.store([0])
    (body,) = await process.checkpoints._all()
    await admin.replace(CONFIGMAPS, body["metadata"]["namespace"], {**body, "binaryData": {KIND: "AAAA"}})
    later = after(process)
    assert await later.memory.load()
    assert later.figure("errors_total", doing="read") == 1
    assert later.shelf.records == []


async def test_without_the_right_nothing_is_stored_and_all_goes_on(
    process: Process, lab_cluster: Cluster, installed_chart: InstalledChart
) -> None:
    """One sentence each time: the objectives are measured all the same."""
    kubeconfig = lab_cluster.kubeconfig_for(lab_cluster.service_account_token("default", "default"), "nobody")
    async with Client(await connect(kubeconfig)) as nobody:
        mine = Process(Checkpoints(nobody, installed_chart.namespace))
        mine.open("a")
        assert await mine.memory.load()
        assert not await mine.memory.store([0])
        assert mine.figure("errors_total", doing="read") == 1
        assert mine.figure("errors_total", doing="write") == 1


async def test_an_api_server_that_is_away_is_waited_for(process: Process, lab_cluster: Cluster) -> None:
    """Nothing may be opened before what is stored was read."""
    lab_cluster.apiserver.kill()
    try:
        assert not await process.memory.load()
    finally:
        lab_cluster.mend()
    assert await process.memory.load()


async def test_a_stop_stores_in_a_few_seconds_or_not_at_all(process: Process) -> None:
    """The time is bounded, whatever the API server does; otherwise everything newer than its copy is stored."""
    one = process.open("a")
    await process.memory.stop()
    assert len(await process.versions()) == 1
    one.feed(START + 700, {("pod",): Reading(500, 9, START - 900)})

    async def hang(place: int, changed: Sequence[Record], keep: Keep) -> Any:
        await asyncio.sleep(60)

    process.checkpoints.write = hang  # type: ignore[method-assign]
    began = time.monotonic()
    await process.memory.stop()
    assert LAST <= time.monotonic() - began < LAST + 1


async def test_the_age_is_of_the_shard_that_waits_for_longest(process: Process) -> None:
    """Since it was stored, or since the process began."""
    process.open("a")
    process.now += 100
    assert process.figure("age_seconds") == 100
    await process.memory.store([0])
    assert process.figure("age_seconds") == 0
    process.now += 7
    assert process.figure("age_seconds") == 7
