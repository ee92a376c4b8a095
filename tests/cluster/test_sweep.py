"""When it is believed that an object is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import cast

import pytest

from holdfast.cluster.client import Client, Page
from holdfast.cluster.errors import ClusterError, NotFound
from holdfast.cluster.resources import OBJECTIVES, Body, Resource
from holdfast.cluster.store import Store
from holdfast.cluster.sweep import Rhythm, Sweeper


def body(name: str) -> Body:
    """An objective, as far as a store needs it."""
    return {"metadata": {"namespace": "shop", "name": name, "uid": name, "resourceVersion": "1"}, "spec": {}}


class Lists:
    """Answers that come one after the other: names, or an error."""

    def __init__(self, *answers: Sequence[str] | ClusterError) -> None:
        """The first is given first."""
        self.answers = list(answers)

    async def pages(self, _: Resource) -> AsyncIterator[Page]:
        """The next answer."""
        answer = self.answers.pop(0)
        if isinstance(answer, ClusterError):
            raise answer
        yield Page(tuple(body(name) for name in answer), "1", "")


def known(*names: str) -> Store:
    """A store with these objectives."""
    store = Store()
    for name in names:
        store.put(OBJECTIVES, body(name))
    return store


async def swept(store: Store, lists: Lists) -> list[str]:
    """The names that are left after a sweep."""
    await Sweeper(cast("Client", lists), store, Rhythm(confirm=0)).list(OBJECTIVES)
    assert not lists.answers
    return [str(each["metadata"]["name"]) for each in store.all(OBJECTIVES)]


async def test_one_of_several_is_gone_when_a_list_says_so() -> None:
    """One list is enough."""
    assert await swept(known("a", "b"), Lists(["a"])) == ["a"]


async def test_that_all_are_gone_is_asked_twice() -> None:
    """And believed the second time."""
    assert await swept(known("a", "b"), Lists([], [])) == []
    assert await swept(known("a", "b"), Lists([], ["b"])) == ["b"]
    assert await swept(known(), Lists([])) == []


async def test_a_definition_that_goes_takes_nothing_with_it() -> None:
    """Its objects go first, so a list shows none for a moment; then there is nothing to list: nothing is concluded."""
    store = known("a")
    with pytest.raises(NotFound):
        await swept(store, Lists([], NotFound("the cluster has no servicelevelobjectives.holdfast.dev")))
    assert len(store.all(OBJECTIVES)) == 1
