"""One lab: a control plane with simulated nodes, on request with Prometheus, the shop and the fault proxy.

Rule: `with lab.cluster() as c:` is all a test, the demo or a benchmark needs. Everything listens on 127.0.0.1, lives in
one folder and is gone after the block.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lab.access import MACHINERY
from lab.actions import Actions
from lab.build import ensure
from lab.controlplane import control_plane
from lab.errors import LabError
from lab.faults import FaultProxy
from lab.home import Home
from lab.nodes import NODES, kwok, node
from lab.process import Process
from lab.progress import Say, silent, to_stderr
from lab.prometheus import Prometheus, Scraping
from lab.shop.client import Shop


class Cluster(Actions):
    """A running lab. Made by `lab.cluster()`."""

    def __init__(self, home: Home, options: Options) -> None:
        """Lay out all programs in the folder; `start` runs them."""
        wanted = ("kubernetes", "kwok", "prometheus") if options.prometheus else ("kubernetes", "kwok")
        groups = ensure(*wanted, say=to_stderr)
        super().__init__(home.path, control_plane(groups["kubernetes"], home.path), groups)
        self._home = home
        self._log = options.log
        machinery = self.access.kubeconfig(self.access.tokens[MACHINERY], MACHINERY)
        self.kwok = kwok(groups["kwok"], self.dir, machinery, linger=options.linger)
        self.shop = Shop(self.dir, machinery, rate=options.rate)
        self.prometheus_servers: dict[str, Prometheus] = {}
        self._proxy: FaultProxy | None = None
        if options.prometheus:
            self._proxy = FaultProxy(self.dir, self._new_prometheus("main", Scraping(options.scrape)).url)

    def _new_prometheus(self, name: str, scraping: Scraping) -> Prometheus:
        programs = self._groups["prometheus"]
        server = Prometheus(programs, self.dir / f"prometheus-{name}", self.shop.discovery_url, scraping)
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

    def add_prometheus(
        self, name: str, scrape: str, *, native: bool = False, replicas: tuple[str, ...] = ()
    ) -> Prometheus:
        """Start one more Prometheus with its own scrape interval, such as "5s", and its own way to scrape (`Scraping`)."""
        server = self._new_prometheus(name, Scraping(scrape, native, replicas))
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
