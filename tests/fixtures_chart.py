"""The chart as it ships, installed once per session. A test that changes the release calls `restore()` afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.chart import (
    BINDING_PATH,
    CHART,
    KEEP,
    POLICIES,
    POLICY_PATH,
    InstalledChart,
    helm_upgrade,
    install,
    wait_in_force,
    wait_type_checked,
)

if TYPE_CHECKING:
    from lab import Cluster

__all__ = [
    "BINDING_PATH",
    "CHART",
    "KEEP",
    "POLICIES",
    "POLICY_PATH",
    "InstalledChart",
    "helm_upgrade",
    "install",
    "installed_chart",
    "wait_in_force",
    "wait_type_checked",
]


@pytest.fixture(scope="session")
def installed_chart(lab_cluster: Cluster) -> InstalledChart:
    """The chart of this checkout, installed with Helm into the lab of this session; the gate is in force."""
    return install(lab_cluster)
