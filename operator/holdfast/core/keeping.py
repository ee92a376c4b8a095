"""Which releases are good, which one to go back to, and how long each is kept.

Rule: good is what was complete and has nothing against it: its events speak for it, or it stayed long enough. The releases
to go back to are never forgotten, nor what was undone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from .quantities import Instant, Seconds
from .release import ReleaseFinding, ReleaseRecord, ReleaseState

PROVEN: Final[Seconds] = 3600
"""A release that stays so long after it was complete, and is not found bad, is good."""

GOOD_ONES: Final = 2
"""Whole pod templates are kept of so many good releases: the last one may yet be found bad."""

MOST: Final = 10
"""Releases of one workload that are kept."""

OLDEST: Final[Seconds] = 30 * 86_400
"""How long a release is kept after it ended."""


def present(records: Sequence[ReleaseRecord]) -> ReleaseRecord | None:
    """The release that is declared."""
    return next((r for r in records if r.ended is None), None)


def last_good(records: Sequence[ReleaseRecord], quarantined: Collection[str] = ()) -> ReleaseRecord | None:
    """The newest good release that is neither declared nor quarantined."""
    return next(iter(_good_ones(records, quarantined)), None)


def outdated(
    records: Sequence[ReleaseRecord], now: Instant, quarantined: Collection[str] = ()
) -> tuple[ReleaseRecord, ...]:
    """What need not be kept any longer: the oldest of too many, and what ended long ago.

    Never the present one, one to go back to, or a quarantined one. Of a workload that is gone there is no way back.
    """
    protected = set(quarantined) if present(records) is None else needed(records, quarantined)
    newest_first = sorted(records, key=lambda r: (r.ended is None, r.began), reverse=True)
    return tuple(
        r
        for place, r in enumerate(newest_first)
        if r.template.digest not in protected and (place >= MOST or (r.ended is not None and now - r.ended > OLDEST))
    )


def abandoned(
    records: Sequence[ReleaseRecord], now: Instant, quarantined: Collection[str] = ()
) -> tuple[ReleaseRecord, ...]:
    """What need not be kept any longer of a workload that is gone and that no rule asks about: nobody sees it end."""
    return tuple(r for r in records if r.template.digest not in quarantined and now - _last(r) > OLDEST)


def _last(record: ReleaseRecord) -> Instant:
    times = (record.began, record.started, record.completed, record.ended, record.found, record.undone)
    return max(at for at in times if at is not None)


def judged(record: ReleaseRecord, others: Sequence[ReleaseRecord], now: Instant) -> ReleaseRecord:
    """Whether it is one to go back to. Good it stays until something is found against it."""
    bad = record.finding is ReleaseFinding.BAD
    if bad and record.found is None:
        record = replace(record, found=now)
    undone = record.state is ReleaseState.ROLLED_BACK or (record.attempted and record.allow is None)
    if bad or undone:
        return replace(record, good=False)
    if record.good or record.completed is None:
        return record
    only = record.ended is None and not any(o.good for o in others)
    stayed = (now if record.ended is None else record.ended) - record.completed
    return replace(record, good=only or stayed >= PROVEN or _acquitted(record))


def _acquitted(record: ReleaseRecord) -> bool:
    """Every objective that can tell speaks for it, and one can."""
    telling = [cost for cost in record.costs if cost.finding is not ReleaseFinding.NOT_ATTRIBUTABLE]
    return bool(telling) and all(cost.acquits for cost in telling)


def _good_ones(records: Sequence[ReleaseRecord], quarantined: Collection[str]) -> list[ReleaseRecord]:
    """Those to go back to, the newest first."""
    found = [r for r in records if r.good and r.ended is not None and r.template.digest not in quarantined]
    return sorted(found, key=lambda r: r.began, reverse=True)


def needed(records: Sequence[ReleaseRecord], quarantined: Collection[str]) -> set[str]:
    """The digests of those whose whole pod templates are kept."""
    now = present(records)
    good = [r.template.digest for r in _good_ones(records, quarantined)[:GOOD_ONES]]
    return {*good, *quarantined, *(() if now is None else (now.template.digest,))}
