"""Rules of the recorder: every moment counts, deleted pods do not, and what comes back is noticed."""

from __future__ import annotations

from typing import Any

import pytest

import lab
from lab.recorder import History, Recorder
from lab.shop.watch import Gone, Only


def pod(name: str, tag: str, *, ready: bool = True, deleted: bool = False, app: str = "web") -> dict[str, Any]:
    """A pod as the watch shows it."""
    metadata: dict[str, Any] = {"uid": name, "name": name, "labels": {"app": app, "pod-template-hash": f"hash-{tag}"}}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    spec = {"containers": [{"name": "shop", "image": f"shop:{tag}"}]}
    return {"metadata": metadata, "spec": spec, "status": {"conditions": conditions}}


def test_the_shortest_gap_is_remembered() -> None:
    """One pod goes a moment before the other comes: the least that served is none, although nobody looked just then."""
    history = History("web")
    history.feed(Only([pod("a", "v1")]), 1)
    history.feed(pod("b", "v2", ready=False), 2)
    history.feed(pod("a", "v1", deleted=True), 3)
    history.feed(pod("b", "v2"), 3.001)
    assert [moment.ready for moment in history.moments] == [1, 1, 0, 1]
    assert history.least_ready() == 0
    assert history.least_ready(since=3.001) == 1
    assert history.least_ready(since=2.5) == 0
    assert history.most("v2") == 1
    assert str(history.moments[1]) == "2.00: 1 x v1, 1 x v2 (not ready)"


def test_what_is_gone_and_what_came_back() -> None:
    """A release is gone from the moment its last pod is being deleted; pods of it later are a second appearance."""
    history = History("web")
    history.feed(Only([pod("a", "bad"), pod("b", "bad")]), 1)
    history.feed(pod("a", "bad", deleted=True), 2)
    assert history.gone_at("bad") is None
    history.feed(pod("b", "bad", deleted=True), 3)
    history.feed(Gone("b"), 4)
    assert (history.gone_at("bad"), history.appearances("bad")) == (3, 1)
    assert history.gone_at("never-there") is None
    history.feed(pod("c", "bad"), 5)
    assert (history.gone_at("bad"), history.appearances("bad")) == (None, 2)


def test_only_changes_of_its_own_pods_are_moments() -> None:
    """Pods of other workloads and events without news add nothing; a list forgets what is not in it."""
    history = History("web")
    history.feed(Only([pod("a", "v1"), pod("x", "v1", app="other")]), 1)
    history.feed(pod("a", "v1"), 2)
    history.feed(pod("y", "v1", app="other"), 3)
    assert [moment.at for moment in history.moments] == [1]
    history.feed(Only([pod("b", "v1")]), 4)
    assert [p.uid for p in history.moments[-1].pods] == ["b"]


@pytest.mark.lab
def test_a_rollout_is_recorded(lab_cluster: lab.Cluster, namespace: str) -> None:
    """What a real rolling update did, without a look at the cluster: never below three of four, and the old ones gone."""
    lab_cluster.deployment(namespace, "web", "shop:v1")
    lab_cluster.wait_rollout(namespace, "web")
    with Recorder(lab_cluster, namespace, "web") as seen:
        assert (seen.moments[0].ready, seen.moments[0].of("v1")) == (4, 4)
        lab_cluster.set_image(namespace, "deployment", "web", "shop:v3")
        lab_cluster.wait_rollout(namespace, "web")
        lab_cluster.wait(lambda: seen.gone_at("v1"), 10, "the last old pod")
    assert 3 <= seen.least_ready() <= 4
    assert seen.most("v3") == 4
    assert len({p.revision for p in seen.moments[-1].pods}) == 1
    count = len(seen.moments)
    lab_cluster.set_image(namespace, "deployment", "web", "shop:v4")
    lab_cluster.wait_rollout(namespace, "web")
    assert len(seen.moments) == count  # the block is over
