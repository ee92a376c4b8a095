"""How does the operator run in a lab? As its own process, with the token and the rights the chart gave it.

Rule: what ships is what is tested. The process is `holdfast run` with a configuration file like the chart's, and a
kubeconfig that holds nothing but the token of the chart's ServiceAccount.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import requests
import yaml

from lab.ports import LOOPBACK, free_port
from lab.process import Process

if TYPE_CHECKING:
    from pathlib import Path

    from lab.cluster import Cluster


class Operator:
    """One operator process; `process` starts, stops and kills it."""

    def __init__(
        self,
        cluster: Cluster,
        kubeconfig: Path,
        namespace: str,
        *,
        name: str = "operator",
        **settings: Any,
    ) -> None:
        """Lay out the configuration; `settings` are laid over the defaults for a lab that scrapes every second."""
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.config = cluster.dir / f"{name}.yaml"
        sources = settings.pop("sources", None) or [
            {"name": "default", "url": cluster.proxy.url, "scrapeInterval": "1s", "delay": "2s", "timeout": "2s"}
        ]
        http = {"host": LOOPBACK, "port": self.port}
        log = {"format": "console", "level": "debug"}
        content = {"sources": sources, "interval": "1s", "http": http, "log": log, **settings}
        self.config.write_text(yaml.safe_dump(content), encoding="utf-8")
        self.process = Process(
            name,
            [sys.executable, "-m", "holdfast", "run", "--config", str(self.config), "--kubeconfig", str(kubeconfig)],
            log=cluster.dir / f"{name}.log",
            ready=lambda: self.ask("/readyz")[0] == 200,
            env={"POD_NAMESPACE": namespace, "POD_NAME": name},
        )

    def start(self) -> None:
        """Start it and return when it is ready: everything listed, the gate in force."""
        self.process.start()
        self.process.wait_ready()

    def ask(self, path: str, timeout: float = 2.0) -> tuple[int, str]:
        """Status and text of its HTTP port; 0 when nobody answers."""
        session = requests.Session()
        session.trust_env = False
        try:
            answer = session.get(self.url + path, timeout=timeout)
        except requests.RequestException as error:
            return 0, str(error)
        return answer.status_code, answer.text

    def log_lines(self) -> list[str]:
        """What it logged so far."""
        return self.process.log.read_text(encoding="utf-8", errors="replace").splitlines()
