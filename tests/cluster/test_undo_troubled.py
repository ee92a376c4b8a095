"""An undo while the API server refuses every second write, or carries it out and does not say so."""

from __future__ import annotations

import asyncio
import time

import pytest

from holdfast.cluster.client import Client
from holdfast.cluster.connection import connect
from holdfast.cluster.errors import ClusterError
from holdfast.core.hold import UndoState
from lab import Cluster
from tests.cluster.story import Story, Watch
from tests.cluster.test_undo import BAD, FIX, GOOD, released, ships
from tests.cluster.troubled import troubled
from tests.fixtures_chart import InstalledChart

pytestmark = pytest.mark.lab


async def settled(story: Story, state: UndoState | None = None) -> None:
    """As the loop does: what goes wrong is tried again at the next pass."""
    began = time.monotonic()
    while time.monotonic() - began < 60:
        try:
            await story.settle(within=1, state=state)
        except (ClusterError, AssertionError):
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError(f"not settled: {story.asked[-10:]}, {await story.view()}, {await story.record()}")


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("status", [409, 410, 429, 500])
async def test_it_ends_as_without_the_trouble(
    admin: Client, installed_chart: InstalledChart, lab_cluster: Cluster, status: int, lost: bool
) -> None:
    """Bad, undone, fixed: the same end, and never a pod less than there should be."""
    connection = await connect(installed_chart.kubeconfig)
    async with troubled(connection, status, lost=lost) as (client, trouble):
        story = await released(lab_cluster, (admin, client), replicas=2)
        await ships(lab_cluster, story, BAD, bad=True, wait=True)
        async with Watch(story) as watch:
            await settled(story, UndoState.UNDONE)
            assert watch.least >= 2
        assert await story.pods() == {GOOD: 2}
        await ships(lab_cluster, story, FIX)
        await settled(story)
        lab_cluster.wait_rollout(story.workload.namespace, "web")
        await story.clean()
        assert await story.pods() == {FIX: 2}
        assert len(trouble.troubled) >= 4
