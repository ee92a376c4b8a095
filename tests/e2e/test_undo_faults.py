"""What can go wrong in the middle of an undo: the operator, the API server, Prometheus, and the truth of its figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from lab import Cluster
from lab.operator import Operator
from tests.e2e.scene import settle
from tests.e2e.trial import OnTrial

pytestmark = pytest.mark.lab

On = Callable[[str], OnTrial]
FLEET: Final = tuple(f"fleet-{n}" for n in range(6))
DECEIVED: Final = tuple(f"deceived-{n}" for n in range(3))
PARTS: Final[dict[str, dict[str, Any]]] = {
    "killed": {"image": "shop:v1-ready-1s"},
    "cut-off": {"image": "shop:v1-ready-2s"},
    "blind": {"image": "shop:v1-ready-4s"},
    "unseen": {},
    **{name: {"replicas": 2} for name in (*FLEET, *DECEIVED)},
}


def test_a_kill_at_any_moment_of_an_undo_loses_nothing(on: On, operator: Operator) -> None:
    """Killed at the record, at the first patch, when the bad set is detached, and while the fix is let go: the same end."""
    scene = on("killed")
    assert not scene.release("shop:bad")
    moments: tuple[Callable[[], object], ...] = (lambda: scene.undo, lambda: scene.queued, scene.detached)
    for moment in moments:
        scene.until(moment, "the next moment of the undo", every=0.005)
        operator.process.kill()
        operator.start()
    scene.undone("bad", "v1-ready-1s")
    assert not scene.release("shop:v3")
    scene.until(lambda: not scene.detached() or not scene.queued, "the fix to be let go", every=0.005)
    operator.process.kill()
    operator.start()
    scene.fixed("v3", "bad")


def test_an_undo_outlives_the_api_server(on: On, operator: Operator) -> None:
    """The API server hangs and then restarts in the middle: nothing is lost, and the undo goes on where it was."""
    scene = on("cut-off")
    assert not scene.release("shop:bad")
    scene.until(lambda: scene.queued, "the undo to begin", every=0.01)
    scene.cluster.apiserver.freeze()
    settle(3)
    scene.cluster.apiserver.thaw()
    scene.cluster.apiserver.restart()
    scene.undone("bad", "v1-ready-2s")
    assert operator.process.running
    scene.never_came_back("bad")


def test_an_undo_needs_no_figures_to_go_on_and_silence_does_not_end_it(on: On) -> None:
    """Prometheus down in the middle: the good pods come all the same. Down, empty, lying or wiped: nothing is let go."""
    scene = on("blind")
    assert not scene.release("shop:bad")
    scene.until(lambda: scene.queued and scene.undo.get("state") == "UnderWay", "the undo to begin", every=0.05)
    scene.cluster.proxy.mode("refuse")
    name = scene.undone("bad", "v1-ready-4s")
    for trouble in ("refuse", "empty", "nan"):
        scene.cluster.proxy.mode(trouble)
        settle(3)
    scene.cluster.prometheus.forget(f'{{namespace="{scene.namespace}"}}')
    scene.cluster.proxy.mode("pass")
    settle(3)
    assert scene.undone("bad", "v1-ready-4s") == name
    scene.never_came_back("bad")


def test_without_figures_nothing_is_undone_and_with_them_it_is(on: On) -> None:
    """A bad release that nobody can see stays; as soon as Prometheus answers again, what was counted meanwhile undoes it."""
    scene = on("unseen")
    scene.cluster.proxy.mode("refuse")
    assert not scene.release("shop:bad-ready-3s")
    scene.until(lambda: scene.ready("bad-ready-3s"), "a bad pod that serves")
    settle(5)
    scene.free_of_undo()
    scene.cluster.proxy.mode("pass")
    scene.undone("bad-ready-3s")


def test_many_verdicts_at_once_are_not_acted_on(on: On, lab_cluster: Cluster) -> None:
    """Six releases are found bad at once, as when the figures lie: after three Holdfast leaves them to people, and says so.

    Before anybody lies about the whole cluster, since that holds them all.
    """
    fleet = [on(name) for name in FLEET]
    for scene in fleet:
        assert not scene.release("shop:v9-ready-4s")
    for scene in fleet:
        scene.until(lambda scene=scene: scene.ready("v9-ready-4s"), "a new pod")
    lab_cluster.shop.set_fault("v9-ready-4s", errors=0.5)
    for scene in fleet:
        scene.until(lambda scene=scene: "Restrained" in scene.told() or scene.queued, "a word")
    assert len([s for s in fleet if s.queued]) <= 3
    left = [s for s in fleet if "Restrained" in s.told()]
    assert len(left) >= 3
    for scene in left:
        release = scene.releases()["v9-ready-4s"]
        reasons = [c["reason"] for c in release["conditions"] if c["type"] == "Restrained"]
        assert reasons == ["ManyAtOnce"]
        assert f"holdfast undo deployment/{scene.app} -n {scene.namespace}" in release["message"]
        scene.until(lambda scene=scene: scene.slo().get("verdict") == "Notify", "the objective to say what is done")


@pytest.mark.usefixtures("renewed")
def test_a_lie_about_the_whole_cluster_undoes_nothing(on: On, lab_cluster: Cluster) -> None:
    """Releases roll out everywhere when failures and successes change places in every answer: none of them is undone."""
    deceived = [on(name) for name in DECEIVED]
    for scene in deceived:
        assert not scene.release("shop:v3-ready-4s")
    for scene in deceived:
        scene.until(lambda scene=scene: scene.ready("v3-ready-4s"), "a new pod")
    lab_cluster.proxy.mode("swapped")
    settle(8)
    for scene in deceived:
        scene.free_of_undo()
    lab_cluster.proxy.mode("pass")
