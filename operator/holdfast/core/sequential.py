"""Is a release to blame, by what its own pods serve? Worked out anew from all rows at every look.

Rule: it is Bad when it fails more than its target allows *and* more than the pods of other releases beside it; once
there are none, when it fails more than the workload did before, and has since it began. Failing too much without that
is Shared. Good needs evidence as well. Whoever keeps the target is called Bad with probability alpha at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from .betting import fault, seen_after
from .intervals import MIN_EVENTS, intervals
from .objective import ObjectKey
from .quantities import Instant, Seconds
from .release import ReleaseFinding
from .suspicion import BESIDE, CLUSTER, OTHERS_SLACK, Suspicion
from .targets import NOTHING, Gain
from .trial import Row, Weighed

ALPHA: Final = 1 / 1000
"""How probable it may be that a release which keeps its targets is stopped, all its objectives together."""

CALM: Final[Seconds] = 300
"""An incident is over when the release kept its target for so long."""

GOOD: Final = math.log(20)
"""A fault of ten times the budget must be ruled out at 1 : 20."""

LATE: Final = 20
"""So many of the last rows tell the present rate."""


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
    release; without any, a release is never to blame once no others serve beside it.
    """
    allowance = min(max(float(allowance), 1e-9), 1 - 1e-9)
    trace = Suspicion.of(allowance, alpha, history)
    for interval in intervals(rows):
        trace.add(interval)
    total, bad = sum(max(0.0, row.new[0]) for row in rows), max(0.0, sum(row.new[1] for row in rows))
    after, rate = seen_after(allowance, typical(trace), alpha), _rate(rows)
    strong, alone = trace.alone.convinces and trace.began_with_it, trace.is_lonely or completed is not None
    found = _guilt(trace, strong=strong, alone=alone, now=rows[-1].at if rows else 0.0)
    if found is None:
        found = _innocence(trace, total, bad, after)
    return Weighed(
        objective,
        found,
        total,
        bad,
        trace.target.log,
        trace.alone.log if alone else trace.more.log,
        strong,
        after,
        after / rate if after is not None and rate > 0 else None,
        better=found is ReleaseFinding.GOOD and not alone and trace.others > OTHERS_SLACK * trace.allowance,
    )


def _guilt(trace: Suspicion, *, strong: bool, alone: bool, now: Instant) -> ReleaseFinding | None:
    """Bad or Shared; Undecided while the others must show which; None when nothing speaks against the release."""
    more, clean = trace.more.log, trace.others <= trace.allowance
    if trace.beside.convinces and more >= BESIDE:
        return ReleaseFinding.BAD
    if alone and strong and clean and more >= 0:
        return ReleaseFinding.BAD
    if not trace.target.convinces or trace.failed is None or now - trace.failed > CALM:
        return None
    return ReleaseFinding.SHARED if alone or more < 0 or not clean else ReleaseFinding.UNDECIDED


def _innocence(trace: Suspicion, total: float, bad: float, after: int | None) -> ReleaseFinding:
    """Good when a fault of ten times the budget would have been seen, is ruled out, and the target seems to be kept.

    It is ruled out by the e-value exp((fault - allowance) total / 5) (allowance / fault)^(bad / 5): fair against any
    rate from the fault on, as long as at most five failures come together (Poisson clusters).
    """
    worst = fault(trace.allowance)
    against = ((worst - trace.allowance) * total - bad * math.log(worst / trace.allowance)) / CLUSTER
    seen = after is not None and total >= after
    return ReleaseFinding.GOOD if seen and against >= GOOD and trace.target.log <= 0 else ReleaseFinding.UNDECIDED


def typical(trace: Suspicion) -> int:
    """The mean size of an interval, to one digit: it only says about how long a fault would need."""
    size = trace.new[0] / trace.count if trace.count else 0.0
    return max(MIN_EVENTS, int(float(f"{size:.1g}")))


def _rate(rows: Sequence[Row]) -> float:
    """Events of the release in a second, of late."""
    late = rows[-LATE:]
    span = late[-1].at - late[0].at if late else 0.0
    return sum(max(0.0, row.new[0]) for row in late[1:]) / span if span > 0 else 0.0
