"""Rules of the GitOps loops: what Git says is put back, by real applies of an account that may do everything."""

from __future__ import annotations

import pytest

import lab
from lab.gitops import GitOps
from lab.workload import deployment

pytestmark = pytest.mark.lab


def image(cluster: lab.Cluster, namespace: str) -> str:
    """What the Deployment declares."""
    return str(cluster.get("deployment", namespace, "web")["spec"]["template"]["spec"]["containers"][0]["image"])


@pytest.mark.parametrize(
    ("way", "manager"), [("client", "kubectl-client-side-apply"), ("server", "kustomize-controller")]
)
def test_git_wins_every_time(lab_cluster: lab.Cluster, namespace: str, way: str, manager: str) -> None:
    """A commit is applied at once; what a person changes is put back by the next apply; nothing else is written."""
    with GitOps(lab_cluster, namespace, way, every=0.5) as git:
        assert git.commit(deployment(namespace, "web", "shop:v1", 2, {})).accepted
        assert image(lab_cluster, namespace) == "shop:v1"
        lab_cluster.set_image(namespace, "deployment", "web", "shop:bad")
        git.cycle()
        lab_cluster.wait(lambda: image(lab_cluster, namespace) == "shop:v1", 5, "Git's image", every=0.05)
        generation = lab_cluster.get("deployment", namespace, "web")["metadata"]["generation"]
        lab_cluster.kubectl("label", "deployment/web", "of=ours", "-n", namespace)
        lab_cluster.kubectl("rollout", "pause", "deployment/web", "-n", namespace)
        git.cycle(2)
        body = lab_cluster.raw("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments/web")
        assert (body["spec"]["paused"], body["metadata"]["labels"]["of"]) == (
            True,
            "ours",
        )  # Git does not speak of them
        assert body["metadata"]["generation"] == generation + 1
        git.commit(deployment(namespace, "web", "shop:v3", 2, {}))
        assert image(lab_cluster, namespace) == "shop:v3"
    assert {one.commit for one in git.applied} == {1, 2}
    assert not git.refused
    writes = [e for e in lab_cluster.audit(user=git.user) if e.resource == "deployments"]
    assert {e.verb for e in writes} == ({"create", "patch"} if way == "client" else {"patch"})
    assert manager in {entry["manager"] for entry in body["metadata"]["managedFields"]}


def test_a_refused_apply_is_kept(lab_cluster: lab.Cluster, namespace: str) -> None:
    """The loop goes on after a refusal, and what was said is there to read."""
    with GitOps(lab_cluster, namespace, "server", every=0.5) as git:
        broken = deployment(namespace, "web", "shop:v1", 2, {"selector": {"matchLabels": {"app": "another"}}})
        assert not git.commit(broken).accepted
        git.cycle()
        assert git.commit(deployment(namespace, "web", "shop:v1", 2, {})).accepted
    assert len(git.refused) >= 2
    assert "selector" in git.refused[0].said
