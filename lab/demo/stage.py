"""What the story of the demo is played with: kubectl as its people, waiting, and looking at what there is.

Times are Unix seconds where they come from the shop or the API server.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

from lab.demo.screen import Screen
from lab.demo.shop import APP, NAMESPACE, OBJECTIVE, OURS
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.cluster import Cluster

DEPLOYMENT: Final = f"deployment/{APP}"


class Stage:
    """One shop, the people around it, and the screen."""

    def __init__(self, cluster: Cluster, screen: Screen) -> None:
        """Nothing happens yet."""
        self.cluster, self.screen = cluster, screen
        self.marks: dict[str, float] = {}

    def mark(self, what: str, at: float | None = None) -> None:
        """Something happened now, or then: a line of the timeline."""
        self.marks[what] = self.cluster.shop.truth(NAMESPACE, APP).at if at is None else at

    def kubectl(self, *args: str, user: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """kubectl, as the admin or as one of the people."""
        return self.cluster.kubectl(*args, user=user, check=check)

    def show(self, *args: str) -> None:
        """A kubectl command and what it prints."""
        self.screen.say(f"$ kubectl {' '.join(args)}")
        for line in self.kubectl(*args).stdout.rstrip().splitlines():
            self.screen.say(line.rstrip())

    def explain(self) -> None:
        """What Holdfast says of the Deployment, in sentences."""
        command = "explain", DEPLOYMENT, "-n", NAMESPACE
        self.screen.say(f"$ holdfast {' '.join(command)}")
        known = os.environ | {"KUBECONFIG": str(self.cluster.kubeconfig)}
        said = subprocess.run(
            [sys.executable, "-m", "holdfast", *command], capture_output=True, text=True, env=known, check=False
        )
        if said.returncode != 0:
            raise LabError(f"holdfast explain ended with {said.returncode}: {said.stderr.strip()}")
        for line in said.stdout.rstrip().splitlines():
            self.screen.say(line)

    def set_image(self, tag: str, user: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A person releases."""
        command = "set", "image", DEPLOYMENT, f"shop=shop:{tag}", "-n", NAMESPACE
        self.screen.say(f"$ kubectl {' '.join(command)}")
        return self.kubectl(*command, user=user, check=check)

    def wait(self, probe: Any, what: str, timeout: float = 60) -> Any:
        """The first truthy answer."""
        return self.cluster.wait(probe, timeout, what)

    def deployment(self) -> dict[str, Any]:
        """The Deployment."""
        return self.cluster.get("deployment", NAMESPACE, APP)

    def running(self) -> list[str]:
        """The tags of all pods that are not being deleted."""
        pods = self.cluster.raw("GET", f"/api/v1/namespaces/{NAMESPACE}/pods")["items"]
        living = [p for p in pods if "deletionTimestamp" not in p["metadata"]]
        return sorted(p["spec"]["containers"][0]["image"].partition(":")[2] for p in living)

    def status(self) -> dict[str, Any]:
        """The status of the objective."""
        status: dict[str, Any] = self.cluster.get("slo", NAMESPACE, OBJECTIVE).get("status") or {}
        return status

    def condition(self, kind: str) -> str:
        """The status of one of its conditions."""
        return next((c["status"] for c in self.status().get("conditions") or () if c["type"] == kind), "")

    def hold(self) -> dict[str, Any]:
        """The status of the Hold."""
        status: dict[str, Any] = self.cluster.get("hold", NAMESPACE, f"deployment-{APP}").get("status") or {}
        return status

    def release(self, version: str) -> dict[str, Any]:
        """The status of the WorkloadRelease of this version; empty while there is none."""
        releases = self.cluster.raw("GET", f"{OURS}/workloadreleases")["items"]
        found = (r["status"] for r in releases if r.get("status", {}).get("version") == version)
        return next(found, {})

    def in_force(self, kind: str) -> bool:
        """Whether a condition of the Hold is true."""
        return any(c["type"] == kind and c["status"] == "True" for c in self.hold().get("conditions") or ())

    def written(self, verb: str, resource: str, since: float) -> float:
        """When the operator's first such request from then on was sent."""
        found = [
            e.at
            for e in self.cluster.audit(since)
            if (e.verb, e.resource, e.namespace) == (verb, resource, NAMESPACE) and "holdfast-system" in e.user
        ]
        if not found:
            raise LabError(f"The audit log shows no {verb} of {resource} by the operator.")
        return min(found)
