"""A service of the shop with its objective and policy, and what people see of it.

Rule: budgets are driven by traffic alone. `burn` makes half of the requests fail; `recover` ends that and lets so much
good traffic come that the failures weigh little, so that nobody waits for a window to pass.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from lab.errors import CommandError

if TYPE_CHECKING:
    from lab import Cluster

Json = dict[str, Any]

APP: Final = "checkout"
HOLD: Final = "holdfast.dev/hold"
OVERRIDE: Final = "holdfast.dev/override"
GROUP: Final = "/apis/holdfast.dev/v1alpha1"
RATE: Final = 200.0
EXHAUSTED: Final[Json] = {
    "name": "exhausted",
    "when": {"budgetRemaining": {"below": "0"}},
    "then": {"action": "Hold", "until": {"above": "5"}},
}


class Scene:
    """One namespace with one workload, the Deployment `checkout` unless told otherwise, under traffic."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        kind: str = "Deployment",
        app: str = APP,
        rate: float = RATE,
        replicas: int = 3,
        **document: Any,
    ) -> None:
        """Let it run; returns before its pods are ready. `document` goes to `Cluster.deployment` or its sisters."""
        self.cluster = cluster
        self.kind, self.app = kind, app
        self.namespace = cluster.namespace()
        cluster.shop.set_rate(self.namespace, app, rate)
        size = {} if kind == "DaemonSet" else {"replicas": replicas}
        getattr(cluster, kind.lower())(self.namespace, app, **size, **document)

    # --- what people write
    def objective(self, name: str = "availability", **spec: Any) -> None:
        """Apply an objective on the share of requests that succeed; 99 % in a minute unless `spec` says otherwise."""
        self.cluster.apply(self.objective_document(name, **spec))

    def objective_document(self, name: str = "availability", **spec: Any) -> Json:
        """What `objective` applies."""
        where = f'namespace="{self.namespace}",job="{self.app}"'
        ratio = {
            "bad": f'http_requests_total{{{where},code=~"5.."}}',
            "total": f"http_requests_total{{{where}}}",
        }
        defaults: Json = {
            "target": "99",
            "window": {"rolling": "1m"},
            "indicator": {"ratio": ratio},
            "workloads": [{"kind": self.kind, "name": self.app}],
            "evidence": {"staleAfter": "10s"},
        }
        return self.document("ServiceLevelObjective", name, {**defaults, **spec})

    def policy(self, *rules: Json, name: str = "budget", mode: str = "Enforce", **spec: Any) -> None:
        """Apply a policy; an empty budget holds unless `rules` say otherwise."""
        self.apply("ErrorBudgetPolicy", name, {"mode": mode, "rules": list(rules or (EXHAUSTED,)), **spec})

    def apply(self, kind: str, name: str, spec: Json) -> None:
        """`kubectl apply` of one of our kinds."""
        self.cluster.apply(self.document(kind, name, spec))

    def document(self, kind: str, name: str, spec: Json) -> Json:
        """One of our kinds as a document."""
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": "holdfast.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}

    def remove(self, kind: str, name: str) -> None:
        """`kubectl delete`."""
        self.kubectl("delete", kind, name)

    def people(self) -> None:
        """Let `developer` edit here, and `oncall` edit and override holds."""
        for user, roles in {"developer": ["edit"], "oncall": ["edit", "holdfast-override"]}.items():
            for role in roles:
                self.kubectl("create", "rolebinding", f"{user}-{role}", f"--clusterrole={role}", f"--user={user}")

    # --- what happens
    def burn(self, errors: float = 0.5) -> None:
        """From now on this share of the requests fails, at the ordinary rate."""
        self.cluster.shop.set_rate(self.namespace, self.app, RATE)
        self.cluster.shop.set_fault(None, errors=errors, namespace=self.namespace, app=self.app)

    def recover(self) -> None:
        """No more failures, and much good traffic: within seconds the budget is in plenty again."""
        self.cluster.shop.set_fault(None, namespace=self.namespace, app=self.app)
        self.cluster.shop.set_rate(self.namespace, self.app, 200 * RATE)

    def warm(self) -> None:
        """Return when the objective is measured for long enough to act on it."""
        self.until(lambda: self.condition("BudgetYoung") == "False" and self.fresh, "enough of the window measured", 40)

    def held(self, timeout: float = 25) -> str:
        """Wait for the hold to be in force; its id."""
        self.until(self.in_force, "the hold to be in force", timeout)
        return str(self.hold()["id"])

    def free(self, timeout: float = 25) -> None:
        """Wait until nothing of a hold is left on the workload and its record says Lifted."""
        self.until(lambda: not self.marks() and self.hold().get("state") == "Lifted", "the hold to lift", timeout)

    def in_force(self) -> bool:
        """Whether the record says that label and pause were seen in force."""
        hold = self.hold()
        enforced = [c["status"] for c in hold.get("conditions", ()) if c["type"] == "Enforced"]
        return hold.get("state") in {"Active", "Overridden"} and enforced == ["True"]

    def until(self, probe: Any, what: str, timeout: float = 20, every: float = 0.1) -> Any:
        """`Cluster.wait` in this scene."""
        return self.cluster.wait(probe, timeout, f"{what} in {self.namespace}", every=every)

    # --- what is there
    def raw(self, path: str) -> Json:
        """A GET; an empty answer for what is not there."""
        try:
            found: Json = self.cluster.raw("GET", path)
        except CommandError as error:
            if "404" in str(error) or "not found" in str(error):
                return {}
            raise
        return found

    def ours(self, plural: str, name: str) -> Json:
        """One object of our group."""
        return self.raw(f"{GROUP}/namespaces/{self.namespace}/{plural}/{name}")

    def slo(self, name: str = "availability") -> Json:
        """The status of an objective; {} when it has none."""
        return dict(self.ours("servicelevelobjectives", name).get("status") or {})

    def hold(self) -> Json:
        """The status of the Hold; {} when there is none."""
        return dict(self.ours("holds", f"{self.kind.lower()}-{self.app}").get("status") or {})

    @property
    def fresh(self) -> bool:
        """Whether the objective has fresh evidence."""
        return bool(self.slo().get("evidence", {}).get("state") == "Fresh")

    def condition(self, kind: str, name: str = "availability", field: str = "status") -> str:
        """A field of one condition of an objective."""
        return next((str(c[field]) for c in self.slo(name).get("conditions", ()) if c["type"] == kind), "")

    def deployment(self) -> Json:
        """The Deployment, or what there is in its place."""
        return self.raw(f"/apis/apps/v1/namespaces/{self.namespace}/{self.kind.lower()}s/{self.app}")

    def sets(self) -> list[Json]:
        """Its ReplicaSets."""
        return list(self.raw(f"/apis/apps/v1/namespaces/{self.namespace}/replicasets").get("items", ()))

    def marks(self) -> dict[str, Json]:
        """Every label of ours on the Deployment and its ReplicaSets, by object."""
        found = {}
        for body in (self.deployment(), *self.sets()):
            labels = body.get("metadata", {}).get("labels", {})
            ours = {k: v for k, v in labels.items() if k.startswith("holdfast.dev/")}
            if ours:
                found[body["metadata"]["name"]] = ours
        return found

    @property
    def paused(self) -> bool:
        """Whether the Deployment is paused."""
        return bool(self.deployment().get("spec", {}).get("paused", False))

    def kubectl(
        self,
        *args: str,
        user: str | None = None,
        input: str | None = None,  # noqa: A002 - as in `Cluster.kubectl`
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """kubectl in this namespace."""
        return self.cluster.kubectl("-n", self.namespace, *args, user=user, input=input, check=check)

    def release(self, image: str, user: str | None = None) -> str:
        """`kubectl set image`; what was said against it, or ''."""
        said = self.kubectl("set", "image", f"{self.kind.lower()}/{self.app}", f"shop={image}", user=user, check=False)
        return said.stderr if said.returncode else ""

    def events(self) -> list[tuple[str, str, str]]:
        """(kind of the object, reason, sentence) of the Events Holdfast wrote here, oldest first."""
        items = self.raw(f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events")["items"]
        ours = [e for e in items if e.get("reportingController") == "holdfast.dev/holdfast"]
        ours.sort(key=lambda e: str(e["eventTime"]))
        return [(e["regarding"]["kind"], e["reason"], e["note"]) for e in ours]


def holdfast(cluster: Cluster, *args: str) -> subprocess.CompletedProcess[str]:
    """The command `holdfast` as the admin of the lab."""
    return subprocess.run(
        [sys.executable, "-m", "holdfast", *args],
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, **cluster.env()},
        check=False,
    )


def settle(seconds: float) -> None:
    """Let time pass in which something must *not* happen; there is no condition to wait for."""
    time.sleep(seconds)
