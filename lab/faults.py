"""How does Prometheus fail? A proxy before it plays every failure, switchable while it runs.

Rule: `pass` is transparent to the byte; every other mode is one thing that happens to real installations:

refuse    the connection is reset          warnings  the real answer, with a warning added
hang      accepted, never answered         nan       the real answer, every value NaN
slow      answered after `seconds`         partial   the real answer without every second series, no warning
status    an HTTP error of a gateway       empty     the real answer without any series
html      a login page with status 200      swapped   the real answer, failures (code 500) shown as successes (200) and
                                                    successes as failures: a lie about everything at once
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.control import Remote, python_environment, python_module
from lab.ports import LOOPBACK, free_port
from lab.process import Process

MODES: Final = ("pass", "refuse", "hang", "slow", "status", "warnings", "nan", "partial", "empty", "html", "swapped")


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that came to the proxy: Unix time, path, and the PromQL expression if it carried one."""

    at: float
    method: str
    path: str
    query: str


class FaultProxy:
    """A proxy process on 127.0.0.1; `url` stands for the Prometheus behind it."""

    def __init__(self, folder: Path, target: str) -> None:
        """Lay out the process; `process.start()` runs it."""
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        self._remote = Remote(self.url)
        self.process = Process(
            "fault proxy",
            python_module("lab.faultserver", target, str(port)),
            log=folder / "proxy.log",
            ready=lambda: self._remote.answers("/-/lab/ready"),
            env=python_environment(),
        )

    def mode(self, name: str, *, seconds: float = 5.0, status: int = 503, match: str = "") -> None:
        """From the next request on, fail so. With `match`, only queries that contain that text; the rest pass."""
        self._remote.post("/-/lab/mode", {"name": name, "seconds": seconds, "status": status, "match": match})

    def requests(self) -> list[Seen]:
        """The requests since the start or the last `forget` (the newest 100 000), oldest first."""
        return [Seen(**seen) for seen in self._remote.get("/-/lab/requests")]

    def forget(self) -> None:
        """Start counting requests anew."""
        self._remote.post("/-/lab/forget", {})
