"""A person's word on one release: which one is meant, why it cannot be, and the word itself, under that person's name.

Rule: to be undone is the release that the workload declares now; to be let out is that one too if it was undone, else the
one that was undone last. What is written relies on what was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from holdfast.api import Invalid, parse_release
from holdfast.core.objective import Workload
from holdfast.core.quantities import spell_instant
from holdfast.core.release import ReleaseRecord, release_name

from .client import Client
from .errors import ClusterError, NotFound
from .resources import RELEASES, WORKLOADS, Body
from .templates import digest


class Word(StrEnum):
    """What a person may say of a release: a field of its spec."""

    UNDO = "undo"
    ALLOW = "allow"

    @property
    def other(self) -> Word:
        """What it contradicts, and so takes back."""
        return Word.ALLOW if self is Word.UNDO else Word.UNDO


@dataclass(frozen=True, slots=True)
class Meant:
    """One release as it was seen."""

    record: ReleaseRecord
    resource_version: str


async def to_undo(client: Client, workload: Workload) -> Meant:
    """The release that can be undone now. Raises ClusterError with the reason why there is none."""
    wanted = await _declared(client, workload)
    found = next((m for m in await _releases(client, workload) if m.record.template.digest == wanted), None)
    if found is None:
        raise ClusterError(
            f"Holdfast has no record of the release that {workload} declares now, so it cannot undo it. Is the operator "
            "running, and is the workload under a rule on releases (kubectl get slo,ebp)?"
        )
    record, judged = found.record, found.record.readiness
    if record.undo is not None:
        raise ClusterError(f"{record.undo.requested_by} asked to undo {record.name} already: {record.undo.reason}")
    if record.undone is not None:
        raise ClusterError(
            f"Nothing to undo: {record.name} was undone on {spell_instant(record.undone)}, which is done once. "
            f"See kubectl get hold {workload.hold_name} -n {workload.namespace}."
        )
    if judged is not None and not judged.ready:
        raise ClusterError(
            f"{record.name} cannot be undone: RollbackReady is False ({judged.reason.value}). {judged.why}"
        )
    return found


async def to_allow(client: Client, workload: Workload) -> Meant:
    """The release that was undone and can be let out. Raises ClusterError with the reason why there is none."""
    wanted = await _declared(client, workload)
    records = await _releases(client, workload)
    undone = [m for m in records if any((m.record.undone, m.record.undo, m.record.allow))]
    if not undone:
        raise ClusterError(
            f"No release of {workload} was undone, so there is none to let out. If it is on hold, "
            f"kubectl get hold {workload.hold_name} -n {workload.namespace} says until when, and the sentence of a refusal "
            "the way out."
        )
    found = max(undone, key=lambda m: (m.record.template.digest == wanted, m.record.undone or 0, m.record.began))
    if (word := found.record.allow) is not None:
        raise ClusterError(f"{word.requested_by} let {found.record.name} out already: {word.reason}")
    return found


async def say(client: Client, meant: Meant, word: Word, reason: str) -> str:
    """Write the word under the name of whoever this client is, and return that name. Raises ClusterError."""
    by = await client.whoami()
    body = {
        "metadata": {"resourceVersion": meant.resource_version},
        "spec": {word.value: {"requestedBy": by, "reason": reason}, word.other.value: None},
    }
    await client.merge_patch(RELEASES, meant.record.workload.namespace, meant.record.name, body, manager="holdfast-ask")
    return by


async def _declared(client: Client, workload: Workload) -> str:
    try:
        body = await client.get(WORKLOADS[workload.kind], workload.namespace, workload.name)
    except NotFound as error:
        raise ClusterError(f"There is no {workload.kind} {workload.name} in namespace {workload.namespace}.") from error
    return digest((body.get("spec") or {}).get("template") or {})


async def _releases(client: Client, workload: Workload) -> list[Meant]:
    found: list[Meant] = []
    for body in await client.everything(RELEASES, workload.namespace):
        record = _read(body, workload)
        if record is not None:
            found.append(Meant(record, body["metadata"]["resourceVersion"]))
    return found


def _read(body: Body, workload: Workload) -> ReleaseRecord | None:
    """Its record if it is of this workload; raises ClusterError if that cannot be read."""
    spec = body.get("spec") or {}
    if spec.get("workload") != {"kind": workload.kind, "name": workload.name}:
        return None
    try:
        return parse_release(body)
    except Invalid as error:
        name = release_name(workload, str(spec.get("template", "")))
        raise ClusterError(
            f"WorkloadRelease {name} cannot be read: {error}. Delete it, and it is made anew."
        ) from error
