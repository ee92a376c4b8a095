"""What may be asked of Kubernetes: at most one request at a time, each with its precondition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from .hold import HoldRecord
from .objective import Workload
from .release import ReleaseRecord
from .request_sets import DeletePod, GiveTemplateBack, PatchSet, PutTemplateBack

HOLD_LABEL: Final = "holdfast.dev/hold"
"""On a workload and its ReplicaSets: the id of the hold. The gate of the chart looks at nothing else."""

QUEUE_LABEL: Final = "holdfast.dev/queue"
"""On a workload and its ReplicaSets: the id of the undo. What is declared waits, and only Holdfast resumes it."""

DETACHED_LABEL: Final = "holdfast.dev/detached-from"
"""On a ReplicaSet taken from its Deployment: the uid of that Deployment."""

OVERRIDE_LABEL: Final = "holdfast.dev/override"
"""Set by a person with the right, to the id of the present hold: the gate lets changes through."""


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """Create or change the Hold of a workload."""

    record: HoldRecord


@dataclass(frozen=True, slots=True)
class WriteRelease:
    """Create or change the record of a release, where what is stored is still this; None: nothing is."""

    record: ReleaseRecord
    before: ReleaseRecord | None


@dataclass(frozen=True, slots=True)
class PatchWorkload:
    """One patch of the workload itself, refused by the server when it changed since it was seen.

    `labels` with None removes a label; `paused` None leaves it alone. With `uid` and `generation` only another spec counts
    as a change: the status of a workload that rolls out changes many times a second.
    """

    workload: Workload
    resource_version: str
    labels: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    paused: bool | None = None
    uid: str = ""
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class PatchReplicaSet:
    """One merge patch of the labels of a ReplicaSet, refused by the server when it changed since it was seen."""

    workload: Workload
    name: str
    resource_version: str
    labels: Mapping[str, str | None] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class DetachReplicaSet:
    """Take a ReplicaSet from the Deployment whose uid is `owner`, so that its controller no longer knows it; it goes with the
    Deployment all the same. `labels` and the label that says whose it was replace all of its own. With `replicas` it is
    scaled in the same request. Refused when it is another ReplicaSet, or another's.
    """

    workload: Workload
    name: str
    uid: str
    owner: str
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    replicas: int | None = None


@dataclass(frozen=True, slots=True)
class AttachReplicaSet:
    """Give a detached ReplicaSet the labels of its own template again, and these: its controller takes it back."""

    workload: Workload
    name: str
    uid: str
    owner: str
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class ScaleReplicaSet:
    """Set the number of pods of a ReplicaSet that is detached, so that no controller looks after it."""

    workload: Workload
    name: str
    uid: str
    owner: str
    replicas: int


@dataclass(frozen=True, slots=True)
class CreateReplicaSet:
    """Make the ReplicaSet of a release anew from its recorded template; `digest` says which, `owner` for which Deployment."""

    workload: Workload
    owner: str
    digest: str
    replicas: int
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


Request = (
    WriteRecord
    | WriteRelease
    | PatchWorkload
    | PatchReplicaSet
    | PatchSet
    | DetachReplicaSet
    | AttachReplicaSet
    | ScaleReplicaSet
    | CreateReplicaSet
    | PutTemplateBack
    | GiveTemplateBack
    | DeletePod
)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be asked until the world has moved; why, for people."""

    why: str


@dataclass(frozen=True, slots=True)
class Done:
    """The world is as it is wanted."""


Step = Request | Wait | Done
