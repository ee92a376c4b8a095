"""When a release that is at fault is stopped, and not undone: undoing acts by itself, so it is kept from acting wildly.

Rule: what a person asks for is done; everything else is counted. Those that were found bad together stay restrained: time
alone makes no verdict more believable.

How many verdicts at once are no chance? Bad releases come one by one. With 1,000 on trial and one in ten of them bad,
about three are found bad in any two minutes, and ten hardly ever; with a few dozen, more than three in two minutes is as
unlikely. A source of metrics that lies turns all of them within minutes, those with most traffic first. So the bound does
not grow with a fifth of the cluster, which would let a liar undo forty releases of two hundred: it is three, or one in a
hundred of those on trial. Three services that a small team ships together and that all fail are still undone. At the very
worst three are undone before the rest is stopped.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from .hold import Undo, UndoState
from .quantities import Instant, Seconds
from .release import ReleaseRecord, Restrained, RestraintReason

HOUR: Final[Seconds] = 3600
AT_ONCE: Final[Seconds] = 120
"""Releases that are found bad within so long of each other are found bad at once."""

FEW: Final = 3
"""So many at once may be chance, whatever the size of the cluster; so often an hour one workload may be undone."""

SHARE: Final = 100
"""One in so many of those on trial may be chance, too."""

PER_HOUR: Final = 10
"""Releases of a whole cluster that are undone within an hour."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What happens elsewhere: all records of releases, and how many releases are on trial. `per_hour` is a setting."""

    releases: Collection[ReleaseRecord] = ()
    on_trial: int = 0
    per_hour: int = PER_HOUR


def restrained(release: ReleaseRecord, undo: Undo | None, cluster: Cluster, now: Instant) -> Restrained | None:
    """Why this release may not be undone now; None when it may. `undo` is the one that its workload is in.

    For a release that is not being undone yet: an undo that has begun goes on.
    """
    if undo is not None and undo.state is UndoState.UNDER_WAY and undo.bad.digest != release.template.digest:
        why = (
            f"Another release of {release.workload} is being undone (id {undo.id}); this one waits for the end of that."
        )
        return Restrained(RestraintReason.ACTION_UNDER_WAY, why)
    if release.undo is not None:
        return None
    return (
        _tried(release)
        or _again_and_again(release, cluster, now)
        or _many(release, cluster, now)
        or _full(cluster, now, release)
    )


def most_at_once(on_trial: int) -> int:
    """How many releases may be found bad at once by chance."""
    return max(FEW, on_trial // SHARE)


def _tried(release: ReleaseRecord) -> Restrained | None:
    if not release.attempted:
        return None
    why = f"It was tried before to undo this release of {release.workload}, and that is done once. {_by_hand(release)}"
    return Restrained(RestraintReason.ALREADY_TRIED, why)


def _again_and_again(release: ReleaseRecord, cluster: Cluster, now: Instant) -> Restrained | None:
    count = sum(r.workload == release.workload and _lately_undone(r, now) for r in cluster.releases)
    if count < FEW:
        return None
    why = (
        f"{count} releases of {release.workload} were undone within an hour: undoing does not help it, so this one is only "
        f"stopped. {_by_hand(release)}"
    )
    return Restrained(RestraintReason.UNDONE_AGAIN_AND_AGAIN, why)


def _many(release: ReleaseRecord, cluster: Cluster, now: Instant) -> Restrained | None:
    """Counted around the time at which this one was found bad, so that waiting changes nothing."""
    at = now if release.found is None else release.found
    others = {r.workload for r in cluster.releases if r.found is not None and abs(r.found - at) <= AT_ONCE}
    count = len(others | {release.workload})
    if count <= most_at_once(cluster.on_trial):
        return None
    why = (
        f"{count} workloads had a release found bad within two minutes: a fault of the metrics looks like that, so none of "
        f"them is undone by itself. Look at the metrics source first. {_by_hand(release)}"
    )
    return Restrained(RestraintReason.MANY_AT_ONCE, why)


def _full(cluster: Cluster, now: Instant, release: ReleaseRecord) -> Restrained | None:
    count = sum(_lately_undone(r, now) for r in cluster.releases)
    if count < cluster.per_hour:
        return None
    why = f"{count} releases of the cluster were undone within an hour, and {cluster.per_hour} is the limit. {_by_hand(release)}"
    return Restrained(RestraintReason.HOURLY_LIMIT, why)


def _lately_undone(record: ReleaseRecord, now: Instant) -> bool:
    """Within the hour, and not because a person asked."""
    return record.undone is not None and now - record.undone < HOUR and record.undo is None


def _by_hand(release: ReleaseRecord) -> str:
    workload = release.workload
    return f"To undo it all the same: holdfast undo {workload.kind.lower()}/{workload.name} -n {workload.namespace}."
