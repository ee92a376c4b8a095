"""The story of the demo, step by step. Every step waits for what it promises; one that does not come ends the demo.

Times are Unix seconds where they come from the shop or the API server.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lab.demo.screen import Screen
from lab.demo.shop import APP, NAMESPACE, OBJECTIVE
from lab.errors import LabError
from lab.operator import Operator

if TYPE_CHECKING:
    from lab.cluster import Cluster

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
DEPLOYMENT: Final = f"deployment/{APP}"


class Story:
    """A shop, a bad release, and the people around it."""

    def __init__(self, cluster: Cluster, operator: Operator, screen: Screen) -> None:
        """Nothing happens yet."""
        self.cluster, self.operator, self.screen = cluster, operator, screen
        self.marks: dict[str, float] = {}

    def run(self) -> None:
        """Everything in order; raises LabError when something does not happen."""
        for step in (
            self.people,
            self.examples,
            self.good_release,
            self.bad_release,
            self.held,
            self.denied,
            self.glass_broken,
            self.recovered,
            self.next_release,
        ):
            self.screen.begin((step.__doc__ or "").rstrip("."))
            step()
            self.screen.end()

    def people(self) -> None:
        """A developer may change Deployments; who is on call may also override holds."""
        self.cluster.namespace(NAMESPACE)
        for user, roles in (("developer", ("edit",)), ("oncall", ("edit", "holdfast-override"))):
            for role in roles:
                name = f"{user}-{role}"
                self._kubectl("create", "rolebinding", name, f"--clusterrole={role}", f"--user={user}", "-n", NAMESPACE)

    def examples(self) -> None:
        """The shop, its objective and its policy are applied with kubectl."""
        files = [
            f"--filename={EXAMPLES / name}" for name in ("demo-shop.yaml", "demo-objective.yaml", "demo-policy.yaml")
        ]
        self._kubectl("apply", *files)
        self.cluster.shop.set_fault("v2", errors=0.5)
        self.cluster.wait_rollout(NAMESPACE, APP)

    def good_release(self) -> None:
        """v1 serves 100 requests a second, and its budget is measured."""
        self._wait(lambda: self._condition("BudgetYoung") == "False" and self._verdict() == "Open", "a measured budget")
        self._show("get", "slo", "-n", NAMESPACE)

    def bad_release(self) -> None:
        """The developer rolls out v2: half of its answers are errors."""
        self._set_image("v2", "developer")
        self.marks["first bad request"] = self._wait(self._first_bad, "the first failed request")

    def held(self) -> None:
        """The budget is empty: Holdfast holds the Deployment and pauses its rollout."""
        self._wait(lambda: self._hold().get("state") == "Active" and self._enforced(), "the hold", 90)
        self.marks["hold in force"] = self._written("patch", "deployments")
        if not self._deployment()["spec"].get("paused"):
            raise LabError("The hold is there, but the rollout in flight is not paused.")
        self._show("get", "holds", "-n", NAMESPACE)

    def denied(self) -> None:
        """The developer tries the next release, and is told why not."""
        refused = self._set_image("v5", "developer", check=False)
        if refused.returncode == 0:
            raise LabError("The gate let a release of a held Deployment through.")
        self.screen.say(f"$ kubectl set image {DEPLOYMENT} shop=shop:v5")
        self.screen.say(refused.stderr.strip())
        way_out = re.search(r"Way out: kubectl (label .*?) and send", refused.stderr)
        if way_out is None:
            raise LabError("The denial names no way out.")
        self._way_out = way_out[1].split()

    def glass_broken(self) -> None:
        """Who is on call breaks the glass with that command and sends the fix, v3."""
        self.screen.say(f"$ kubectl {' '.join(self._way_out)}")
        self._kubectl(*self._way_out, user="oncall")
        self._set_image("v3", "oncall")
        self.marks["fix sent"] = self.cluster.shop.truth(NAMESPACE, APP).at
        self._wait(lambda: not self._deployment()["spec"].get("paused"), "Holdfast to resume the paused rollout")
        self.cluster.wait_rollout(NAMESPACE, APP, timeout=120)
        self.marks["fix rolled out"] = self.cluster.shop.truth(NAMESPACE, APP).at

    def recovered(self) -> None:
        """The budget recovers within its window of two minutes, and the hold lifts by itself."""
        self._wait(lambda: self._hold().get("state") == "Lifted", "the lift", 200)
        self.marks["hold lifted"] = self.cluster.shop.truth(NAMESPACE, APP).at
        labels = self._deployment()["metadata"]["labels"]
        if any(key.startswith("holdfast.dev/") for key in labels):
            raise LabError(f"The hold is lifted, but labels are left: {labels}")
        self._show("get", "slo,holds", "-n", NAMESPACE)

    def next_release(self) -> None:
        """The next release, v4, goes through."""
        self._set_image("v4", "developer")
        self.cluster.wait_rollout(NAMESPACE, APP, timeout=120)

    def _kubectl(self, *args: str, user: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.cluster.kubectl(*args, user=user, check=check)

    def _show(self, *args: str) -> None:
        self.screen.say(f"$ kubectl {' '.join(args)}")
        for line in self._kubectl(*args).stdout.rstrip().splitlines():
            self.screen.say(line.rstrip())

    def _set_image(self, tag: str, user: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self._kubectl("set", "image", DEPLOYMENT, f"shop=shop:{tag}", "-n", NAMESPACE, user=user, check=check)

    def _wait(self, probe: Any, what: str, timeout: float = 60) -> Any:
        return self.cluster.wait(probe, timeout, what)

    def _deployment(self) -> dict[str, Any]:
        return self.cluster.get("deployment", NAMESPACE, APP)

    def _status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.cluster.get("slo", NAMESPACE, OBJECTIVE).get("status") or {}
        return status

    def _verdict(self) -> str:
        return str(self._status().get("verdict"))

    def _condition(self, kind: str) -> str:
        return next((c["status"] for c in self._status().get("conditions") or () if c["type"] == kind), "")

    def _hold(self) -> dict[str, Any]:
        status: dict[str, Any] = self.cluster.get("hold", NAMESPACE, f"deployment-{APP}").get("status") or {}
        return status

    def _enforced(self) -> bool:
        return any(c["type"] == "Enforced" and c["status"] == "True" for c in self._hold().get("conditions") or ())

    def _first_bad(self) -> float | None:
        return self.cluster.shop.truth(NAMESPACE, APP).total.first_bad_at

    def _written(self, verb: str, resource: str) -> float:
        """When the operator's first such request was answered."""
        found = [
            e.at
            for e in self.cluster.audit()
            if (e.verb, e.resource, e.namespace) == (verb, resource, NAMESPACE) and "holdfast-system" in (e.user or "")
        ]
        if not found:
            raise LabError(f"The audit log shows no {verb} of {resource} by the operator.")
        return min(found)
