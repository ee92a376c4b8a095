"""What is asked about StatefulSets and DaemonSets, carried out.

Rule: a template that is put back must not stay in the way of the next apply. What it brings back is ours then, and nobody
would ever take it away: so the note of `kubectl apply` is rewritten in the same patch, and the fields go to whoever
applies on the server side in a second one, since within one patch the server still counts them as ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, assert_never

from holdfast.core.objective import Workload
from holdfast.core.request_sets import DeletePod, GiveTemplateBack, PatchSet, PutTemplateBack

from .client import MANAGER, Client
from .errors import Conflict, Rejected
from .fields import LAST_APPLIED, applier, last_applied, without
from .owners import owned
from .releases import kept_template
from .resources import PODS, REVISIONS, WORKLOADS, Body, Resource
from .revisions import template_of
from .strategy import with_partition
from .templates import digest

Operation = dict[str, Any]

PROBE = "holdfast-probe"
"""The manager of a dry run that tells which fields a template has; it owns nothing."""


async def carry_out(client: Client, request: PatchSet | PutTemplateBack | GiveTemplateBack | DeletePod) -> None:
    """Send this one request. Raises ClusterError."""
    workload = request.workload
    resource = WORKLOADS[workload.kind]
    match request:
        case PatchSet():
            body: dict[str, Any] = {"metadata": {"resourceVersion": request.resource_version}}
            if request.labels:
                body["metadata"]["labels"] = dict(request.labels)
            if request.partition is not None:
                body["spec"] = with_partition(request.partition)
            await client.merge_patch(resource, workload.namespace, workload.name, body)
        case PutTemplateBack():
            await _put_back(client, resource, request)
        case GiveTemplateBack():
            await _give_back(client, resource, request)
        case DeletePod():
            await client.delete(PODS, workload.namespace, request.name, uid=request.uid)
        case _:
            assert_never(request)


async def _put_back(client: Client, resource: Resource, request: PutTemplateBack) -> None:
    workload = request.workload
    body = await client.get(resource, workload.namespace, workload.name)
    template = await _template(client, workload, body, request.digest)
    await client.json_patch(resource, workload.namespace, workload.name, put_back(body, template, request))


def put_back(body: Body, template: Body, request: PutTemplateBack) -> list[Operation]:
    """The patch: nothing of it happens unless it is this object with this spec."""
    operations = [
        _operation("test", "/metadata/uid", request.uid),
        _operation("test", "/metadata/generation", request.generation),
        _operation("replace", "/spec/template", template),
    ]
    if not body["metadata"].get("labels"):
        operations.append(_operation("add", "/metadata/labels", {}))
    for key, value in request.labels.items():
        operations.append(_operation("remove" if value is None else "add", _path("metadata", "labels", key), value))
    note = last_applied(body)
    if note is not None:
        said = {**note, "spec": {**(note.get("spec") or {}), "template": template}}
        text = json.dumps(said, separators=(",", ":")) + "\n"
        operations.append(_operation("replace", _path("metadata", "annotations", LAST_APPLIED), text))
    return operations


async def _template(client: Client, workload: Workload, body: Body, wanted: str) -> Body:
    """The pod template with this digest, from a revision that is there still, or from the record of its release."""
    for revision in await owned(client, REVISIONS, body):
        if digest(template := template_of(revision)) == wanted:
            return template
    kept = await kept_template(client, workload, wanted)
    if kept is None:
        raise Rejected(
            f"The pod template {wanted} of {workload} is neither in a revision nor on record, so it cannot be put back. "
            "What serves goes on; declare a template that is good."
        )
    return kept


async def _give_back(client: Client, resource: Resource, request: GiveTemplateBack) -> None:
    workload = request.workload
    body = await client.get(resource, workload.namespace, workload.name)
    if body["metadata"]["resourceVersion"] != request.resource_version:
        raise Conflict(f"Changed meanwhile ({workload}).")
    asked = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": workload.name, "namespace": workload.namespace},
        "spec": {"template": body["spec"]["template"]},
    }
    tried = await client.try_apply(resource, workload.namespace, workload.name, asked, manager=PROBE)
    entries = given_back(body, tried)
    operations = [
        _operation("test", "/metadata/resourceVersion", request.resource_version),
        _operation("replace", "/metadata/managedFields", entries),
    ]
    await client.json_patch(resource, workload.namespace, workload.name, operations)


def given_back(body: Body, tried: Body) -> list[Mapping[str, Any]]:
    """The managed fields in which the template is owned by whoever applies the object, and no longer by us."""
    probe = next(e for e in tried["metadata"]["managedFields"] if e["manager"] == PROBE)
    template = probe["fieldsV1"]["f:spec"]["f:template"]
    to = applier(body)
    entries: list[Mapping[str, Any]] = []
    for entry in body["metadata"].get("managedFields") or ():
        fields: Mapping[str, Any] = entry.get("fieldsV1") or {}
        if entry == to:
            spec = {**(fields.get("f:spec") or {}), "f:template": template}
            entries.append({**entry, "fieldsV1": {**fields, "f:spec": spec}})
        elif entry["manager"] == MANAGER and entry.get("operation") == "Update" and not entry.get("subresource"):
            if kept := without(fields, ("f:spec", "f:template")):
                entries.append({**entry, "fieldsV1": kept})
        else:
            entries.append(entry)
    return entries


def _operation(op: str, path: str, value: object) -> Operation:
    return {"op": op, "path": path, "value": value}


def _path(*parts: str) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
