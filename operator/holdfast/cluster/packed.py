"""Objects that are kept by the thousand and seldom read: as text, since dictionaries take four times the memory.

Rule: reads like the object it was made from. Metadata, which is looked at all the time, stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


class Packed(Mapping[str, Any]):
    """An object of the cluster. Each reading of another part than the metadata makes it anew: changing that changes nothing."""

    __slots__ = ("_metadata", "_status", "said")

    def __init__(self, metadata: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """`metadata` stands in for that of the body. What people said is all but metadata and status, as one text."""
        self._metadata = metadata
        self._status = _text(body["status"]) if "status" in body else None
        self.said = _text({k: v for k, v in body.items() if k not in ("metadata", "status")})

    def __getitem__(self, part: str) -> Any:
        if part == "metadata":
            return self._metadata
        if part == "status" and self._status is not None:
            return json.loads(self._status)
        return json.loads(self.said)[part]

    def __iter__(self) -> Iterator[str]:
        yield from json.loads(self.said)
        yield "metadata"
        if self._status is not None:
            yield "status"

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
