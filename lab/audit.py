"""Who wrote what? The API server's own record of every write that it answered.

Rule: reads are not recorded; one entry per write, whatever its outcome. Dry runs are entries with `dry_run` true.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One write. `at` is Unix seconds; `raw` is the audit event as the API server wrote it."""

    at: float
    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    uri: str
    code: int
    agent: str
    raw: dict[str, Any]

    @property
    def dry_run(self) -> bool:
        """Whether the request asked to change nothing."""
        return "dryRun=" in self.uri


def entries(log: Path, since: float = 0.0) -> Iterator[Entry]:
    """All writes received at or after `since` (Unix seconds), in the order they were answered."""
    if not log.exists():
        return
    with log.open() as lines:
        for line in lines:
            if not line.endswith("\n"):
                return  # still being written
            entry = _parse(json.loads(line))
            if entry.at >= since:
                yield entry


def _parse(event: dict[str, Any]) -> Entry:
    ref = event.get("objectRef", {})
    return Entry(
        at=datetime.fromisoformat(event["requestReceivedTimestamp"].replace("Z", "+00:00")).timestamp(),
        user=event["user"].get("username", ""),
        verb=event["verb"],
        group=ref.get("apiGroup", ""),
        resource=ref.get("resource", ""),
        subresource=ref.get("subresource", ""),
        namespace=ref.get("namespace", ""),
        name=ref.get("name", ""),
        uri=event["requestURI"],
        code=event.get("responseStatus", {}).get("code", 0),
        agent=event.get("userAgent", ""),
        raw=event,
    )
