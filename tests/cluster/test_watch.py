"""The watch as the service runs it: with the operator's own rights, in the service's loop, under its signals."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from dataclasses import replace

import pytest

from holdfast.cluster.client import Client
from holdfast.cluster.resources import DEPLOYMENTS, HOLDS, OBJECTIVES
from holdfast.cluster.store import Store
from holdfast.cluster.watch import Pace, Watch, WatchFailed
from holdfast.core.objective import ObjectKey
from lab import Cluster
from tests.cluster.making import objective
from tests.cluster.watching import QUICK, until, watched

pytestmark = pytest.mark.lab


async def test_the_chart_gives_the_rights_that_watching_needs(store: Store, admin: Client, namespace: str) -> None:
    """What comes, changes and goes is known within two seconds, and the loop is told."""
    key, told = ObjectKey(namespace, "o"), list[tuple[object, ObjectKey]]()
    store.listen(lambda kind, where: told.append((kind, where)) if where.namespace == namespace else None)
    store.changed.clear()
    await admin.create(OBJECTIVES, namespace, objective(namespace, "o"))
    await until(lambda: store.get(OBJECTIVES, key), "the objective to come", 2)
    assert store.changed.is_set()
    await admin.merge_patch(OBJECTIVES, namespace, "o", {"spec": {"target": "99"}})
    await until(lambda: (store.get(OBJECTIVES, key) or {})["spec"]["target"] == "99", "the change", 2)
    await admin.delete(OBJECTIVES, namespace, "o")
    await until(lambda: store.get(OBJECTIVES, key) is None, "the objective to go", 2)
    assert told == [(OBJECTIVES, key)] * 3


async def test_a_deployment_goes_at_once_and_a_hold_when_a_list_says_so(
    operator: Client, admin: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """A DELETED event is believed of a Deployment; of our own objects it asks for a list."""
    slow = Pace(rhythm=replace(QUICK.rhythm, gather=1.5))
    deployment, hold = ObjectKey(namespace, "web"), ObjectKey(namespace, "deployment-web")
    spec = {"workload": {"kind": "Deployment", "name": "web"}}
    await admin.create(
        HOLDS,
        namespace,
        {"apiVersion": HOLDS.api_version, "kind": HOLDS.kind, "metadata": {"name": hold.name}, "spec": spec},
    )
    lab_cluster.deployment(namespace, "web", "shop:v1", 0)
    async with watched(operator, slow) as (store, _):
        assert store.get(DEPLOYMENTS, deployment)
        assert store.get(HOLDS, hold)
        await admin.delete(HOLDS, namespace, hold.name)
        await admin.delete(DEPLOYMENTS, namespace, "web")
        await until(lambda: store.get(DEPLOYMENTS, deployment) is None, "the Deployment to go", 1)
        assert store.get(HOLDS, hold)
        await until(lambda: store.get(HOLDS, hold) is None, "the Hold to go", 4)


async def test_the_signals_stay_with_the_service(operator: Client) -> None:
    """Kopf takes SIGTERM when it starts; it is given back before anything can happen in between."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    def take() -> None:
        loop.add_signal_handler(signal.SIGTERM, asked.set)

    store = Store()
    watch = Watch(operator, store, take_signals_back=take, pace=QUICK)
    take()
    running = asyncio.create_task(watch.run())
    try:
        await until(store.synced, "the store to be synced")
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(asked.wait(), 2)
        await asyncio.sleep(0.2)
        assert not running.done()
        assert store.synced()
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        running.cancel()
        began = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert time.monotonic() - began < 3
    assert not store.synced()


async def test_kopf_is_not_heard(operator: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of its own in the log below debug, and no other logger is touched."""
    with caplog.at_level(logging.INFO):
        async with watched(operator):
            pass
    assert [r for r in caplog.records if r.name.startswith("kopf")] == []


async def test_failures_are_counted_and_end_it(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many in so short a time, and the process ends with the reason; before that, nothing is synced meanwhile."""

    async def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("holdfast.cluster.engine.Engine.run", broken)
    store = Store()
    watch = Watch(operator, store, pace=Pace(first=0.01, last=0.01, failures=3))
    with pytest.raises(WatchFailed, match="3 times in 10 minutes, the last time because a bug"):
        await asyncio.wait_for(watch.run(), 10)
    assert not store.synced()
