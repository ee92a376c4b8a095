"""Bad releases of StatefulSets and DaemonSets are undone as their controllers allow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.e2e.scene import settle
from tests.e2e.trial import OnTrial

pytestmark = pytest.mark.lab

On = Callable[[str], OnTrial]
BRIEFLY: Final = {"spec": {"terminationGracePeriodSeconds": 0}}
PARTS: Final[dict[str, dict[str, Any]]] = {
    "ordered": {"kind": "StatefulSet", "replicas": 5, "template": BRIEFLY},
    "stuck": {"kind": "StatefulSet", "replicas": 3, "template": BRIEFLY},
    "complete": {"kind": "StatefulSet", "replicas": 3, "template": BRIEFLY},
    "daemon": {"kind": "DaemonSet", "template": BRIEFLY},
}


def back(scene: OnTrial, bad: str, pods: int) -> None:
    """Wait until good pods alone serve, and the undo is recorded as done."""
    scene.until(lambda: scene.is_undone(bad) and scene.alone("v1", pods), f"{bad} to be undone")
    scene.until(lambda: scene.releases()[bad]["state"] == "RolledBack", f"the release of {bad} to say so")
    assert "BadRelease" in scene.told() or "ReleaseStalled" in scene.told()


def let_in(scene: OnTrial, image: str) -> None:
    """A fix is refused like every other template; the refusal names the way that a person has, and it goes."""
    refused = scene.release(image)
    assert f"holdfast.dev/override={scene.undo['id']}" in refused
    scene.kubectl("label", scene.kind, scene.app, "--overwrite", f"holdfast.dev/override={scene.undo['id']}")
    assert not scene.release(image)
    scene.until(lambda: not scene.marks() and not scene.undo, "nothing to be left of the undo")


def test_a_statefulset_in_flight_is_undone_by_its_partition(on: On) -> None:
    """Its template stays as declared; the bad pods are made anew from the old revision; the fix goes out by itself."""
    scene = on("ordered")
    assert not scene.release("shop:bad-ready-8s")
    back(scene, "bad-ready-8s", 5)
    assert scene.declared == "bad-ready-8s"
    settle(2)
    scene.never_came_back("bad-ready-8s")
    assert not scene.release("shop:v3")
    scene.fixed("v3", "bad-ready-8s")
    assert scene.deployment()["spec"]["updateStrategy"]["rollingUpdate"].get("partition", 0) == 0


def test_a_pod_that_never_becomes_ready_does_not_block_the_way_back(on: On) -> None:
    """OrderedReady waits for ever for one that crashes; it is taken away, and the set is whole again."""
    scene = on("stuck")
    assert not scene.release("shop:crash")
    back(scene, "crash", 3)
    assert scene.seen.least_ready() >= 2
    assert not scene.release("shop:v3")
    scene.fixed("v3", "crash")


def test_a_complete_statefulset_is_undone_by_its_template_once(on: On) -> None:
    """The template is put back, under a hold; every other one is refused until a person lets it in."""
    scene = on("complete")
    assert not scene.release("shop:bad")
    scene.cluster.wait_rollout(scene.namespace, scene.app, kind="statefulset")
    back(scene, "bad", 3)
    assert scene.declared == "v1"
    assert scene.release("shop:bad")
    let_in(scene, "shop:v3")
    scene.until(lambda: scene.alone("v3", 3), "the fix to be out")
    scene.never_came_back("bad")


def test_a_daemonset_is_undone_by_its_template_once(on: On) -> None:
    """The good pods are on every node again; a fix goes out when a person lets it in."""
    scene = on("daemon")
    assert not scene.release("shop:bad-ready-2s")
    back(scene, "bad-ready-2s", 2)
    assert scene.declared == "v1"
    assert scene.queued == scene.undo["id"]
    let_in(scene, "shop:v3")
    scene.until(lambda: scene.alone("v3", 2), "the fix to be out")
    scene.never_came_back("bad-ready-2s")
