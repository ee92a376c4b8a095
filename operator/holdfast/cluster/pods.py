"""When pods started, as their objects say: asked only of namespaces where no metric tells it, and only where that is allowed.

The threads that ask metrics sources ask this too, and wait; what one was told is good for a minute.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import structlog

from holdfast.core.quantities import Instant, Seconds

from .client import Client
from .errors import ClusterError
from .resources import PODS

FRESH: Final[Seconds] = 60
"""A namespace is listed this often at most."""

PATIENCE: Final[Seconds] = 30
"""A list may take this long; after that the starts are not known this time."""

log = structlog.get_logger("holdfast.pods")

Starts = Mapping[tuple[str, str], Instant]


class PodStarts:
    """The starts of the pods of some namespaces, by (namespace, name). Called from other threads than that of `loop`."""

    def __init__(self, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing is listed yet."""
        self._client, self._loop = client, loop
        self._known: dict[str, tuple[float, Starts]] = {}

    def __call__(self, namespaces: Collection[str]) -> Starts:
        """What is known now; a namespace that cannot be listed has none, which is logged."""
        found: dict[tuple[str, str], Instant] = {}
        for namespace in sorted(namespaces):
            known = self._known.get(namespace)
            if known is None or time.monotonic() - known[0] > FRESH:
                known = self._known[namespace] = time.monotonic(), self._list(namespace)
            found |= known[1]
        return found

    def _list(self, namespace: str) -> Starts:
        asked = asyncio.run_coroutine_threadsafe(self._starts(namespace), self._loop)
        try:
            return asked.result(PATIENCE)
        except (ClusterError, TimeoutError) as error:
            asked.cancel()
            log.warning("the starts of pods are not known", namespace=namespace, why=str(error) or "no answer in time")
            return {}

    async def _starts(self, namespace: str) -> Starts:
        found: dict[tuple[str, str], Instant] = {}
        async for page in self._client.pages(PODS, namespace):
            found |= {(namespace, pod["metadata"]["name"]): _started(pod) for pod in page.items}
        return found


def _started(pod: Mapping[str, Any]) -> Instant:
    """When the kubelet took it on; until that is told, when it was created."""
    text = (pod.get("status") or {}).get("startTime") or pod["metadata"]["creationTimestamp"]
    return datetime.fromisoformat(text).timestamp()
