"""One bad release that is complete, and the way back from it: how long it takes, and how many pods serve meanwhile.

Rule: times and pods come from the watch and the audit log of the API server; whoever takes the way back has no say in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from bench.frame import BenchError
from lab import Cluster
from lab.recorder import Recorder

APP: Final = "checkout"
GOOD: Final = "v1"
BAD: Final = "bad"
SEEN: Final = 4.0  # seconds until whoever watches has seen a release complete
PATIENCE: Final = 120.0  # seconds until what has not happened will not happen

Begin = Callable[[Cluster, str], Callable[[], float]]
"""Begins a way back in a namespace; what it returns tells afterwards when the verdict was (Unix seconds)."""


@dataclass(frozen=True, slots=True)
class Undone:
    """One way back: seconds from the verdict until the last bad pod was being deleted and until all good ones were ready,
    and the fewest ready pods meanwhile.
    """

    pods: int
    gone: float
    whole: float
    least: int

    @property
    def share(self) -> float:
        """The least share of ready pods."""
        return self.least / self.pods


def undone(cluster: Cluster, pods: int, ready_after: str, begin: Begin) -> Undone:
    """Let a bad release of so many pods complete, and take this way back."""
    with released(cluster, pods, ready_after) as namespace, Recorder(cluster, namespace, APP) as seen:
        before = time.time()
        verdict = begin(cluster, namespace)

        def back() -> bool:
            now = seen.moments[-1]
            return now.ready == pods and now.of(BAD) == 0

        cluster.wait(back, PATIENCE, f"{pods} good pods, and no other, in {namespace}", every=0.05)
        at, gone = verdict(), seen.gone_at(BAD)
        if gone is None or seen.appearances(BAD) != 1 or not before <= at <= gone:
            raise BenchError(f"The way back in {namespace} cannot be told from what happened there.")
        return Undone(pods, gone - at, seen.moments[-1].at - at, seen.least_ready(at))


@contextmanager
def released(cluster: Cluster, pods: int, ready_after: str) -> Iterator[str]:
    """A namespace whose Deployment has a good release and, on top of it, a complete bad one."""
    namespace = cluster.namespace()
    cluster.shop.set_rate(namespace, APP, pods)
    cluster.apply([_objective(namespace), _policy(namespace)])
    template = {"metadata": {"annotations": {"lab.holdfast.dev/ready-after": ready_after}}}
    cluster.deployment(namespace, APP, f"shop:{GOOD}", pods, template=template)
    cluster.wait_rollout(namespace, APP, PATIENCE)
    time.sleep(SEEN)
    cluster.set_image(namespace, "deployment", APP, f"shop:{BAD}")
    cluster.wait_rollout(namespace, APP, PATIENCE)
    time.sleep(SEEN)
    try:
        yield namespace
    finally:
        cluster.raw("DELETE", f"/api/v1/namespaces/{namespace}")


def by_template(cluster: Cluster, namespace: str) -> Callable[[], float]:
    """What `kubectl rollout undo` does: the good template is put back, and the Deployment rolls out as ever."""
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": f"shop:{GOOD}"}]
    began = time.time()
    cluster.raw("PATCH", f"/apis/apps/v1/namespaces/{namespace}/deployments/{APP}", patch, patch="json")
    return lambda: began


def by_holdfast(user: str) -> Begin:
    """A person asks the running operator (`user`); the verdict is its first write about the workload."""

    def begin(cluster: Cluster, namespace: str) -> Callable[[], float]:
        asked = time.time()
        command = ["undo", f"deployment/{APP}", "--namespace", namespace, "--reason", "a bad release"]
        done = subprocess.run(
            [sys.executable, "-m", "holdfast", *command],
            capture_output=True,
            text=True,
            env={**os.environ, **cluster.env()},
            check=False,
        )
        if done.returncode:
            raise BenchError(f"Nobody could ask for the way back in {namespace}. {done.stderr.strip()}")

        def verdict() -> float:
            wrote = (e for e in cluster.audit(asked, user) if e.namespace == namespace and e.resource == "holds")
            return next(e.at for e in wrote if e.code < 400)

        return verdict

    return begin


def _policy(namespace: str) -> dict[str, Any]:
    """Releases are followed where a rule asks about them; this one only reports, so that the way back is asked for."""
    rule = {"name": "bad-release", "when": {"release": {"worseThanTarget": {}}}, "then": {"action": "RollBack"}}
    return {
        "apiVersion": "holdfast.dev/v1alpha1",
        "kind": "ErrorBudgetPolicy",
        "metadata": {"name": "releases", "namespace": namespace},
        "spec": {"mode": "Audit", "rules": [rule]},
    }


def _objective(namespace: str) -> dict[str, Any]:
    where = f'namespace="{namespace}",job="{APP}"'
    ratio = {"bad": f'http_requests_total{{{where},code=~"5.."}}', "total": f"http_requests_total{{{where}}}"}
    return {
        "apiVersion": "holdfast.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": "availability", "namespace": namespace},
        "spec": {
            "target": "99",
            "indicator": {"ratio": ratio},
            "workloads": [{"kind": "Deployment", "name": APP}],
        },
    }
