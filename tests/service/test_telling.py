"""What is worth an Event: a verdict that turned, a release found at fault, a hold that came into force, an undo that went on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.core.hold import HoldRecord, HoldState, Reason, Undo, UndoState
from holdfast.core.judge import Standing
from holdfast.core.judge_release import release_findings
from holdfast.core.release import Cost, ReleaseFinding, ReleaseRecord, Restrained, RestraintReason
from holdfast.service.telling import Telling, of_hold, of_objective, of_release, of_restraint
from tests.core.making import LATENCY, NEW, NOW, OLD, on_record
from tests.core.releasing import burning_now, on_trial, worse


def _record(found: ReleaseFinding | None, message: str = "") -> ReleaseRecord:
    costs = () if found is None else (Cost(LATENCY, 1204, 61, 0.03, found),)
    return on_trial(costs=costs, message=message).release


@pytest.mark.parametrize("before", [None, _record(None), _record(ReleaseFinding.UNDECIDED)])
def test_a_release_that_is_found_at_fault_is_told(before: ReleaseRecord | None) -> None:
    """With the figures of its record, as a warning."""
    told = of_release(before, _record(ReleaseFinding.BAD, "61 of 1,204 requests failed."))
    note = "checkout:v2 of Deployment shop/checkout is at fault. 61 of 1,204 requests failed."
    assert told == Telling(True, Reason.BAD_RELEASE, "Judge", note)
    told = of_release(before, _record(ReleaseFinding.SHARED))
    assert told is not None
    assert (told.reason, told.warning) == (Reason.SHARED_INCIDENT, True)


@pytest.mark.parametrize("found", [None, *ReleaseFinding])
def test_what_is_so_already_or_fine_is_not_told(found: ReleaseFinding | None) -> None:
    """The same finding again is no news, nor is one that asks nobody to do anything."""
    assert of_release(_record(found), _record(found)) is None
    if found not in {ReleaseFinding.BAD, ReleaseFinding.SHARED}:
        assert of_release(_record(ReleaseFinding.BAD), _record(found)) is None


def test_a_release_that_is_left_to_people_is_told_once() -> None:
    """As a warning with what to do, however the figures in the reason move."""
    free = _record(ReleaseFinding.BAD)
    many = replace(free, restrained=Restrained(RestraintReason.MANY_AT_ONCE, "4 workloads at once. Look at them."))
    told = of_restraint(free, many)
    note = "checkout:v2 of Deployment shop/checkout is not undone by itself. 4 workloads at once. Look at them."
    assert told == of_restraint(None, many) == Telling(True, Reason.RESTRAINED, "Restrain", note)
    more = replace(free, restrained=Restrained(RestraintReason.MANY_AT_ONCE, "5 workloads at once. Look at them."))
    assert of_restraint(many, more) is None
    assert of_restraint(many, free) is None


def test_a_verdict_that_turned_names_the_release() -> None:
    """An objective whose verdict becomes RollBack says which release, and with which figures."""
    figures = burning_now()
    found = release_findings(on_trial(ReleaseFinding.BAD), (figures,), {LATENCY: (worse(),)}, {}, NOW)
    told = of_objective({"verdict": "Open"}, Standing(figures, found))
    assert told is not None
    assert told.reason is Reason.BAD_RELEASE
    assert told.note.startswith(
        "Verdict Open → RollBack. Rule bad-release of policy default (Enforce): in force (61 of 1,204"
    )


UNDO = Undo("bad-release-abcde", NEW, OLD, NOW)
HELD = replace(on_record(), id=UNDO.id, causes=(), undo=UNDO)


@pytest.mark.parametrize(
    ("before", "after", "reason", "said"),
    [
        (None, HELD, Reason.BAD_RELEASE, "checkout:v2 is being undone"),
        (replace(HELD, enforced=False), HELD, Reason.BAD_RELEASE, "checkout:v2 is being undone"),
        (replace(HELD, undo=None), HELD, Reason.BAD_RELEASE, "checkout:v2 is being undone"),
        (HELD, replace(HELD, undo=replace(UNDO, state=UndoState.UNDONE)), Reason.BAD_RELEASE, "checkout:v2 was undone"),
        (HELD, replace(HELD, undo=replace(UNDO, state=UndoState.STUCK)), Reason.ROLLBACK_STUCK, "undone in part"),
        (HELD, replace(HELD, undo=replace(UNDO, id="undone-by-hand-x")), Reason.UNDONE_BY_HAND, "is being undone"),
        (None, replace(HELD, undo=replace(UNDO, id="x")), Reason.BUDGET_EXHAUSTED, "is being undone"),
    ],
)
def test_each_step_of_an_undo_is_told_once(
    before: HoldRecord | None, after: HoldRecord, reason: Reason, said: str
) -> None:
    """When it begins, when the good release serves, and when it cannot go on; and never before it is in force."""
    told = of_hold(before, after)
    assert told is not None
    assert (told.reason, told.action, told.warning) == (reason, "Undo", True)
    assert said in told.note
    assert of_hold(after, after) is None
    assert of_hold(before, replace(after, enforced=False)) is None


def test_a_hold_is_told_when_it_comes_into_force_and_when_it_ends() -> None:
    """Once each, with the reason."""
    hold = on_record()
    told = of_hold(replace(hold, enforced=False), hold)
    assert told is not None
    assert (told.action, told.reason) == ("Hold", Reason.BUDGET_EXHAUSTED)
    assert of_hold(hold, hold) is None
    overridden = hold.moved(HoldState.OVERRIDDEN, Reason.OVERRIDDEN, NOW)
    assert (told := of_hold(hold, overridden)) is not None
    assert told.action == "Override"
    lifted = replace(hold.moved(HoldState.LIFTED, Reason.BUDGET_RECOVERED, NOW), reason=Reason.BUDGET_RECOVERED)
    assert (told := of_hold(hold, lifted)) is not None
    assert told.action == "Lift"
    assert of_hold(lifted, lifted) is None
    assert of_hold(None, lifted) is None
