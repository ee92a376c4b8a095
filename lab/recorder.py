"""Which pods served, moment by moment? A record kept from watch events, so that nothing short is missed.

Rule: a pod counts while it is not being deleted; it serves when it is ready as well. A moment begins when the watch
tells (Unix seconds, some milliseconds after the API server knew) and lasts until the next one.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType
from typing import TYPE_CHECKING, Any

from lab.access import MACHINERY
from lab.shop.faults import tag_of
from lab.shop.pods import RELEASE_LABELS
from lab.shop.watch import Change, Connection, Gone, Only, changes

if TYPE_CHECKING:
    from lab import Cluster


@dataclass(frozen=True, slots=True)
class PodSeen:
    """One pod that is not being deleted: its image's tag, the hash of its revision, and whether it is ready."""

    uid: str
    tag: str
    revision: str
    ready: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """All pods from this time on, until the next moment."""

    at: float
    pods: tuple[PodSeen, ...]

    @property
    def ready(self) -> int:
        """Pods that serve."""
        return sum(pod.ready for pod in self.pods)

    def of(self, tag: str) -> int:
        """Pods of this image, ready or not."""
        return sum(pod.tag == tag for pod in self.pods)

    def __str__(self) -> str:
        """The pods by image, for a failed assertion."""
        count = Counter(f"{pod.tag}{'' if pod.ready else ' (not ready)'}" for pod in self.pods)
        return f"{self.at:.2f}: " + (", ".join(f"{n} x {what}" for what, n in sorted(count.items())) or "no pods")


class History:
    """Moments of one workload, oldest first. Pure: fed with changes and times."""

    def __init__(self, app: str) -> None:
        """Of the pods with this label `app`."""
        self._app = app
        self._pods: dict[str, PodSeen] = {}
        self.moments: list[Moment] = []

    def feed(self, change: Change, at: float) -> None:
        """One change from the watch; a moment is added when it changed what is recorded."""
        before = dict(self._pods)
        match change:
            case Gone(uid):
                self._pods.pop(uid, None)
            case Only(items):
                self._pods.clear()
                for item in items:
                    self._put(item)
            case dict():
                self._put(change)
        if self._pods != before or not self.moments:
            self.moments.append(Moment(at, tuple(self._pods.values())))

    def _put(self, item: dict[str, Any]) -> None:
        metadata, labels = item["metadata"], item["metadata"].get("labels", {})
        if labels.get("app") != self._app:
            return
        if "deletionTimestamp" in metadata:
            self._pods.pop(metadata["uid"], None)
            return
        conditions = {c["type"]: c["status"] for c in item.get("status", {}).get("conditions", ())}
        self._pods[metadata["uid"]] = PodSeen(
            uid=metadata["uid"],
            tag=tag_of(item["spec"]["containers"][0]["image"]),
            revision=next((labels[key] for key in RELEASE_LABELS if key in labels), ""),
            ready=conditions.get("Ready") == "True",
        )

    def since(self, at: float) -> list[Moment]:
        """The moment that holds at this time, and all that follow."""
        first = max((place for place, moment in enumerate(self.moments) if moment.at <= at), default=0)
        return self.moments[first:]

    def least_ready(self, since: float = 0.0) -> int:
        """The fewest pods that served at any moment from then on."""
        return min((moment.ready for moment in self.since(since)), default=0)

    def most(self, tag: str, since: float = 0.0) -> int:
        """The most pods of this image at any moment from then on."""
        return max((moment.of(tag) for moment in self.since(since)), default=0)

    def gone_at(self, tag: str) -> float | None:
        """Since when there has been no pod of this image; None while there is one, or when there never was."""
        last = max((place for place, moment in enumerate(self.moments) if moment.of(tag)), default=None)
        return None if last is None or last + 1 == len(self.moments) else self.moments[last + 1].at

    def appearances(self, tag: str) -> int:
        """How often pods of this image came when there were none; more than once: they came back."""
        counts = [0, *(moment.of(tag) for moment in self.moments)]
        return sum(before == 0 and after > 0 for before, after in pairwise(counts))


class Recorder(History):
    """A history of one workload's pods, kept in the background while the `with` block lasts."""

    def __init__(self, cluster: Cluster, namespace: str, app: str) -> None:
        """Recording begins with the block."""
        super().__init__(app)
        self._namespace = namespace
        access = cluster.access
        self._connection = Connection(access.server, str(access.ca), access.tokens[MACHINERY])
        self._wait: Callable[..., Any] = cluster.wait
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name=f"recorder-{namespace}", daemon=True)

    def __enter__(self) -> Recorder:
        self._thread.start()
        self._wait(lambda: self.moments, 10, "the first list of pods", every=0.01)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(lambda: self._task and self._task.cancel())
        self._thread.join(10)

    def _run(self) -> None:
        self._task = self._loop.create_task(self._record())
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            self._loop.close()

    async def _record(self) -> None:
        async for change in changes(self._connection, self._namespace):
            self.feed(change, time.time())
