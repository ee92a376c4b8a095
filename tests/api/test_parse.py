"""From objects to core values: every refusal has its place and its sentence, and nothing crashes."""

from __future__ import annotations

from collections import UserDict
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from holdfast.api import Invalid, parse_adjustment, parse_hold, parse_objective, parse_policy
from holdfast.core.adjustment import Adjustment, OneOff, Recurring, Reset
from holdfast.core.labels import LabelRequirement
from holdfast.core.objective import (
    BadOverTotal,
    Composite,
    Gauge,
    GoodOverTotal,
    Indicator,
    Latency,
    Match,
    Matcher,
    ObjectKey,
    Part,
    Proportion,
    Selector,
    TimeSlices,
    Workload,
)
from holdfast.core.policy import (
    BudgetRemaining,
    BudgetSpent,
    BurnRate,
    HoldReleases,
    Mode,
    Notify,
    Policy,
    Rule,
    RuleKey,
)
from holdfast.core.quantities import Span
from holdfast.core.window import Calendar, Period, Rolling, Window
from holdfast.prometheus.families import bound_of, selectors
from tests.api.samples import (
    ACCEPTED,
    BAD,
    BURN,
    LOW,
    NOTIFY,
    ONLY_PARSED,
    PARSERS,
    REFUSED,
    SPENT,
    TOTAL,
    Json,
    Refused,
    adjustment,
    hold,
    objective,
    policy,
    recurring,
    rule,
)

EXAMPLES: Final = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


def parse(body: Json) -> object:
    """With the parser of its kind."""
    return PARSERS[body["kind"]](body)


@pytest.mark.parametrize("refused", [*REFUSED, *ONLY_PARSED], ids=str)
def test_a_refusal_has_its_place_and_its_sentence(refused: Refused) -> None:
    """What is wrong is said once, at its path, in a sentence that tells how to mend it."""
    with pytest.raises(Invalid) as caught:
        parse(refused.body)
    (problem,) = caught.value.errors
    assert problem.path == refused.path
    assert refused.sentence in problem.sentence


@pytest.mark.parametrize("body", ACCEPTED)
def test_sound_objects_are_parsed(body: Json) -> None:
    """What the API server accepts is a core value."""
    assert parse(body) is not None


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_sound(path: Path) -> None:
    """Every example can be applied as it is."""
    documents = [d for d in yaml.safe_load_all(path.read_text()) if d["apiVersion"].startswith("holdfast.dev/")]
    assert documents or path.name == "demo-shop.yaml"
    for document in documents:
        parse(document)


def test_every_error_is_collected() -> None:
    """An author hears of everything that is wrong at once, wherever it is."""
    body = objective(
        target="100",
        windwo={},
        evidence={"staleAfter": "soon"},
        indicator={"ratio": {"bad": "rate(a[5m])", "total": "sum(a)"}},
        workloads=[{"kind": "Pod"}],
    )
    del body["metadata"]["name"]
    with pytest.raises(Invalid) as caught:
        parse_objective(body)
    assert sorted(problem.path for problem in caught.value.errors) == [
        "metadata.name",
        "spec.evidence.staleAfter",
        "spec.indicator.ratio.bad",
        "spec.indicator.ratio.total",
        "spec.target",
        "spec.windwo",
        "spec.workloads[0].kind",
        "spec.workloads[0].name",
    ]


def test_an_objective_in_full() -> None:
    """Each field arrives in its unit, exactly."""
    body = objective(
        target="99.95",
        window={"rolling": "1d12h"},
        evidence={"staleAfter": "90s", "minEvents": 7},
        workloads=[{"kind": "Deployment", "name": "checkout"}],
        source="mimir",
        attribution={"podLabel": "exported_pod"},
    )
    body["metadata"] |= {"uid": "u-1", "generation": 3, "labels": {"tier": "critical"}}
    found = parse_objective(body)
    assert (found.key, found.uid, found.generation, found.labels) == (
        ObjectKey("shop", "checkout"),
        "u-1",
        3,
        {"tier": "critical"},
    )
    assert (found.target, found.window, found.stale_after, found.min_events) == (
        Fraction(9995, 10000),
        Rolling(129_600),
        90,
        7,
    )
    assert (found.workloads, found.source) == ((Workload("shop", "Deployment", "checkout"),), "mimir")
    assert found.pod_label == "exported_pod"
    job = Matcher("job", Match.EQUAL, "checkout")
    failed = Selector("http_requests_total", (job, Matcher("code", Match.REGEX, "5..")))
    assert found.indicator == BadOverTotal(failed, Selector("http_requests_total", (job,)))


