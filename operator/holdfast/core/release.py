"""One release: one pod template of one workload that rolls out. What is on record about it, written before it matters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .hold import Template
from .objective import ObjectKey, Workload
from .quantities import Instant


class ReleaseState(StrEnum):
    """Where a release is."""

    QUEUED = "Queued"  # declared, and nothing of it starts: the workload is paused
    ROLLING_OUT = "RollingOut"
    COMPLETE = "Complete"  # all pods are of it and available
    SUPERSEDED = "Superseded"  # another template was declared
    ROLLED_BACK = "RolledBack"  # Holdfast undid it


class ReleaseFinding(StrEnum):
    """What its own pods say of a release."""

    UNDECIDED = "Undecided"
    GOOD = "Good"
    BAD = "Bad"
    SHARED = "Shared"  # the pods of other releases fail as well: an incident, not this release
    NOT_ATTRIBUTABLE = "NotAttributable"  # nobody can tell which pods the events are of


@dataclass(frozen=True, slots=True)
class Cost:
    """What a release cost one objective while it was on trial: `spent` is a share of the whole budget, in [0, ∞)."""

    objective: ObjectKey
    total: float
    bad: float
    spent: float
    finding: ReleaseFinding = ReleaseFinding.UNDECIDED


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the release could be undone, judged when it starts; `why` not, or what to know, in a sentence."""

    ready: bool
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """What is on record about one release. `revision` is the number the workload's controller gave it, 0 while it has
    none; `hash` what its pods carry. `good` says that it was complete and innocent: one to go back to. `again` says that
    the template had rolled out before.
    """

    workload: Workload
    uid: str
    template: Template
    began: Instant
    state: ReleaseState
    revision: int = 0
    hash: str = ""
    changed_by: str = ""
    again: bool = False
    completed: Instant | None = None
    ended: Instant | None = None
    good: bool = False
    attempted: bool = False  # to undo it was tried: once only
    costs: tuple[Cost, ...] = ()
    readiness: Readiness | None = None
    message: str = ""
