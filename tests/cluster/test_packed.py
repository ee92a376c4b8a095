"""Objects kept as text read like the objects they were made from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.cluster.packed import Packed
from holdfast.cluster.resources import OBJECTIVES
from holdfast.cluster.store import Store
from holdfast.core.objective import ObjectKey
from tests.cluster.making import body

SCALARS = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner), max_leaves=10)


@given(st.dictionaries(st.sampled_from(("apiVersion", "kind", "spec", "status")), JSON))
def test_a_packed_object_equals_the_object(parts: dict[str, object]) -> None:
    """Every part is there, whatever it holds, and none is made up."""
    whole = {"metadata": {"name": "a"}, **parts}
    packed = Packed(whole["metadata"], whole)
    assert packed == whole
    assert len(packed) == len(whole)
    assert [packed.get(part) for part in ("spec", "status", "other")] == [
        whole.get(part) for part in ("spec", "status", "other")
    ]


def test_news_of_a_packed_object_is_what_people_said() -> None:
    """A status is our own report and no news; a spec in another order of keys is none either; another spec is."""
    store, heard = Store(), []
    store.listen(lambda _, key: heard.append(key))
    for version, (spec, status) in enumerate([({"a": 1, "b": 2}, {}), ({"b": 2, "a": 1}, {"x": 1}), ({"a": 2}, {})], 1):
        store.put(OBJECTIVES, body(version=version, spec=spec, status=status))
    assert heard == [ObjectKey("ns", "a")] * 2
