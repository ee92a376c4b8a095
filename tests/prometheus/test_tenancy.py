"""Rules of an enforced namespace: nobody reads the series of another, whatever the selector says."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.evidence import Missing, Why
from holdfast.core.ledger import Ledger
from holdfast.core.objective import (
    BadOverTotal,
    Composite,
    Gauge,
    GoodOverTotal,
    Indicator,
    Latency,
    Match,
    Matcher,
    Proportion,
    Selector,
)
from holdfast.prometheus.connection import Connection
from holdfast.prometheus.families import families
from holdfast.prometheus.poller import Poller
from holdfast.prometheus.sampled import look, refill
from holdfast.prometheus.sources import Source
from holdfast.prometheus.tenancy import confined, confined_indicator
from tests.prometheus.answering import counting, serving
from tests.prometheus.making import SOURCE, errors, objective

SHOP = Matcher("namespace", Match.EQUAL, "shop")
NAMES = st.sampled_from(["shop", "other", "", "sho", "shop2"])
MATCHERS = st.builds(
    Matcher, st.sampled_from(["namespace", "job"]), st.sampled_from(Match), st.sampled_from(["shop", "other", ".*", ""])
)


@given(matchers=st.lists(MATCHERS, max_size=4), labels=st.fixed_dictionaries({"namespace": NAMES, "job": NAMES}))
def test_a_confined_selector_selects_its_own_part(matchers: list[Matcher], labels: dict[str, str]) -> None:
    """Exactly what the author's selector selects, and of the own namespace."""
    selector = Selector("m", tuple(matchers))
    expected = selector.matches(labels) and labels["namespace"] == "shop"
    assert confined(selector, "namespace", "shop").matches(labels) is expected


def test_nothing_is_enforced_unless_configured() -> None:
    """Without a label the selector is what its author wrote."""
    assert confined(Selector("m"), None, "shop") == Selector("m")


def test_the_query_itself_is_confined() -> None:
    """Every selector of the batch demands its own namespace, so the source is not even asked for others."""
    source = Source("main", "", namespace_label="tenant")
    (family,) = families([errors(), errors("sly", tenant="other")], source.namespace_label)
    assert 'http_requests_total{tenant=~"shop"}' in family.query(source, 45)
    assert "tenant" in family.labels


def test_the_series_of_another_namespace_are_not_counted() -> None:
    """Also when the source answers with more than it was asked for."""
    with serving(lambda request: counting(request, namespace="other")) as server:
        for label, seen in ((None, True), ("namespace", False)):
            sly = errors("sly", namespace="other")
            sample = Poller(Source("main", server.url, namespace_label=label)).poll([sly], 100, 15).samples[sly.key]
            assert (not isinstance(sample, Missing)) is seen


FOR_SHOP = 'namespace="shop"'
READ = [
    (BadOverTotal(Selector("b"), Selector("t")), BadOverTotal(Selector("b", (SHOP,)), Selector("t", (SHOP,)))),
    (GoodOverTotal(Selector("g"), Selector("t")), GoodOverTotal(Selector("g", (SHOP,)), Selector("t", (SHOP,)))),
    (Latency(Selector("h"), 0.2), Latency(Selector("h", (SHOP,)), 0.2)),
    (Composite(()), Composite(())),
]


@pytest.mark.parametrize(("written", "read"), READ)
def test_everything_an_indicator_reads_is_confined(written: Indicator, read: Indicator) -> None:
    """Every counter; nothing where no label is enforced."""
    assert confined_indicator(written, "namespace", "shop") == read
    assert confined_indicator(written, None, "shop") is written


def test_expressions_are_confined_too() -> None:
    """Every selector in them, that of the weight as well; one that reads series nobody names is refused."""
    gauge = confined_indicator(Gauge("min(a) - max(b)", Fraction(0), True, 60), "namespace", "shop")
    assert isinstance(gauge, Gauge)
    assert gauge.query.count(FOR_SHOP) == 2
    share = confined_indicator(Proportion("a", False, "b", 60), "namespace", "shop")
    assert isinstance(share, Proportion)
    assert share.weight is not None
    assert (share.query.count(FOR_SHOP), share.weight.count(FOR_SHOP)) == (1, 1)
    alone = confined_indicator(Proportion("a", False, None, 60), "namespace", "shop")
    assert isinstance(alone, Proportion)
    assert alone.weight is None
    with pytest.raises(ValueError, match="info"):
        confined_indicator(Gauge("info(a)", Fraction(0), True, 60), "namespace", "shop")


def test_an_expression_that_cannot_be_confined_is_no_evidence() -> None:
    """It is not asked, now or of the past, and says why."""
    source = replace(SOURCE, namespace_label="namespace")
    wanted = objective("gauge", Gauge("info(a)", Fraction(0), True, 60))
    connection, ledgers = Connection(source), {wanted.key: Ledger(3600, 3)}
    for failed in (look(connection, ledgers, [wanted], 600), refill(connection, ledgers, [wanted], 600)):
        assert failed[wanted.key].why is Why.CONTRADICTORY
        assert "info" in failed[wanted.key].note
