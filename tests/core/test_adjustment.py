"""Time that does not count: each moment once, for the objectives that are meant."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.adjustment import Adjustment, OneOff, merged
from holdfast.core.labels import LabelRequirement
from holdfast.core.objective import ObjectKey
from holdfast.core.quantities import Span

MOMENTS = range(40)
SPANS = st.lists(st.builds(Span, st.integers(0, 39), st.integers(0, 39)), max_size=12)


def moments(spans: tuple[Span, ...] | list[Span]) -> set[int]:
    """Every whole moment that lies in one of them, one by one."""
    return {at for at in MOMENTS for span in spans if span.begin <= at < span.end}


@pytest.mark.parametrize(
    ("given_", "joined"),
    [
        ([], []),
        ([(1, 3), (2, 5)], [(1, 5)]),
        ([(1, 3), (3, 5)], [(1, 5)]),  # touching
        ([(4, 5), (1, 2)], [(1, 2), (4, 5)]),
        ([(1, 9), (2, 3), (1, 9)], [(1, 9)]),
        ([(2, 2), (5, 4)], []),  # no time at all
    ],
)
def test_what_overlaps_or_touches_is_joined(given_: list[tuple[int, int]], joined: list[tuple[int, int]]) -> None:
    """In order, and without a moment that is listed twice."""
    assert merged(Span(a, b) for a, b in given_) == tuple(Span(a, b) for a, b in joined)


@given(spans=SPANS)
def test_merging_keeps_every_moment_once(spans: list[Span]) -> None:
    """The same moments as one by one, in spans that are apart; their lengths add up to the number of moments."""
    joined = merged(spans)
    assert moments(joined) == moments(spans)
    assert sum(span.end - span.begin for span in joined) == len(moments(spans))
    assert all(a.end < b.begin for a, b in pairwise(joined))
    assert merged(reversed(joined)) == joined


def test_an_adjustment_is_for_its_namespace_and_the_labels_it_selects() -> None:
    """As a policy: without conditions for every objective of the namespace, never for another one's."""
    key = ObjectKey("shop", "maintenance")
    every = Adjustment(key, "uid", 1, (), OneOff(Span(1, 2)), "maintenance", "alice")
    some = Adjustment(key, "uid", 1, (LabelRequirement("tier", "In", ("web",)),), every.change, "maintenance", "alice")
    assert every.covers("shop", {})
    assert not every.covers("bank", {})
    assert some.covers("shop", {"tier": "web"})
    assert not some.covers("shop", {"tier": "batch"})
    assert not some.covers("bank", {"tier": "web"})
