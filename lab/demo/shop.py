"""The shop as the audience sees it: what kubectl would show, gathered in one look, in the background."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from lab.api import Api
from lab.demo.screen import Picture
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.cluster import Cluster

NAMESPACE, APP, OBJECTIVE = "shop", "checkout", "checkout-availability"
OURS = f"/apis/holdfast.dev/v1alpha1/namespaces/{NAMESPACE}"


class Watcher:
    """Looks at the shop twice a second, with a session of its own."""

    def __init__(self, cluster: Cluster) -> None:
        """Looking begins with `start`."""
        self.picture = Picture()
        self._api = Api(cluster.access)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        while not self._stopping.wait(0.5):
            try:
                self.picture = self._look()
            except (LabError, OSError, KeyError):
                continue  # not there yet, or going; the next look shows more

    def _look(self) -> Picture:
        objective = self._api("GET", f"{OURS}/servicelevelobjectives/{OBJECTIVE}").get("status") or {}
        holds = self._api("GET", f"{OURS}/holds")["items"]
        deployment = self._api("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{APP}")
        pods = self._api("GET", f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app={APP}")["items"]
        summary = objective.get("summary") or {}
        verdict = summary.get("verdict", "-")
        rows = [
            ("budget left", f"{summary.get('left', '-')}   burn rate {summary.get('burn', '-')}", ""),
            ("verdict", verdict, "red" if verdict == "Hold" else "green"),
            ("deployment", _deployment(deployment), ""),
            ("pods", _pods(pods), ""),
        ]
        rows += [("hold", _hold(hold["status"]), "red") for hold in holds if hold.get("status")]
        return Picture(tuple(rows))


def _deployment(body: dict[str, Any]) -> str:
    image = body["spec"]["template"]["spec"]["containers"][0]["image"]
    paused = ", paused" if body["spec"].get("paused") else ""
    labels = [
        f", label {k}={v}" for k, v in body["metadata"].get("labels", {}).items() if k.startswith("holdfast.dev/")
    ]
    return f"declares {image}{paused}" + "".join(labels)


def _pods(pods: list[dict[str, Any]]) -> str:
    living = [p for p in pods if "deletionTimestamp" not in p["metadata"]]
    count = Counter(p["spec"]["containers"][0]["image"] for p in living)
    return "   ".join(f"{n} x {image}" for image, n in sorted(count.items())) or "none"


def _hold(status: dict[str, Any]) -> str:
    return f"{status['state']}: {status['message']}"
