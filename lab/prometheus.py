"""A real Prometheus that finds the shop's pods by http_sd.

Rule: it is a process like any other of the lab (stop, kill, restart keep port and data), with the few requests tests need.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from lab.commands import run
from lab.control import Remote
from lab.errors import CommandError
from lab.ports import LOOPBACK, free_port
from lab.process import Process


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an instant query: its labels and its value."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Scraping:
    """How one Prometheus scrapes the shop; `interval` is that of evaluation too.

    `native`: classic histograms become native ones with the same bounds, and native ones are taken. `replicas`: as many
    times as there are names, each with its name as `prometheus_replica` and a phase of its own.
    """

    interval: str = "1s"
    native: bool = False
    replicas: tuple[str, ...] = ()


class Prometheus(Process):
    """One Prometheus server; `url` is what Holdfast gets."""

    def __init__(self, programs: Path, folder: Path, discovery_url: str, scraping: Scraping) -> None:
        """Write the configuration into `folder`."""
        folder.mkdir()
        self.folder = folder
        self.scrape = scraping.interval
        self._programs = programs
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        self._remote = Remote(self.url)
        self._targets: dict[tuple[str, str], list[str]] = {}
        (folder / "rules").mkdir()
        (folder / "targets.json").write_text("[]")
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(_config(discovery_url, folder, scraping)))
        argv: list[str | Path] = [
            programs / "prometheus",
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=60d",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--web.enable-remote-write-receiver",
            "--web.enable-lifecycle",
            "--web.enable-admin-api",
            "--scrape.discovery-reload-interval=1s",  # hidden, for tests: new pods are scraped sooner
            "--log.level=warn",
        ]
        super().__init__(
            f"prometheus ({folder.name})",
            argv,
            log=folder / "prometheus.log",
            ready=lambda: self._remote.answers("/-/ready"),
        )

    def query(self, expression: str, at: float | None = None) -> list[Sample]:
        """The vector (or scalar) at a Unix time, now by default. Raises CommandError when refused."""
        data = self._remote.get("/api/v1/query", query=expression, time=f"{at or time.time():.3f}")["data"]
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(series["metric"], float(series["value"][1])) for series in data["result"]]

    def value(self, expression: str, at: float | None = None) -> float | None:
        """The only value of a query, None when there is no series. Raises CommandError for several."""
        found = self.query(expression, at)
        if len(found) > 1:
            raise CommandError(f"{expression} has {len(found)} series where one was asked for.")
        return found[0].value if found else None

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """The series of a range query as Prometheus returns them; times and step in seconds."""
        params = {"query": expression, "start": str(start), "end": str(end), "step": str(step)}
        found: list[dict[str, Any]] = self._remote.get("/api/v1/query_range", **params)["data"]["result"]
        return found

    def add_target(self, job: str, address: str, path: str = "/metrics") -> None:
        """Scrape one more host:port as a job of that name."""
        self._targets.setdefault((job, path), []).append(address)
        groups = [
            {"targets": targets, "labels": {"job": job, "__metrics_path__": path}}
            for (job, path), targets in self._targets.items()
        ]
        aside = self.folder / "targets.new"
        aside.write_text(json.dumps(groups))
        aside.rename(self.folder / "targets.json")

    def set_rules(self, name: str, text: str) -> None:
        """Load recording or alerting rules (YAML text) under a file name and reload. Raises CommandError if refused."""
        (self.folder / "rules" / f"{name}.yaml").write_text(text)
        self._remote.post("/-/reload", {})

    def forget(self, selector: str) -> None:
        """Delete all samples of these series that are there now, as if they had grown older than the retention."""
        self._remote.post("/api/v1/admin/tsdb/delete_series?" + urlencode({"match[]": selector}), {})

    def import_openmetrics(self, path: Path) -> None:
        """Add history (OpenMetrics text that ends with # EOF, older than 3 hours): stop, create blocks, start."""
        self.stop()
        promtool = self._programs / "promtool"
        options = ["--max-block-duration=744h", "--quiet"]
        run([promtool, "tsdb", "create-blocks-from", "openmetrics", *options, path, self.folder / "data"], env={})
        self.start()
        self.wait_ready()


def _config(discovery_url: str, folder: Path, scraping: Scraping) -> dict[str, object]:
    shop: dict[str, object] = {"http_sd_configs": [{"url": discovery_url, "refresh_interval": "1s"}]}
    if scraping.native:
        shop |= {"scrape_native_histograms": True, "convert_classic_histograms_to_nhcb": True}
    jobs = [{"job_name": "shop", **shop}]
    if scraping.replicas:
        jobs = [{"job_name": name, **shop, "relabel_configs": [_label(name)]} for name in scraping.replicas]
    return {
        "global": {"scrape_interval": scraping.interval, "evaluation_interval": scraping.interval},
        "rule_files": [str(folder / "rules" / "*.yaml")],
        "scrape_configs": [
            *jobs,
            {
                "job_name": "more",
                "file_sd_configs": [{"files": [str(folder / "targets.json")], "refresh_interval": "1s"}],
            },
        ],
    }


def _label(replica: str) -> dict[str, str]:
    return {"target_label": "prometheus_replica", "replacement": replica}
