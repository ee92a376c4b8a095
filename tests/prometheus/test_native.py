"""Rules of native histograms: which queries read them."""

from __future__ import annotations

import promql_parser
import pytest

from holdfast.core.objective import Latency
from holdfast.prometheus.families import families
from tests.prometheus.making import SOURCE, latency, objective, select


def test_one_query_counts_and_one_more_for_each_threshold() -> None:
    """Objectives with one threshold share the query of what is below it, and all share that of the counts."""
    every = [latency("a", "0.2", job="a"), latency("b", "0.2", job="b"), latency("c", "1", job="a")]
    native = [family for family in families(every) if family.native is not None]
    assert [(f.native and f.native.threshold, len(f.readers)) for f in native] == [(None, 3), (0.2, 2), (1.0, 1)]
    assert [f.depends_on for f in native] == [None, *[("http_request_duration_seconds", ("job",))] * 2]


@pytest.mark.parametrize("threshold", [0.2, 1.0, 1e-05, 2.5e16])
def test_the_queries_are_promql(threshold: float) -> None:
    """Whatever the threshold is."""
    for family in families([objective("o", Latency(select("h", job="a"), threshold))]):
        promql_parser.parse(family.query(SOURCE, 3))
