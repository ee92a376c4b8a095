"""The operator as its own process in the lab of the session, and services to try it on.

Rule: one operator for all tests; a test that stops, kills or blinds it finds it running again afterwards. Services are
started ahead of their tests and in good number, so that no test waits for pods and first figures.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, ClassVar, Final

import pytest

from lab.chart import install
from lab.operator import Operator
from tests.e2e.scene import Scene
from tests.e2e.trial import OnTrial

if TYPE_CHECKING:
    from lab import Cluster
    from lab.chart import InstalledChart

AHEAD: Final = 6
"""So many services are kept ready."""


@pytest.fixture(scope="session")
def chart(lab_cluster: Cluster) -> InstalledChart:
    """The chart as it ships, installed."""
    return install(lab_cluster)


@pytest.fixture(scope="session")
def session_operator(lab_cluster: Cluster, chart: InstalledChart) -> Iterator[Operator]:
    """The one operator; it must be able to end in good order when all is over."""
    operator = Operator(lab_cluster, chart.kubeconfig, chart.namespace, name="e2e-operator")
    operator.start()
    yield operator
    operator.process.stop()


@pytest.fixture
def operator(lab_cluster: Cluster, session_operator: Operator) -> Iterator[Operator]:
    """The operator, running; whatever a test does to it or to the lab is mended afterwards."""
    yield session_operator
    lab_cluster.mend()
    session_operator.process.thaw()
    session_operator.start()


class Stage:
    """Services ready before they are asked for."""

    present: ClassVar[Stage | None] = None

    def __init__(self, cluster: Cluster) -> None:
        """Start the first ones."""
        self._cluster = cluster
        self._ready: deque[Scene] = deque()
        self._fill()
        Stage.present = self

    def renew(self) -> None:
        """Others in their places: after a lie counters seem to have fallen, and for five minutes that is not believed."""
        for scene in self._ready:
            self._cluster.raw("DELETE", f"/api/v1/namespaces/{scene.namespace}")
        self._ready.clear()
        self._fill()

    def _fill(self) -> None:
        while len(self._ready) < AHEAD:
            scene = Scene(self._cluster)
            scene.objective()
            self._ready.append(scene)

    def next(self) -> Scene:
        """The one that has run for longest, its objective measured; another one is started in its place."""
        scene = self._ready.popleft()
        self._fill()
        scene.warm()
        return scene


@pytest.fixture(scope="session")
def calm(lab_cluster: Cluster, session_operator: Operator) -> list[Scene]:
    """Five services with ten objectives each, running all the time; one fails steadily, so that it is held.

    Windows are covered after a minute or not for days: in between, a failing service spends more of its budget every minute.
    """
    failing = Scene(lab_cluster, image="shop:err-1.5", rate=5000)  # so many that its share of failures is steady
    scenes = [failing, *(Scene(lab_cluster) for _ in range(4))]
    for scene in scenes:
        documents = [scene.objective_document(f"o{n}", window={"rolling": ("1m", "30d")[n % 2]}) for n in range(10)]
        lab_cluster.apply(documents)
        scene.policy()
    return scenes


@pytest.fixture(scope="session")
def stage(lab_cluster: Cluster, calm: list[Scene]) -> Stage:
    """All services of the session."""
    return Stage(lab_cluster)


@pytest.fixture
def renewed() -> Iterator[None]:
    """The services that are kept ready are others after the test."""
    yield
    if Stage.present is not None:
        Stage.present.renew()


@pytest.fixture
def scenes(stage: Stage, operator: Operator, lab_cluster: Cluster) -> Iterator[Callable[[], Scene]]:
    """`scenes()` is one more service with fresh figures; they go after the test."""
    used: list[Scene] = []

    def another() -> Scene:
        used.append(stage.next())
        return used[-1]

    yield another
    for scene in used:
        lab_cluster.raw("DELETE", f"/api/v1/namespaces/{scene.namespace}")


@pytest.fixture
def scene(scenes: Callable[[], Scene]) -> Scene:
    """One service with an objective of 99 % in a minute, measured, and no policy yet."""
    return scenes()


@pytest.fixture(scope="module")
def cast(
    request: pytest.FixtureRequest, lab_cluster: Cluster, session_operator: Operator
) -> Iterator[dict[str, OnTrial]]:
    """The services that a module names in `PARTS`, all started before its first test."""
    scenes = {name: OnTrial(lab_cluster, **part) for name, part in request.module.PARTS.items()}
    yield scenes
    for scene in scenes.values():
        lab_cluster.kubectl("delete", "namespace", scene.namespace, "--ignore-not-found", "--wait=false")


@pytest.fixture
def on(cast: dict[str, OnTrial], operator: Operator, lab_cluster: Cluster) -> Iterator[Callable[[str], OnTrial]]:
    """`on("plain")` is that part, its first release known to be good, its pods recorded; it goes after the test."""
    with ExitStack() as used:
        yield lambda name: used.enter_context(cast[name])
        lab_cluster.mend()
