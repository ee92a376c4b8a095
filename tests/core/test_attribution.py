"""Whose events can be told by release, and what a trial is given of an objective."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from holdfast.core.attribution import (
    allowance_for_trial,
    foreseen,
    history_before,
    is_on_trial,
    nobodys,
    not_attributable,
)
from holdfast.core.hold import Template
from holdfast.core.ledger import Ledger, Reading
from holdfast.core.objective import Composite, Gauge, Latency, Part, Proportion, Selector, TimeSlices
from holdfast.core.policy import ON_TRIAL
from holdfast.core.release import ReleaseFinding, ReleaseRecord, ReleaseState
from holdfast.core.trial import Trial, Weighed
from tests.core.making import DAY, ERRORS, NOW, SHOP, objective

GAUGE = Gauge("up", Fraction(1), True, 60)
COMPOSITE = Composite((Part(ERRORS, Fraction(1)),))


def released(state: ReleaseState, completed: float | None = None) -> ReleaseRecord:
    """A release of the shop in this state."""
    return ReleaseRecord(SHOP, "uid", Template("d"), NOW - DAY, state, completed=completed)


@pytest.mark.parametrize(
    ("release", "within", "on_trial"),
    [
        (released(ReleaseState.ROLLING_OUT), 0, True),
        (released(ReleaseState.QUEUED), None, False),
        (released(ReleaseState.SUPERSEDED, NOW), None, False),
        (released(ReleaseState.ROLLED_BACK, NOW), None, False),
        (released(ReleaseState.COMPLETE), None, False),
        (released(ReleaseState.COMPLETE, NOW - ON_TRIAL), None, True),
        (released(ReleaseState.COMPLETE, NOW - ON_TRIAL - 1), None, False),
        (released(ReleaseState.COMPLETE, NOW - 2 * ON_TRIAL), 2 * ON_TRIAL, True),
        (released(ReleaseState.COMPLETE, NOW - 60), 30, False),
    ],
)
def test_a_release_is_on_trial_while_it_rolls_out_and_for_a_while(
    release: ReleaseRecord, within: float | None, on_trial: bool
) -> None:
    """As long as the rules say, an hour without any."""
    assert is_on_trial(release, within, NOW) is on_trial


@pytest.mark.parametrize("indicator", [GAUGE, Proportion("up", True, None, 60), COMPOSITE])
def test_what_has_no_events_of_pods_is_told_by_nobody(indicator: Any) -> None:
    """The value of a query, and a mean of other objectives: there is a sentence, and no allowance."""
    one = objective(indicator=indicator)
    assert not_attributable(one, ()) is not None
    assert allowance_for_trial(one) is None


def test_events_of_other_pods_are_told_by_nobody() -> None:
    """An ingress counts for all releases alike; pods of the workload are told, and so are those that nobody saw yet."""
    one = objective()
    assert not_attributable(one, [("shop", "checkout-7f9c-abcde")]) is None
    assert not_attributable(one, []) is None
    assert "ingress-1" in str(not_attributable(one, [("ingress", "ingress-1")]))
    assert "no pod label" in str(not_attributable(one, [("", "")]))


def test_a_template_that_nobody_followed_yet_may_wait_since_the_last_release() -> None:
    """What its pods count is kept from then on, until its own record says when it began."""
    last = released(ReleaseState.COMPLETE, NOW)
    made = foreseen(last, "uid-2", "v9")
    assert (made.workload, made.uid, made.template.digest) == (last.workload, "uid-2", "v9")
    assert (made.began, made.state) == (last.began, ReleaseState.ROLLING_OUT)


def test_a_trial_is_about_events() -> None:
    """So many may be bad as the target says, or in a slice of time that still is a good one."""
    assert allowance_for_trial(objective()) == Fraction(1, 1000)
    sliced = objective(slices=TimeSlices(60, Fraction(95, 100)), indicator=Latency(Selector("x"), 0.2))
    assert allowance_for_trial(sliced) == Fraction(5, 100)


def test_the_past_of_a_release_is_the_day_before_it() -> None:
    """Of slices of time there is none: what is known of it is no count of events."""
    ledger, target = Ledger(30 * DAY, 45), ("a",)
    for n in range(100):
        ledger.feed(n * 3_600.0, {target: Reading(10 * n, n, -9)})
    assert history_before(objective(), ledger, 50 * 3_600.0) == (240, 24)
    assert history_before(objective(slices=TimeSlices(60, Fraction(9, 10))), ledger, 50 * 3_600.0) == (0, 0)


def test_events_of_nobody_are_said() -> None:
    """The most that any objective has of them; and nothing where there are none."""
    release = released(ReleaseState.ROLLING_OUT)
    weighed = tuple(Weighed(ERRORS, ReleaseFinding.UNDECIDED, nobodys=number) for number in (3.0, 1204.0, 0.0))
    assert nobodys(Trial(release)) == nobodys(Trial(release, weighed[2:])) == ""
    assert nobodys(Trial(release, weighed)).startswith("1,204 events were counted by pods that had gone")
