"""ReplicaSets taken from their Deployment, given back, scaled while nobody looks after them, and made anew.

Rule: a detached ReplicaSet keeps a reference to its Deployment, so that it is collected with it, and loses every label of
its own, so that neither the controller nor a tool that prunes by label takes it for theirs. Each patch tests that it is
still this ReplicaSet, and still whose it was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, assert_never

from holdfast.core.objective import Workload
from holdfast.core.request import (
    DETACHED_LABEL,
    AttachReplicaSet,
    CreateReplicaSet,
    DetachReplicaSet,
    ScaleReplicaSet,
)

from .client import Client
from .errors import Conflict, Rejected
from .resources import DEPLOYMENTS, REPLICASETS, Body
from .templates import HASH_LABEL

TemplateOf = Callable[[Workload, str], Awaitable[Mapping[str, Any] | None]]
"""The pod template on record with this digest; it may carry the controller's own label. None when there is none."""

Shadowing = DetachReplicaSet | AttachReplicaSet | ScaleReplicaSet | CreateReplicaSet
"""What the shadow rollback asks of ReplicaSets."""

LABELS: Final = "/metadata/labels"
_DETACHED: Final = LABELS + "/" + DETACHED_LABEL.replace("/", "~1")
_HASH_DIGITS: Final = 10

Operation = dict[str, Any]


async def unknown(_: Workload, __: str) -> None:
    """No template is on record."""


async def carry_out(client: Client, request: Shadowing, template_of: TemplateOf) -> None:
    """Send this one request. Raises Conflict where the world is another one now, and ClusterError."""
    match request:
        case DetachReplicaSet():
            await detach(client, request)
        case AttachReplicaSet():
            await attach(client, request)
        case ScaleReplicaSet():
            await scale(client, request)
        case CreateReplicaSet():
            await create(client, request, template_of)
        case _:
            assert_never(request)


async def detach(client: Client, request: DetachReplicaSet) -> None:
    """All labels replaced, the reference to the Deployment no longer the controller's. Raises Conflict."""
    body = await _same(client, request.workload, request.name, request.uid)
    owners = body["metadata"].get("ownerReferences") or ()
    at = next((i for i, owner in enumerate(owners) if owner["uid"] == request.owner), None)
    if at is None:
        raise Conflict(f"ReplicaSet {request.name} belongs to another Deployment now.")
    reference = f"/metadata/ownerReferences/{at}"
    operations = [
        _test("/metadata/uid", request.uid),
        _test(f"{reference}/uid", request.owner),
        _put(LABELS, {DETACHED_LABEL: request.owner, **request.labels}),
        _put(f"{reference}/controller", False),
        _put(f"{reference}/blockOwnerDeletion", False),
    ]
    if request.replicas is not None:
        operations.append(_put("/spec/replicas", request.replicas))
    await client.json_patch(REPLICASETS, request.workload.namespace, request.name, operations)


async def attach(client: Client, request: AttachReplicaSet) -> None:
    """The labels of its own template again: with them its controller takes it back. Raises Conflict."""
    body = await _same(client, request.workload, request.name, request.uid)
    own = (body["spec"]["template"].get("metadata") or {}).get("labels") or {}
    operations = [
        _test("/metadata/uid", request.uid),
        _test(_DETACHED, request.owner),
        _put(LABELS, {**own, **request.labels}),
    ]
    await client.json_patch(REPLICASETS, request.workload.namespace, request.name, operations)


async def scale(client: Client, request: ScaleReplicaSet) -> None:
    """Another number of pods, while it is detached. Raises Conflict."""
    operations = [
        _test("/metadata/uid", request.uid),
        _test(_DETACHED, request.owner),
        _put("/spec/replicas", request.replicas),
    ]
    await client.json_patch(REPLICASETS, request.workload.namespace, request.name, operations)


async def create(client: Client, request: CreateReplicaSet, template_of: TemplateOf) -> None:
    """As its Deployment would make it; the controller adopts it, since it matches. Raises Conflict, NotFound, Rejected."""
    workload = request.workload
    template = await template_of(workload, request.digest)
    if template is None:
        raise Rejected(
            f"The pod template {request.digest} of {workload} is not on record, so its ReplicaSet cannot be made anew. "
            "What serves goes on; declare a template that is good."
        )
    owner = await client.get(DEPLOYMENTS, workload.namespace, workload.name)
    if owner["metadata"]["uid"] != request.owner:
        raise Conflict(f"{workload} is another one now.")
    await client.create(REPLICASETS, workload.namespace, replica_set(owner, template, request))


def replica_set(owner: Body, template: Mapping[str, Any], request: CreateReplicaSet) -> Body:
    """The object. Its hash is the recorded one; any other that is unique would do, since controllers compare templates."""
    metadata = dict(template.get("metadata") or {})
    labels = dict(metadata.get("labels") or {})
    labels.setdefault(HASH_LABEL, request.digest[:_HASH_DIGITS])
    selector = owner["spec"]["selector"]
    matched = {**(selector.get("matchLabels") or {}), HASH_LABEL: labels[HASH_LABEL]}
    reference = {
        "apiVersion": DEPLOYMENTS.api_version,
        "kind": DEPLOYMENTS.kind,
        "name": owner["metadata"]["name"],
        "uid": request.owner,
        "controller": False,
        "blockOwnerDeletion": False,
    }
    return {
        "apiVersion": REPLICASETS.api_version,
        "kind": REPLICASETS.kind,
        "metadata": {
            "name": f"{owner['metadata']['name']}-{labels[HASH_LABEL]}",
            "namespace": request.workload.namespace,
            "labels": {**labels, **request.labels},
            "ownerReferences": [reference],
        },
        "spec": {
            "replicas": request.replicas,
            "minReadySeconds": owner["spec"].get("minReadySeconds", 0),
            "selector": {**selector, "matchLabels": matched},
            "template": {**template, "metadata": {**metadata, "labels": labels}},
        },
    }


async def _same(client: Client, workload: Workload, name: str, uid: str) -> Body:
    body = await client.get(REPLICASETS, workload.namespace, name)
    if body["metadata"]["uid"] != uid:
        raise Conflict(f"ReplicaSet {name} is another one now.")
    return body


def _test(path: str, value: object) -> Operation:
    return {"op": "test", "path": path, "value": value}


def _put(path: str, value: object) -> Operation:
    return {"op": "add", "path": path, "value": value}
