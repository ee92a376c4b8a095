"""One lab: a control plane with simulated nodes, on request with Prometheus, the shop and the fault proxy.

Rule: `with lab.cluster() as c:` is all a test, the demo or a benchmark needs. Everything listens on 127.0.0.1, lives in
one folder and is gone after the block.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from lab import audit
from lab.access import ADMIN, MACHINERY
from lab.api import Api
from lab.build import ensure
from lab.commands import environment, run
from lab.controlplane import control_plane
from lab.errors import LabError
from lab.faults import FaultProxy
from lab.home import Home
from lab.nodes import NODES, kwok, node
from lab.process import Process
from lab.progress import Say, silent, to_stderr
from lab.prometheus import Prometheus
from lab.shop.client import Shop
from lab.waiting import wait
from lab.workload import deployment

T = TypeVar("T")
_numbers = itertools.count(1)


class Cluster:
    """A running lab. Made by `lab.cluster()`."""

    def __init__(self, home: Home, options: Options) -> None:
        """Lay out all programs in the folder; `start` runs them."""
        self.dir = home.path
        self._home = home
        self._log = options.log
        wanted = ("kubernetes", "kwok", "prometheus") if options.prometheus else ("kubernetes", "kwok")
        self._groups = ensure(*wanted, say=to_stderr)
        self.control_plane = control_plane(self._groups["kubernetes"], self.dir)
        self.access = self.control_plane.access
        self.kubeconfig = self.access.kubeconfig(self.access.admin_token, ADMIN)
        machinery = self.access.kubeconfig(self.access.tokens[MACHINERY], MACHINERY)
        self.kwok = kwok(self._groups["kwok"], self.dir, machinery, linger=options.linger)
        self.raw = Api(self.access)
        self.shop = Shop(self.dir, machinery, rate=options.rate)
        self.prometheus_servers: dict[str, Prometheus] = {}
        self._proxy: FaultProxy | None = None
        if options.prometheus:
            self._proxy = FaultProxy(self.dir, self._new_prometheus("main", options.scrape).url)

    def _new_prometheus(self, name: str, scrape: str) -> Prometheus:
        programs = self._groups["prometheus"]
        server = Prometheus(programs, self.dir / f"prometheus-{name}", self.shop.discovery_url, scrape=scrape)
        self.prometheus_servers[name] = server
        return server

    @property
    def prometheus(self) -> Prometheus:
        """The main Prometheus."""
        if "main" not in self.prometheus_servers:
            raise LabError("This lab was started with prometheus=False.")
        return self.prometheus_servers["main"]

    @property
    def proxy(self) -> FaultProxy:
        """The fault proxy in front of the main Prometheus."""
        if self._proxy is None:
            raise LabError("This lab was started with prometheus=False, so there is nothing to put a proxy before.")
        return self._proxy

    def add_prometheus(self, name: str, scrape: str) -> Prometheus:
        """Start one more Prometheus with its own scrape interval, such as "5s"."""
        server = self._new_prometheus(name, scrape)
        server.start()
        server.wait_ready()
        return server

    def remove_prometheus(self, name: str) -> None:
        """End a Prometheus started by `add_prometheus`; its data goes."""
        server = self.prometheus_servers.pop(name)
        server.kill()
        shutil.rmtree(server.folder)

    @property
    def etcd(self) -> Process:
        """The store."""
        return self.control_plane.etcd

    @property
    def apiserver(self) -> Process:
        """The API server."""
        return self.control_plane.apiserver

    @property
    def controller_manager(self) -> Process:
        """The controllers of Deployments, ReplicaSets, StatefulSets and so on."""
        return self.control_plane.controller_manager

    @property
    def scheduler(self) -> Process:
        """The scheduler."""
        return self.control_plane.scheduler

    def start(self) -> None:
        """Start everything and return when Deployments can be rolled out and their pods are scraped."""
        began = time.monotonic()
        beside = self._beside()
        for part in beside:  # they boot while the control plane does
            part.start()
        self.control_plane.start()
        self.kwok.start()
        self._log(f"API server ready after {time.monotonic() - began:.1f} s")
        for name in NODES:
            self.raw("POST", "/api/v1/nodes", node(name))
        self.wait(self._nodes_ready, 30, "both nodes to become ready")
        self.wait_service_account("default")
        for part in beside:
            part.wait_ready()
        self._log(f"everything ready after {time.monotonic() - began:.1f} s")

    def mend(self) -> None:
        """Undo what a test may have done to the programs: all run and serve, no fault is set, the proxy is transparent."""
        for part in (*self._plane(), *self._beside()):
            part.mend()
        self.shop.clear_faults()
        self.shop.use_chance(None)
        if self._proxy is not None:
            self._proxy.mode("pass")

    def stop(self) -> None:
        """End every program, then remove the folder."""
        for part in (*self._beside(), *reversed(self._plane())):
            part.kill()  # nothing in a lab is worth an orderly end
        self._home.close()

    def _plane(self) -> list[Process]:
        return [self.etcd, self.apiserver, self.controller_manager, self.scheduler, self.kwok]

    def _beside(self) -> list[Process]:
        proxy = [] if self._proxy is None else [self._proxy.process]
        return [self.shop.process, *self.prometheus_servers.values(), *proxy]

    def _nodes_ready(self) -> bool:
        nodes = self.raw("GET", "/api/v1/nodes")["items"]
        conditions = [{c["type"]: c["status"] for c in n["status"].get("conditions", [])} for n in nodes]
        return all(c.get("Ready") == "True" for c in conditions)

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

    def wait_rollout(self, namespace: str, app: str, timeout: float = 60.0) -> None:
        """Return when every replica of the Deployment is updated and available and no other is left."""
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{app}"

        def complete() -> bool:
            found = self.raw("GET", path)
            wanted, status = found["spec"]["replicas"], found.get("status", {})
            counts = [status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas")]
            return status.get("observedGeneration", 0) >= found["metadata"]["generation"] and counts == [wanted] * 3

        self.wait(complete, timeout, f"the rollout of {namespace}/{app}")

    def wait(
        self, probe: Callable[[], T], timeout: float = 30.0, what: str = "the awaited state", *, every: float = 0.1
    ) -> T:
        """Ask until the answer is truthy and return it; see lab.waiting."""
        return wait(probe, timeout, what, every)

    def audit(self, since: float = 0.0, user: str | None = None) -> list[audit.Entry]:
        """All writes since a Unix time, on request of one user (such as system:serviceaccount:ns:name) only."""
        found = audit.entries(self.control_plane.audit_log, since)
        return [entry for entry in found if user is None or entry.user == user]


@dataclass(frozen=True, slots=True)
class Options:
    """What a lab consists of. Times in seconds, rates in requests/s."""

    prometheus: bool = True
    scrape: str = "1s"
    rate: float = 100.0
    linger: float = 2.0
    log: Say = silent


@contextmanager
def cluster(
    name: str = "lab",
    *,
    prometheus: bool = True,
    scrape: str = "1s",
    rate: float = 100.0,
    linger: float = 2.0,
    keep: bool = False,
    log: Say = silent,
) -> Iterator[Cluster]:
    """A lab for the length of a `with` block; missing programs are built first, with progress on stderr.

    `scrape` is the main Prometheus's interval, `rate` the default requests/s per workload, `linger` caps the seconds a
    deleted pod stays terminating, `keep` leaves the folder with all logs in place.
    """
    home = Home(name, keep=keep)
    try:
        lab = Cluster(home, Options(prometheus, scrape, rate, linger, log))
    except BaseException:
        home.close()
        raise
    try:
        lab.start()
        yield lab
    finally:
        lab.stop()
