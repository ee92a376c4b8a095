"""The kinds of objects that are read or written, and how the API server spells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from holdfast.core.objective import ObjectKey

Body = Mapping[str, Any]
"""An object as JSON."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind in one version. The core group has no name."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """As in an object: `apps/v1`, or `v1` alone."""
        return f"{self.group}/{self.version}".lstrip("/")

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}".rstrip(".")


def _ours(plural: str, kind: str) -> Resource:
    return Resource("holdfast.dev", "v1alpha1", plural, kind)


def _admission(plural: str, kind: str) -> Resource:
    return Resource("admissionregistration.k8s.io", "v1", plural, kind)


OBJECTIVES: Final = _ours("servicelevelobjectives", "ServiceLevelObjective")
POLICIES: Final = _ours("errorbudgetpolicies", "ErrorBudgetPolicy")
ADJUSTMENTS: Final = _ours("budgetadjustments", "BudgetAdjustment")
HOLDS: Final = _ours("holds", "Hold")
RELEASES: Final = _ours("workloadreleases", "WorkloadRelease")
DEPLOYMENTS: Final = Resource("apps", "v1", "deployments", "Deployment")
STATEFULSETS: Final = Resource("apps", "v1", "statefulsets", "StatefulSet")
DAEMONSETS: Final = Resource("apps", "v1", "daemonsets", "DaemonSet")
REPLICASETS: Final = Resource("apps", "v1", "replicasets", "ReplicaSet")
REVISIONS: Final = Resource("apps", "v1", "controllerrevisions", "ControllerRevision")
PODS: Final = Resource("", "v1", "pods", "Pod")
CONFIGMAPS: Final = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS: Final = Resource("", "v1", "secrets", "Secret")
QUOTAS: Final = Resource("", "v1", "resourcequotas", "ResourceQuota")
EVENTS: Final = Resource("events.k8s.io", "v1", "events", "Event")
ADMISSION_POLICIES: Final = _admission("validatingadmissionpolicies", "ValidatingAdmissionPolicy")
ADMISSION_BINDINGS: Final = _admission("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding")
MUTATING_POLICIES: Final = _admission("mutatingadmissionpolicies", "MutatingAdmissionPolicy")
MUTATING_BINDINGS: Final = _admission("mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding")

WORKLOADS: Final[Mapping[str, Resource]] = {kind.kind: kind for kind in (DEPLOYMENTS, STATEFULSETS, DAEMONSETS)}
"""What can be held, by kind."""

WATCHED: Final = (OBJECTIVES, POLICIES, ADJUSTMENTS, HOLDS, RELEASES, *WORKLOADS.values())
"""What the store knows all objects of."""


def key_of(body: Body) -> ObjectKey:
    """Where an object lives; a cluster-scoped one in the namespace ''."""
    metadata = body["metadata"]
    return ObjectKey(metadata.get("namespace", ""), metadata["name"])
