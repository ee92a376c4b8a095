"""Rules of an enforced namespace: nobody reads the series of another, whatever the selector says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.evidence import Missing
from holdfast.core.objective import Match, Matcher, Selector
from holdfast.prometheus.families import families
from holdfast.prometheus.poller import Poller
from holdfast.prometheus.sources import Source
from holdfast.prometheus.tenancy import confined
from tests.prometheus.answering import counting, serving
from tests.prometheus.making import errors

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
