"""Letting everything go: `holdfast lift --all`, with or without a running operator.

Rule: ReplicaSets that an undo set aside are given back first, or what they run would start anew; labels and pause (or
partition) of a workload go in one request, its other ReplicaSets after it, its record last, so that whatever is cut short
can be run again. Only a pause that is ours is taken back: one that a record calls so, or that came with the queue label.
The gate lets a person with the right to override holds through who first says so with the override label; nothing is
taken out of the way for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from holdfast.api import Invalid, parse_hold
from holdfast.core.hold import HoldRecord
from holdfast.core.kinds.statefulset import STOPPED
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.request import DETACHED_LABEL, HOLD_LABEL, OVERRIDE_LABEL, QUEUE_LABEL

from .client import Client
from .errors import ClusterError, Conflict, NotFound
from .owners import controller_uid
from .resources import DEPLOYMENTS, HOLDS, REPLICASETS, STATEFULSETS, WORKLOADS, Body, Resource, key_of
from .strategy import partition_of, with_partition

MANAGER: Final = "holdfast-override"
"""The manager of the fields a person opens a hold with, as in the sentences of the gate."""
TRIES: Final = 5
LABELS: Final = (HOLD_LABEL, QUEUE_LABEL, OVERRIDE_LABEL, DETACHED_LABEL)
"""What is ours on workloads and ReplicaSets."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done to one object (or would be), or what stood in the way."""

    what: str
    done: bool = True


async def lift_all(client: Client, *, dry_run: bool = False) -> list[Deed]:
    """Lift every hold of the cluster. Raises ClusterError when the cluster cannot be read; refusals are in the list.

    An operator that still enforces will hold again what its rules ask to hold.
    """
    return await _Lift(client, dry_run).run()


class _Lift:
    def __init__(self, client: Client, dry_run: bool) -> None:
        self._client = client
        self._dry = dry_run
        self._deeds: list[Deed] = []
        self._stuck: set[ObjectKey] = set()

    async def run(self) -> list[Deed]:
        holds = {key_of(body): body for body in await self._client.everything(HOLDS)}
        workloads = [(kind, body) for kind in WORKLOADS.values() for body in await self._labelled(kind)]
        sets = await self._labelled(REPLICASETS)
        owners = {body["metadata"]["uid"]: key_of(body) for _, body in workloads}

        def hold_of(body: Body) -> ObjectKey:
            return _hold_key(DEPLOYMENTS, owners.get(controller_uid(body) or "") or _owner(body))

        for body in (one for one in sets if _aside(one)):
            await self._free(REPLICASETS, body, hold_of(body), holds)
        for kind, body in workloads:
            await self._free(kind, body, _hold_key(kind, key_of(body)), holds)
        for body in (one for one in sets if not _aside(one)):
            await self._free(REPLICASETS, body, hold_of(body), holds)
        for key in holds:
            await self._forget(key)
        return self._deeds

    async def _labelled(self, resource: Resource) -> list[Body]:
        found: dict[str, Body] = {}
        for label in LABELS:
            for body in await self._client.everything(resource, labels=label):
                found[body["metadata"]["uid"]] = body
        return sorted(found.values(), key=key_of)

    async def _free(self, resource: Resource, body: Body, hold: ObjectKey, holds: Mapping[ObjectKey, Body]) -> None:
        """Our labels off, and our own pause taken back; tried again when the object changes under our hands."""
        key = key_of(body)
        name = f"{resource.kind} {key}"
        record = _record(holds.get(hold))
        try:
            for last_try in (False,) * (TRIES - 1) + (True,):
                said = _say(name, resource, body, record)
                try:
                    if not self._dry:
                        await self._let_go(resource, body, record)
                except Conflict:
                    if last_try:
                        raise
                    body = await self._client.get(resource, key.namespace, key.name)
                else:
                    self._deeds.append(Deed(said))
                    return
        except NotFound:
            return
        except ClusterError as error:
            self._stuck.add(hold)
            self._deeds.append(Deed(f"{name} is still held. {error}", done=False))

    async def _let_go(self, resource: Resource, body: Body, record: HoldRecord | None) -> None:
        key, labels = key_of(body), _labels(body)
        held = labels.get(HOLD_LABEL, labels.get(QUEUE_LABEL))  # the key of a hold opens the queue beside it as well
        if held is not None and labels.get(OVERRIDE_LABEL) != held:
            said = {"metadata": {"resourceVersion": _version(body), "labels": {OVERRIDE_LABEL: held}}}
            body = await self._client.merge_patch(resource, key.namespace, key.name, said, manager=MANAGER)
        off: dict[str, Any] = {"metadata": {"resourceVersion": _version(body), "labels": _free_labels(body)}}
        if _resumes(resource, body, record):
            off["spec"] = _going(resource, record)
        await self._client.merge_patch(resource, key.namespace, key.name, off, manager=MANAGER)

    async def _forget(self, key: ObjectKey) -> None:
        if key in self._stuck:
            self._deeds.append(Deed(f"Hold {key} stays, because its workload is still held.", done=False))
            return
        try:
            if not self._dry:
                await self._client.delete(HOLDS, key.namespace, key.name)
            self._deeds.append(Deed(f"Hold {key}: deleted."))
        except NotFound:
            return
        except ClusterError as error:
            self._deeds.append(Deed(f"Hold {key} stays. {error}", done=False))


