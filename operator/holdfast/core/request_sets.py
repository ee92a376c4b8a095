"""What may be asked about StatefulSets and DaemonSets, each with its precondition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .objective import Workload


@dataclass(frozen=True, slots=True)
class PatchSet:
    """One merge patch of the workload itself, refused by the server when it changed since it was seen.

    `labels` with None removes a label; `partition` None leaves that alone.
    """

    workload: Workload
    resource_version: str
    labels: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class PutTemplateBack:
    """The pod template with this digest takes the place of the declared one, and the labels come with it.

    In the same request the note of `kubectl apply` says this template too: the next apply then removes what it brought
    back. Refused when it is another object, or its spec is another one now.
    """

    workload: Workload
    uid: str
    generation: int
    digest: str
    labels: Mapping[str, str | None] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class GiveTemplateBack:
    """The template we put back belongs to whoever applies the object, as if they had applied it; nothing else changes."""

    workload: Workload
    resource_version: str


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Delete this pod, refused when there is another one of that name: its controller makes it anew."""

    workload: Workload
    name: str
    uid: str
