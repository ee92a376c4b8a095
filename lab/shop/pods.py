"""Which pods does the shop consist of, and what does each one's exporter count?

Rule: a pod with the label `app` is a shop pod. It gets requests while it is ready and not being deleted; it has an
exporter page from the moment its container runs until the object is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lab.shop.faults import tag_of

# pod labels that name the release, by preference, and the target labels they become
RELEASE_LABELS = ("pod-template-hash", "rollouts-pod-template-hash", "controller-revision-hash")


@dataclass(slots=True)
class Counters:
    """What one container's process has counted since its start: requests by code and by latency in seconds.

    `owed` is what even distances still owe this pod, in millionths of a request by kind of fault.
    """

    started: float
    codes: dict[int, int] = field(default_factory=dict)
    latencies: dict[float, int] = field(default_factory=dict)
    owed: dict[str, int] = field(default_factory=dict)

    def add(self, code: int, n: int) -> None:
        """Count `n` answers with a code. A series exists only after its first request, as in real clients."""
        if n:
            self.codes[code] = self.codes.get(code, 0) + n

    def observe(self, seconds: float, n: int) -> None:
        """Count `n` requests that took so long."""
        if n:
            self.latencies[seconds] = self.latencies.get(seconds, 0) + n


@dataclass(slots=True)
class Pod:
    """One pod object as the shop needs it."""

    uid: str
    namespace: str
    name: str
    app: str
    release: str
    tag: str
    labels: dict[str, str]
    running: bool
    serving: bool
    counters: Counters
    paused: bool = False  # the exporter answers 503
    container: str = ""  # empty for the first one
    born: float = 0.0  # when the object was made
    start_from: str = "process"  # who knows when it started: process, container (cAdvisor), pod (its object), none
    native: bool = False  # its histogram is a native one

    @property
    def key(self) -> str:
        """What tells the containers of all pods apart."""
        return f"{self.uid}/{self.container}" if self.container else self.uid


def parse(item: dict[str, Any], now: float, place: int = 0) -> Pod | None:
    """A Pod from its API object, with fresh counters started at `now`; None when it is not of the shop.

    A pod with several containers is several of them, each with its own process and page. The labels `start` and
    `histogram` say what the pages lack.
    """
    metadata, spec, status = item["metadata"], item["spec"], item.get("status", {})
    labels = metadata.get("labels", {})
    if "app" not in labels:
        return None
    container = spec["containers"][place]
    conditions = {c["type"]: c["status"] for c in status.get("conditions", [])}
    deleted = "deletionTimestamp" in metadata
    states = [c.get("state", {}) for c in status.get("containerStatuses", [])]
    return Pod(
        uid=metadata["uid"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        app=labels["app"],
        release=next((labels[key] for key in RELEASE_LABELS if key in labels), ""),
        tag=tag_of(container["image"]),
        labels=_target_labels(metadata, labels, container["name"], f"{status.get('podIP', '')}:{8080 + place}"),
        running=any("running" in state for state in states),
        serving=conditions.get("Ready") == "True" and not deleted,
        counters=Counters(started=now),
        container=container["name"] if place else "",
        born=datetime.fromisoformat(metadata["creationTimestamp"]).timestamp()
        if "creationTimestamp" in metadata
        else 0,
        start_from=labels.get("start", "process"),
        native=labels.get("histogram") == "native",
    )


def _target_labels(metadata: dict[str, Any], labels: dict[str, str], container: str, address: str) -> dict[str, str]:
    kept = (*RELEASE_LABELS, "version")
    return {
        "namespace": metadata["namespace"],
        "pod": metadata["name"],
        "app": labels["app"],
        "job": labels["app"],
        "container": container,
        "instance": address,
        **{key.replace("-", "_"): labels[key] for key in kept if key in labels},
    }