def _say(name: str, resource: Resource, body: Body, record: HoldRecord | None) -> str:
    labels = ", ".join(label for label in LABELS if label in _labels(body))
    if _aside(body):
        return f"{name}: label {labels} removed, given back to its Deployment."
    said = f"{name}: label {labels} removed"
    if _resumes(resource, body, record):
        return said + ", rollout resumed."
    if resource == DEPLOYMENTS and (body.get("spec") or {}).get("paused"):
        return said + "; it stays paused, because no record says that Holdfast paused it (kubectl rollout resume)."
    return said + "."


def _resumes(resource: Resource, body: Body, record: HoldRecord | None) -> bool:
    """Whether its pause is ours. With neither label of that episode it was taken back before, and is somebody else's."""
    labels = _labels(body)
    if QUEUE_LABEL in labels and resource == DEPLOYMENTS:  # set together with the pause, if it was not there before
        theirs = record is not None and record.undo is not None and record.undo.paused_before
        return not theirs and bool((body.get("spec") or {}).get("paused"))
    if resource == STATEFULSETS:
        marked = any(label in labels for label in (HOLD_LABEL, QUEUE_LABEL, OVERRIDE_LABEL))
        return marked and partition_of(body) == STOPPED and _found(record) is not None
    if record is None or record.paused is None:
        return False
    ours = record.id in (labels.get(HOLD_LABEL), labels.get(OVERRIDE_LABEL))
    return ours and resource == DEPLOYMENTS and bool((body.get("spec") or {}).get("paused"))


def _going(resource: Resource, record: HoldRecord | None) -> Body:
    """The spec in which a stopped rollout goes on."""
    found = _found(record)
    return with_partition(found) if resource == STATEFULSETS and found is not None else {"paused": None}


def _found(record: HoldRecord | None) -> int | None:
    """The partition of a StatefulSet before we moved it; None when no record says that we did."""
    if record is None:
        return None
    return record.undo.found if record.undo is not None and record.undo.found is not None else record.found


def _record(body: Body | None) -> HoldRecord | None:
    try:
        return None if body is None else parse_hold(body)
    except Invalid:
        return None


def _aside(body: Body) -> bool:
    """Whether an undo took this ReplicaSet from its Deployment."""
    return DETACHED_LABEL in _labels(body)


def _free_labels(body: Body) -> dict[str, str | None]:
    """The change that leaves none of ours. What was set aside lost its own, which are those of its template."""
    if not _aside(body):
        return dict.fromkeys(LABELS)
    template = ((body.get("spec") or {}).get("template") or {}).get("metadata") or {}
    return {**dict.fromkeys(_labels(body)), **dict.fromkeys(LABELS), **(template.get("labels") or {})}


def _labels(body: Body) -> Mapping[str, str]:
    return body["metadata"].get("labels") or {}


def _version(body: Body) -> str:
    return str(body["metadata"]["resourceVersion"])


def _owner(body: Body) -> ObjectKey:
    owners: Iterable[Mapping[str, Any]] = body["metadata"].get("ownerReferences") or ()
    name = next((o["name"] for o in owners if o["kind"] == "Deployment"), "")
    return ObjectKey(key_of(body).namespace, name)


def _hold_key(kind: Resource, key: ObjectKey) -> ObjectKey:
    return ObjectKey(key.namespace, Workload(key.namespace, kind.kind, key.name).hold_name)
