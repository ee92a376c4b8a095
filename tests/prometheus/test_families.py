"""Rules of batching: few queries for many objectives, each as narrow as it can be, and nobody can break another's."""

from __future__ import annotations

import re
from dataclasses import replace

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.objective import Match, Matcher, Selector
from holdfast.prometheus.families import PART, TOTAL, families, start_query, target_of
from holdfast.prometheus.narrowing import LONGEST, Width, escape, narrowing
from tests.prometheus.making import SOURCE, errors, latency, select, successes

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(st.sampled_from('\\"\n|.*(){}'))


def test_objectives_of_one_shape_share_one_query() -> None:
    """A thousand objectives that look at the same labels of the same metric are one query."""
    every = [errors(f"o{n}", namespace="shop", job=f"job-{n}") for n in range(1000)]
    (family,) = families(every)
    assert (family.metric, family.labels, len(family.readers)) == (
        "http_requests_total",
        ("code", "job", "namespace"),
        2000,
    )


def test_a_metric_or_a_label_more_is_another_query() -> None:
    """Each metric and set of labels has a family of its own; total and part of one metric are never apart.

    A histogram may be a native one, which is a metric of its own, with one query more for each threshold.
    """
    every = [
        errors(job="a"),
        successes(job="a"),
        latency(job="a"),
        errors("b", job="a", zone="x"),
        errors("c", "other_total"),
    ]
    assert [(f.metric, f.labels) for f in families(every)] == [
        ("http_request_duration_seconds", ("job",)),
        ("http_request_duration_seconds", ("job",)),
        ("http_request_duration_seconds_bucket", ("job", "le")),
        ("http_requests_total", ("code", "job")),
        ("http_requests_total", ("code", "job", "zone")),
        ("other_total", ("code",)),
    ]


def test_the_query_sums_per_target_and_label() -> None:
    """The last value of each series in the range, per target and matched label, as PromQL understands it."""
    (family,) = families([errors(namespace="shop", job="a"), errors("b", namespace="shop", job="b.c")])
    assert family.query(replace(SOURCE, same_counter=("replica", "job")), 17) == (
        "sum by (job, instance, namespace, pod, container, code) (max without (replica) "
        '(last_over_time(http_requests_total{job=~"a|b\\\\.c",namespace=~"shop"}[17000ms])))'
    )
    promql_parser.parse(family.query(SOURCE, 17))


def test_starts_are_asked_for_by_target_labels_only() -> None:
    """The start metric has the labels of the target, not those of the counter."""
    found = families([errors(namespace="shop", job="a", method="GET"), latency(namespace="other", job="a")])
    assert start_query(SOURCE, found, 3) == (
        "max by (job, instance, namespace, pod, container) "
        '(last_over_time(process_start_time_seconds{job=~"a",namespace=~"other|shop"}[3000ms]))'
    )


NARROW = [
    pytest.param([select("m", a="x")], '{a=~"x"}', id="a value"),
    pytest.param([select("m", a="x"), select("m", a="y")], '{a=~"x|y"}', id="the union"),
    pytest.param([select("m", a="x"), select("m", a="~y.+")], '{a=~"(?:y.+)|x"}', id="values and plain regexes"),
    pytest.param([select("m", a="x"), select("m", b="y")], "", id="a label that one does not look at"),
    pytest.param([select("m", a="x"), select("m", a="!y")], "", id="a label that one only excludes"),
    pytest.param([select("m", a="x"), select("m", a="~(?i)y")], "", id="a regex with flags"),
    pytest.param([select("m", a="~(?P<n>x)"), select("m", a="~(?P<n>y)")], "", id="two groups of one name"),
    pytest.param([select("m", a="~x{1000}")], "", id="a counted repeat"),
    pytest.param([select("m", a="")], '{a=~"()"}', id="an absent label"),
    pytest.param([Selector("m")], "", id="no condition at all"),
]


@pytest.mark.parametrize(("selectors", "expected"), NARROW)
def test_narrowing(selectors: list[Selector], expected: str) -> None:
    """Only what every selector demands, and cannot make the query fail, is demanded of the source."""
    assert narrowing(selectors) == expected


def test_narrowing_can_be_widened() -> None:
    """A source that refuses the query is asked with plain values only, and then with nothing."""
    every = [select("m", a="x", b="~y|z")]
    assert [narrowing(every, width) for width in Width] == ['{a=~"x",b=~"(?:y|z)"}', '{a=~"x"}', ""]


def test_a_query_stays_short() -> None:
    """With too many values the longest condition is left out."""
    every = [select("m", job="j" * 100 + str(n), namespace="shop") for n in range(2000)]
    assert narrowing(every) == '{namespace=~"shop"}'
    assert len(narrowing(every[:500])) < LONGEST


@given(st.lists(TEXTS, min_size=1, max_size=5), TEXTS)
def test_narrowing_never_leaves_a_series_out(values: list[str], other: str) -> None:
    """Whatever the values are, the regex matches exactly them, and the query is one that PromQL reads."""
    promql_parser.parse("m" + narrowing([Selector("m", (Matcher("a", Match.EQUAL, v),)) for v in values]))
    pattern = "|".join(escape(value) for value in values)
    assert all(re.fullmatch(pattern, value) for value in values)
    assert bool(re.fullmatch(pattern, other)) == (other in values)


def test_a_series_is_given_to_all_that_read_it() -> None:
    """The total of one objective can be the part of another; what nobody reads belongs to nobody."""
    (family,) = families([errors("e", job="a"), successes("s", job="a")])
    keys = {"e": errors("e").key, "s": successes("s").key}
    assert set(family.roles({"job": "a", "code": "200"})) == {(keys["e"], TOTAL), (keys["s"], TOTAL), (keys["s"], PART)}
    assert set(family.roles({"job": "a", "code": "503"})) == {(keys["e"], TOTAL), (keys["e"], PART), (keys["s"], TOTAL)}
    assert family.roles({"job": "b", "code": "200"}) == ()


def test_a_target_is_named_by_the_labels_of_its_source() -> None:
    """In the order of the configuration; a label that is absent is empty."""
    assert target_of(SOURCE, {"pod": "p", "job": "j", "code": "200"}) == ("j", "", "", "p", "")
