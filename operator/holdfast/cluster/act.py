"""Carrying out what the core asks for, and looking before and after.

Rule: every write carries the version of what was seen. When the world is another one now, that is an answer and not an
error: look again, decide again. Nothing is sent twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from holdfast.api import hold_status, parse_hold
from holdfast.core.hold import HoldRecord
from holdfast.core.kinds import View
from holdfast.core.objective import Workload
from holdfast.core.quantities import Instant
from holdfast.core.request import (
    AttachReplicaSet,
    CreateReplicaSet,
    DetachReplicaSet,
    PatchReplicaSet,
    PatchWorkload,
    Request,
    ScaleReplicaSet,
    WriteRecord,
    WriteRelease,
)
from holdfast.core.request_sets import DeletePod, GiveTemplateBack, PatchSet, PutTemplateBack

from . import replicasets, sets
from .client import Client
from .errors import Conflict, Denied, NotFound, Rejected
from .releases import write_release
from .resources import HOLDS, REPLICASETS, WORKLOADS, Body
from .workloads import read


@dataclass(frozen=True, slots=True)
class Carried:
    """It is written; whether it has an effect yet, the next look shows."""


@dataclass(frozen=True, slots=True)
class LookAgain:
    """The world has changed since it was seen: nothing was written."""

    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The server refuses it to us, and would again: a right or a definition is missing. A sentence for a condition."""

    why: str


Outcome = Carried | LookAgain | Refused


class Acting:
    """Looks at workloads and changes them, one request at a time."""

    def __init__(
        self,
        client: Client,
        clock: Callable[[], Instant] = time.time,
        template_of: replicasets.TemplateOf = replicasets.unknown,
    ) -> None:
        """`clock` gives the time for conditions, `template_of` the pod templates on record."""
        self._client = client
        self._clock = clock
        self._template_of = template_of
        self._seen: dict[Workload, Body | None] = {}

    async def look(self, workload: Workload) -> tuple[View | None, HoldRecord | None]:
        """The workload and its record, from the server. Raises ClusterError, and Invalid when the record is unreadable."""
        view = await read(self._client, workload)
        body = await self._hold(workload)
        return view, None if body is None else parse_hold(body)

    async def carry_out(self, request: Request) -> Outcome:
        """Send this one request. Raises Unreachable and NotLoggedIn."""
        try:
            match request:
                case WriteRecord(record):
                    await self._write(record)
                case WriteRelease():
                    await write_release(self._client, request, self._clock())
                case PatchWorkload():
                    await self._patch(request)
                case PatchReplicaSet(workload, name, version, labels):
                    await self._client.merge_patch(REPLICASETS, workload.namespace, name, _patch(version, labels))
                case DetachReplicaSet() | AttachReplicaSet() | ScaleReplicaSet() | CreateReplicaSet():
                    await replicasets.carry_out(self._client, request, self._template_of)
                case PatchSet() | PutTemplateBack() | GiveTemplateBack() | DeletePod():
                    await sets.carry_out(self._client, request)
                case _:
                    assert_never(request)
        except (Conflict, NotFound) as error:
            return LookAgain(str(error))
        except (Denied, Rejected) as error:
            return Refused(str(error))
        return Carried()

    async def forget(self, workload: Workload) -> Outcome:
        """Delete the Hold of a workload, if its record still says that it is over."""
        try:
            body = await self._client.get(HOLDS, workload.namespace, workload.hold_name)
            record = parse_hold(body)
            if record is not None and record.in_force:
                return LookAgain(f"the Hold of {workload} is in force again")
            version = body["metadata"]["resourceVersion"]
            await self._client.delete(HOLDS, workload.namespace, workload.hold_name, resource_version=version)
        except NotFound:
            return Carried()
        except Conflict as error:
            return LookAgain(str(error))
        except (Denied, Rejected) as error:
            return Refused(str(error))
        return Carried()

    async def _hold(self, workload: Workload) -> Body | None:
        """The Hold as it is; what was seen is what the next write of it relies on."""
        try:
            body: Body | None = await self._client.get(HOLDS, workload.namespace, workload.hold_name)
        except NotFound:
            body = None
        self._seen[workload] = body
        return body

    async def _patch(self, request: PatchWorkload) -> None:
        resource, workload = WORKLOADS[request.workload.kind], request.workload
        if request.generation is not None:
            now = await self._client.get(resource, workload.namespace, workload.name)
            await self._client.json_patch(resource, workload.namespace, workload.name, patch_operations(request, now))
            return
        body = _patch(request.resource_version, request.labels)
        if request.paused is not None:
            body["spec"] = {"paused": True if request.paused else None}  # absent is how the server stores false
        await self._client.merge_patch(resource, workload.namespace, workload.name, body)

    async def _write(self, record: HoldRecord) -> None:
        workload = record.workload
        if workload not in self._seen:
            await self._hold(workload)
        body = self._seen.pop(workload)
        if body is None:
            body = await self._client.create(HOLDS, workload.namespace, _new_hold(workload))
        status = hold_status(record, self._clock(), body.get("status"))
        version = body["metadata"]["resourceVersion"]
        await self._client.apply_status(HOLDS, workload.namespace, workload.hold_name, status, resource_version=version)


def _patch(version: str, labels: Mapping[str, str | None]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"resourceVersion": version}
    if labels:
        metadata["labels"] = dict(labels)
    return {"metadata": metadata}


def patch_operations(request: PatchWorkload, now: Body) -> list[dict[str, Any]]:
    """Refused only when the spec has changed: a status that was written meanwhile is no reason to look again."""
    there = now["metadata"].get("labels")
    operations: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/uid", "value": request.uid},
        {"op": "test", "path": "/metadata/generation", "value": request.generation},
    ]
    if there is None and request.labels:
        operations.append({"op": "add", "path": "/metadata/labels", "value": {}})
    for key, value in request.labels.items():
        path = "/metadata/labels/" + key.replace("/", "~1")
        if value is not None:
            operations.append({"op": "add", "path": path, "value": value})
        elif there is not None and key in there:
            operations.append({"op": "remove", "path": path})
    if request.paused is not None:
        operations.append({"op": "add", "path": "/spec/paused", "value": request.paused})
    return operations


def _new_hold(workload: Workload) -> Body:
    return {
        "apiVersion": HOLDS.api_version,
        "kind": HOLDS.kind,
        "metadata": {"name": workload.hold_name, "namespace": workload.namespace},
        "spec": {"workload": {"kind": workload.kind, "name": workload.name}},
    }
