"""Is a release to blame, by what its own pods serve? Worked out anew from all rows at every look.

Rule: rows are merged until the release has served ten events, which says nothing of how many failed; then its bad
ratio bets three times (`betting`), each time against more:
* *the target*: the budget's allowance. Convincing means that the release fails too much, for whatever reason;
* *the pods of other releases*, while there are any: the allowance, or twice what they fail at, if that is more. An
  incident that hits both has no winnings here. They must also have a smaller share of the failures than of the
  traffic (a likelihood ratio), which counts where they serve too little for a ratio;
* *its own past*, where there are none: five times what the workload failed at before, if that is more. Nothing tells
  an incident from a bad release then, so the failures must have begun with the release.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from .betting import Wealth, fault, seen_after
from .objective import ObjectKey
from .quantities import Instant, Seconds
from .release import ReleaseFinding
from .targets import NOTHING, Gain
from .trial import Row, Weighed

ALPHA: Final = 1 / 1000
"""How probable it may be that a release which keeps its target is stopped, all its objectives together."""

MIN_EVENTS: Final = 10
"""An interval has at least so many: a retried request would else be an interval, and then a second one."""

BESIDE: Final = math.log(20)
"""So strongly must the likelihood ratio say that the release fails more than the pods beside it, as a logarithm."""

ONE_INTERVAL: Final = math.log(10)
"""At most so much may one interval say of that: failures that come together are one event, not many."""

WORSE: Final = (3, 6, 12, 25, 50, 100, 400, 1600)
"""So many times the bad ratio of the others is what the likelihood ratio looks for."""

OTHERS_SLACK: Final = 2
PAST_SLACK: Final = 5
"""So many times what others, or the past, fail at is no news: new pods are cold, and traffic is not shared evenly."""

AT_ONCE: Final[Seconds] = 60
"""Failures that begin within this time begin with the release; so do those before enough events to see a fault."""

CALM: Final[Seconds] = 300
"""An incident is over when the release kept its target for so long."""

GOOD: Final = math.log(20)
CLUSTER: Final = 5
"""A fault of ten times the budget is ruled out at 1 : 20, even if its failures come five at a time."""

_LOG_WORSE: Final = tuple(map(math.log, WORSE))
_ONSET: Final = 0.075  # the share whose bet tells when failures began: slow enough for faults of a few times the budget


@dataclass(frozen=True, slots=True)
class Interval:
    """What was counted until `at`: (total, bad) of the release and of the others, and the release's total before."""

    at: Instant
    new: Gain
    old: Gain
    before: float


@dataclass(slots=True)
class Trace:
    """What the intervals so far say."""

    allowance: float
    past: float  # the bad ratio that would be no news, from before the release
    target: Wealth = field(default_factory=Wealth)
    beside: Wealth = field(default_factory=Wealth)
    alone: Wealth = field(default_factory=Wealth)
    likelihoods: list[float] = field(default_factory=lambda: [0.0] * len(WORSE))
    old: Gain = NOTHING  # of the others, all intervals together
    lonely: bool = True  # nobody served beside it in the last interval
    bad_at: Instant | None = None  # the last interval above the allowance
    rise: float = 0.0  # since failures began, as a logarithm; at or below 0 they have not
    onset: tuple[Instant | None, float] = (None, 0.0)  # when, and after how many events, failures began

    def add(self, interval: Interval) -> None:
        """One more interval."""
        (n, e), (m, f) = interval.new, interval.old
        ratio = e / n
        self.old = self.old[0] + m, self.old[1] + f
        self.lonely = m == 0
        allowance = max(self.allowance, _no_news(m, f), self.others)
        self.target.bet(ratio, self.allowance)
        if m > 0:
            self.beside.bet(ratio, allowance)
            self._compare(interval)
        self.alone.bet(ratio, max(allowance, self.past))
        if ratio > self.allowance:
            self.bad_at = interval.at
        if self.rise <= 0:
            self.rise, self.onset = 0.0, (interval.at, interval.before)
        self.rise += math.log1p(_ONSET * (ratio / max(allowance, self.past) - 1))

    def _compare(self, interval: Interval) -> None:
        """The likelihood that the release has so many times the others' bad ratio, over that of an equal one."""
        (n, e), (m, f) = interval.new, interval.old
        if e <= 0 and f <= 0:
            return
        self.likelihoods = [
            was + min((e + f) * math.log((n + m) / (worse * n + m)) + e * log, ONE_INTERVAL)
            for was, worse, log in zip(self.likelihoods, WORSE, _LOG_WORSE, strict=True)
        ]

    @property
    def likelihood(self) -> float:
        """The mean over the multiples, as a logarithm."""
        most = max(self.likelihoods)
        return most + math.log(sum(math.exp(log - most) for log in self.likelihoods) / len(WORSE))

    @property
    def others(self) -> float:
        """The bad ratio that is no news, by the others in the whole trial."""
        return _no_news(*self.old)


