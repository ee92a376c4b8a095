"""What can go wrong between us and the API server.

ClusterError             the text is a sentence for people
├── BadConnection        there is no usable kubeconfig and no service account
├── Unreachable          nobody answered in time, or the server is overloaded or failing: later may be better
├── NotLoggedIn          the credentials are not accepted
├── Denied               this account may not do it (roles or an admission policy); `verb` and `resource` say what
├── NotFound             no such object, kind or namespace (a namespace that is being deleted takes nothing new)
├── Gone                 the page of a list is too old; list again
├── Conflict             the object is not as it was when it was read
│   └── Exists           the object to be created is there already
└── Rejected             the server refuses this body, and would again
"""

# ruff: noqa: N818 - they are named for what happened
from __future__ import annotations

import json
from typing import Any, Final

_TOO_BUSY: Final = 429
_DOES_NOT_FIT: Final = "the server rejected our request due to an error in our request"
"""All that the server says of a JSON patch whose operations do not fit the object, a failing `test` among them (422)."""


class ClusterError(Exception):
    """The root of this tree."""


class BadConnection(ClusterError):
    """There is no usable kubeconfig and no service account."""


class Unreachable(ClusterError):
    """Nobody answered in time, or the server is overloaded or failing."""


class NotLoggedIn(ClusterError):
    """The credentials are not accepted."""


class Denied(ClusterError):
    """Our account may not do it."""

    def __init__(self, sentence: str, verb: str, resource: str) -> None:
        """`resource` is the plural with its group: `holds.holdfast.dev`."""
        super().__init__(sentence)
        self.verb = verb
        self.resource = resource


class NotFound(ClusterError):
    """No such object, kind or namespace."""


class Gone(ClusterError):
    """The page of a list is too old."""


class Conflict(ClusterError):
    """The object is not as it was when it was read."""


class Exists(Conflict):
    """The object to be created is there already."""


class Rejected(ClusterError):
    """The server refuses this body, and would again."""


def answered(status: int, body: str | bytes | None, verb: str, resource: str, name: str) -> ClusterError:
    """The error that an HTTP status of 400 or more stands for; `body` is JSON of kind Status, if the server is well."""
    what = f"{verb} {resource}" + (f" {name}" if name else "")
    said = _status(body)
    message = str(said.get("message") or f"status {status}").rstrip(".")
    match status:
        case 401:
            return NotLoggedIn(f"The API server does not accept the credentials ({what}): {message}.")
        case 403 if _has_cause(said, "NamespaceTerminating"):
            return NotFound(f"The namespace is being deleted ({what}).")
        case 403:
            return Denied(f"The API server forbids {what}: {message}.", verb, resource)
        case 404:
            return NotFound(f"Not found ({what}): {message}.")
        case 409 if said.get("reason") == "AlreadyExists":
            return Exists(f"Exists already ({what}).")
        case 409:
            return Conflict(f"Changed meanwhile ({what}).")
        case 422 if message == _DOES_NOT_FIT:
            return Conflict(f"Changed meanwhile ({what}).")
        case 410:
            return Gone(f"Too old ({what}).")
        case 500 if "not declared in schema" in message:  # server-side apply says 500 for a field that the CRD lacks
            return Rejected(f"The API server refuses {what}: {message}.")
        case _ if status >= 500 or status == _TOO_BUSY:
            return Unreachable(f"The API server failed ({what}): {message}.")
        case _:
            return Rejected(f"The API server refuses {what}: {message}.")


def _status(body: str | bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(body or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _has_cause(status: dict[str, Any], reason: str) -> bool:
    causes = (status.get("details") or {}).get("causes") or ()
    return any(cause.get("reason") == reason for cause in causes)
