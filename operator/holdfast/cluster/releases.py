"""Records of releases on the server: written, forgotten, and the pod templates that are kept in them.

Rule: what is written relies on what was seen. When another record is stored now, or the workload declares another
template than the one that is to be kept, nothing is written: look again.
"""

from __future__ import annotations

from holdfast.api import Invalid, parse_release, release_body, release_status
from holdfast.core.objective import Workload
from holdfast.core.quantities import Instant
from holdfast.core.release import ReleaseRecord, release_name
from holdfast.core.request import WriteRelease

from .client import Client
from .errors import Conflict, NotFound, Rejected
from .resources import RELEASES, Body, Resource
from .templates import digest


async def write_release(client: Client, request: WriteRelease, now: Instant) -> None:
    """Create the object where there is none, and make its status what the record says.

    Raises Conflict when another record than `request.before` is stored, and ClusterError.
    """
    record, body = request.record, await _stored(client, request.record.workload, request.record.template.digest)
    if _read(body) != request.before:
        raise Conflict(f"The record of {record.name} is another one now.")
    template = await _template(client, record, body) if record.kept else None
    namespace = record.workload.namespace
    if body is None:
        body = await client.create(RELEASES, namespace, release_body(record))
    status = release_status(record, template, now, body.get("status"))
    version = body["metadata"]["resourceVersion"]
    await client.apply_status(RELEASES, namespace, record.name, status, resource_version=version)


async def forget_release(client: Client, record: ReleaseRecord) -> None:
    """Delete the record of a release, if it is still this one; raises Conflict, and ClusterError."""
    body = await _stored(client, record.workload, record.template.digest)
    if body is None:
        return
    if _read(body) != record:
        raise Conflict(f"The record of {record.name} is another one now.")
    version = body["metadata"]["resourceVersion"]
    await client.delete(RELEASES, record.workload.namespace, record.name, resource_version=version)


async def kept_template(client: Client, workload: Workload, wanted: str) -> Body | None:
    """The whole pod template with this digest as its release keeps it; None when none is kept. Raises ClusterError.

    A template that no longer has its digest was tampered with, and is none.
    """
    return _kept(await _stored(client, workload, wanted), wanted)


async def _stored(client: Client, workload: Workload, wanted: str) -> Body | None:
    try:
        return await client.get(RELEASES, workload.namespace, release_name(workload, wanted))
    except NotFound:
        return None


def _read(body: Body | None) -> ReleaseRecord | None:
    """The record; raises Rejected where it makes no sense."""
    try:
        return None if body is None else parse_release(body)
    except Invalid as error:
        name = body["metadata"]["name"] if body is not None else ""
        said = (
            f"WorkloadRelease {name} cannot be read and is not written over: {error}. Delete it, and it is made anew."
        )
        raise Rejected(said) from None


async def _template(client: Client, record: ReleaseRecord, body: Body | None) -> Body:
    """What is kept already, else what the workload declares."""
    wanted, workload = record.template.digest, record.workload
    if (kept := _kept(body, wanted)) is not None:
        return kept
    resource = Resource("apps", "v1", f"{workload.kind.lower()}s", workload.kind)
    found = await client.get(resource, workload.namespace, workload.name)
    template: Body = (found.get("spec") or {}).get("template") or {}
    if digest(template) != wanted:
        raise Conflict(f"{workload} declares another pod template now than that of {record.name}.")
    return template


def _kept(body: Body | None, wanted: str) -> Body | None:
    template: Body | None = ((body or {}).get("status") or {}).get("template")
    return template if template and digest(template) == wanted else None
