"""Fixtures that every test may use. The lab is started once per session; each test gets a namespace of its own.

Rule: nothing is skipped. Without Go the lab tests fail, and the failure says what to install.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

import lab
from lab.build import ensure

if TYPE_CHECKING:
    from lab import Cluster


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build before the first test: the first build takes minutes, longer than a test may take."""
    if session.config.option.collectonly or not any(item.get_closest_marker("lab") for item in session.items):
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    try:
        with capture.global_and_fixture_disabled():
            ensure("kubernetes", "kwok", "prometheus", "helm")
    except lab.LabError:
        return  # the tests that need it fail with the sentence


@pytest.fixture(scope="session")
def lab_cluster() -> Iterator[Cluster]:
    """One running lab for all tests of a session."""
    with lab.cluster("tests") as cluster:
        yield cluster


@pytest.fixture
def namespace(lab_cluster: Cluster) -> Iterator[str]:
    """A fresh namespace in the lab of this session.

    After the test its pods go, so that later tests are not slowed, and whatever the test stopped runs again.
    """
    name = lab_cluster.namespace()
    yield name
    lab_cluster.mend()
    lab_cluster.raw("DELETE", f"/api/v1/namespaces/{name}")
