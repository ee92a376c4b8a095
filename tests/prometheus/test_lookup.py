"""Rules of finding who reads a series: the same as trying every selector, without trying every selector."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.objective import Match, Matcher, Selector
from holdfast.prometheus.lookup import Lookup

VALUES = st.sampled_from(("", "a", "b", "ab"))
MATCHERS = st.builds(Matcher, st.sampled_from("xyz"), st.sampled_from(Match), VALUES)
SELECTORS = st.builds(Selector, st.just("m"), st.lists(MATCHERS, max_size=4).map(tuple))


@given(st.lists(SELECTORS, max_size=8), st.dictionaries(st.sampled_from("xyz"), VALUES))
def test_exactly_the_matching_ones_are_found(selectors: list[Selector], labels: dict[str, str]) -> None:
    """Whatever selectors demand, also two values of one label, those that match are found, each once."""
    found = Lookup(enumerate(selectors)).matching(labels)
    assert sorted(found) == [n for n, selector in enumerate(selectors) if selector.matches(labels)]


def test_one_of_many_is_found_without_trying_the_others() -> None:
    """Ten thousand services, and a series of one of them: only selectors of that service are tried."""
    tried = []

    class Counting(Selector):
        def matches(self, labels: object) -> bool:
            tried.append(self)
            return super().matches(labels)  # type: ignore[arg-type]

    every = [Counting("m", (Matcher("job", Match.EQUAL, f"job-{n}"),)) for n in range(10_000)]
    assert Lookup(enumerate(every)).matching({"job": "job-77", "code": "200"}) == (77,)
    assert tried == [every[77]]
