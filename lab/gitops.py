"""How does a GitOps tool treat a cluster? It applies what Git says, over and over, with all rights.

Rule: real kubectl, one apply at a time, each loop under a service account of its own that is cluster-admin: `CLIENT` is
client-side apply, `SERVER` is server-side apply that takes over conflicts, as Flux does. A commit is applied at once;
what came of every apply is kept.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from lab import Cluster

CLIENT: Final[Sequence[str]] = ("apply", "-f", "-")
SERVER: Final[Sequence[str]] = (
    "apply",
    "--server-side",
    "--force-conflicts",
    "--field-manager=kustomize-controller",
    "-f",
    "-",
)
WAYS: Final[Mapping[str, Sequence[str]]] = {"client": CLIENT, "server": SERVER}


@dataclass(frozen=True, slots=True)
class Applied:
    """One apply of one commit (counted from 1): when it was answered (Unix seconds), and what kubectl said."""

    commit: int
    at: float
    accepted: bool
    said: str


class GitOps:
    """One loop. Use it as a context manager, or call `stop`."""

    def __init__(self, cluster: Cluster, namespace: str, way: str, *, every: float = 2.0) -> None:
        """`way` is client or server, `every` is in seconds. Nothing is applied before the first `commit`."""
        self._command = WAYS[way]
        self._cluster = cluster
        self._every = every
        self.user = f"system:serviceaccount:{namespace}:gitops-{way}"
        self._kubeconfig = _account(cluster, namespace, f"gitops-{way}")
        self._changed = threading.Condition()
        self._text = ""
        self._commits = 0
        self._applied: list[Applied] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"gitops-{namespace}", daemon=True)
        self._thread.start()

    def commit(self, *documents: dict[str, Any]) -> Applied:
        """From now on Git says this. Returns the first apply of it."""
        with self._changed:
            self._text = "\n---\n".join(map(json.dumps, documents))
            self._commits += 1
            self._changed.notify_all()
        return self.cycle(0)

    def cycle(self, more: int = 1) -> Applied:
        """Wait for so many more applies of the present commit; the last of them."""
        commit, wanted = self._commits, len(self._of(self._commits)) + more
        self._cluster.wait(lambda: len(self._of(commit)) >= max(wanted, 1), 60, "the next apply", every=0.02)
        return self._of(commit)[-1]

    @property
    def applied(self) -> list[Applied]:
        """Every apply so far, oldest first."""
        with self._changed:
            return list(self._applied)

    @property
    def refused(self) -> list[Applied]:
        """Those that the API server refused."""
        return [one for one in self.applied if not one.accepted]

    def stop(self) -> None:
        """Apply no more; returns when the last apply is over."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(60)

    def __enter__(self) -> GitOps:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _of(self, commit: int) -> list[Applied]:
        return [one for one in self.applied if one.commit == commit]

    def _run(self) -> None:
        done = 0
        while True:
            with self._changed:
                pause = self._every if done else None
                self._changed.wait_for(lambda: self._stopping or self._commits > done, pause)  # noqa: B023 - in this turn
                if self._stopping:
                    return
                text, done = self._text, self._commits
            said = self._cluster.kubectl(f"--kubeconfig={self._kubeconfig}", *self._command, input=text, check=False)
            one = Applied(done, time.time(), said.returncode == 0, (said.stderr or said.stdout).strip())
            with self._changed:
                self._applied.append(one)


def _account(cluster: Cluster, namespace: str, name: str) -> Path:
    """A service account that may do everything; its kubeconfig."""
    cluster.kubectl("create", "serviceaccount", name, "-n", namespace)
    cluster.kubectl(
        "create",
        "clusterrolebinding",
        f"{name}-{namespace}",
        "--clusterrole=cluster-admin",
        f"--serviceaccount={namespace}:{name}",
    )
    return cluster.kubeconfig_for(cluster.service_account_token(namespace, name), f"{name}-{namespace}")
