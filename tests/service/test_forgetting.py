"""Which records of releases are deleted: what is old or one too many, and nothing while it is not certain what is needed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from holdfast.api import release_body, release_status
from holdfast.cluster.client import Client
from holdfast.cluster.resources import DEPLOYMENTS, HOLDS
from holdfast.cluster.store import Store
from holdfast.core.hold import HoldRecord, HoldState, Quarantined, Reason, Template
from holdfast.core.release import ReleaseRecord, ReleaseState
from holdfast.service.forgetting import Forgetting
from holdfast.service.releases import Releases
from holdfast.service.world import World
from tests.core.making import DAY, NEW, NOW, OLD, SHOP

NEVER = cast("Client", None)
PRESENT = ReleaseRecord(SHOP, "uid-1", NEW, NOW - DAY, ReleaseState.COMPLETE, completed=NOW - DAY)
ANCIENT = ReleaseRecord(
    SHOP, "uid-1", OLD, NOW - 50 * DAY, ReleaseState.SUPERSEDED, ended=NOW - 40 * DAY, completed=NOW - 49 * DAY
)
QUARANTINE = HoldRecord(
    SHOP, "bad-release-x7k2p", HoldState.LIFTED, Reason.TEMPLATE_CHANGED, NOW, (), "It is over.", NEW,
    quarantined=(Quarantined("bad-release-x7k2p", OLD, NOW - DAY),),
)  # fmt: skip


def forgotten(
    *records: ReleaseRecord, there: bool = True, hold: HoldRecord | None = None, stored_hold: bool = False
) -> set[Template]:
    """The templates of the records that would be deleted, no rule asking about the workload."""
    store, releases = Store(), Releases(cast("Any", None), cast("Any", None))
    meta = {"namespace": SHOP.namespace, "uid": "uid-1", "resourceVersion": "1"}
    if there:
        store.put(DEPLOYMENTS, {"metadata": {**meta, "name": SHOP.name}})
    if stored_hold:
        store.put(HOLDS, {"metadata": {**meta, "name": SHOP.hold_name}})
    bodies: list[Any] = [release_body(r) | {"status": release_status(r, {"spec": {}})} for r in records]
    for body in bodies:
        body["metadata"] |= {"uid": body["metadata"]["name"], "resourceVersion": "1"}
    releases.hear(bodies)
    world = World(holds={SHOP: hold} if hold is not None else {})
    return {r.template for r in Forgetting(NEVER, store, releases).forgettable(world, NOW)}


def test_what_ended_long_ago_goes_and_the_present_one_stays() -> None:
    """Also where no rule asks any more."""
    assert forgotten(PRESENT, ANCIENT) == {OLD}
    assert forgotten(PRESENT, replace(ANCIENT, ended=NOW - 29 * DAY)) == set()


def test_what_may_be_needed_stays() -> None:
    """A release to go back to, and a quarantined one."""
    assert forgotten(PRESENT, replace(ANCIENT, good=True)) == set()
    assert forgotten(PRESENT, ANCIENT, hold=QUARANTINE, stored_hold=True) == set()


def test_while_it_is_not_certain_what_is_needed_everything_stays() -> None:
    """A Hold that cannot be read may quarantine any; without a present one it is not known what is declared."""
    assert forgotten(PRESENT, ANCIENT, stored_hold=True) == set()
    assert forgotten(ANCIENT) == set()


@pytest.mark.parametrize(("age", "gone"), [(31, {NEW, OLD}), (29, {OLD})])
def test_of_a_workload_that_is_gone_all_go_when_they_are_old(age: int, gone: set[Template]) -> None:
    """Nobody follows it any more, so its last release never ended."""
    last = replace(PRESENT, began=NOW - 60 * DAY, completed=NOW - age * DAY)
    assert forgotten(last, ANCIENT, there=False) == gone
