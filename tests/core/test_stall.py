"""When a release gets nowhere, as its pods and its controller show it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from holdfast.core.objective import Workload
from holdfast.core.pods import Candidate, Pod
from holdfast.core.stall import CRASHING, PATIENCE, RESTARTS, Rollout, stall
from holdfast.core.trial import Stall

BEGAN = 1_764_309_600.0  # 28 Nov 06:00 UTC
CANDIDATE = Candidate(Workload("shop", "Deployment", "web"), "uid", "digest", BEGAN, ("new",))
OLD = Pod("web-old-aaaaa", "1", "old", BEGAN - 9_000, ready=True, ready_since=BEGAN - 8_990)
NEW = Pod("web-new-aaaaa", "2", "new", BEGAN + 1)


def crashing(restarts: int = RESTARTS, **more: Any) -> Pod:
    """A pod of the release in a crash loop."""
    return replace(NEW, restarts=restarts, waiting=CRASHING, **more)


def found(*pods: Pod, after: float = 60, overdue: float | None = None) -> Stall | None:
    """What is said of these pods so many seconds after the beginning."""
    return stall(CANDIDATE, Rollout(pods, None if overdue is None else BEGAN + overdue), BEGAN + after)


def test_a_release_that_moves_is_no_stall() -> None:
    """Pods that are not ready yet, or have started anew once or twice, are what a rollout looks like."""
    assert found() is None
    assert found(OLD, NEW) is None
    assert found(OLD, crashing(RESTARTS - 1)) is None
    assert found(OLD, replace(NEW, restarts=9)) is None


def test_a_crash_loop_is_one_while_other_pods_serve() -> None:
    """It names the worst pod; since the first of them was created."""
    pods = (OLD, crashing(name="web-new-bbbbb", created=BEGAN + 9), crashing(5), replace(NEW, name="web-new-ccccc"))
    assert found(*pods) == Stall(
        BEGAN + 1,
        "Pod web-new-aaaaa and 1 more of the new release crashed 5 times, while the pods of other releases are fine",
    )


def test_what_hits_other_pods_as_well_is_no_fault_of_the_release() -> None:
    """One of them that is not ready is enough; pods that are leaving do not count, on either side."""
    down = replace(OLD, ready=False)
    assert found(down, crashing(), after=2 * PATIENCE, overdue=600) is None
    assert found(OLD, replace(down, leaving=True), crashing()) is not None
    assert found(OLD, crashing(leaving=True)) is None


def test_without_other_pods_a_crash_loop_alone_says_nothing() -> None:
    """A registry that is down looks the same. The deadline decides, and the time without progress."""
    assert found(crashing()) is None
    assert found(crashing(), after=PATIENCE + 1) == Stall(
        BEGAN + 1, "Nothing has moved for 10m: pods that are not ready: 1 of 1 (CrashLoopBackOff)"
    )


def test_a_deadline_that_passed_is_one() -> None:
    """As the controller says, if it says so of this release."""
    waiting = replace(NEW, waiting="ImagePullBackOff")
    assert found(OLD, waiting, replace(NEW, ready=True), overdue=600, after=601) == Stall(
        BEGAN + 600,
        "Its progress deadline passed on 28 Nov 06:10 UTC: pods that are not ready: 1 of 2 (ImagePullBackOff)",
    )
    assert found(OLD, waiting, overdue=-10) is None
    no_pods = found(OLD, overdue=600, after=601)
    assert no_pods is not None
    assert no_pods.why.endswith("it has no pods")
    ready = found(OLD, replace(NEW, ready=True), overdue=600, after=601)
    assert ready is not None
    assert ready.why.endswith("its pods are ready, but there are not enough of them")


def test_without_progress_for_ten_minutes_it_is_one() -> None:
    """Progress is a pod that came or became ready; a release that waits with ready pods is held by somebody."""
    late = replace(NEW, name="web-new-bbbbb", created=BEGAN + 100, ready=True, ready_since=BEGAN + 130)
    assert found(OLD, NEW, late, after=130 + PATIENCE - 1) is None
    assert found(OLD, NEW, late, after=130 + PATIENCE) == Stall(
        BEGAN + 130, "Nothing has moved for 10m: pods that are not ready: 1 of 2"
    )
    assert found(OLD, late, after=9_000) is None


def test_pods_that_may_be_of_it_or_not_say_nothing() -> None:
    """While the release has no hash, those that came since are neither its own nor others."""
    unknown = replace(CANDIDATE, hashes=())
    assert stall(unknown, Rollout((OLD, crashing())), BEGAN + 9_000) is None
