"""Whether a release could be undone is judged before anybody needs it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

import pytest

from holdfast.core.hold import Template
from holdfast.core.objective import Workload
from holdfast.core.readiness import CHECKS, Room, Surroundings, readiness
from holdfast.core.release import ReadinessReason, ReleaseRecord, ReleaseState

WEB: Final = Workload("shop", "Deployment", "web")
GOOD: Final = ReleaseRecord(WEB, "u1", Template("good", ("shop:v1",)), 0.0, ReleaseState.SUPERSEDED, good=True)
FINE: Final = Surroundings(WEB, GOOD)


def room(hard: str, used: str, more: str) -> Room:
    return Room("team", "requests.cpu", Fraction(hard), Fraction(used), Fraction(more))


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({}, ReadinessReason.CAN_GO_BACK, "The last good release (shop:v1) would serve again."),
        (
            {"unchecked": ("Secret a",)},
            ReadinessReason.CAN_GO_BACK,
            "Not checked, because Holdfast may not look: Secret a.",
        ),
        ({"forbidden": True}, ReadinessReason.ROLLBACK_FORBIDDEN, "holdfast.dev/rollback: never"),
        (
            {"good": None, "kept": False},
            ReadinessReason.NO_LAST_GOOD,
            "No release of Deployment shop/web before this one",
        ),
        ({"templates": False}, ReadinessReason.CAN_GO_BACK, "would serve again"),
        (
            {"templates": False, "workload": replace(WEB, kind="DaemonSet")},
            ReadinessReason.RIGHT_MISSING,
            "rollback.templates is false",
        ),
        ({"kept": False}, ReadinessReason.NO_LAST_GOOD, "neither on record nor in a revision"),
        ({"missing": ("ConfigMap a", "Secret b")}, ReadinessReason.CONFIG_MISSING, "is gone: ConfigMap a, Secret b. "),
        ({"rooms": (room("4", "2", "2"),)}, ReadinessReason.CAN_GO_BACK, "would serve again"),
        (
            {"rooms": (room("4", "2.5", "2"), room("1", "0", "1"))},
            ReadinessReason.QUOTA_TOO_SMALL,
            "quota team has 1.5 of requests.cpu left, and 2 more are needed. Raise the quota.",
        ),
        ({"rooms": (room("1", "2", "0"),)}, ReadinessReason.CAN_GO_BACK, "would serve again"),
    ],
)
def test_what_stands_in_the_way(change: dict[str, Any], reason: ReadinessReason, words: str) -> None:
    """Each obstacle has its reason and a sentence; what may not be looked at is said, and is none."""
    judged = readiness(replace(FINE, **change))
    assert (judged.ready, judged.reason) == (reason is ReadinessReason.CAN_GO_BACK, reason)
    assert words in judged.why


def test_the_first_obstacle_is_told() -> None:
    """What nobody can mend comes before what somebody can."""
    everywhere = replace(WEB, kind="DaemonSet")
    worst = Surroundings(everywhere, None, False, True, ("ConfigMap a",), (), (room("1", "1", "1"),), templates=False)
    order = [worst, replace(worst, forbidden=False)]
    order.append(replace(order[-1], templates=True))
    order.append(replace(order[-1], good=GOOD, kept=True))
    order.append(replace(order[-1], missing=()))
    assert [readiness(seen).reason.value for seen in order] == [
        "RollbackForbidden",
        "RightMissing",
        "NoLastGood",
        "ConfigMissing",
        "QuotaTooSmall",
    ]
    assert len(CHECKS) == len(order)
