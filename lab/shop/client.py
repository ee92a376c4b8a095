"""The shop as tests, demo and benchmarks see it: rates, faults, restarts and the truth.

Rule: an order has taken effect when the call returns; a truth is one consistent snapshot.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from lab.control import Remote, python_environment, python_module
from lab.ports import LOOPBACK, free_port
from lab.process import Process
from lab.shop.faults import Fault
from lab.shop.truth import Truth


class Shop:
    """The simulated shop of one lab. Rates are requests/s over all ready pods of a workload, shares are 0 to 1."""

    def __init__(self, folder: Path, kubeconfig: Path, *, rate: float) -> None:
        """Lay out the process; `process.start()` runs it."""
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._remote = Remote(self.url)
        self.process = Process(
            "shop",
            python_module("lab.shop", str(kubeconfig), str(self.port), str(rate)),
            log=folder / "shop.log",
            ready=lambda: self._remote.answers("/ready"),
            env=python_environment(),
        )

    @property
    def discovery_url(self) -> str:
        """The http_sd address for Prometheus."""
        return f"{self.url}/sd"

    def set_rate(self, namespace: str, app: str, rate: float) -> float:
        """Change a workload's rate; 0 stops its traffic. Returns the Unix time of the change."""
        return self._order({"do": "rate", "rate": rate, "namespace": namespace, "app": app})

    def set_default_rate(self, rate: float) -> float:
        """Change the rate of every workload that has none of its own."""
        return self._order({"do": "rate", "rate": rate})

    def set_fault(
        self,
        tag: str | None,
        *,
        errors: float = 0.0,
        slow: float = 0.0,
        latency: float = 0.04,
        slow_latency: float = 0.5,
        namespace: str | None = None,
        app: str | None = None,
    ) -> float:
        """From now on pods with this image tag behave so (None: every tag), in one namespace or app only if given.

        The newest setting that matches a pod wins. `latency` and `slow_latency` are seconds.
        """
        fault = asdict(Fault(errors=errors, slow=slow, latency=latency, slow_latency=slow_latency))
        return self._order({"do": "fault", "fault": fault, "tag": tag, "namespace": namespace, "app": app})

    def clear_faults(self) -> float:
        """Forget every `set_fault`: image tags decide again."""
        return self._order({"do": "clear"})

    def use_chance(self, seed: str | None) -> float:
        """Let a seeded dice pick the faulty requests; None goes back to exactly even distances."""
        return self._order({"do": "chance", "seed": seed})

    def reset(self, namespace: str, pod: str, container: str = "") -> float:
        """Restart a pod's first container, or another: counters begin at 0 with a new process start time."""
        return self._order({"do": "restart", "namespace": namespace, "pod": pod, "container": container})

    def set_resolution(self, schema: int) -> float:
        """Native histograms have 2 to the power of this many buckets for each doubling from now on; 3 at first."""
        return self._order({"do": "resolution", "schema": schema})

    def pause_exporter(self, namespace: str, pod: str) -> float:
        """Let a pod's exporter answer 503 while the pod goes on serving."""
        return self._order({"do": "pause", "namespace": namespace, "pod": pod, "paused": True})

    def resume_exporter(self, namespace: str, pod: str) -> float:
        """End `pause_exporter`."""
        return self._order({"do": "pause", "namespace": namespace, "pod": pod, "paused": False})

    def truth(self, namespace: str, app: str) -> Truth:
        """What really happened to a workload so far."""
        return Truth.from_json(self._remote.get(f"/truth/{namespace}/{app}"))

    def page(self, namespace: str, pod: str) -> str:
        """A pod's exporter page, as Prometheus would scrape it now."""
        return str(self._remote.get(f"/metrics/{namespace}/{pod}"))

    def _order(self, order: dict[str, object]) -> float:
        return float(self._remote.post("/control", order)["at"])
