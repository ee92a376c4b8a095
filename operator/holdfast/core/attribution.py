"""Whether the events of an objective can be told by release, and what else a trial is given of it.

Rule: only series whose pods are the workload's pods count. An ingress or a mesh sees every release alike.
"""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from typing import Final

from .doubts import unattributable
from .hold import Template
from .ledger import Ledger
from .objective import Composite, Counted, Objective, Sampled
from .policy import ON_TRIAL
from .quantities import Instant, Seconds, Share, Span
from .release import ReleaseRecord, ReleaseState
from .targets import NOTHING, Gain
from .trial import Trial

HISTORY: Final[Seconds] = 86_400
"""What came in so much time before a release began is what it is compared with once nothing else serves."""


def is_on_trial(release: ReleaseRecord, within: Seconds | None, now: Instant) -> bool:
    """Whether a release is judged now: while it rolls out, and for a while after it is complete."""
    if release.state is ReleaseState.ROLLING_OUT:
        return True
    if release.state is not ReleaseState.COMPLETE or release.completed is None:
        return False
    return now - release.completed <= (ON_TRIAL if within is None else within)


def foreseen(record: ReleaseRecord, uid: str, digest: str) -> ReleaseRecord:
    """The release of a template that is declared while the one on record is another: nobody has looked yet what became of it.

    What its pods count waits from the beginning of the last release on, until its own record says when it began.
    """
    return ReleaseRecord(record.workload, uid, Template(digest), record.began, ReleaseState.ROLLING_OUT)


def not_attributable(objective: Objective, pods: Collection[tuple[str, str]]) -> str | None:
    """Why nobody can tell which release the events are of; None where that can be told.

    `pods` are (namespace, name) of what was counted last.
    """
    if isinstance(objective.indicator, Composite):
        return "It is made of other objectives, and has no events of its own; those are told by release each for itself"
    if isinstance(objective.indicator, Sampled):
        return "It is the value of a query, and no events of pods; only ratio and latency can be told by release"
    doubt = unattributable(objective, pods)
    return None if doubt is None else doubt.sentence


def nobodys(trial: Trial) -> str:
    """What to say of events that could not be put down to anybody; nothing where all could."""
    most = max((weighed.nobodys for weighed in trial.weighed), default=0.0)
    if most < 1:
        return ""
    return (
        f"{most:,.0f} events were counted by pods that had gone before anybody could tell of which release they were. "
        "They count neither for this release nor against it."
    )


def allowance_for_trial(objective: Objective) -> Share | None:
    """The share of a release's events that may fail. Where slices of time are counted this is what makes a slice a bad
    one: a trial is about events, whatever the budget is made of. None where there are no events.
    """
    if not isinstance(objective.indicator, Counted):
        return None
    return objective.allowance if objective.slices is None else Fraction(1) - objective.slices.good


def history_before(objective: Objective, ledger: Ledger, began: Instant) -> Gain:
    """Events, and bad ones, of the last day before a release began. Of slices of time there are none."""
    if objective.slices is not None:
        return NOTHING
    found = ledger.between(Span(began - HISTORY, began))
    return found.total, found.bad
