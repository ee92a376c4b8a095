"""The partition of a StatefulSet: where it is written, and how it is set."""

from __future__ import annotations

from typing import Final

from .resources import Body

PARTITION: Final = ("spec", "updateStrategy", "rollingUpdate", "partition")


def partition_of(body: Body) -> int:
    """The first ordinal that gets the declared template; 0 where nothing is said."""
    strategy = (body.get("spec") or {}).get("updateStrategy") or {}
    return int((strategy.get("rollingUpdate") or {}).get("partition", 0))


def is_rolling(body: Body) -> bool:
    """Whether its controller replaces pods by itself."""
    strategy = (body.get("spec") or {}).get("updateStrategy") or {}
    return bool(strategy.get("type", "RollingUpdate") == "RollingUpdate")


def with_partition(partition: int) -> Body:
    """The part of a spec that sets it, for a merge patch."""
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}}
