"""What an undo of the present release of a workload would find, looked up when the release starts.

Rule: of ConfigMaps and Secrets only that they are there is read. What may not be read is named as not checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from holdfast.core.objective import Workload
from holdfast.core.readiness import NEVER, ROLLBACK_LABEL, Room, Surroundings
from holdfast.core.release import ReleaseRecord

from .client import Client
from .errors import Denied, NotFound
from .needs import demands, named, quantity
from .owners import owned
from .releases import kept_template
from .resources import DEPLOYMENTS, QUOTAS, REPLICASETS, REVISIONS, WORKLOADS, Body
from .revisions import template_of
from .templates import digest

APPLYING: Final = {"NotTerminating", "NotBestEffort"}
"""Scopes of quotas that pods of workloads are in. Which others they are in is not worked out."""


async def surroundings(
    client: Client, workload: Workload, good: ReleaseRecord | None, *, templates: bool = True
) -> Surroundings | None:
    """Everything that is judged, `good` being the last good release; None when the workload is gone. Raises ClusterError.

    Without `templates` nothing is made anew from a record: what the controller keeps has to do.
    """
    try:
        body = await client.get(WORKLOADS[workload.kind], workload.namespace, workload.name)
    except NotFound:
        return None
    labels = ((((body.get("spec") or {}).get("template") or {}).get("metadata") or {}).get("labels")) or {}
    forbidden = labels.get(ROLLBACK_LABEL) == NEVER
    template = None if good is None else await _template(client, workload, body, good.template.digest, templates)
    if template is None:
        return Surroundings(workload, good, kept=False, forbidden=forbidden, templates=templates)
    missing, unchecked = await _missing(client, workload.namespace, template)
    rooms: tuple[Room, ...] = ()
    if (more := _more_pods(workload, body)) > 0:
        try:
            quotas = await client.everything(QUOTAS, workload.namespace)
            rooms = tuple(room for quota in quotas for room in _rooms(quota, template, more))
        except Denied:
            unchecked += ("quotas",)
    return Surroundings(workload, good, True, forbidden, missing, unchecked, rooms, templates)


async def _template(client: Client, workload: Workload, body: Body, wanted: str, recorded: bool) -> Body | None:
    """From what its controller keeps, else from the record of the release, where that will do."""
    sets = workload.kind == DEPLOYMENTS.kind
    for each in await owned(client, REPLICASETS if sets else REVISIONS, body):
        template: Body = each["spec"]["template"] if sets else template_of(each)
        if digest(template) == wanted:
            return template
    return await kept_template(client, workload, wanted) if recorded else None


async def _missing(client: Client, namespace: str, template: Body) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is gone, and what could not be looked at."""
    missing, unchecked = [], []
    for each in named(template):
        try:
            await client.metadata(each.resource, namespace, each.name)
        except NotFound:
            missing.append(str(each))
        except Denied:
            unchecked.append(str(each))
    return tuple(missing), tuple(unchecked)


def _more_pods(workload: Workload, body: Body) -> int:
    """How many more pods there would be with both releases side by side. Only Deployments have that, and not all."""
    spec, status = body.get("spec") or {}, body.get("status") or {}
    if workload.kind != DEPLOYMENTS.kind or (spec.get("strategy") or {}).get("type") == "Recreate":
        return 0
    return max(0, 2 * int(spec.get("replicas", 1)) - int(status.get("replicas", 0)))


def _rooms(quota: Body, template: Body, more: int) -> Iterator[Room]:
    """One for each resource of the quota that the pods take some of."""
    spec, status = quota.get("spec") or {}, quota.get("status") or {}
    selected = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    if not {*(spec.get("scopes") or ()), *(s.get("scopeName") for s in selected)} <= APPLYING:
        return
    one, used = demands(template), status.get("used") or {}
    for resource, hard in (status.get("hard") or {}).items():
        if amount := one.get(resource, Fraction(0)):
            taken = quantity(str(used.get(resource, "0")))
            yield Room(quota["metadata"]["name"], resource, quantity(str(hard)), taken, more * amount)
