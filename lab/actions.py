"""What can a person do with the control plane of a running lab? kubectl, helm, workloads, waiting, looking at the audit.

Rule: every call returns when its effect is there, or raises a LabError that says what was refused.
"""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from lab import audit
from lab.access import ADMIN
from lab.api import Api
from lab.build import ensure
from lab.commands import environment, run
from lab.controlplane import ControlPlane
from lab.waiting import wait
from lab.workload import complete, daemonset, deployment, statefulset

T = TypeVar("T")
_numbers = itertools.count(1)


class Actions:
    """The part of a lab that talks to its API server. `raw` sends plain requests as the admin (see lab.api)."""

    def __init__(self, folder: Path, plane: ControlPlane, groups: dict[str, Path]) -> None:
        """`groups` are the folders of the programs built so far, by group."""
        self.dir = folder
        self.control_plane = plane
        self.access = plane.access
        self.kubeconfig = self.access.kubeconfig(self.access.admin_token, ADMIN)
        self.raw = Api(self.access)
        self._groups = groups

    @property
    def programs(self) -> list[Path]:
        """The folders of the programs in use."""
        return list(self._groups.values())

    def ensure(self, *groups: str) -> dict[str, Path]:
        """The folders of more groups, built now if need be; `env` puts them on PATH too."""
        found = ensure(*groups)
        self._groups |= found
        return found

    def env(self) -> dict[str, str]:
        """Variables for a child process or a shell that works with this lab."""
        return environment(self.dir, self.kubeconfig, self.programs)

    def kubectl(
        self,
        *args: str,
        user: str | None = None,
        input: str | None = None,  # noqa: A002 - the name subprocess.run uses
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the admin or as one of the static users (developer, oncall, gitops-user)."""
        config = self.kubeconfig if user is None else self.kubeconfig_for(self.access.tokens[user], user)
        program = self._groups["kubernetes"] / "kubectl"
        return run([program, f"--kubeconfig={config}", *args], env=self.env(), input=input, check=check)

    def helm(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run helm as the admin; helm is built at the first call."""
        return run([self.ensure("helm")["helm"] / "helm", *args], env=self.env(), check=check)

    def kubeconfig_for(self, token: str, name: str = "user") -> Path:
        """Write a kubeconfig for any token; the file is named after `name`."""
        return self.access.kubeconfig(token, name)

    def service_account_token(self, namespace: str, name: str, seconds: int = 3600) -> str:
        """A token of an existing ServiceAccount, valid for `seconds`."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        return str(self.raw("POST", path, request)["status"]["token"])

    def apply(self, documents: str | dict[str, Any] | Iterable[dict[str, Any]], *, user: str | None = None) -> None:
        """`kubectl apply` YAML text, one document or several."""
        if isinstance(documents, dict):
            documents = [documents]
        text = documents if isinstance(documents, str) else yaml.safe_dump_all(list(documents))
        self.kubectl("apply", "-f", "-", input=text, user=user)

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        """One object as `kubectl get -o json` shows it."""
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "-n", namespace, "-o", "json").stdout)
        return found

    def namespace(self, name: str | None = None, labels: dict[str, str] | None = None) -> str:
        """Create a namespace (a fresh name when none is given), ready for pods; returns its name."""
        name = name or f"t{next(_numbers)}"
        metadata = {"name": name, "labels": labels or {}}
        self.raw("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        self.wait_service_account(name)
        return name

    def wait_service_account(self, namespace: str) -> None:
        """Return when pods can be created in the namespace."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
        self.wait(lambda: self.raw("GET", path), 30, f"the default service account of {namespace}", every=0.03)

    def deployment(
        self, namespace: str, app: str, image: str = "shop:v1", replicas: int = 4, **spec: Any
    ) -> dict[str, Any]:
        """Apply a Deployment of the shop; `spec` is merged into its spec. Returns the document applied."""
        document = deployment(namespace, app, image, replicas, spec)
        self.apply(document)
        return document

    def statefulset(
        self, namespace: str, app: str, image: str = "shop:v1", replicas: int = 3, **spec: Any
    ) -> dict[str, Any]:
        """Apply a StatefulSet of the shop, in the same way."""
        document = statefulset(namespace, app, image, replicas, spec)
        self.apply(document)
        return document

    def daemonset(self, namespace: str, app: str, image: str = "shop:v1", **spec: Any) -> dict[str, Any]:
        """Apply a DaemonSet of the shop, in the same way."""
        document = daemonset(namespace, app, image, spec)
        self.apply(document)
        return document

    def set_image(self, namespace: str, kind: str, name: str, image: str, *, user: str | None = None) -> None:
        """`kubectl set image` of the shop's container: the ordinary way to release."""
        self.kubectl("set", "image", f"{kind}/{name}", f"shop={image}", "-n", namespace, user=user)

    def wait_rollout(self, namespace: str, app: str, timeout: float = 60.0, *, kind: str = "deployment") -> None:
        """Return when the rollout of a workload is over (`lab.workload.complete`)."""
        path = f"/apis/apps/v1/namespaces/{namespace}/{kind}s/{app}"
        self.wait(lambda: complete(self.raw("GET", path)), timeout, f"the rollout of {namespace}/{app}")

    def wait(
        self, probe: Callable[[], T], timeout: float = 30.0, what: str = "the awaited state", *, every: float = 0.1
    ) -> T:
        """Ask until the answer is truthy and return it; see lab.waiting."""
        return wait(probe, timeout, what, every)

    def audit(self, since: float = 0.0, user: str | None = None) -> list[audit.Entry]:
        """All writes since a Unix time, on request of one user (such as system:serviceaccount:ns:name) only."""
        found = audit.entries(self.control_plane.audit_log, since)
        return [entry for entry in found if user is None or entry.user == user]
