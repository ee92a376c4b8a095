"""Which objects belong to a workload: what its selector asks for, and whose controller it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .client import Client
from .resources import Body, Resource

_OPERATORS: Final = {"In": "in", "NotIn": "notin"}


async def owned(client: Client, resource: Resource, owner: Body) -> list[Body]:
    """The objects of a kind that this workload controls. Raises ClusterError."""
    metadata = owner["metadata"]
    chosen = selector((owner.get("spec") or {}).get("selector") or {})
    found = await client.everything(resource, metadata["namespace"], labels=chosen)
    return [body for body in found if controller_uid(body) == metadata["uid"]]


def controller_uid(body: Body) -> str | None:
    """The uid of the object that controls this one."""
    owners = body["metadata"].get("ownerReferences") or ()
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def selector(spec: Mapping[str, Any]) -> str:
    """A label selector as a query spells it. An empty one selects everything, as in Kubernetes."""
    parts = [f"{key}={value}" for key, value in sorted((spec.get("matchLabels") or {}).items())]
    for wanted in spec.get("matchExpressions") or ():
        key, how = wanted["key"], wanted["operator"]
        match how:
            case "Exists":
                parts.append(key)
            case "DoesNotExist":
                parts.append(f"!{key}")
            case _:
                parts.append(f"{key} {_OPERATORS[how]} ({','.join(wanted.get('values') or ())})")
    return ",".join(parts)
