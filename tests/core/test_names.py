"""Names that live in clusters: to change one orphans what is stored there."""

from __future__ import annotations

from holdfast.core.evidence import Why
from holdfast.core.hold import HoldState, Template
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.policy import Mode
from holdfast.core.release import LONGEST, Cost, ReleaseRecord, ReleaseState, release_name
from holdfast.core.request import HOLD_LABEL, OVERRIDE_LABEL


def test_labels_are_those_that_the_gate_looks_at() -> None:
    """The admission policies of the chart know these two keys and nothing else of ours."""
    assert (HOLD_LABEL, OVERRIDE_LABEL) == ("holdfast.dev/hold", "holdfast.dev/override")


def test_words_of_status_stay() -> None:
    """Objects in a cluster outlive an upgrade of the operator."""
    assert {str(w) for w in Why} == {"Stale", "Absent", "Unreachable", "Contradictory"}
    assert {str(s) for s in HoldState} == {"Active", "Overridden", "Lifted"}
    assert {str(m) for m in Mode} == {"Audit", "Enforce"}


def test_releases_are_named_for_their_workload_and_template() -> None:
    """A name that would be too long is cut, and told from its like."""
    release = ReleaseRecord(
        Workload("shop", "Deployment", "checkout"), "u1", Template("9f2c41aa07de5513"), 0, ReleaseState.COMPLETE
    )
    assert release.name == "deployment-checkout-9f2c41aa07"
    long = {release_name(Workload("shop", "Deployment", "c" * 240 + end), "9f2c41aa07de5513") for end in ("a", "b")}
    assert len(long) == 2
    assert all(len(name) <= LONGEST and name.endswith("-9f2c41aa07") for name in long)


def test_people_are_shown_what_cost_most() -> None:
    """By its share of a budget; where none can be told, by its bad events."""
    costs = [Cost(ObjectKey("shop", name), 100, bad, spent) for name, bad, spent in (("a", 9, 0.1), ("b", 1, 0.2))]
    release = ReleaseRecord(Workload("shop", "Deployment", "web"), "u1", Template("a"), 0, ReleaseState.COMPLETE)
    assert release.dearest is None
    dearest = ReleaseRecord(release.workload, "u1", release.template, 0, release.state, costs=tuple(costs)).dearest
    assert dearest == costs[1]
