"""What an undo would find, looked up on a real API server, with the operator's own rights."""

from __future__ import annotations

from typing import Any, Final

import pytest

from holdfast.cluster.client import Client
from holdfast.cluster.readiness import surroundings
from holdfast.cluster.resources import CONFIGMAPS, SECRETS
from holdfast.cluster.templates import read_template
from holdfast.core.objective import Workload
from holdfast.core.readiness import readiness
from holdfast.core.release import ReleaseRecord, ReleaseState
from lab import Cluster
from lab.workload import quota

pytestmark = pytest.mark.lab

CONTAINER: Final = {"name": "shop", "image": "shop:v1", "envFrom": [{"configMapRef": {"name": "env"}}]}


def made(cluster: Cluster, namespace: str, kind: str = "deployment", **pod: Any) -> tuple[Workload, ReleaseRecord]:
    """A workload, and the record of its first release as a good one."""
    spec = {"template": {"spec": pod}}
    make = {"deployment": cluster.deployment, "statefulset": cluster.statefulset}[kind]
    body = make(namespace, "web", "shop:v1", 2, **spec)
    workload = Workload(namespace, body["kind"], "web")
    stored = cluster.get(f"{kind}s", namespace, "web")
    template = read_template(stored["spec"]["template"])
    return workload, ReleaseRecord(
        workload, stored["metadata"]["uid"], template, 0.0, ReleaseState.SUPERSEDED, ended=1.0, good=True
    )


def config(cluster: Cluster, namespace: str, kind: str, name: str) -> None:
    cluster.apply({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}})


async def reason(client: Client, workload: Workload, good: ReleaseRecord | None) -> tuple[str, str]:
    seen = await surroundings(client, workload, good)
    assert seen is not None
    judged = readiness(seen)
    return judged.reason.value, judged.why


async def test_config_that_is_gone(operator: Client, admin: Client, lab_cluster: Cluster, namespace: str) -> None:
    """A ConfigMap that the last good release reads and that nobody has; Secrets only where they may be looked at."""
    volumes = [{"name": "tls", "secret": {"secretName": "tls"}}]
    config(lab_cluster, namespace, "ConfigMap", "env")
    config(lab_cluster, namespace, "Secret", "tls")
    workload, good = made(lab_cluster, namespace, containers=[CONTAINER], volumes=volumes)
    lab_cluster.wait_rollout(namespace, "web")
    lab_cluster.set_image(namespace, "deployment", "web", "shop:v2")
    found, why = await reason(operator, workload, good)
    assert found == "CanGoBack"
    assert why.endswith("Not checked, because Holdfast may not look: Secret tls.")
    assert "Not checked" not in (await reason(admin, workload, good))[1]
    lab_cluster.kubectl("-n", namespace, "delete", "configmap/env", "secret/tls")
    assert (await reason(operator, workload, good))[0] == "ConfigMissing"
    assert "ConfigMap env. " in (await reason(operator, workload, good))[1]
    assert "ConfigMap env, Secret tls. " in (await reason(admin, workload, good))[1]


async def test_only_metadata_leaves_the_server(admin: Client, lab_cluster: Cluster, namespace: str) -> None:
    """Whether a ConfigMap or Secret is there is asked without its content."""
    for resource in (CONFIGMAPS, SECRETS):
        config(lab_cluster, namespace, resource.kind, "x")
        found = await admin.metadata(resource, namespace, "x")
        assert (found["kind"], found["metadata"]["name"]) == ("PartialObjectMetadata", "x")
        assert found.keys() == {"kind", "apiVersion", "metadata"}


async def test_a_quota_without_room(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """Two pods of each release need room for four; a quota for three has none, one for four has."""
    lab_cluster.apply(quota(namespace, 3))
    workload, good = made(lab_cluster, namespace)
    lab_cluster.wait_rollout(namespace, "web")
    used = lambda: lab_cluster.get("resourcequotas", namespace, "pods").get("status", {}).get("used", {}).get("pods")  # noqa: E731
    lab_cluster.wait(lambda: used() == "2", 30, "the quota to be counted")
    found, why = await reason(operator, workload, good)
    assert found == "QuotaTooSmall"
    assert "quota pods has 1 of pods left, and 2 more are needed" in why
    lab_cluster.apply(quota(namespace, 4))
    hard = lambda: lab_cluster.get("resourcequotas", namespace, "pods")["status"]["hard"]["pods"]  # noqa: E731
    lab_cluster.wait(lambda: hard() == "4", 30, "the quota to be changed")
    assert (await reason(operator, workload, good))[0] == "CanGoBack"


async def test_a_quota_for_other_pods_says_nothing(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """Pods that end by themselves have a quota of their own; so does what replaces its pods in place need no room."""
    narrow = quota(namespace, 2)
    narrow["spec"]["scopes"] = ["Terminating"]
    lab_cluster.apply(narrow)
    workload, good = made(lab_cluster, namespace)
    lab_cluster.wait_rollout(namespace, "web")
    assert (await reason(operator, workload, good))[0] == "CanGoBack"


async def test_sets_replace_their_pods_in_place(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """A StatefulSet never has two releases side by side in full, so no quota stands in its way."""
    lab_cluster.apply(quota(namespace, 2))
    workload, good = made(lab_cluster, namespace, "statefulset")
    lab_cluster.wait_rollout(namespace, "web", kind="statefulset")
    assert (await reason(operator, workload, good))[0] == "CanGoBack"


async def test_no_way_back(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """No good release, one whose template is nowhere any longer, a template that forbids it, and no workload at all."""
    workload, good = made(lab_cluster, namespace)
    assert (await reason(operator, workload, None))[0] == "NoLastGood"
    lost = ReleaseRecord(workload, "u", read_template({"spec": {}}), 0.0, ReleaseState.SUPERSEDED, good=True)
    assert "neither on record nor in a revision" in (await reason(operator, workload, lost))[1]
    label = {"spec": {"template": {"metadata": {"labels": {"holdfast.dev/rollback": "never"}}}}}
    lab_cluster.raw("PATCH", f"/apis/apps/v1/namespaces/{namespace}/deployments/web", label, patch="merge")
    assert (await reason(operator, workload, good))[0] == "RollbackForbidden"
    assert await surroundings(operator, Workload(namespace, "Deployment", "none"), good) is None
