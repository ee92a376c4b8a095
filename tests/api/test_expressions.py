"""Expressions: a figure for each time and the same whenever it is asked, and a label that nobody gets around."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.api import enforce, parse_expression
from lab.waiting import wait

if TYPE_CHECKING:
    from lab import Cluster

READ: Final = (
    "a",
    "1",
    "vector(1)",
    "time() % 60",
    "(a)",
    "-a ^ 2",
    "(-a) ^ 2 - -1",
    "a offset 1h30m",
    'a{b="c",d!="e",f=~"g.*",h!~"i|j"}',
    "a{b='x\"y\\\\z\\n'}",
    'a{b=" offset 5m {"} offset 250ms',
    '{__name__=~"a|b",c=""}',
    "sum by (x) (rate(a[5m])) / on (x) group_left (y) sum by (x) (rate(b[5m] offset 1d))",
    "sum without (le) (a) unless on () b or vector(0)",
    "max_over_time((a / b)[1h:1m] offset 3m)",
    "quantile_over_time(0.99, rate(a[100ms])[1d2h3m4s5ms:])",
    "histogram_quantile(0.9, sum by (le) (rate(h_bucket[5m])))",
    'label_replace(a, "x", "$1", "y", "(.*)")',
    "topk(scalar(b), a) > bool 3",
    'count_values("v", a) - (b - (c - 1e-7))',
    "absent_over_time(a[5m]) * 1e21 + 0x1F + Inf",
    'a{namespace="other"}',
    'a{namespace=~".*",namespace!="shop"}',
    "min(probe_ssl_earliest_cert_expiry)\n - time()",
    'a{b="\\u0085\\ufffd\\t\\\\"}',
)
REFUSED: Final = {
    "": "the query is empty",
    " \n": "the query is empty",
    "a[5m]": "this is a range",
    "((a[5m]))": "this is a range",
    "a[5m:1m]": "this is a range",
    '"x"': "this is a text",
    '("x")': "this is a text",
    "a @ 5": "@ pins the time",
    "a @ start()": "@ pins the time",
    "rate(a[5m] @ 5)": "@ pins the time",
    "max_over_time(a[5m:1m] @ end())": "@ pins the time",
    "a offset -5m": "a negative offset",
    "rate(a[5m] offset -1ms)": "a negative offset",
    "max_over_time(a[5m:] offset -1h)": "a negative offset",
    "a + start()": "start() depends on how",
    "rate(a[$__interval])": "a variable such as $__interval",
    "a > $limit": "a variable such as $__interval",
    'a{b="c" or d="e"}': "'or' between conditions",
    "a # b": "leave out the comment",
    "a{b=~`\\d`}": "in double quotes",
    "sum(": "this is no PromQL",
    "rate(a)": "this is no PromQL",
    "sum(1)": "this is no PromQL",
    "1 > 2": "this is no PromQL",
    "histogram_quantile offset - Inf": "this is no PromQL",
    "(" * 65 + "a" + ")" * 65: "too large to be read safely",
    "a" + "+a" * 65: "too large to be read safely",
    "a" * 4097: "the query has 4097 characters",
    "\ud800": "this is no PromQL",
}


@pytest.mark.parametrize("text", READ)
def test_figures_are_read(text: str) -> None:
    """Whatever has a value, or a vector of them, for each time is taken as the author wrote it."""
    assert parse_expression(f" {text}\n") == text


@pytest.mark.parametrize(("text", "sentence"), REFUSED.items(), ids=range(len(REFUSED)))
def test_the_rest_is_refused(text: str, sentence: str) -> None:
    """What has no value for each time, or another one whenever it is asked, is refused with a sentence."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_expression(text)
    assert sentence in str(caught.value)


def conditions(text: str) -> list[list[str]]:
    """The conditions of every selector of a text."""
    found: list[list[str]] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append([f"{m.name} {m.op == promql_parser.MatchOp.Equal} {m.value}" for m in node.matchers.matchers])

    promql_parser.walk(promql_parser.parse(text), visit)
    return found


@pytest.mark.parametrize("value", ["shop", 'sh"op\\', "\ufffd\n", 'x"} or {a="', ""])
@pytest.mark.parametrize("text", READ)
def test_an_enforced_label_is_in_every_selector(text: str, value: str) -> None:
    """Each selector demands the label and keeps its own conditions: one that asks for another value gets nothing."""
    before, after = conditions(text), conditions(enforce(text, "namespace", value))
    assert [sorted({*own, f"namespace True {value}"}) for own in before] == [sorted(set(own)) for own in after]


