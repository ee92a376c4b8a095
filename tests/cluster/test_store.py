"""What the store believes, when lists and events race."""

from __future__ import annotations

import math

import pytest

from holdfast.cluster.resources import DEPLOYMENTS, HOLDS, OBJECTIVES, WATCHED, Resource
from holdfast.cluster.store import GRACE, Store
from holdfast.core.objective import ObjectKey
from tests.cluster.making import body

A = ObjectKey("ns", "a")


class Clock:
    """A clock that stands until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def swept(store: Store, resource: Resource, *uids: str, began: int | None = None) -> None:
    store.sweep(resource, store.mark() if began is None else began, uids)


def test_a_list_removes_what_it_does_not_show() -> None:
    """A deletion that no event told of is found by the next list."""
    store = Store()
    store.put(HOLDS, body("a", uid="u1"))
    store.put(HOLDS, body("b", uid="u2"))
    swept(store, HOLDS, "u2")
    assert [b["metadata"]["name"] for b in store.all(HOLDS)] == ["b"]
    assert store.by_uid(HOLDS, "u1") is None


def test_a_list_spares_what_was_heard_of_after_it_began() -> None:
    """An object created while a list runs is not in the list, and stays."""
    store = Store()
    began = store.mark()
    store.put(HOLDS, body("a"))
    swept(store, HOLDS, began=began)
    assert store.get(HOLDS, A) is not None
    swept(store, HOLDS)
    assert store.get(HOLDS, A) is None


def test_an_old_list_does_not_bring_back_a_deleted_deployment() -> None:
    """A list that began before a DELETED event still shows the object; the event is newer."""
    store = Store()
    store.put(DEPLOYMENTS, body("a", uid="u1"))
    began = store.mark()
    store.gone(DEPLOYMENTS, "u1")
    store.put(DEPLOYMENTS, body("a", uid="u1"))
    swept(store, DEPLOYMENTS, "u1", began=began)
    assert store.get(DEPLOYMENTS, A) is None


def test_a_recreated_object_replaces_the_old_one() -> None:
    """A new UID under an old name is another object, and late news of the old one do not count."""
    store = Store()
    store.put(HOLDS, body(uid="old", version=10))
    store.put(HOLDS, body(uid="new", version=20))
    store.put(HOLDS, body(uid="old", version=11))
    store.gone(HOLDS, "old")
    kept = store.get(HOLDS, A)
    assert kept is not None
    assert kept["metadata"]["uid"] == "new"
    assert store.by_uid(HOLDS, "old") is None


def test_an_older_state_never_replaces_a_newer_one() -> None:
    """A list that began before an event does not undo the event."""
    store = Store()
    store.put(HOLDS, body(version=100, spec={"n": 2}))
    store.put(HOLDS, body(version=99, spec={"n": 1}))
    kept = store.get(HOLDS, A)
    assert kept is not None
    assert kept["spec"] == {"n": 2}


def test_of_a_deployment_only_little_is_kept() -> None:
    """Neither templates nor managed fields fill the memory."""
    store = Store()
    template = {"spec": {"containers": [{"name": "c", "image": "i"}]}}
    store.put(DEPLOYMENTS, body(spec={"paused": True, "template": template}, status={"replicas": 1}))
    kept = store.get(DEPLOYMENTS, A)
    assert kept is not None
    assert set(kept) == {"metadata", "spec", "template"}
    assert kept["spec"] == {"paused": True}
    assert len(kept["template"]) == 16
    assert "managedFields" not in kept["metadata"]


@pytest.mark.parametrize(("resource", "heard"), [(OBJECTIVES, 1), (HOLDS, 2), (DEPLOYMENTS, 2)])
def test_our_own_report_is_no_news(resource: Resource, heard: int) -> None:
    """The status of an objective wakes nobody; that of a Hold, and a rollout that goes on, do."""
    store = Store()
    told: list[ObjectKey] = []
    store.listen(lambda _, key: told.append(key))
    store.put(resource, body(version=1, status={"n": 1}))
    store.put(resource, body(version=2, status={"n": 2}))
    assert len(told) == heard
    assert store.changed.is_set()


def test_synced_needs_a_list_and_an_open_watch_of_every_kind() -> None:
    """Nobody acts on what may be old."""
    clock = Clock()
    store = Store(clock)
    assert store.watch_age() == math.inf
    for resource in WATCHED:
        assert not store.synced()
        swept(store, resource)
        store.watching(resource, lambda: True)
    assert store.synced()
    assert store.watch_age() == 0
    store.distrust(HOLDS)
    assert not store.synced()
    assert store.synced(DEPLOYMENTS)
    swept(store, HOLDS)
    store.down()
    assert not store.synced()


def test_a_watch_may_be_away_for_a_moment() -> None:
    """The server closes every watch after ten minutes; the time until it is open again is no reason to stop."""
    clock, open_ = Clock(), [True]
    store = Store(clock)
    for resource in WATCHED:
        swept(store, resource)
        store.watching(resource, lambda: open_[0])
    assert store.synced()
    open_[0] = False
    clock.now += GRACE
    assert store.synced()
    clock.now += 0.1
    assert not store.synced()


def test_distrust_removes_nothing() -> None:
    """A list that fails says nothing about the objects."""
    store = Store()
    store.put(HOLDS, body())
    store.distrust(HOLDS)
    store.down()
    assert store.get(HOLDS, A) is not None
