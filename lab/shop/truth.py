"""What really happened? Integer counts of every request, kept apart from what the exporters show.

Rule: the truth survives container restarts, paused exporters and deleted pods; only its own numbers are in it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

SLOW_ABOVE: Final = 0.2  # seconds


@dataclass(slots=True)
class Count:
    """Requests, those answered with 5xx, those slower than 0.2 s, and when (Unix seconds) the first and last came."""

    requests: int = 0
    bad: int = 0
    slow: int = 0
    first_at: float | None = None
    first_bad_at: float | None = None
    last_at: float | None = None

    def add(self, requests: int, bad: int, slow: int, now: float) -> None:
        """Count requests that were all served at `now`."""
        if requests == 0:
            return
        self.requests += requests
        self.bad += bad
        self.slow += slow
        self.first_at = self.first_at or now
        self.last_at = now
        if bad:
            self.first_bad_at = self.first_bad_at or now


@dataclass(slots=True)
class Truth:
    """The counts of one workload: in total, per release (pod-template-hash) and per pod name.

    `unserved` are requests that came while no pod was ready; no exporter can know them. `at` is Unix seconds.
    """

    total: Count = field(default_factory=Count)
    releases: dict[str, Count] = field(default_factory=dict)
    pods: dict[str, Count] = field(default_factory=dict)
    unserved: int = 0
    at: float = 0.0

    def add(self, release: str, pod: str, requests: int, bad: int, slow: int, now: float) -> None:
        """Count requests that one pod of one release served at `now`."""
        for count in (
            self.total,
            self.releases.setdefault(release, Count()),
            self.pods.setdefault(pod, Count()),
        ):
            count.add(requests, bad, slow, now)

    def as_json(self, now: float) -> dict[str, Any]:
        """A snapshot for the control API."""
        self.at = now
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Truth:
        """The inverse of `as_json`."""
        return cls(
            total=Count(**data["total"]),
            releases={key: Count(**value) for key, value in data["releases"].items()},
            pods={key: Count(**value) for key, value in data["pods"].items()},
            unserved=data["unserved"],
            at=data["at"],
        )
