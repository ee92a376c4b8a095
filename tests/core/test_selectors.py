"""Which series and which objects are meant: PromQL's selectors and Kubernetes' label selectors, as those define them."""

from __future__ import annotations

from fractions import Fraction

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.labels import LabelRequirement
from holdfast.core.objective import Match, Matcher, ObjectKey, Selector, Workload, quote
from holdfast.core.policy import Policy, Verdict
from tests.core.making import objective, percent

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.text(st.sampled_from('\\"\n\ufffdnu\x00{}'))


@settings(deadline=None)
@given(TEXTS)
def test_a_quoted_value_is_read_back_by_promql(value: str) -> None:
    """Whatever the value, PromQL's parser reads exactly it, and nothing more: no value can change a query."""
    selector = Selector("m", (Matcher("a", Match.EQUAL, value), Matcher("b", Match.NOT_EQUAL, "x")))
    parsed = promql_parser.parse(str(selector))
    assert isinstance(parsed, promql_parser.VectorSelector)
    assert [(m.name, m.value) for m in parsed.matchers.matchers] == [("a", value), ("b", "x")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", '"x"'),
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
        ("a\nb", r'"a\nb"'),
        ('\\"', r'"\\\""'),
        ("\\n", r'"\\n"'),
        ("\ufffd", r'"\ufffd"'),
    ],
)
def test_quoting(value: str, text: str) -> None:
    """Backslashes, quotes, line ends, and the character that Prometheus takes for broken UTF-8."""
    assert quote(value) == text


def test_a_selector_is_written_as_promql() -> None:
    """The metric, and the matchers in braces where there are any."""
    assert str(Selector("up")) == "up"
    four = tuple(Matcher(label, how, "v") for label, how in zip("abcd", Match, strict=True))
    assert str(Selector("up", four)) == 'up{a="v",b!="v",c=~"v",d!~"v"}'
    assert Selector("up", four).labels == frozenset("abcd")


@pytest.mark.parametrize(
    ("how", "value", "labels", "matches"),
    [
        (Match.EQUAL, "x", {"a": "x"}, True),
        (Match.EQUAL, "x", {"a": "y"}, False),
        (Match.EQUAL, "", {}, True),  # absent is empty
        (Match.EQUAL, "x", {}, False),
        (Match.NOT_EQUAL, "x", {"a": "y"}, True),
        (Match.NOT_EQUAL, "x", {"a": "x"}, False),
        (Match.NOT_EQUAL, "x", {}, True),
        (Match.NOT_EQUAL, "", {}, False),
        (Match.REGEX, "5..", {"a": "503"}, True),
        (Match.REGEX, "5..", {"a": "5030"}, False),  # anchored at the end
        (Match.REGEX, "5..", {"a": "1503"}, False),  # and at the start
        (Match.REGEX, "a|b", {"a": "b"}, True),
        (Match.REGEX, "a|b", {"a": "ab"}, False),  # the anchors hold both branches
        (Match.REGEX, ".*", {}, True),
        (Match.REGEX, ".+", {}, False),
        (Match.NOT_REGEX, "5..", {"a": "200"}, True),
        (Match.NOT_REGEX, "5..", {"a": "503"}, False),
        (Match.NOT_REGEX, ".+", {}, True),
    ],
)
def test_labels_are_compared_as_in_promql(how: Match, value: str, labels: dict[str, str], matches: bool) -> None:
    """Four ways to compare; an absent label is an empty one; regexes are anchored."""
    assert Selector("m", (Matcher("a", how, value),)).matches(labels) is matches


def test_every_matcher_must_agree() -> None:
    """One that does not is enough to leave a series out, whichever it is."""
    both = Selector("m", (Matcher("a", Match.EQUAL, "1"), Matcher("b", Match.REGEX, "2")))
    assert both.matches({"a": "1", "b": "2", "c": "3"})
    assert not both.matches({"a": "1", "b": "x"})
    assert not both.matches({"a": "x", "b": "2"})


@pytest.mark.parametrize(
    ("operator", "values", "labels", "met"),
    [
        ("In", ("a", "b"), {"tier": "b"}, True),
        ("In", ("a", "b"), {"tier": "c"}, False),
        ("In", ("a", "b"), {}, False),
        ("NotIn", ("a", "b"), {"tier": "c"}, True),
        ("NotIn", ("a", "b"), {"tier": "a"}, False),
        ("NotIn", ("a", "b"), {}, True),  # true for an absent label
        ("Exists", (), {"tier": ""}, True),
        ("Exists", (), {}, False),
        ("DoesNotExist", (), {}, True),
        ("DoesNotExist", (), {"tier": ""}, False),
        ("In", ("",), {"tier": ""}, True),
        ("In", ("",), {}, False),  # unlike PromQL, absent is not empty
    ],
)
def test_labels_are_compared_as_in_kubernetes(
    operator: str, values: tuple[str, ...], labels: dict[str, str], met: bool
) -> None:
    """The four operators of a label selector."""
    assert LabelRequirement("tier", operator, values).met_by(labels) is met


def test_a_policy_covers_what_it_selects_in_its_own_namespace() -> None:
    """No selector covers everything; several requirements must all be met; another namespace is never covered."""
    key = ObjectKey("shop", "default")
    wide = Policy(key, "u", 1, (), ())
    assert wide.covers("shop", {})
    assert not wide.covers("bank", {})
    both = (LabelRequirement("tier", "In", ("web",)), LabelRequirement("team", "Exists"))
    narrow = Policy(key, "u", 1, both, ())
    assert narrow.covers("shop", {"tier": "web", "team": "x"})
    assert not narrow.covers("shop", {"tier": "web"})
    assert not narrow.covers("shop", {"team": "x"})
    assert not narrow.covers("bank", {"tier": "web", "team": "x"})


def test_names_in_sentences() -> None:
    """An object is its namespace and name, a workload has its kind before, and its Hold is named after both."""
    workload = Workload("shop", "Deployment", "checkout")
    assert str(ObjectKey("shop", "latency")) == "shop/latency"
    assert str(workload) == "Deployment shop/checkout"
    assert workload.hold_name == "deployment-checkout"
    assert [v.label for v in Verdict] == ["Open", "Notify", "Hold", "RollBack"]


@pytest.mark.parametrize(("target", "enough"), [("99.9", 1000), ("99", 100), ("50", 2), ("99.97", 3334), ("30", 2)])
def test_enough_events_are_those_that_expect_one_failure(target: str, enough: int) -> None:
    """1 / (1 - target), rounded up, unless the author said another number."""
    assert objective(target=percent(target)).enough_events == enough
    assert objective(target=percent(target), min_events=7).enough_events == 7
    assert objective(target=percent(target), min_events=0).enough_events == 0


def test_the_highest_burn_is_when_everything_fails() -> None:
    """No rule above 1 / (1 - target) can ever fire."""
    assert objective(target=percent("99.9")).highest_burn == 1000
    assert objective(target=percent("99.9")).allowance == Fraction(1, 1000)
