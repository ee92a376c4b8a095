"""What is on record about one held workload: everything a restart must know, written before the deed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from .objective import ObjectKey, Workload
from .policy import RuleKey
from .quantities import Instant, Seconds

_TAG: Final = re.compile(r"[^/]:([\w.-]+)$")


class Reason(StrEnum):
    """Why something happened to a workload or a budget. One closed set: the enum of the CRD, the reason of Events and
    conditions, the label of metrics and a section of `docs/reasons.md` (a test compares them all).
    """

    BUDGET_EXHAUSTED = "BudgetExhausted"  # less is left than a rule demands, and that is nothing
    BUDGET_LOW = "BudgetLow"  # less is left than a rule demands
    BURNING_FAST = "BurningFast"  # the budget burns faster than a rule allows
    BUDGET_RECOVERED = "BudgetRecovered"  # on fresh evidence, no cause holds any longer
    CAUSE_REMOVED = "CauseRemoved"  # the rule or the objective is gone, or no longer enforced
    AT_MOST_REACHED = "AtMostReached"  # the hold lasted as long as its rule allows
    WORKLOAD_GONE = "WorkloadGone"  # the held workload was deleted
    OVERRIDDEN = "Overridden"  # a person with the right broke the glass
    REQUEST_REFUSED = "RequestRefused"  # the API server refused what had to be done
    UNKNOWN_HOLD = "UnknownHold"  # a hold label that no record explains: it stays closed
    LIFTED_BY_HAND = "LiftedByHand"  # `holdfast lift`
    BAD_RELEASE = "BadRelease"  # its own pods fail more than they may: the sequential test
    RELEASE_COSTS = "ReleaseCosts"  # one release spent more of the budget than a rule grants it
    RELEASE_STALLED = "ReleaseStalled"  # its pods do not get ready
    SHARED_INCIDENT = "SharedIncident"  # pods of other releases fail as well: no release is to blame
    UNDONE_BY_HAND = "UndoneByHand"  # a person asked to undo a release
    ROLLBACK_STUCK = "RollbackStuck"  # the last good release does not come up again in time
    TEMPLATE_CHANGED = "TemplateChanged"  # another template was declared than the one that was undone
    ALLOWED_BY_HAND = "AllowedByHand"  # a person allowed the release that was undone
    RESTRAINED = "Restrained"  # too much at once: Holdfast leaves it to people

    @property
    def slug(self) -> str:
        """The spelling inside a hold id: `budget-exhausted`."""
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in self.value).removeprefix("-")


class HoldState(StrEnum):
    """Where an episode is."""

    ACTIVE = "Active"
    OVERRIDDEN = "Overridden"
    LIFTED = "Lifted"


@dataclass(frozen=True, slots=True, order=True)
class CauseKey:
    """One rule on one objective."""

    rule: RuleKey
    objective: ObjectKey


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a workload is held: a rule of a policy on an objective, since when, and until when at the latest."""

    key: CauseKey
    reason: Reason
    since: Instant
    at_most: Seconds | None = None

    @property
    def ends(self) -> Instant | None:
        """When this cause ends at the latest."""
        return None if self.at_most is None else self.since + self.at_most


@dataclass(frozen=True, slots=True)
class Template:
    """Which pod template: a digest that identifies it, and the images for people."""

    digest: str
    images: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The tags of its images, for people; a short digest where there are none."""
        tags = dict.fromkeys(found[1] for image in self.images if (found := _TAG.search(image.partition("@")[0])))
        return ",".join(tags)[:128] or self.digest[:12]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One template that was undone: it does not roll out again until a person allows it.

    `id` is the id of that episode (`bad-release-x7k2p`), `cause` the rule that asked, None when a person did.
    """

    id: str
    template: Template
    since: Instant
    cause: CauseKey | None = None


class UndoState(StrEnum):
    """How far an undo is."""

    UNDER_WAY = "UnderWay"
    UNDONE = "Undone"  # the last good release serves alone
    STUCK = "Stuck"  # its pods did not become available in time: both sets serve, and nothing more is done
    STOPPED = "Stopped"  # there is no way back: nothing more starts, and what serves goes on


@dataclass(frozen=True, slots=True)
class Undo:
    """The way back from a declared template that is quarantined.

    `id` is the value of the queue label, `bad` the template that is declared, `serve` the one that shall serve instead;
    None where there is no way back and the release is only stopped. `paused_before` says that somebody else had paused
    the workload, so that its pause is not ours to end. `at_once` takes the bad pods away before the good ones are
    there: for pods that serve nothing but errors, and where two sets must never run together. `since` is when the
    present state began, `found` what a kind must put back later (the partition of a StatefulSet).
    """

    id: str
    bad: Template
    serve: Template | None
    since: Instant
    state: UndoState = UndoState.UNDER_WAY
    paused_before: bool = False
    at_once: bool = False
    found: int | None = None


def by_template(undo: Undo | None) -> bool:
    """Of a StatefulSet or a DaemonSet: whether the template is put back, nothing having been found to stop it with."""
    return undo is not None and undo.serve is not None and undo.found is None


def puts_back(workload: Workload, undo: Undo | None) -> bool:
    """Whether an undo puts another template in the place of the declared one. That of a Deployment never does."""
    return workload.kind != "Deployment" and by_template(undo)


@dataclass(frozen=True, slots=True)
class Transition:
    """One line of the history of a hold."""

    at: Instant
    state: HoldState
    reason: Reason


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """One episode of one workload: causes, or an undo, or both. With an undo alone `id` is the id of the undo.

    `paused` names the template whose rollout we stopped, or are about to stop; only such a pause is ever taken back.
    `enforced` is False until everything was seen to be in force. `worn` are causes whose time was up: they do not hold
    again before they have once ceased. `found` is the partition that the stop of a StatefulSet replaced. `undo` is the undoing of the release that is declared, `quarantined` every template
    that may not roll out again.
    """

    workload: Workload
    id: str
    state: HoldState
    reason: Reason
    since: Instant
    causes: tuple[Cause, ...]
    message: str
    declared: Template
    serving: Template | None = None
    paused: Template | None = None
    enforced: bool = False
    worn: tuple[CauseKey, ...] = ()
    history: tuple[Transition, ...] = ()
    found: int | None = None
    undo: Undo | None = None
    quarantined: tuple[Quarantined, ...] = ()

    @property
    def in_force(self) -> bool:
        """Whether the workload is held, overridden or not."""
        return self.state is not HoldState.LIFTED

    @property
    def denies(self) -> bool:
        """Whether changes are refused (the hold label), and not only a template that was undone kept from rolling out."""
        return self.in_force and (bool(self.causes) or self.undo is None or self.puts_back)

    @property
    def puts_back(self) -> bool:
        """Whether another template takes the place of what was declared: then every other one is refused too."""
        return puts_back(self.workload, self.undo)

    def moved(self, state: HoldState, reason: Reason, at: Instant) -> HoldRecord:
        """The same episode in another state, with a line in its history (the last 20 are kept)."""
        return replace(self, state=state, history=(*self.history, Transition(at, state, reason))[-20:])