def weigh(
    objective: ObjectKey,
    rows: Sequence[Row],
    allowance: float,
    *,
    alpha: float = ALPHA,
    history: Gain = NOTHING,
    completed: Instant | None = None,
) -> Weighed:
    """What the events of one objective say of a release.

    `rows` are in the order of time, from its first pod on. `allowance` is the share of events that may be bad, `alpha`
    this objective's part of the probability of a false stop. `history` is what the workload counted before the
    release; without any, a release that nobody serves beside is never to blame.
    """
    allowance = min(max(float(allowance), 1e-9), 1 - 1e-9)
    trace = Trace(allowance, min(1.0, PAST_SLACK * (history[1] + 1) / history[0]) if history[0] > 0 else 1.0)
    sizes: list[float] = []
    for interval in intervals(rows):
        trace.add(interval)
        sizes.append(interval.new[0])
    total, bad = sum(max(0.0, row.new[0]) for row in rows), max(0.0, sum(row.new[1] for row in rows))
    after = seen_after(allowance, _typical(sizes), alpha)
    strong = trace.alone.convinces(alpha) and _began_with_it(trace, rows, after)
    rate = _rate(rows, total)
    return Weighed(
        objective,
        _finding(
            trace, alpha, strong=strong, alone=trace.lonely or completed is not None, now=rows[-1].at if rows else 0
        )
        or _innocence(trace, total, bad, after),
        total,
        bad,
        trace.target.log,
        trace.alone.log if trace.old[0] <= 0 else trace.likelihood,
        strong,
        after,
        after / rate if after is not None and rate > 0 else None,
    )


def _finding(trace: Trace, alpha: float, *, strong: bool, alone: bool, now: Instant) -> ReleaseFinding | None:
    """Bad, Shared, or None when nothing speaks against the release."""
    beside = trace.likelihood
    if trace.beside.convinces(alpha) and beside >= BESIDE:
        return ReleaseFinding.BAD
    if alone and strong and trace.others <= trace.allowance:
        return ReleaseFinding.BAD
    if not trace.target.convinces(alpha) or trace.bad_at is None or now - trace.bad_at > CALM:
        return None
    if alone or beside < 0 or trace.others > trace.allowance:
        return ReleaseFinding.SHARED
    return ReleaseFinding.UNDECIDED


def _innocence(trace: Trace, total: float, bad: float, after: int | None) -> ReleaseFinding:
    """Good when a fault of ten times the budget would have been seen, is ruled out, and the target seems kept.

    Poisson clusters of at most five failures, ratio r = fault / allowance: the logarithm of the e-value against the
    fault is ((fault - allowance) total - bad log r) / 5.
    """
    worst = fault(trace.allowance)
    ruled_out = ((worst - trace.allowance) * total - bad * math.log(worst / trace.allowance)) / CLUSTER >= GOOD
    seen = after is not None and total >= after
    return ReleaseFinding.GOOD if seen and ruled_out and trace.target.log <= 0 else ReleaseFinding.UNDECIDED


def intervals(rows: Sequence[Row]) -> Iterator[Interval]:
    """Rows merged until the release has served ten events; what is left waits.

    Bad events are counted a moment before or after their totals where they follow from good ones: what does not fit
    into an interval belongs to the next.
    """
    n = e = m = f = before = 0.0
    for row in rows:
        n, e = n + max(0.0, row.new[0]), e + row.new[1]
        m, f = m + max(0.0, row.old[0]), f + row.old[1]
        if n >= MIN_EVENTS:
            bad, worse = min(max(e, 0.0), n), min(max(f, 0.0), m)
            yield Interval(row.at, (n, bad), (m, worse), before)
            n, e, m, f, before = 0.0, e - bad, 0.0, f - worse, before + n


def _no_news(total: float, bad: float) -> float:
    """The bad ratio that these events of others excuse; a single failure excuses nothing."""
    return min(1.0, OTHERS_SLACK * max(0.0, bad - 1) / total) if total > 0 else 0.0


def _began_with_it(trace: Trace, rows: Sequence[Row], after: int | None) -> bool:
    """Whether the failures that still go on began with the release."""
    at, before = trace.onset
    first = next((row.at for row in rows if row.new[0] > 0), None)
    if at is None or first is None:
        return False
    return at - first <= AT_ONCE or (after is not None and before <= after)


def _typical(sizes: Sequence[float]) -> int:
    """The mean size of an interval, to one digit: it only says about how long a fault would need."""
    return max(MIN_EVENTS, int(float(f"{sum(sizes) / len(sizes):.1g}"))) if sizes else MIN_EVENTS


def _rate(rows: Sequence[Row], total: float) -> float:
    """Events of the release in a second, over the last half of its rows."""
    late = [row for row in rows if row.new[0] > 0][-20:]
    span = late[-1].at - late[0].at if late else 0.0
    return sum(row.new[0] for row in late[1:]) / span if span > 0 and total > 0 else 0.0
