"""The life of a release: installed, upgraded in place, switched, removed; and what its account may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

import lab
from holdfast.cluster.checkpoints import PREFIX
from holdfast.cluster.shards import MOST
from lab import Cluster
from tests.fixtures_chart import BINDING_PATH, KEEP, POLICIES, POLICY_PATH, InstalledChart, install

pytestmark = pytest.mark.lab
Json = dict[str, Any]
DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
HOLD, OVERRIDE, ID = "holdfast.dev/hold", "holdfast.dev/override", "budget-exhausted-x7k2p"

KINDS: Final = ("servicelevelobjectives", "errorbudgetpolicies", "budgetadjustments", "holds", "workloadreleases")
READ: Final = ("get", "list", "watch")
WRITE: Final = ("create", "update", "patch", "delete", "deletecollection")
OWN, ANY = "holdfast-system", "default"

#   verbs                                      group                      resource                       name    namespace
MAY: Final[list[tuple[tuple[str, ...], str, str, str, str]]] = [
    *[(READ, "holdfast.dev", kind, "", ANY) for kind in KINDS],
    *[(READ, "holdfast.dev", kind, "", "") for kind in KINDS],
    *[(("patch", "update"), "holdfast.dev", f"{kind}/status", "", ANY) for kind in KINDS],
    (("create", "update", "patch", "delete"), "holdfast.dev", "holds", "", ANY),
    (("create", "update", "patch", "delete"), "holdfast.dev", "workloadreleases", "", ANY),
    ((*READ, "patch"), "apps", "deployments", "", ANY),
    ((*READ, "patch", "create"), "apps", "replicasets", "", ANY),
    ((*READ, "patch"), "apps", "statefulsets", "", ANY),
    ((*READ, "patch"), "apps", "daemonsets", "", ANY),
    (READ, "apps", "controllerrevisions", "", ANY),
    (("list", "delete"), "", "pods", "", ANY),
    (("list",), "", "resourcequotas", "", ANY),
    (("get",), "", "configmaps", "", ANY),
    (("create", "patch"), "events.k8s.io", "events", "", ANY),
    (("get",), "coordination.k8s.io", "leases", "holdfast-off", OWN),
    (("create", "list"), "", "configmaps", "", OWN),
    (("get", "update", "delete"), "", "configmaps", f"{PREFIX}0", OWN),
    (("get", "update", "delete"), "", "configmaps", f"{PREFIX}{MOST - 1}", OWN),
    *[(("get",), "admissionregistration.k8s.io", "validatingadmissionpolicies", name, "") for name in POLICIES],
    *[(("get",), "admissionregistration.k8s.io", "validatingadmissionpolicybindings", name, "") for name in POLICIES],
    (("get",), "admissionregistration.k8s.io", "mutatingadmissionpolicies", KEEP, ""),
    (("get",), "admissionregistration.k8s.io", "mutatingadmissionpolicybindings", KEEP, ""),
]
MAY_NOT: Final[list[tuple[tuple[str, ...], str, str, str, str]]] = [
    (WRITE, "holdfast.dev", "servicelevelobjectives", "", ANY),
    (WRITE, "holdfast.dev", "errorbudgetpolicies", "", ANY),
    (WRITE, "holdfast.dev", "budgetadjustments", "", ANY),
    (("deletecollection", "override"), "holdfast.dev", "holds", "", ANY),
    (("deletecollection",), "holdfast.dev", "workloadreleases", "", ANY),
    (("create", "update", "delete", "deletecollection"), "apps", "deployments", "", ANY),
    (("update", "delete", "deletecollection"), "apps", "replicasets", "", ANY),
    (("update", "patch"), "apps", "deployments/scale", "", ANY),
    (("update", "patch"), "apps", "deployments/status", "", ANY),
    (("create", "update", "delete", "deletecollection"), "apps", "statefulsets", "", ANY),
    (("create", "update", "delete", "deletecollection"), "apps", "daemonsets", "", ANY),
    (WRITE, "apps", "controllerrevisions", "", ANY),
    (("update", "patch"), "apps", "replicasets/scale", "", ANY),
    (("update", "patch"), "apps", "statefulsets/scale", "", ANY),
    (("get", "watch", "create", "update", "patch", "deletecollection"), "", "pods", "", ANY),
    (("create",), "", "pods/exec", "", ANY),
    (("get",), "", "pods/log", "", ANY),
    (("create",), "", "pods/eviction", "", ANY),
    (("get", "watch", *WRITE), "", "resourcequotas", "", ANY),
    ((*READ, *WRITE), "", "secrets", "", ANY),
    ((*READ, *WRITE), "", "secrets", "", OWN),
    ((*READ, *WRITE), "", "namespaces", "", ""),
    (("list", "watch", *WRITE), "", "configmaps", "", ANY),
    (("create", "list", "update", "delete"), "", "configmaps", f"{PREFIX}0", ANY),
    (("watch", "patch", "deletecollection", "update", "delete"), "", "configmaps", "", OWN),
    (("update", "patch", "delete"), "", "configmaps", "holdfast", OWN),
    (("update", "delete"), "", "configmaps", f"{PREFIX}{MOST}", OWN),
    (WRITE, "coordination.k8s.io", "leases", "holdfast-off", OWN),
    (("get",), "coordination.k8s.io", "leases", "another", OWN),
    ((*READ, *WRITE), "", "serviceaccounts", "", OWN),
    (("create",), "", "serviceaccounts/token", "", OWN),
    ((*READ, *WRITE), "apiextensions.k8s.io", "customresourcedefinitions", "", ""),
    (("list", "watch", *WRITE), "admissionregistration.k8s.io", "validatingadmissionpolicies", "hold.holdfast.dev", ""),
    (
        ("list", "watch", *WRITE),
        "admissionregistration.k8s.io",
        "validatingadmissionpolicybindings",
        "hold.holdfast.dev",
        "",
    ),
    (("get",), "admissionregistration.k8s.io", "validatingadmissionpolicies", "other", ""),
    (("list", "watch", *WRITE), "admissionregistration.k8s.io", "mutatingadmissionpolicies", KEEP, ""),
    ((*READ, *WRITE, "bind", "escalate"), "rbac.authorization.k8s.io", "clusterroles", "", ""),
    (("impersonate",), "", "users", "", ""),
]


def can(
    cluster: Cluster,
    user: str,
    verb: str,
    group: str,
    resource: str,
    name: str,
    namespace: str,
    groups: tuple[str, ...] = (),
) -> bool:
    """What `kubectl auth can-i --as` asks."""
    resource, _, subresource = resource.partition("/")
    wish = {
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": subresource,
        "name": name,
        "namespace": namespace,
    }
    spec = {"user": user, "groups": list(groups), "resourceAttributes": wish}
    answer = cluster.raw("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
    return bool(answer["status"]["allowed"])


@pytest.mark.parametrize("allowed", [True, False], ids=["may", "may not"])
def test_least_privilege(installed_chart: InstalledChart, allowed: bool) -> None:
    """The account has every right it needs and none of these others."""
    table = MAY if allowed else MAY_NOT
    cluster, user = installed_chart.cluster, installed_chart.user
    wrong = [
        (verb, group, resource, name, namespace)
        for verbs, group, resource, name, namespace in table
        for verb in verbs
        if can(cluster, user, verb, group, resource, name, namespace) is not allowed
    ]
    assert wrong == []


def test_roles_for_people(installed_chart: InstalledChart, namespace: str) -> None:
    """view sees, edit writes objectives and policies but no holds, and nobody gets the right to override by the way."""
    cluster = installed_chart.cluster
    for role in ("view", "edit", "admin"):
        cluster.kubectl("-n", namespace, "create", "rolebinding", role, f"--clusterrole={role}", f"--user=a-{role}er")
    cluster.kubectl(
        "-n", namespace, "create", "rolebinding", "override", "--clusterrole=holdfast-override", "--user=an-overrider"
    )

    def joined() -> bool:
        wishes = (("a-viewer", "get", "holds"), ("a-editer", "create", KINDS[0]), ("a-adminer", "create", KINDS[0]))
        return all(can(cluster, user, verb, "holdfast.dev", kind, "", namespace) for user, verb, kind in wishes)

    cluster.wait(joined, 10, "the roles to be joined to those of Kubernetes")
    for user, verb, kind, allowed in (
        ("a-viewer", "list", "holds", True),
        ("a-viewer", "list", "servicelevelobjectives", True),
        ("a-viewer", "create", "servicelevelobjectives", False),
        ("a-editer", "get", "holds", True),
        ("a-editer", "create", "servicelevelobjectives", True),
        ("a-editer", "patch", "errorbudgetpolicies", True),
        ("a-viewer", "list", "budgetadjustments", True),
        ("a-viewer", "create", "budgetadjustments", False),
        ("a-editer", "create", "budgetadjustments", True),
        ("a-editer", "patch", "holds", False),
        ("a-editer", "delete", "holds", False),
        ("a-editer", "override", "holds", False),
        ("a-adminer", "override", "holds", False),
        ("a-adminer", "create", "holds", False),
        ("an-overrider", "override", "holds", True),
        ("an-overrider", "patch", "holds", False),
        ("an-overrider", "patch", "workloadreleases", True),
        ("an-overrider", "create", "workloadreleases", False),
        ("a-viewer", "list", "workloadreleases", True),
        ("a-editer", "patch", "workloadreleases", False),
        ("a-adminer", "patch", "workloadreleases", False),
    ):
        assert can(cluster, user, verb, "holdfast.dev", kind, "", namespace) is allowed, (user, verb, kind)


@pytest.fixture
def changed(installed_chart: InstalledChart) -> Iterator[InstalledChart]:
    """The installed release, for tests that change it; back to what ships afterwards."""
    yield installed_chart
    installed_chart.restore()


def uids(cluster: Cluster) -> dict[str, str]:
    """Who the policies and bindings are."""
    paths = [base + name for base in (POLICY_PATH, BINDING_PATH) for name in POLICIES]
    return {path: cluster.raw("GET", path)["metadata"]["uid"] for path in paths}


def said(cluster: Cluster, *args: str, user: str | None = None) -> str:
    """Which policy refused this kubectl command; empty when it passed."""
    done = cluster.kubectl(*args, user=user, check=False)
    if done.returncode == 0:
        return ""
    return done.stderr.partition("ValidatingAdmissionPolicy '")[2].partition("'")[0] or done.stderr


def test_an_upgrade_changes_the_gate_in_place(changed: InstalledChart, namespace: str) -> None:
    """Same objects before and after, never deleted and created: there is no moment without a gate. Then its switches:
    denyDelete refuses deletions (but not clearing up), automation loses the override, without enforcement nothing is refused."""
    cluster = changed.cluster
    cluster.deployment(namespace, "checkout", replicas=1)
    cluster.wait_rollout(namespace, "checkout")
    hold = {"metadata": {"labels": {HOLD: ID}}}
    cluster.raw("PATCH", f"/apis/apps/v1/namespaces/{namespace}/deployments/checkout", hold, token=changed.token)
    cluster.kubectl("-n", namespace, "create", "rolebinding", "oncall", "--clusterrole=cluster-admin", "--user=oncall")
    image = ("-n", namespace, "set", "image", "deploy/checkout", "shop=shop:v2", "--dry-run=server")
    delete = ("-n", namespace, "delete", "deploy/checkout", "--dry-run=server")
    key = ("-n", namespace, "label", "deploy/checkout", f"{OVERRIDE}={ID}", "--dry-run=server")
    before = uids(cluster)
    assert (said(cluster, *image), said(cluster, *delete), said(cluster, *key, user="oncall")) == (
        "hold.holdfast.dev",
        "",
        "",
    )

    changed.upgrade(gate__denyDelete=True, gate__automation=["oncall", "argocd"])
    cluster.wait(lambda: said(cluster, *delete) == "hold.holdfast.dev", 10, "deletion to be refused")
    cluster.wait(lambda: said(cluster, *key, user="oncall") == "override.holdfast.dev", 10, "automation to be refused")
    assert said(cluster, *key) == ""
    assert said(cluster, *image) == "hold.holdfast.dev"
    assert uids(cluster) == before
    checked = [cluster.raw("GET", POLICY_PATH + name)["status"].get("typeChecking", {}) for name in POLICIES]
    assert checked == [{}] * len(POLICIES)

    changed.upgrade(enforcement=False)
    cluster.wait(lambda: said(cluster, *image) == "", 10, "the gate to record only")
    assert not can(cluster, changed.user, "patch", "apps", "deployments", "", namespace)
    del before[POLICY_PATH + "self.holdfast.dev"], before[BINDING_PATH + "self.holdfast.dev"]
    for path, uid in before.items():
        assert cluster.raw("GET", path)["metadata"]["uid"] == uid

    changed.restore()
    cluster.wait(lambda: said(cluster, *image) == "hold.holdfast.dev", 10, "the gate to refuse again")
    for path, uid in before.items():
        assert cluster.raw("GET", path)["metadata"]["uid"] == uid


def definitions(cluster: Cluster) -> dict[str, str]:
    """Our resource definitions and who they are."""
    items: list[Json] = cluster.raw("GET", DEFINITIONS)["items"]
    return {
        item["metadata"]["name"]: item["metadata"]["uid"] for item in items if item["spec"]["group"] == "holdfast.dev"
    }


def test_uninstalling_keeps_the_definitions() -> None:
    """Objectives and policies outlive `helm uninstall`; everything else of the chart goes, and the chart installs again."""
    with lab.cluster("leaving") as cluster:  # its own: the account of the session's release must live on
        chart = install(cluster)
        before = definitions(cluster)
        assert before.keys() == {f"{kind}.holdfast.dev" for kind in KINDS}
        cluster.helm("uninstall", chart.release, "-n", chart.namespace)
        assert definitions(cluster) == before
        for path in (POLICY_PATH, BINDING_PATH):
            assert cluster.raw("GET", path.rstrip("/"))["items"] == []
        for kind in ("clusterroles", "clusterrolebindings"):
            found = cluster.raw("GET", f"/apis/rbac.authorization.k8s.io/v1/{kind}")["items"]
            assert not [item for item in found if item["metadata"]["name"].startswith("holdfast")]
        chart.restore()
        assert definitions(cluster) == before
