"""Rules of counters that are estimated from buckets: they round, and they move when the buckets change."""

from __future__ import annotations

import pytest

from holdfast.core.ledger import Ledger, Reading

T = ("t",)


def interpolated(total: float, good: float) -> dict[tuple[str, ...], Reading]:
    """One target of a native histogram."""
    return {T: Reading(total, total - good, 50, True, interpolated=True)}


def test_rounding_is_no_fall() -> None:
    """While every request is slow, the interpolated count of the fast ones is computed anew each time: the last digits
    may be lower, and the slow requests count nevertheless. The same while every request is fast.
    """
    ledger, wobble = Ledger(3600, 3), 1e-10
    ledger.feed(100, interpolated(1000, 700))
    for n in range(1, 11):
        ledger.feed(100 + n, interpolated(1000 + n, 700 - n * wobble))
    assert (ledger.counts(60).total, ledger.counts(60).bad) == (10, 10)
    for n in range(1, 11):
        ledger.feed(110 + n, interpolated(1010 + n, 700 + n + n * wobble))
    assert ledger.counts(60).total == 20
    assert ledger.counts(60).bad == pytest.approx(10)


@pytest.mark.parametrize("moved", [-80, 80])
def test_another_resolution_is_no_event(moved: float) -> None:
    """When a histogram gives up resolution, its interpolated part moves without any request: what came at that look is
    not counted, for nobody knows how it went, and counting goes on from there.
    """
    ledger, good = Ledger(3600, 3), 900.0
    ledger.feed(100, interpolated(1000, good))
    ledger.feed(101, interpolated(1010, good + 9))
    assert (ledger.counts(60).total, ledger.counts(60).bad) == (10, 1)
    ledger.feed(102, interpolated(1020, good + 18 + moved))
    assert (ledger.counts(60).total, ledger.counts(60).bad) == (10, 1)
    ledger.feed(103, interpolated(1030, good + 27 + moved))
    assert (ledger.counts(60).total, ledger.counts(60).bad) == (20, 2)
    ledger.feed(104, interpolated(30, 27))  # a half answer
    ledger.feed(105, interpolated(1050, good + 45 + moved))
    assert (ledger.counts(60).total, ledger.counts(60).bad) == (40, 4)