def test_defaults_are_those_of_the_api() -> None:
    """What is left out, or null, is what the documentation says."""
    found = parse_objective(objective(window=None, evidence={"minEvents": None}, workloads=None))
    assert found.pod_label == "pod"
    assert (found.window, found.stale_after, found.min_events, found.source, found.workloads) == (
        Rolling(2_592_000),
        300,
        None,
        "default",
        (),
    )


@pytest.mark.parametrize(
    ("window", "meant"),
    [
        (None, Rolling(2_592_000)),
        ({"rolling": "1w"}, Rolling(604_800)),
        ({"calendar": "Week"}, Calendar(Period.WEEK, "UTC")),
        ({"calendar": "Month", "timeZone": "Europe/Berlin"}, Calendar(Period.MONTH, "Europe/Berlin")),
        ({"calendar": "Quarter", "timeZone": None}, Calendar(Period.QUARTER, "UTC")),
        ({"calendar": "Year", "timeZone": "America/New_York"}, Calendar(Period.YEAR, "America/New_York")),
    ],
)
def test_windows(window: Json | None, meant: Window) -> None:
    """A rolling window, or a period of the calendar in a time zone; 30 days where none is given."""
    assert parse_objective(objective(window=window)).window == meant


@pytest.mark.parametrize(
    ("indicator", "meant"),
    [
        (
            {"gauge": {"query": " a ", "good": {"above": "-604800.5"}, "every": "90s"}},
            Gauge("a", Fraction(-1_209_601, 2), True, 90),
        ),
        ({"gauge": {"query": "a", "good": {"below": "0.8"}}}, Gauge("a", Fraction(4, 5), False, 60)),
        ({"fraction": {"bad": "a", "weight": "b"}}, Proportion("a", False, "b", 60)),
        ({"fraction": {"good": "a", "every": "10s"}}, Proportion("a", True, None, 10)),
        (
            {"composite": [{"name": "x", "weight": "2.5"}, {"name": "y"}]},
            Composite((Part(ObjectKey("shop", "x"), Fraction(5, 2)), Part(ObjectKey("shop", "y"), Fraction(1)))),
        ),
    ],
)
def test_indicators(indicator: Json, meant: Indicator) -> None:
    """Each indicator arrives with its numbers exact, and its defaults filled in."""
    assert parse_objective(objective(indicator=indicator)).indicator == meant


def test_time_slices() -> None:
    """Slices are a length and a share; without them events are counted."""
    assert parse_objective(objective(timeSlices={"slice": "5m", "good": "99.5"})).slices == TimeSlices(
        300, Fraction(995, 1000)
    )
    assert parse_objective(objective()).slices is None


def test_good_events() -> None:
    """Good over total is kept as such: only the author knows which of the two has a series for every target."""
    found = parse_objective(objective(indicator={"ratio": {"good": BAD, "total": TOTAL}}))
    assert isinstance(found.indicator, GoodOverTotal)


@pytest.mark.parametrize(
    ("threshold", "bound", "written", "others"),
    [
        ("200ms", "0.2", ["0.2"], ["0.20", "0x2", "2", "+Inf"]),
        ("1s", "1", ["1", "1.0"], ["1.00", "10", "1x0", "11.0"]),
        ("10s", "10", ["10", "10.0"], ["1", "1.0", "10.5"]),
        ("1m", "60", ["60", "60.0"], ["6"]),
        ("2500ms", "2.5", ["2.5"], ["2", "2.50"]),
        ("1ms", "0.001", ["0.001"], ["0"]),
        ("1h", "3600", ["3600", "3600.0"], ["36"]),
    ],
)
def test_latency_is_two_buckets(threshold: str, bound: str, written: list[str], others: list[str]) -> None:
    """Good is the bucket of the threshold, as Prometheus 2 and 3 write its bound; total is the last bucket."""
    given_ = {"latency": {"histogram": 'h_seconds{job="a"}', "threshold": threshold}}
    found = parse_objective(objective(indicator=given_)).indicator
    assert isinstance(found, Latency)
    (_, total), (_, good) = selectors(found)
    assert bound_of(found.threshold) == bound
    assert (good.metric, str(total)) == ("h_seconds_bucket", 'h_seconds_bucket{job="a",le="+Inf"}')
    assert all(good.matches({"job": "a", "le": le}) for le in written)
    assert not any(good.matches({"job": "a", "le": le}) for le in others)


