"""One release: one pod template of one workload that rolls out. What is on record about it, written before it matters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from .hold import Template
from .objective import ObjectKey, Workload
from .quantities import Instant

LONGEST: Final = 253
"""Characters that the name of an object may have."""


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


class ReadinessReason(StrEnum):
    """Why a release could, or could not, be undone."""

    CAN_GO_BACK = "CanGoBack"
    RIGHT_MISSING = "RightMissing"  # the chart gave no right to put pod templates back
    NO_LAST_GOOD = "NoLastGood"  # no release is known to be good
    ROLLBACK_FORBIDDEN = "RollbackForbidden"  # its pod template says so
    CONFIG_MISSING = "ConfigMissing"  # what the last good release reads at its start is gone
    QUOTA_TOO_SMALL = "QuotaTooSmall"  # the pods of both releases do not fit in side by side


@dataclass(frozen=True, slots=True)
class Cost:
    """What a release cost one objective while it was on trial: `spent` is a share of the whole budget, in [0, ∞).

    `seen_after` is the number of events after which a fault of ten times the budget would have been seen.
    """

    objective: ObjectKey
    total: float
    bad: float
    spent: float
    finding: ReleaseFinding = ReleaseFinding.UNDECIDED
    seen_after: int | None = None

    @property
    def acquits(self) -> bool:
        """Whether its events speak for the release: found good, or so many without anything found against it."""
        enough = self.seen_after is not None and self.total >= self.seen_after
        return self.finding is ReleaseFinding.GOOD or (self.finding is ReleaseFinding.UNDECIDED and enough)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the release could be undone, judged when it starts; `why` not, or what to know, in sentences."""

    ready: bool
    reason: ReadinessReason
    why: str


class RestraintReason(StrEnum):
    """Why a release is not undone."""

    ACTION_UNDER_WAY = "ActionUnderWay"  # another release of the workload is being undone
    ALREADY_TRIED = "AlreadyTried"  # undoing it was tried
    UNDONE_AGAIN_AND_AGAIN = "UndoneAgainAndAgain"  # so was that of other releases of the workload
    MANY_AT_ONCE = "ManyAtOnce"  # too many releases are found bad at once
    HOURLY_LIMIT = "HourlyLimit"  # so many were undone in the cluster


@dataclass(frozen=True, slots=True)
class Restrained:
    """Why, and the same in sentences with what to do."""

    reason: RestraintReason
    why: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person asked for, and on whose word."""

    requested_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """What is on record about one release: one pod template of a workload, however often it rolls out.

    `began` is when it was declared the last time, `started` when its last rollout started, `ended` when another template
    was declared or the workload deleted: the one without it is the present one. `revision` is the number the workload's
    controller gave it, 0 while it has none; `hash` what its newest pods carry. `again` says that it had rolled out before.
    `good` says that it was complete and innocent: one to go back to. `found` is when it was first found bad, `undone`
    since when it was tried to undo it: once only. `kept` says that its whole pod template is stored with it. `bound` says
    in a sentence which faults would be seen by now. `restrained` says why it is not undone though a rule asks for it. `undo` and `allow` are what people asked of it: to undo it, to let it
    roll out though it was undone.
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
    started: Instant | None = None
    completed: Instant | None = None
    ended: Instant | None = None
    good: bool = False
    found: Instant | None = None
    undone: Instant | None = None
    kept: bool = True
    costs: tuple[Cost, ...] = ()
    readiness: Readiness | None = None
    bound: str = ""
    message: str = ""
    restrained: Restrained | None = None
    undo: Ask | None = None
    allow: Ask | None = None

    @property
    def name(self) -> str:
        """The name of its object: the same for the same template of the same workload, whatever their names' lengths."""
        return release_name(self.workload, self.template.digest)

    @property
    def attempted(self) -> bool:
        """Whether undoing it was tried."""
        return self.undone is not None

    @property
    def finding(self) -> ReleaseFinding:
        """What all objectives together say of it: one that finds it bad is enough, good it is when all say so that can."""
        found = {cost.finding for cost in self.costs}
        for worst in (ReleaseFinding.BAD, ReleaseFinding.SHARED, ReleaseFinding.UNDECIDED, ReleaseFinding.GOOD):
            if worst in found:
                return worst
        return ReleaseFinding.NOT_ATTRIBUTABLE if found else ReleaseFinding.UNDECIDED

    @property
    def dearest(self) -> Cost | None:
        """The objective it cost most."""
        return max(self.costs, key=lambda cost: (cost.spent, cost.bad, cost.total), default=None)


def release_name(workload: Workload, digest: str) -> str:
    """`deployment-checkout-9f2c41aa07`. A name that would be too long is cut, and told from its like by a digest of it."""
    whole, short = f"{workload.kind.lower()}-{workload.name}", digest[:10]
    room = LONGEST - len(short) - 1
    if len(whole) > room:
        told = sha256(whole.encode()).hexdigest()[:8]
        whole = f"{whole[: room - len(told) - 1].rstrip('-.')}-{told}"
    return f"{whole}-{short}"
