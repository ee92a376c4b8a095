"""One namespace with held workloads, and people and automation with and without rights, for all tables of the gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from lab import Cluster
from tests.fixtures_chart import InstalledChart, installed_chart
from tests.gate.asking import HOLD, ID, OVERRIDE, QUEUE, UNDONE, Answer, Asker, Change, Json, path, put, workload

__all__ = ["installed_chart"]


@dataclass(frozen=True, slots=True)
class Shop:
    """A namespace, and how to ask for changes in it."""

    cluster: Cluster
    chart: InstalledChart
    ask: Asker
    namespace: str

    def path(self, kind: str, name: str = "", subresource: str = "") -> str:
        """The address of a workload of this shop."""
        return path(self.namespace, kind, name, subresource)

    def create(self, kind: str, name: str, **spec: Any) -> Json:
        """Create a workload as the admin."""
        return self.must("admin", "POST", self.path(kind), workload(kind, self.namespace, name, **spec))

    def must(self, who: str, method: str, where: str, body: object = None, **more: Any) -> Json:
        """A request that has to pass, for good."""
        answer = self.ask(who, method, where, body, dry=False, **more)
        assert answer.passed, str(answer)
        return answer.body

    def hold(self, kind: str, name: str, **spec: Any) -> None:
        """Put the label on, as the operator does: in one patch with what else it changes."""
        body = {"metadata": {"labels": {HOLD: ID}}, **({"spec": spec} if spec else {})}
        self.must("operator", "PATCH", self.path(kind, name), body, patch="merge")

    def held(self, kind: str, name: str, **spec: Any) -> str:
        """Create a workload and hold it; returns its name."""
        self.create(kind, name, **spec)
        self.hold(kind, name)
        return name

    def queue(self, kind: str, name: str, *, hold: bool = False) -> None:
        """Put the label of an undone release on, as the operator does: a Deployment is paused with the same patch."""
        labels = {QUEUE: UNDONE, **({HOLD: ID} if hold else {})}
        body = {"metadata": {"labels": labels}, **({"spec": {"paused": True}} if kind == "Deployment" else {})}
        self.must("operator", "PATCH", self.path(kind, name), body, patch="merge")

    def queued(self, kind: str, name: str, *, hold: bool = False) -> str:
        """Create a workload whose release was undone; returns its name."""
        self.create(kind, name)
        self.queue(kind, name, hold=hold)
        return name

    def change(self, who: str, kind: str, name: str, change: Change, subresource: str = "", **more: Any) -> Answer:
        """Ask for a JSON patch of a workload, dry."""
        return self.ask(who, "PATCH", self.path(kind, name, subresource), change, **more)

    def get(self, kind: str, name: str) -> Json:
        """The workload as it is."""
        return self.must("admin", "GET", self.path(kind, name))

    def sets(self, label: str = "app=shop") -> list[Json]:
        """The ReplicaSets of the shop."""
        items: list[Json] = self.must("admin", "GET", f"{self.path('ReplicaSet')}?labelSelector={label}")["items"]
        return items


def grant(cluster: Cluster, namespace: str, name: str, role: str, subject: Json) -> None:
    """Bind a ClusterRole in one namespace."""
    cluster.raw(
        "POST",
        f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings",
        {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [subject],
        },
    )


def _user(name: str) -> Json:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}


def open_shop(chart: InstalledChart, namespace: str) -> Shop:
    """Give the users of the tests their rights in a namespace.

    developer edits workloads; oncall may override too; otherday may override another workload's hold; admin is in
    system:masters; gitops is a service account that may do everything; operator is the chart's own account.
    """
    cluster = chart.cluster
    for person in ("developer", "oncall", "gitops-user", "otherday", "thisday"):
        grant(
            cluster, namespace, f"{person}-edits", "cluster-admin" if person == "gitops-user" else "edit", _user(person)
        )
    grant(cluster, namespace, "oncall-overrides", "holdfast-override", _user("oncall"))
    for person, hold in (("otherday", "deployment-other"), ("thisday", "deployment-overridden")):
        rules = {"apiGroups": ["holdfast.dev"], "resources": ["holds"], "resourceNames": [hold], "verbs": ["override"]}
        cluster.raw(
            "POST",
            f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles",
            {"metadata": {"name": hold}, "rules": [rules]},
        )
        cluster.kubectl("-n", namespace, "create", "rolebinding", hold, f"--role={hold}", f"--user={person}")
    cluster.raw("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "gitops"}})
    grant(
        cluster,
        namespace,
        "gitops",
        "cluster-admin",
        {"kind": "ServiceAccount", "name": "gitops", "namespace": namespace},
    )
    tokens = {"operator": chart.token, "gitops": cluster.service_account_token(namespace, "gitops")}
    return Shop(cluster, chart, Asker(cluster, tokens), namespace)


@pytest.fixture(scope="session")
def shop(installed_chart: InstalledChart) -> Shop:
    """Held workloads of every kind, unchanged by all tables: only dry runs touch them.

    held, paused (held and paused by the operator), overridden (held, with the label that opens it), stale (held, with
    the override of an earlier hold), nameless (held, without an id), free (not held); queued (its release was undone, and
    so the ReplicaSet of this name), queuedopen (the same with the label that opens it), queuedheld (and on hold as well).
    """
    shop = open_shop(installed_chart, installed_chart.cluster.namespace("gate"))
    for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"):
        shop.held(kind, "held", minReadySeconds=5)
        shop.create(kind, "free")
    shop.held("Deployment", "paused", paused=True)
    shop.held("Deployment", "overridden", paused=True)
    shop.create("Deployment", "nameless")
    nameless = {"metadata": {"labels": {HOLD: ""}}}
    shop.must("operator", "PATCH", shop.path("Deployment", "nameless"), nameless, patch="merge")
    shop.held("Deployment", "stale")
    shop.must("oncall", "PATCH", shop.path("Deployment", "overridden"), [put(ID, "metadata", "labels", OVERRIDE)])
    shop.must(
        "oncall",
        "PATCH",
        shop.path("Deployment", "stale"),
        [put("budget-exhausted-aaaaa", "metadata", "labels", OVERRIDE)],
    )
    for name in ("queued", "queuedopen"):
        shop.queued("Deployment", name)
        shop.queued("ReplicaSet", name)
    for kind in ("Deployment", "ReplicaSet"):
        key = [put(UNDONE, "metadata", "labels", OVERRIDE)]
        shop.must("oncall", "PATCH", shop.path(kind, "queuedopen"), key)
    shop.queued("Deployment", "queuedheld", hold=True)
    return shop


@pytest.fixture
def own_shop(installed_chart: InstalledChart, namespace: str) -> Shop:
    """A shop of its own for one test that changes things for good."""
    return open_shop(installed_chart, namespace)
