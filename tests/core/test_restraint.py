"""Undoing acts by itself, and is kept from acting wildly."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.hold import Template, Undo, UndoState
from holdfast.core.objective import Workload
from holdfast.core.release import Ask, ReleaseRecord, ReleaseState, RestraintReason
from holdfast.core.restraint import (
    AT_ONCE,
    HOUR,
    PER_HOUR,
    Cluster,
    most_at_once,
    restrained,
)

NOW: Final = 1_000_000.0
ALICE: Final = Ask("alice@example.com", "I know what I do")


def release(workload: str = "web", digest: str = "bad", **fields: object) -> ReleaseRecord:
    made = ReleaseRecord(
        Workload("shop", "Deployment", workload), "u1", Template(digest), NOW - 60, ReleaseState.ROLLING_OUT, found=NOW
    )
    return replace(made, **fields)  # type: ignore[arg-type]  # fields of the record, by name


def others(count: int, **fields: object) -> list[ReleaseRecord]:
    return [release(f"other{i}", **({"found": None} | fields)) for i in range(count)]


def why(given_: ReleaseRecord, *elsewhere: ReleaseRecord, on_trial: int = 0, undo: Undo | None = None) -> str | None:
    found = restrained(given_, undo, Cluster(elsewhere, on_trial), NOW)
    return None if found is None else found.reason.value


def test_a_single_bad_release_is_undone() -> None:
    """Nothing stands in the way of what is meant to happen."""
    assert why(release()) is None


def test_once_only() -> None:
    """Undoing a release that was tried before is not tried again."""
    assert why(release(undone=NOW - 5 * HOUR)) == RestraintReason.ALREADY_TRIED


@pytest.mark.parametrize(
    ("ages", "reason"),
    [
        ((10, 20), None),
        ((10, 20, HOUR - 1), RestraintReason.UNDONE_AGAIN_AND_AGAIN),
        ((10, 20, HOUR), None),
    ],
)
def test_a_loop_is_broken(ages: tuple[float, ...], reason: RestraintReason | None) -> None:
    """When three releases of a workload were undone within an hour, the next one is only stopped."""
    before = [release(digest=f"d{age}", undone=NOW - age, found=None) for age in ages]
    assert why(release(), *before) == reason


@pytest.mark.parametrize(
    ("count", "on_trial", "reason"),
    [
        (2, 3, None),  # a small team ships three services together
        (3, 4, RestraintReason.MANY_AT_ONCE),
        (3, 200, RestraintReason.MANY_AT_ONCE),
        (9, 1000, None),
        (10, 1000, RestraintReason.MANY_AT_ONCE),
    ],
)
def test_many_at_once_look_like_a_fault_of_the_metrics(
    count: int, on_trial: int, reason: RestraintReason | None
) -> None:
    """More than three, or one in a hundred of those on trial, found bad with this one: none of them is undone."""
    assert why(release(), *others(count, found=NOW - AT_ONCE), on_trial=on_trial) == reason
    assert why(release(), *others(count, found=NOW - AT_ONCE - 1), on_trial=on_trial) is None


def test_time_makes_no_verdict_more_believable() -> None:
    """Those who were found bad together stay restrained; one that is found bad later is not."""
    together = [release(found=NOW - 9 * HOUR), *others(5, found=NOW - 9 * HOUR)]
    assert why(together[0], *together) == RestraintReason.MANY_AT_ONCE
    assert why(release("later"), *together) is None


def test_the_hour_has_a_limit() -> None:
    """So many releases of a cluster are undone within an hour, and the next one has to wait."""
    assert why(release(), *others(PER_HOUR - 1, undone=NOW - 5)) is None
    assert why(release(), *others(PER_HOUR, undone=NOW - 5)) == RestraintReason.HOURLY_LIMIT
    assert why(release(), *others(PER_HOUR, undone=NOW - HOUR)) is None
    found = restrained(release(), None, Cluster(others(1, undone=NOW), per_hour=1), NOW)
    assert found is not None
    assert found.why.startswith("1 releases of the cluster were undone within an hour, and 1 is the limit.")


def test_what_people_ask_for_is_done_and_not_counted() -> None:
    """A person's word stands above every count, and uses nothing of it up."""
    crowd = [*others(PER_HOUR, undone=NOW, found=NOW), *(release(digest=d, undone=NOW) for d in "xyz")]
    assert why(release(undone=NOW - HOUR, undo=ALICE), *crowd) is None
    assert why(release(), *others(PER_HOUR, undone=NOW, undo=ALICE)) is None


def test_one_action_a_workload_at_a_time() -> None:
    """While another release is being undone even a person waits; the own undo, and one that is over, are no obstacle."""
    undo = Undo("bad-release-x7k2p", Template("other"), None, NOW)
    assert why(release(), undo=undo) == RestraintReason.ACTION_UNDER_WAY
    assert why(release(undo=ALICE), undo=undo) == RestraintReason.ACTION_UNDER_WAY
    assert why(release(), undo=replace(undo, state=UndoState.UNDONE)) is None
    assert why(release(), undo=replace(undo, bad=Template("bad"))) is None


def test_every_reason_says_what_to_do() -> None:
    """The sentences name the workload and the way to undo it all the same."""
    cases = [
        restrained(release(undone=NOW), None, Cluster(), NOW),
        restrained(release(), None, Cluster([release(digest=d, undone=NOW) for d in "xyz"]), NOW),
        restrained(release(), None, Cluster(others(5, found=NOW)), NOW),
        restrained(release(), None, Cluster(others(PER_HOUR, undone=NOW)), NOW),
    ]
    assert {c.reason for c in cases if c is not None} == set(RestraintReason) - {RestraintReason.ACTION_UNDER_WAY}
    assert all(c is not None and c.why.endswith("holdfast undo deployment/web -n shop.") for c in cases)


@given(st.integers(0, 10_000), st.integers(0, 50))
def test_a_source_that_lies_undoes_few(on_trial: int, order: int) -> None:
    """Whatever the size of the cluster: when all turn bad one after the other, no more than the bound are undone."""
    bound = most_at_once(on_trial)
    turned = [release(f"w{i}", found=NOW + i * AT_ONCE / 60) for i in range(min(bound + order, 60))]
    undone = [
        r
        for i, r in enumerate(turned)
        if restrained(r, None, Cluster(turned[: i + 1], on_trial, per_hour=1000), NOW + i) is None
    ]
    assert len(undone) == min(bound, len(turned))
