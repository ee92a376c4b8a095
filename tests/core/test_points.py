"""The columns that points are kept in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.points import Totals


@given(st.lists(st.integers(-3, 2**33) | st.floats(-1e12, 1e12) | st.sampled_from((2**32 - 1, 2**32, 0.5))))
def test_totals_keep_their_numbers_whatever_space_they_take(values: list[float]) -> None:
    """Whole numbers that fit take 32 bits each; the first that does not makes room for all, and changes none."""
    totals = Totals(values)
    assert list(totals) == values
    assert list(totals[1:]) == values[1:]
    narrow = all(0 <= value < 2**32 and value == int(value) for value in values)
    assert totals[:].itemsize == (4 if narrow else 8)
