"""When a ledger and its source tell different stories."""

from __future__ import annotations

import pytest

from holdfast.core.drift import Compared


@pytest.mark.parametrize(
    ("counted", "increase", "drift", "agrees"),
    [
        (100_000, 100_000, 0.0, True),
        (112_000, 100_000, 0.12, True),  # births that increase() never saw
        (125_000, 100_000, 0.25, True),
        (126_000, 100_000, 0.26, False),
        (74_000, 100_000, -0.26, False),
        (0, 100_000, -1.0, False),
        (100_000, 0, None, False),  # the source has nothing
        (0, 0, None, True),
        (999, 10, 98.9, True),  # too few to say anything
        (1_000, 10, 99.0, False),
    ],
)
def test_only_a_wide_gap_on_many_events_is_a_drift(
    counted: float, increase: float, drift: float | None, agrees: bool
) -> None:
    """Up to a quarter, or up to a thousand events, nothing can be said."""
    result = Compared(0, counted, increase)
    assert result.agrees is agrees
    assert result.drift == (None if drift is None else pytest.approx(drift))
