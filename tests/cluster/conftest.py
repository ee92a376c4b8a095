"""Clients with the rights that the chart gives, a watched store, and a record to write."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from holdfast.cluster.client import Client
from holdfast.cluster.connection import connect
from holdfast.cluster.store import Store
from lab import Cluster
from tests.cluster.watching import watched
from tests.fixtures_chart import InstalledChart, installed_chart

__all__ = ["installed_chart"]


@pytest.fixture
async def operator(installed_chart: InstalledChart) -> AsyncIterator[Client]:
    """As the operator's own account, with the chart's rights and no others."""
    async with Client(await connect(installed_chart.kubeconfig)) as client:
        yield client


@pytest.fixture
async def admin(lab_cluster: Cluster, installed_chart: InstalledChart) -> AsyncIterator[Client]:
    """As a cluster admin, with the chart installed."""
    async with Client(await connect(lab_cluster.kubeconfig)) as client:
        yield client


@pytest.fixture
async def store(operator: Client) -> AsyncIterator[Store]:
    """A store that is synced and watched, as the operator's own account."""
    async with watched(operator) as (store, _):
        yield store