def test_a_policy_in_full() -> None:
    """A rule has its own mode or the policy's; percentages become shares."""
    body = policy(
        rule(LOW, {"action": "Hold", "until": {"above": "30"}, "atMost": "7d"}, mode="Enforce"),
        rule(BURN, NOTIFY, name="burning"),
        rule(LOW, {"action": "Hold"}, name="low"),
        rule(SPENT, NOTIFY, name="incident"),
        objectiveSelector={
            "matchLabels": {"tier": "critical"},
            "matchExpressions": [
                {"key": "team", "operator": "NotIn", "values": ["x", "y"]},
                {"key": "z", "operator": "Exists"},
            ],
        },
    )
    found = parse_policy(body)
    requirements = (
        LabelRequirement("tier", "In", ("critical",)),
        LabelRequirement("team", "NotIn", ("x", "y")),
        LabelRequirement("z", "Exists"),
    )
    quarter = BudgetRemaining(Fraction(1, 4))
    assert found == Policy(
        ObjectKey("shop", "default"),
        "",
        0,
        requirements,
        (
            Rule(RuleKey("default", "r"), Mode.ENFORCE, quarter, HoldReleases(Fraction(3, 10), 604_800)),
            Rule(RuleKey("default", "burning"), Mode.AUDIT, BurnRate(Fraction("14.4"), 3600), Notify()),
            Rule(RuleKey("default", "low"), Mode.AUDIT, quarter, HoldReleases(None, None)),
            Rule(RuleKey("default", "incident"), Mode.AUDIT, BudgetSpent(Fraction(1, 5), 604_800), Notify()),
        ),
    )


def test_an_adjustment_in_full() -> None:
    """One span, a schedule with its zone (UTC unless given), or a reset; all objectives unless selected."""
    body = adjustment({"from": "2026-11-22T02:00:00.25+01:00", "to": "2026-11-22T02:00:00Z"})
    span = Span(1_795_309_200.25, 1_795_312_800)
    assert parse_adjustment(body) == Adjustment(
        ObjectKey("shop", "maintenance"), "", 0, (), OneOff(span), "database maintenance", "admin"
    )
    assert parse_adjustment(adjustment(reset={"at": "2026-11-22T02:00:00Z"})).change == Reset(span.end)
    weekly = Recurring("FREQ=WEEKLY;BYDAY=SU", "2026-11-22T02:00:00", "UTC", 3600)
    assert parse_adjustment(recurring()).change == weekly
    assert parse_adjustment(recurring(timeZone="Europe/Berlin")).change == replace(weekly, zone="Europe/Berlin")
    chosen = parse_adjustment(adjustment(objectiveSelector={"matchLabels": {"tier": "critical"}}))
    assert chosen.selector == (LabelRequirement("tier", "In", ("critical",)),)


def test_bodies_need_not_be_dictionaries() -> None:
    """A watch hands over read-only mappings."""
    body = objective()
    wrapped = UserDict({**body, "spec": UserDict(body["spec"]), "metadata": UserDict(body["metadata"])})
    assert parse_objective(wrapped) == parse_objective(body)


def test_a_hold_without_a_record_is_none() -> None:
    """Between the creation of a Hold and the first write of its status there is nothing to read."""
    assert parse_hold(hold()) is None
    assert parse_hold({**hold(), "status": {}}) is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from([BAD, "99.9", "30d", "1h", "Hold", "((((", "9" * 400]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def mangled(draw: st.DrawFn) -> Json:
    """A sound object in which some values were replaced by anything, or removed."""
    body: Any = yaml.safe_load(yaml.safe_dump(draw(st.sampled_from(ACCEPTED)), allow_unicode=True))
    for _ in range(draw(st.integers(1, 4))):
        node: Any = body
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if not isinstance(node[key], dict | list) or draw(st.booleans()):
                if key not in ("kind",) or node is not body:
                    node[key] = draw(JSON)
                break
            node = node[key]
    return dict(body)


@given(body=mangled())
def test_parsing_never_crashes(body: Json) -> None:
    """Whatever an object holds, the answer is a value or Invalid with at least one reason."""
    for read in PARSERS.values():
        try:
            read(body)
        except Invalid as error:
            assert error.errors
            assert all(problem.path and problem.sentence for problem in error.errors)


@pytest.mark.parametrize(
    "spec", [None, 1, "x", [], {}, {1: 2}, {"\ud800": 1}, {"target": "\ud800"}, {"workloads": [[[[]]]]}]
)
@pytest.mark.parametrize(
    "metadata",
    [None, 1, [], {}, {"name": 5}, {"name": "a", "namespace": 7, "labels": {1: 2, "a": None}, "generation": "x"}],
)
def test_shapeless_bodies(spec: object, metadata: object) -> None:
    """Objects of no shape at all are Invalid too."""
    for read in PARSERS.values():
        with pytest.raises(Invalid):
            read({"metadata": metadata, "spec": spec, "status": {"state": 1}})
