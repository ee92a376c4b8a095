"""What one scraped process has counted since it was last looked at.

A process counts from zero; its start time tells one life from the next under the same name. Within a life counters
never fall: a look that says otherwise is a half answer or an echo of older samples, so it is not believed, and the next
one catches up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from .quantities import Instant, Seconds

Target = tuple[str, ...]
"""The values of the labels that identify one scraped process, in an order fixed by the source."""

Gain = tuple[float, float]
"""(events, bad events). Bad ones can be negative where they follow from good ones counted a moment late."""

NOTHING: Final[Gain] = (0.0, 0.0)

JITTER: Final[Seconds] = 1.0
"""Start times closer than this are one life: some systems compute them anew, and differently, at every scrape."""

NOISE: Final = 1e-9
"""So little of a counter is neither a fall nor a rise: an interpolated one is computed anew at every look."""

PATIENCE: Final[Seconds] = 300
"""A counter that stays below what it was for longer than this has lost a part; differences begin anew from there."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of one target at one time, and when its process started where that is known.

    `derived` says that the program counts good events, and bad is total minus those. `process` names what keeps its
    name when scraping is configured anew (namespace, pod and container), where that is known. `born` is when its pod
    started: the process is not older, and may have started again since, so this says nothing of restarts. `interpolated`
    says that the part is estimated from buckets: another resolution moves it without any event.
    """

    total: float
    bad: float
    started: Instant | None = None
    derived: bool = False
    process: tuple[str, ...] | None = field(default=None, compare=False)
    born: Instant | None = None
    interpolated: bool = False

    @property
    def since(self) -> Instant | None:
        """The earliest time at which it can have begun to count."""
        return self.born if self.started is None else self.started

    @property
    def part(self) -> float:
        """The counter beside the total: of bad events, or of good ones where bad is derived."""
        return self.total - self.bad if self.derived else self.bad


@dataclass(slots=True)
class Seen:
    """What is remembered of a target."""

    total: float
    part: float
    started: Instant | None
    at: Instant  # the last look that saw it
    alive: Instant  # its last sample is not older than this
    owed: Reading | None = None  # what it had counted at first sight, until its start is known
    mixed: Reading | None = None  # of a new life, while samples of the old one may still be in the range
    doubted: Instant | None = None  # its counters are below what they were, since this look
    process: tuple[str, ...] | None = None  # as in Reading
    born: Instant | None = None  # as in Reading

    def is_same(self, reading: Reading) -> bool:
        """Whether this is the process of a reading under another target: it has the same name and the same start."""
        if reading.process != self.process:
            return False
        if reading.started is None:
            return reading.born is not None and reading.born == self.born
        return reading.started in (self.started, self.mixed.started if self.mixed is not None else None)


def meet(at: Instant, reading: Reading, reach: Seconds, since: Instant | None) -> tuple[Seen, Gain]:
    """A target seen for the first time. Everything a newborn counted is new.

    One that started before `since` is a baseline, and without `since` all are. Where the start is not known yet the
    decision waits for it.
    """
    seen = Seen(
        reading.total, reading.part, reading.started, at, at - reach, process=reading.process, born=reading.born
    )
    if since is None:
        return seen, NOTHING
    if reading.since is None:
        seen.owed = reading
        return seen, NOTHING
    return seen, (reading.total, reading.bad) if reading.since > since else NOTHING


def advance(seen: Seen, at: Instant, reading: Reading, reach: Seconds, since: Instant) -> Gain:
    """What a known target counted since it was last seen; updates the memory of it.

    `since` decides on a target whose start was unknown at first sight. A container that starts again keeps its name, and
    series that the new process does not show yet still have the old one's last value for `reach` seconds: its counts
    are credited when those samples are out of the range, or when it starts yet again.
    """
    alive, seen.at, seen.alive = seen.alive, at, at - reach
    if reading.started is None or seen.started is None:
        if seen.started is not None:
            seen.alive = alive  # nothing told whose samples these are
        return _unsure(seen, at, reading, reach, since)
    if reading.started < seen.started - JITTER and seen.started > at - reach:
        return NOTHING  # the life before, still in the range under another target's labels
    if not _is_new_life(seen.started, reading, alive, seen.total):
        if seen.mixed is not None and (seen.mixed.started or 0) <= at - reach:
            seen.mixed, seen.started = None, max(seen.started, reading.started)  # judged once, not at every look anew
        return _difference(seen, at, reading)
    gain = NOTHING
    if seen.mixed is not None and (seen.mixed.started or 0) + JITTER < reading.started:
        gain = _careful(seen, seen.mixed)
    if reading.started >= at - reach:
        seen.mixed, seen.alive = reading, alive
        return gain
    seen.started = reading.started
    return _sum(gain, _begin(seen, at, reading))


def _is_new_life(started: Instant, reading: Reading, alive: Instant, total: float) -> bool:
    """A process that started after the last sample of the one before; the fall covers clocks that differ."""
    if reading.started is None or reading.started <= started + JITTER:
        return False
    return reading.started > alive or reading.total <= total / 2


def _unsure(seen: Seen, at: Instant, reading: Reading, reach: Seconds, since: Instant) -> Gain:
    """Without both start times. A target that never had one was reset when its total fell to half and stayed there
    until the samples from before must be out of the range. One that had one is not believed without it: it may be
    another life, and would count again when the start is back.
    """
    if seen.started is not None:
        seen.doubted = at if seen.doubted is None else seen.doubted
        if at - seen.doubted <= PATIENCE:
            return NOTHING
        seen.started = seen.mixed = None
    gain, owed = NOTHING, seen.owed
    fell = reading.total <= seen.total / 2 or _is_new_pod(seen, reading)
    if reading.since is not None:
        seen.started, seen.owed = reading.started, None
        if owed is not None and reading.since > since:
            gain = owed.total, owed.bad
    if fell and seen.doubted is not None and at - seen.doubted >= reach:
        return _sum(gain, _begin(seen, at, reading))
    return _sum(gain, _difference(seen, at, reading))


def _is_new_pod(seen: Seen, reading: Reading) -> bool:
    """Another pod under the same name. Its start is remembered only when its counts are, in `_difference`."""
    return seen.born is not None and reading.born is not None and reading.born > seen.born + JITTER


def _begin(seen: Seen, at: Instant, reading: Reading) -> Gain:
    """Another life under the same name counted this from zero."""
    seen.total = seen.part = 0.0
    seen.owed = seen.mixed = None
    return _difference(seen, at, reading)


def _difference(seen: Seen, at: Instant, reading: Reading) -> Gain:
    """The gain over the last values, which these replace; nothing while one of the counters is below what it was."""
    total, part = reading.total - seen.total, reading.part - seen.part
    if reading.interpolated and total >= 0:
        if not -NOISE * reading.total <= part <= total + NOISE * reading.total:
            seen.total, seen.part, seen.doubted = reading.total, reading.part, None
            return NOTHING  # the buckets are others now; nobody knows which of these events were good
        part = min(max(part, 0.0), total)
    if total < 0 or part < 0:
        seen.doubted = at if seen.doubted is None else seen.doubted
        if at - seen.doubted <= PATIENCE:
            return NOTHING
        total = part = 0.0
    seen.total, seen.part, seen.doubted = reading.total, reading.part, None
    seen.born = seen.born if reading.born is None else reading.born
    return total, total - part if reading.derived else part


def gives_up(seen: Seen, was: Gain, gained: Gain) -> bool:
    """Whether differences began anew from lower counters after a doubt: `was` is the total and the part before. What
    was counted since the doubt began is not known.
    """
    return seen.doubted is None and gained == NOTHING and (seen.total < was[0] or seen.part < was[1])


def _careful(seen: Seen, mixed: Reading) -> Gain:
    """The least that a life counted which was never seen without samples of the life before.

    Of the good as of the bad events: what did not fall may be the old one's value, with the new one's on top.
    """
    bad_before = seen.total - seen.part if mixed.derived else seen.part
    good_before, good = seen.total - bad_before, mixed.total - mixed.bad
    bad = mixed.bad - (bad_before if mixed.bad >= bad_before else 0.0)
    good -= good_before if good >= good_before else 0.0
    seen.total, seen.part, seen.started = mixed.total, mixed.part, mixed.started
    seen.mixed = seen.doubted = None
    return good + bad, bad


def _sum(one: Gain, other: Gain) -> Gain:
    return one[0] + other[0], one[1] + other[1]
