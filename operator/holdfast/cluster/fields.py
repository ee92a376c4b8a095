"""Who declares a field of an object, as its managed fields and the note of `kubectl apply` tell it.

Rule: only what is applied is declared. The managers of updates also own what the server filled in for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .client import MANAGER
from .resources import Body

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
CLIENT_SIDE: Final = "kubectl apply"

TEMPLATE: Final = ("spec", "template")
SELECTOR: Final = ("spec", "selector")


def declared_by(body: Body, path: tuple[str, ...]) -> str:
    """Who applies this field, other than us; empty when nobody does."""
    for entry in _applied(body, path):
        return str(entry["manager"])
    note = last_applied(body)
    return CLIENT_SIDE if note is not None and _has(note, path) else ""


def applier(body: Body) -> Mapping[str, Any] | None:
    """The entry of whoever applies the object on the server side: every manifest of it has the selector."""
    return next((entry for path in (SELECTOR, TEMPLATE) for entry in _applied(body, path)), None)


def disowned(body: Body) -> bool:
    """Whether we own the template by an update although somebody applies it: their next apply would leave ours in it."""
    ours = any(e["manager"] == MANAGER and e.get("operation") == "Update" and owns(e, TEMPLATE) for e in entries(body))
    return ours and applier(body) is not None


def last_applied(body: Body) -> dict[str, Any] | None:
    """What `kubectl apply` noted; None without a note that can be read."""
    try:
        found = json.loads((body["metadata"].get("annotations") or {})[LAST_APPLIED])
    except (KeyError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def without(tree: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The tree without this branch, and without branches that it leaves empty."""
    kept = dict(tree)
    below = kept.pop(path[0], None)
    if below and len(path) > 1 and (left := without(below, path[1:])):
        kept[path[0]] = left
    return kept


def _applied(body: Body, path: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    for entry in entries(body):
        if entry.get("operation") == "Apply" and entry["manager"] != MANAGER and owns(entry, path):
            yield entry


def entries(body: Body) -> list[Mapping[str, Any]]:
    """The managed fields of the object itself, without those of its status."""
    found = body["metadata"].get("managedFields") or ()
    return [entry for entry in found if entry.get("manager") and not entry.get("subresource")]


def owns(entry: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Whether an entry has this field, or one below it."""
    return _has(entry.get("fieldsV1") or {}, tuple(f"f:{name}" for name in path))


def _has(tree: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    here: Any = tree
    for name in path:
        if not isinstance(here, Mapping) or name not in here:
            return False
        here = here[name]
    return True
