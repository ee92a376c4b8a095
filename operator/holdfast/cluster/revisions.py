"""ControllerRevisions and pods of a StatefulSet or a DaemonSet.

Rule: pods and revisions belong to the workload whose uid their controller reference names. A pod names its revision in
the label controller-revision-hash: a StatefulSet's by the revision's name, a DaemonSet's by the revision's own label.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from holdfast.core.kinds.revisions import Pod, Revision

from .resources import STATEFULSETS, Body
from .templates import read_template

HASH: Final = "controller-revision-hash"


def template_of(body: Body) -> dict[str, Any]:
    """The pod template that a ControllerRevision holds; it is kept as a patch that replaces the whole of it."""
    template: Mapping[str, Any] = ((body.get("data") or {}).get("spec") or {}).get("template") or {}
    return {key: value for key, value in template.items() if key != "$patch"}


def revision(kind: str, body: Body) -> Revision:
    """The core's value of a ControllerRevision; `kind` is that of its workload."""
    metadata = body["metadata"]
    named = metadata["name"] if kind == STATEFULSETS.kind else (metadata.get("labels") or {}).get(HASH, "")
    return Revision(named, body.get("revision", 0), read_template(template_of(body)))


def pod(body: Body) -> Pod:
    """The core's value of a pod."""
    metadata, status = body["metadata"], body.get("status") or {}
    return Pod(
        name=metadata["name"],
        uid=metadata["uid"],
        hash=(metadata.get("labels") or {}).get(HASH, ""),
        ready=any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ()),
        created=datetime.fromisoformat(metadata["creationTimestamp"]).timestamp(),
        deleting="deletionTimestamp" in metadata,
    )
