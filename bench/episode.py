"""One error budget that is emptied at a known moment, and the hold that follows.

The truth comes from the shop, which counts every request; neither Prometheus nor Holdfast has a say in it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import yaml

from bench.frame import BenchError
from lab import Cluster, LabError
from lab.shop.truth import Truth

APP: Final = "checkout"
TARGET: Final = 99  # per cent
WINDOW: Final = 60.0  # seconds; the shortest there is, so that it is soon covered and nothing is projected
RATE: Final = 400.0  # requests/s: a budget of 240 failures
ERRORS: Final = 0.5  # share of requests that fail, from the switch on
MARGIN: Final = 1.1  # failures end when there are this many times the allowed ones
LOOK: Final = 0.02  # seconds between two looks at the truth
STEP: Final = 0.05  # seconds between two looks at what Prometheus has

OBJECTIVE: Final = f"""
apiVersion: holdfast.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {{name: availability}}
spec:
  target: "{TARGET}"
  window: {{rolling: {WINDOW:g}s}}
  indicator:
    ratio:
      bad: http_requests_total{{namespace="NAMESPACE",job="{APP}",code=~"5.."}}
      total: http_requests_total{{namespace="NAMESPACE",job="{APP}"}}
  workloads:
  - {{kind: Deployment, name: {APP}}}
---
apiVersion: holdfast.dev/v1alpha1
kind: ErrorBudgetPolicy
metadata: {{name: exhausted}}
spec:
  mode: Enforce
  rules:
  - name: exhausted
    when: {{budgetRemaining: {{below: "0"}}}}
    then: {{action: Hold, until: {{above: "5"}}, atMost: 15m}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: developer}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}}
subjects:
- {{apiGroup: rbac.authorization.k8s.io, kind: User, name: developer}}
"""


@dataclass(frozen=True, slots=True)
class Emptied:
    """When a budget became empty (Unix seconds): not before `at`, and at most `slack` seconds later."""

    namespace: str
    at: float
    slack: float
    allowed: float


@dataclass(frozen=True, slots=True)
class Held:
    """One episode, as lengths of time in seconds that follow each other."""

    scrape: float  # until Prometheus had samples that say so
    grid: float  # until the next time that Holdfast asks about
    look: float  # until it acted on it: the delay, waiting for the look, the queries, judging
    act: float  # from its first write to the label on the Deployment
    slack: float  # by so much at most is the sum too long

    @property
    def latency(self) -> float:
        """From the failed request to the hold in force."""
        return self.scrape + self.grid + self.look + self.act


def prepare(cluster: Cluster) -> str:
    """A namespace with four pods of the shop under traffic, an objective, a policy, and a developer who may edit."""
    namespace = cluster.namespace()
    cluster.shop.set_rate(namespace, APP, RATE)
    cluster.deployment(namespace, APP)
    cluster.apply(_documents(namespace))
    return namespace


def release_is_admitted(cluster: Cluster, namespace: str) -> bool:
    """Whether a developer could change the image now; asked by a dry run of the server. Only the gate's refusal is False."""
    change = ("set", "image", f"deployment/{APP}", "shop=shop:v3", "-n", namespace, "--dry-run=server")
    answer = cluster.kubectl(*change, user="developer", check=False)
    if answer.returncode and "ValidatingAdmissionPolicy 'hold.holdfast.dev'" not in answer.stderr:
        raise LabError(f"A release in {namespace} failed for another reason than a hold: {answer.stderr.strip()}")
    return answer.returncode == 0


def empty(cluster: Cluster, namespace: str, steady: Truth) -> Emptied:
    """Let requests fail until the budget is just overdrawn. `steady` is the truth from before the window."""
    before = cluster.shop.truth(namespace, APP)
    if before.total.bad or before.at - steady.at < WINDOW:
        raise BenchError(
            f"{namespace} had {before.total.bad} failures and {before.at - steady.at:.0f} s of traffic before."
        )
    rate = (before.total.requests - steady.total.requests) / (before.at - steady.at)
    emptied: Emptied | None = None
    last = cluster.shop.set_fault(None, errors=ERRORS, namespace=namespace, app=APP)
    while True:
        truth = cluster.shop.truth(namespace, APP)
        a_window_ago = before.total.requests - rate * (WINDOW - (truth.at - before.at))
        allowed = (100 - TARGET) / 100 * (truth.total.requests - a_window_ago)
        if emptied is None and truth.total.bad > allowed:
            emptied = Emptied(namespace, last, truth.at - last, allowed)
        if emptied is not None and truth.total.bad > MARGIN * allowed:
            cluster.shop.set_fault(None, namespace=namespace, app=APP)
            return emptied
        last = truth.at
        time.sleep(LOOK)


def held(cluster: Cluster, user: str, emptied: Emptied, interval: float) -> Held:
    """What the audit log and Prometheus's own samples say about a hold that is in force."""
    namespace, began = emptied.namespace, emptied.at
    wrote = [e for e in cluster.audit(user=user) if e.namespace == namespace and e.code < 400 and not e.dry_run]
    patches = [e for e in wrote if (e.verb, e.resource, e.subresource, e.name) == ("patch", "deployments", "", APP)]
    records = [e for e in wrote if (e.verb, e.resource) == ("create", "holds")]
    if not patches or not records or records[0].at < began:
        raise BenchError(
            f"{namespace} has {len(patches)} patches and {len(records)} Holds, or one from before its time."
        )
    known = _known(cluster, emptied)
    asked = math.ceil(known / interval) * interval
    accepted = datetime.fromisoformat(patches[0].raw["stageTimestamp"]).timestamp()
    return Held(known - began, asked - known, records[0].at - asked, accepted - records[0].at, emptied.slack)


def _known(cluster: Cluster, emptied: Emptied) -> float:
    """When Prometheus's newest samples of all pods first added up to more failures than allowed, to a twentieth of a second."""
    failures = f'sum(http_requests_total{{namespace="{emptied.namespace}",code="500"}})'
    for series in cluster.prometheus.query_range(failures, emptied.at, emptied.at + WINDOW, STEP):
        for at, value in series["values"]:
            if float(value) > emptied.allowed:
                return float(at)
    raise BenchError(f"Prometheus never had the failures of {emptied.namespace} that were counted there.")


def _documents(namespace: str) -> Iterator[dict[str, Any]]:
    for document in yaml.safe_load_all(OBJECTIVE.replace("NAMESPACE", namespace)):
        document["metadata"]["namespace"] = namespace
        yield document
