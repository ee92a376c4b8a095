"""A clock that jumps: the whole service in this process on a real cluster, with a clock that the test holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from holdfast.cluster.client import Client
from holdfast.cluster.connection import connect
from holdfast.core.evidence import Fresh
from holdfast.core.objective import ObjectKey
from holdfast.service.settings import Settings
from holdfast.service.wiring import Service
from lab import Cluster
from lab.chart import install
from lab.operator import Operator
from tests.e2e.scene import Scene

pytestmark = pytest.mark.lab


class Clock:
    """The wall clock, and how far it is off."""

    def __init__(self) -> None:
        """It goes right."""
        self.off = 0.0

    def __call__(self) -> float:
        """The time it shows."""
        return time.time() + self.off


@pytest.fixture
async def service(lab_cluster: Cluster, operator: Operator) -> AsyncIterator[tuple[Service, Clock]]:
    """An operator in this process instead of the usual one, measuring every second, and its clock."""
    operator.process.stop()
    chart, clock = install(lab_cluster), Clock()
    source = {"url": lab_cluster.proxy.url, "scrapeInterval": "1s", "delay": "2s", "timeout": "2s"}
    settings = Settings.model_validate(
        {"sources": [source], "interval": "1s", "http": {"host": "127.0.0.1", "port": 0}}
    )
    async with Client(await connect(chart.kubeconfig)) as client:
        service = Service(settings, client, chart.namespace)
        service.loop.clock = clock
        running = asyncio.create_task(service.run())
        yield service, clock
        service._stopping.set()
        assert await running == 0


async def until(probe: Any, seconds: float = 30) -> None:
    """Wait for it without blocking the service."""
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(probe):
        assert time.monotonic() < end, "it did not come"
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_a_clock_that_jumps_starts_and_lifts_nothing(
    service: tuple[Service, Clock], lab_cluster: Cluster, jump: float
) -> None:
    """While the clock is wrong there is no evidence, so nothing is held or lifted; once it is right all goes on at once."""
    running, clock = service
    held, free = await asyncio.to_thread(lambda: (Scene(lab_cluster), Scene(lab_cluster)))
    for scene in (held, free):
        await asyncio.to_thread(scene.objective)
        await asyncio.to_thread(scene.policy)

    def fresh(scene: Scene) -> bool:
        standing = running.loop.standings.get(ObjectKey(scene.namespace, "availability"))
        return standing is not None and isinstance(standing.measured.evidence, Fresh)

    await until(lambda: fresh(held) and fresh(free) and free.condition("BudgetYoung") == "False")
    held.burn()
    await until(held.in_force)

    clock.off = jump
    await until(lambda: not fresh(held) and not fresh(free))
    held.recover()
    free.burn()
    await asyncio.sleep(4)
    assert await asyncio.to_thread(held.in_force)
    assert not await asyncio.to_thread(free.marks)

    clock.off = 0.0
    await until(lambda: fresh(held) and fresh(free))
    await until(free.in_force)
    await until(lambda: not held.marks())
    for scene in (held, free):
        lab_cluster.raw("DELETE", f"/api/v1/namespaces/{scene.namespace}")
