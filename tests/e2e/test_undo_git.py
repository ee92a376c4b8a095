"""A GitOps tool applies what Git says every two seconds, with all rights, and the undo of a Deployment does not fight it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from lab.gitops import GitOps
from lab.workload import deployment
from tests.e2e.scene import Json
from tests.e2e.trial import ONE_BY_ONE, OnTrial

pytestmark = pytest.mark.lab

PARTS: Final[dict[str, dict[str, Any]]] = {"client": ONE_BY_ONE, "server": ONE_BY_ONE}
CYCLES: Final = 3


@pytest.mark.parametrize("way", ["client", "server"])
def test_git_and_the_undo_get_along(on: Callable[[str], OnTrial], way: str) -> None:
    """Bad in flight, undone, applied again and again: nothing flaps. A second bad one, then back to the first good one, then a
    fix: each by a commit alone.
    """
    scene = on(way)

    def git_says(tag: str) -> Json:
        return deployment(scene.namespace, scene.app, f"shop:{tag}", 4, ONE_BY_ONE)

    with GitOps(scene.cluster, scene.namespace, way) as git:
        git.commit(git_says("v1"))
        git.commit(git_says("bad-ready-8s"))
        first = scene.undone("bad-ready-8s")
        quiet(scene, git)

        git.commit(git_says("err-20-ready-8s"))
        assert scene.undone("err-20-ready-8s") != first
        quiet(scene, git)

        git.commit(git_says("v1"))  # a revert: not a pod moves
        moments = len(scene.seen.moments)
        scene.fixed("v1", "bad-ready-8s", "err-20-ready-8s")
        assert len(scene.seen.moments) == moments

        git.commit(git_says("bad-ready-8s"))
        assert scene.undone("bad-ready-8s") == first
        git.commit(git_says("v3"))
        scene.fixed("v3", "err-20-ready-8s")
        quiet(scene, git)
        assert git.refused == []
    assert scene.seen.least_ready() >= 3


def quiet(scene: OnTrial, git: GitOps) -> None:
    """Some more applies of the same commit change nothing: no generation, no pod."""
    before, moments = scene.deployment()["metadata"]["generation"], len(scene.seen.moments)
    git.cycle(CYCLES)
    assert scene.deployment()["metadata"]["generation"] == before
    assert len(scene.seen.moments) == moments, [str(m) for m in scene.seen.moments[moments:]]
