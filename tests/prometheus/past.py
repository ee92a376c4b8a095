"""A past with a known truth, put into a real Prometheus: pods that come and go, an incident, and a hole.

The samples are on a grid of five minutes, so what a ledger should have at a time of that grid is a plain sum.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lab.prometheus import Prometheus

EVERY: Final = 300
HOUR: Final = 3_600
DAY: Final = 86_400
DAYS: Final = 9
"""How much of the past there is."""
SILENT: Final = 4 * HOUR
"""How long it has been over: Prometheus takes in nothing that is younger than three hours."""
PODS: Final = 3
LIFE: Final = 10 * HOUR + 10 * 60
INCIDENT: Final = (3.0, 3.2)
HOLE: Final = (1.5, 1.7)
"""In days before the end. In the hole nothing is scraped, and the pods after it are others."""


@dataclass
class Past:
    """What happened: (time, events, bad ones) sample by sample."""

    end: float
    gains: list[tuple[float, int, int]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def in_hole(self, at: float) -> bool:
        """Whether nothing was scraped then."""
        return HOLE[0] * DAY < self.end - at < HOLE[1] * DAY

    def counts(self, begin: float, end: float) -> tuple[int, int]:
        """Events and bad ones later than one time and up to another."""
        found = [(n, bad) for at, n, bad in self.gains if begin < at <= end]
        return sum(n for n, _ in found), sum(bad for _, bad in found)


def past(now: float, seed: int = 7) -> Past:
    """All of it; the first sample is a baseline and gains nothing."""
    chance, made = random.Random(seed), Past((now - SILENT) // HOUR * HOUR)
    first = made.end - DAYS * DAY
    counts, starts, born = [[0, 0] for _ in range(PODS)], [first - 60.0] * PODS, [first] * PODS
    rows: dict[str, list[str]] = {"http_requests_total": [], "process_start_time_seconds": []}
    was_in_hole = False
    for n in range(int((made.end - first) // EVERY) + 1):
        at = first + n * EVERY
        if made.in_hole(at):
            was_in_hole = True
            continue
        gained = [0, 0]
        for pod in range(PODS):
            if was_in_hole or at - born[pod] >= LIFE + pod * HOUR:
                counts[pod], starts[pod], born[pod] = [0, 0], at - 20, at
            if at > first:
                events = chance.randrange(400, 900)
                share = 0.05 if INCIDENT[0] * DAY < made.end - at <= INCIDENT[1] * DAY else 0.0004
                bad = sum(chance.random() < share for _ in range(events))
                counts[pod][0] += events
                counts[pod][1] += bad
                gained = [gained[0] + events, gained[1] + bad]
            name = f"web-{int(born[pod]):x}-{pod}"
            labels = f'job="web",instance="{name}:8080",namespace="shop",pod="{name}",container="app"'
            total, failed = counts[pod]
            rows["http_requests_total"].append(f'http_requests_total{{{labels},code="200"}} {total - failed} {at:.0f}')
            rows["http_requests_total"].append(f'http_requests_total{{{labels},code="500"}} {failed} {at:.0f}')
            start = f"process_start_time_seconds{{{labels}}} {starts[pod]:.0f} {at:.0f}"
            rows["process_start_time_seconds"].append(start)
        was_in_hole = False
        made.gains.append((at, gained[0], gained[1]))
    for metric, kind in (("http_requests", "counter"), ("process_start_time_seconds", "gauge")):
        name = "http_requests_total" if kind == "counter" else metric
        made.lines += [f"# TYPE {metric} {kind}", *sorted(rows[name], key=lambda row: row.partition(" ")[0])]
    return made


def imported(server: Prometheus, folder: Path) -> Past:
    """Put such a past into a Prometheus."""
    made = past(time.time())
    path = folder / "past.om"
    path.write_text("\n".join([*made.lines, "# EOF", ""]), encoding="utf-8")
    server.import_openmetrics(path)
    return made
