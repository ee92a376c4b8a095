"""Group `ledger`: what exact accounts cost in time and memory, beside the least that anybody would have to do."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from typing import Final, TypeVar

from bench.frame import Compared, Figure, Group, Outcome, Say
from holdfast.core.budget import measure
from holdfast.core.judge import findings
from holdfast.core.ledger import Ledger, Reading, Target
from holdfast.core.objective import BadOverTotal, Objective, ObjectKey, Selector
from holdfast.core.policy import BudgetRemaining, BurnRate, HoldReleases, Mode, Notify, Rule, RuleKey
from holdfast.core.window import Rolling
from holdfast.prometheus.stretches import Stretch, stretches

OBJECTIVES: Final = 10_000
KEPT: Final = 50  # ledgers that are filled with their whole past and weighed
TARGETS: Final = 4  # pods of each
INTERVAL: Final = 15.0
REACH: Final = 45.0
WINDOW: Final = 30 * 86_400.0
NOW: Final = 1_800_000_000.0
POLLS: Final = 5

Readings = dict[Target, Reading]
T = TypeVar("T")

RULES: Final = (
    Rule(RuleKey("p", "exhausted"), Mode.ENFORCE, BudgetRemaining(Fraction(0)), HoldReleases(Fraction(5, 100))),
    Rule(RuleKey("p", "low"), Mode.ENFORCE, BudgetRemaining(Fraction(1, 4)), Notify()),
    Rule(RuleKey("p", "burning"), Mode.ENFORCE, BurnRate(Fraction(10), 3_600), Notify()),
)
WINDOWS: Final = (3_600.0, 300.0)


def objective(number: int) -> Objective:
    """One of many objectives: 99.9 % over 30 days."""
    indicator = BadOverTotal(Selector("http_requests_total"), Selector("http_requests_total"))
    return Objective(ObjectKey("n", f"o{number}"), str(number), 1, Fraction(999, 1000), Rolling(WINDOW), indicator)


QUIET: Final = 1_000
"""Polls from one failure to the next, where hardly anything fails."""
BUSY: Final = 1


def readings(poll: int, failing: int = 3) -> Readings:
    """What four pods count at one poll; one request of each fails every so many polls."""
    return {
        (f"pod-{pod}", "job"): Reading(1000.0 * poll + pod, float(poll // failing), NOW - 86_400)
        for pod in range(TARGETS)
    }


def seconds(work: Callable[[], object]) -> float:
    """Seconds of a core, so that others on this machine do not count; without a collection of garbage in between."""
    gc.collect()
    gc.disable()
    try:
        began = time.thread_time()
        work()
        return time.thread_time() - began
    finally:
        gc.enable()


def cost(say: Say) -> Outcome:
    """One poll of every objective: fed and judged; and the same counters merely subtracted and added up."""
    say(f"{OBJECTIVES:,} objectives x {POLLS} polls")
    objectives = [objective(n) for n in range(OBJECTIVES)]
    ledgers = [Ledger(WINDOW, REACH) for _ in objectives]
    last: list[dict[Target, tuple[float, float]]] = [{} for _ in objectives]
    sums = [[0.0, 0.0] for _ in objectives]

    def feed_and_judge(at: float, read: list[Readings]) -> None:
        for each, ledger, found in zip(objectives, ledgers, read, strict=True):
            ledger.feed(at, found)
            findings(measure(each, ledger, None, WINDOWS, at, INTERVAL), RULES, ())

    def add_up(read: list[Readings]) -> None:
        for before, summed, found in zip(last, sums, read, strict=True):
            for target, reading in found.items():
                total, bad = before.get(target, (0.0, 0.0))
                summed[0] += reading.total - total
                summed[1] += reading.bad - bad
                before[target] = (reading.total, reading.bad)

    ours, plain = [], []
    for poll in range(POLLS):
        read = [readings(poll) for _ in objectives]
        ours.append(seconds(lambda poll=poll, read=read: feed_and_judge(NOW + poll * INTERVAL, read)))  # type: ignore[misc]
        plain.append(seconds(lambda read=read: add_up(read)))  # type: ignore[misc]
    each = 1e6 / OBJECTIVES
    return Outcome(
        min(ours[1:]) * each,
        Compared(
            "subtracting and adding up the same counters in a plain dictionary, without windows or rules",
            min(plain[1:]) * each,
        ),
        f"One poll of {OBJECTIVES:,} objectives with {TARGETS} pods each: every ledger is fed, its window and two burn windows "
        f"are measured and three rules judged, in one thread. Time of a core, not of the clock; the best of {POLLS - 1} polls after a first one, garbage "
        "collection off, divided by the number of objectives. The ledgers are young; a long past costs a binary search more. "
        "Not in it: the queries and parsing of their answers. The goal is a tenth of one core at an interval of 15 s.",
    )


def memory(say: Say) -> Outcome:
    """What one ledger weighs with 30 days behind it, busy and quiet; and what the same points in plain Python do."""
    say(f"{KEPT} ledgers filled with {WINDOW / 86_400:g} days, twice")
    looks = [at for stretch in stretches(NOW - WINDOW, NOW, INTERVAL) for at in _times(stretch)]
    busy, ledger = _weighed(lambda: _filled(looks, BUSY))
    quiet, _ = _weighed(lambda: _filled(looks, QUIET))
    young, _ = _weighed(lambda: _filled(looks[-1:], QUIET))
    points = ledger.points()
    plain, _ = _weighed(lambda: [(n * 15.0, n * 7.0, n * 3.0) for n in range(points)])
    return Outcome(
        busy,
        Compared("as many points (time, total, bad) in a plain list of tuples", plain),
        f"{KEPT} ledgers of {TARGETS} pods, each fed the {len(looks)} looks of a refill over 30 days ({points} points are "
        f"kept), weighed together by tracemalloc and divided. Something fails at every look; where it is every {QUIET:,}th, a ledger "
        f"weighs {quiet:.1f} KiB. Of both, {young:.1f} KiB are the pods and the ledger itself, 8 bytes each point (its time and "
        "the total, while that is a whole number below 2^32), and 8 each point at which something had failed: those dominate "
        "in the busy one. The goal is what 10,000 of them may have of 300 MiB, so that a third is left for everything else.",
    )


def _weighed(make: Callable[[], T]) -> tuple[float, T]:
    """KiB of one of several, and one of them."""
    gc.collect()
    tracemalloc.start()
    try:
        made = [make() for _ in range(KEPT)]
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / KEPT / 1024, made[0]
    finally:
        tracemalloc.stop()


def _times(stretch: Stretch) -> list[float]:
    return [stretch.first + n * stretch.step for n in range(round((stretch.last - stretch.first) / stretch.step) + 1)]


def _filled(looks: list[float], failing: int) -> Ledger:
    ledger = Ledger(WINDOW, REACH)
    for poll, at in enumerate(looks):
        ledger.feed(at, readings(poll, failing), REACH)
    return ledger


GROUP: Final = Group(
    "ledger",
    "what an exact account of every objective costs, at 10,000 objectives",
    (
        Figure("ledger-poll-us", "µs", INTERVAL / 10 / OBJECTIVES * 1e6, cost),
        Figure("ledger-memory-kib", "KiB", 20, memory),
    ),
)