def test_enforcing_twice_changes_nothing_more() -> None:
    """What is enforced already stays as it is."""
    once = enforce("a / b", "namespace", "shop")
    assert once == 'a{namespace="shop"} / b{namespace="shop"}'
    assert conditions(enforce(once, "namespace", "shop"))[0] == ["namespace True shop", "namespace True shop"]


@pytest.mark.parametrize("text", ["info(a)", 'sum(info(a, {k8s="x"}))', "a @ 5", "a[5m]"])
def test_what_cannot_be_enforced_is_not_sent(text: str) -> None:
    """A function that reads what no selector names is refused, and so is whatever is no expression."""
    with pytest.raises(ValueError, match=r"."):
        enforce(text, "namespace", "shop")


def test_labels_of_any_name_can_be_enforced() -> None:
    """A label that is no plain word is quoted."""
    assert enforce("a", "k8s.namespace", "shop") == 'a{"k8s.namespace"="shop"}'


LEAVES = st.sampled_from(["a", 'b{c="d"}', "1.5", '{__name__=~"x|y"}', "e offset 5m", "-f", "2 ^ -1"])
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            "{} {} {}".format,
            inner,
            st.sampled_from(["+", "-", "*", "/", "%", "^", "> bool", "== bool", "atan2"]),
            inner,
        ),
        st.builds("({})".format, inner),
        st.builds("-{}".format, inner),
        st.builds("sum by (x) ({} + g)".format, inner),
        st.builds("max_over_time(({} * h)[5m:1m])".format, inner),
        st.builds("clamp_max({} - on () i, 3)".format, inner),
    ),
    max_leaves=6,
)


@given(EXPRESSIONS)
def test_enforcing_changes_nothing_else(text: str) -> None:
    """Taken out of the text again, the condition leaves the expression that was given."""
    try:
        parse_expression(text)
    except ValueError:
        return
    made = enforce(text, "ns", "only-here")
    plain = made.replace(',ns="only-here"', "").replace('ns="only-here"', "")
    assert "only-here" not in plain
    assert promql_parser.parse(plain).prettify() == promql_parser.parse(text).prettify()


def tree_of(cluster: Cluster, text: str) -> Any:
    """How Prometheus parses a text."""
    address = f"{cluster.prometheus.url}/api/v1/parse_query?query={quote_plus(text)}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)["data"]


def with_condition(node: Any, *condition: str) -> Any:
    """A tree of Prometheus, with one more condition (label, operator, value) in every selector; in a stable order."""
    if isinstance(node, list):
        return [with_condition(inner, *condition) for inner in node]
    if not isinstance(node, dict):
        return node
    made = {key: with_condition(inner, *condition) for key, inner in node.items()}
    if "matchers" in made:
        more = [dict(zip(("name", "type", "value"), condition, strict=True))] if condition else []
        made["matchers"] = sorted([*made["matchers"], *more], key=lambda m: (m["name"], m["type"], m["value"]))
    return made


@pytest.mark.lab
def test_prometheus_reads_the_same_tree(lab_cluster: Cluster) -> None:
    """Prometheus' own parser sees the expression as it was, and the condition in every selector: nothing else moved."""
    for text in READ:
        before, after = tree_of(lab_cluster, text), tree_of(lab_cluster, enforce(text, "tenant", 'sh"op'))
        assert with_condition(before, "tenant", "=", 'sh"op') == with_condition(after), text


@pytest.mark.lab
def test_a_tenant_reads_its_own_series_alone(lab_cluster: Cluster) -> None:
    """On a real Prometheus an enforced expression finds the series of its value, whatever else it asks for."""
    prometheus = lab_cluster.prometheus
    for job in ("tenant-a", "tenant-b"):
        prometheus.add_target(job, prometheus.url.removeprefix("http://"))
    wait(lambda: len(prometheus.query('up{job=~"tenant-."} == 1')) == 2, what="both jobs")
    for text in ("up", 'up{job=~".*"}', 'up{job!=""} or up', "max_over_time(up[5m])", 'up{job!~"x"} + on (job) up'):
        assert {found.labels["job"] for found in prometheus.query(enforce(text, "job", "tenant-a"))} == {"tenant-a"}
    assert prometheus.query(enforce('up{job="tenant-b"}', "job", "tenant-a")) == []
