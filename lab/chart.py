"""The chart as it ships, installed once per lab, and the account that the operator runs with.

Rule: what is tested is what is shipped: Helm installs it, and the operator's process gets the token of the chart's
ServiceAccount. A test that changes the release calls `restore()` afterwards.
"""

from __future__ import annotations

import json
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lab.errors import LabError

if TYPE_CHECKING:
    from lab import Cluster

CHART: Final = Path(__file__).parents[1] / "charts" / "holdfast"
POLICIES: Final = tuple(f"{name}.holdfast.dev" for name in ("author", "hold", "override", "queue", "release", "self"))
KEEP: Final = "keep.holdfast.dev"
POLICY_PATH: Final = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/"
BINDING_PATH: Final = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/"
_installed: weakref.WeakKeyDictionary[Cluster, InstalledChart] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class InstalledChart:
    """One release of the chart in a lab."""

    cluster: Cluster
    release: str
    namespace: str
    token: str
    kubeconfig: Path

    @property
    def user(self) -> str:
        """The operator's user name."""
        return f"system:serviceaccount:{self.namespace}:{self.release}"

    def upgrade(self, **values: object) -> None:
        """`helm upgrade` to the shipped values plus these (`gate__denyDelete=True`), in force when it returns."""
        helm_upgrade(self.cluster, self.release, self.namespace, values)
        wait_type_checked(self.cluster)

    def restore(self) -> None:
        """Back to the shipped values, in force when it returns."""
        self.upgrade()
        wait_in_force(self.cluster, self.namespace)


def install(cluster: Cluster, release: str = "holdfast", namespace: str = "holdfast-system") -> InstalledChart:
    """Install the chart once per cluster, with the gate in force when it returns."""
    if (found := _installed.get(cluster)) is not None:
        return found
    helm_upgrade(cluster, release, namespace, {})
    wait_type_checked(cluster)
    wait_in_force(cluster, namespace)
    token = cluster.service_account_token(namespace, release, seconds=6 * 3600)
    chart = InstalledChart(cluster, release, namespace, token, cluster.kubeconfig_for(token, release))
    _installed[cluster] = chart
    return chart


def helm_upgrade(cluster: Cluster, release: str, namespace: str, values: dict[str, object]) -> None:
    """Install or upgrade; `gate__denyDelete=True` stands for gate.denyDelete: true."""
    settings = [f"--set-json={key.replace('__', '.')}={json.dumps(value)}" for key, value in values.items()]
    cluster.helm(
        "upgrade", "--install", release, str(CHART), "-n", namespace, "--create-namespace", "--reset-values", *settings
    )


def wait_type_checked(cluster: Cluster) -> None:
    """Return when the control plane has type-checked every policy in its present form."""
    for name in POLICIES:
        cluster.wait(lambda name=name: _type_checked(cluster, name), 30, f"the type check of {name}", every=0.05)  # type: ignore[misc]


def _type_checked(cluster: Cluster, name: str) -> bool:
    try:
        policy: dict[str, Any] = cluster.raw("GET", POLICY_PATH + name)
    except LabError:
        return name == "self.holdfast.dev"  # not there without enforcement
    return bool(policy.get("status", {}).get("observedGeneration") == policy["metadata"]["generation"])


def wait_in_force(cluster: Cluster, namespace: str, release: str = "holdfast") -> None:
    """Return when every policy refuses: a new binding takes up to a second. Probed by dry runs, nothing is created."""
    robot, operator = "system:serviceaccount:kube-system:probe", f"system:serviceaccount:{namespace}:{release}"
    for user, probe, policy in (
        (robot, _labelled({"holdfast.dev/hold": "probe"}), "hold.holdfast.dev"),
        (robot, _labelled({"holdfast.dev/override": "probe"}), "override.holdfast.dev"),
        (robot, _labelled({"holdfast.dev/queue": "probe"}), "queue.holdfast.dev"),
        (operator, _labelled({}), "self.holdfast.dev"),
        (robot, _BY_SOMEBODY_ELSE, "author.holdfast.dev"),
        (robot, _MADE_UP, "release.holdfast.dev"),
    ):
        cluster.wait(lambda p=(user, probe, policy): _refuses(cluster, *p), 30, f"{policy} to refuse", every=0.05)  # type: ignore[misc]


_BY_SOMEBODY_ELSE: Final[dict[str, Any]] = {
    "apiVersion": "holdfast.dev/v1alpha1",
    "kind": "BudgetAdjustment",
    "metadata": {"name": "probe", "namespace": "default"},
    "spec": {"reset": {"at": "2026-01-01T00:00:00Z"}, "reason": "probe", "requestedBy": "somebody-else"},
}

_MADE_UP: Final[dict[str, Any]] = {
    "apiVersion": "holdfast.dev/v1alpha1",
    "kind": "WorkloadRelease",
    "metadata": {"name": "probe", "namespace": "default"},
    "spec": {"workload": {"kind": "Deployment", "name": "probe"}, "template": "probe"},
}


def _labelled(labels: dict[str, str]) -> dict[str, Any]:
    """A workload with these labels."""
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "probe", "namespace": "default", "labels": labels},
        "spec": {
            "selector": {"matchLabels": {"app": "probe"}},
            "template": {
                "metadata": {"labels": {"app": "probe"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        },
    }


def _refuses(cluster: Cluster, user: str, probe: dict[str, Any], policy: str) -> bool:
    # the group gives the rights, the name is what the policies look at
    command = ("create", "-f", "-", "--dry-run=server", f"--as={user}", "--as-group=system:masters")
    said = cluster.kubectl(*command, input=json.dumps(probe), check=False).stderr
    return f"ValidatingAdmissionPolicy '{policy}'" in said
