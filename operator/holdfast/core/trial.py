"""What decides about the release of one workload now: its record, what its own pods count, and whether it gets anywhere."""

from __future__ import annotations

from dataclasses import dataclass

from .objective import ObjectKey
from .quantities import Instant, Seconds
from .release import ReleaseFinding, ReleaseRecord
from .targets import Gain


@dataclass(frozen=True, slots=True)
class Row:
    """What was counted in one interval that ends at `at`: by pods of the release on trial, and by those of all others."""

    at: Instant
    new: Gain
    old: Gain


@dataclass(frozen=True, slots=True)
class Weighed:
    """What one objective's events say of the release: the finding, and the figures it rests on.

    `total` and `bad` are events of its own pods. `against_target` and `against_others` are natural logarithms of
    evidence: that it fails more than its target allows, and more than the pods beside it, or than before where there
    are none. `strong` says that it fails more than the workload ever did, and has since it began: a finding that would
    stand without pods of another release beside it. `seen_after` is the number of events after which a fault of ten
    times the budget would be seen, `seen_in` how long that takes at the present rate. `nobodys` are events of
    pods that were gone before anybody could tell whose they were: they count neither for the release nor for the others.
    """

    objective: ObjectKey
    finding: ReleaseFinding
    total: float = 0.0
    bad: float = 0.0
    against_target: float = 0.0
    against_others: float = 0.0
    strong: bool = False
    seen_after: int | None = None
    seen_in: Seconds | None = None
    nobodys: float = 0.0
    better: bool = False


@dataclass(frozen=True, slots=True)
class Stall:
    """A release that gets nowhere, since when, and why in a sentence: pods never ready, a crash loop, its deadline passed."""

    since: Instant
    why: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One release on trial."""

    release: ReleaseRecord
    weighed: tuple[Weighed, ...] = ()
    stall: Stall | None = None

    @classmethod
    def of(cls, release: ReleaseRecord) -> Trial:
        """What its record says of a release: findings and counts, without the evidence for them."""
        return cls(release, tuple(Weighed(c.objective, c.finding, c.total, c.bad) for c in release.costs))
