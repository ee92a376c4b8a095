"""A real Prometheus that knows a past which we wrote, and what it spends on answering.

Rule: nothing is scraped and no rule runs, so whatever it spends beyond its idle rate is the price of what was asked.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import requests

from bench.frame import RESULTS, BenchError, Say
from lab.build import ensure
from lab.prometheus import Prometheus, Scraping

CONFIG: Final = "global: {}\n"
TICKS: Final = os.sysconf("SC_CLK_TCK")
SAMPLES: Final = re.compile(r"^prometheus_engine_query_samples_total (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of a core, samples read by queries, and seconds of the clock meanwhile."""

    cpu: float
    samples: float
    wall: float

    def less(self, idle: float) -> Spent:
        """Without what would have been spent anyway, at this many seconds of a core per second."""
        return Spent(self.cpu - idle * self.wall, self.samples, self.wall)


@contextmanager
def archive(write: Callable[[TextIO], object], say: Say) -> Iterator[Prometheus]:
    """A Prometheus with the samples that `write` writes (OpenMetrics text without its end), until the block ends."""
    programs = ensure("prometheus", say=say)["prometheus"]
    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=RESULTS, prefix="past-") as folder:
        prometheus = Prometheus(programs, Path(folder) / "prometheus", "", Scraping())
        (prometheus.folder / "prometheus.yaml").write_text(CONFIG)  # in the place of one that scrapes
        path = Path(folder) / "past.om"
        say("writing the past")
        with path.open("w") as file:
            write(file)
            file.write("# EOF\n")
        say(f"importing {path.stat().st_size / 2**20:.0f} MiB of samples")
        try:
            prometheus.import_openmetrics(path)
            path.unlink()
            yield prometheus
        finally:
            prometheus.stop()


def spent(prometheus: Prometheus, work: Callable[[], object]) -> Spent:
    """What a Prometheus spends while we do this."""
    samples, cpu, began = _samples(prometheus), _cpu(prometheus), time.monotonic()
    work()
    wall, used = time.monotonic() - began, _cpu(prometheus) - cpu
    return Spent(used, _samples(prometheus) - samples, wall)


def idle(prometheus: Prometheus, seconds: float) -> float:
    """Seconds of a core per second that it spends on nothing."""
    found = spent(prometheus, lambda: time.sleep(seconds))
    return found.cpu / found.wall


def _cpu(prometheus: Prometheus) -> float:
    """Seconds of a core since its start, of the program and of the kernel for it."""
    stat = Path(f"/proc/{prometheus.pid}/stat").read_text()
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS


def _samples(prometheus: Prometheus) -> float:
    """Samples that queries have read since its start, as it counts them itself."""
    text = requests.get(f"{prometheus.url}/metrics", timeout=30, proxies={"http": ""}).text
    found = SAMPLES.search(text)
    if found is None:
        raise BenchError("Prometheus does not tell how many samples its queries read; is it another version?")
    return float(found[1])
