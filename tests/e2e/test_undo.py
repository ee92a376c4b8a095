"""A bad release of a Deployment is undone by itself: the good pods serve again, Git's template stays, the fix goes out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

import pytest

from lab.workload import autoscaler, quota
from tests.e2e.scene import EXHAUSTED, HOLD, holdfast, settle
from tests.e2e.trial import AT_ONCE, BAD_RELEASE, ONE_BY_ONE, QUEUE, OnTrial

pytestmark = pytest.mark.lab

On = Callable[[str], OnTrial]
LONG: Final = "checkout-of-everything-that-anybody-ever-put-into-the-basket"  # pods of old and new releases look alike
PARTS: Final[dict[str, dict[str, Any]]] = {
    "plain": ONE_BY_ONE,
    "autoscaled": AT_ONCE,
    "forgetful": {"revisionHistoryLimit": 0, **AT_ONCE},
    "recreated": {"strategy": {"type": "Recreate", "rollingUpdate": None}},
    "slow": {"image": "shop:v1-ready-4s"},
    "failing": {"rules": (BAD_RELEASE, EXHAUSTED), **ONE_BY_ONE},
    "crowded": {"progressDeadlineSeconds": 12},
    "shared": ONE_BY_ONE,
    "bursty": {},
    "long": {"app": LONG},
    "asked": {},
    "dead": AT_ONCE,
}


def test_two_bad_releases_in_a_row_are_undone_and_the_fix_goes_out(on: On) -> None:
    """The first while it rolls out; the next one goes straight from the good pods and is undone as well; the first one,
    declared again, does not start a single pod; a fix is out by itself, and later the first one is undone at once.
    """
    scene = on("plain")
    assert not scene.release("shop:bad-ready-8s")
    first = scene.undone("bad-ready-8s")
    assert re.fullmatch(r"bad-release-[b-df-hj-np-tv-xz24-9]{5}", first)
    assert all(moment.of("v1") for moment in scene.seen.moments), "it was found only after it was out"
    assert scene.seen.least_ready() >= 3  # what a rolling update of four pods may take
    scene.until(lambda: scene.slo().get("verdict") == "RollBack", "the objective to say so")
    columns = scene.kubectl("get", "holds").stdout.splitlines()[0].split()
    assert {"DECLARED", "SERVING"} <= set(columns)
    row = next(r for r in scene.kubectl("get", "wrel").stdout.splitlines() if "bad-ready-8s" in r)
    assert "RolledBack" in row
    assert "Bad" in row
    said = holdfast(scene.cluster, "explain", "slo/availability", "-n", scene.namespace).stdout
    for text in (said, scene.hold()["message"]):
        assert "shop:bad-ready-8s was undone: shop:v1 serves, while shop:bad-ready-8s is still declared." in text
        assert (
            "Any other release goes out; shop:bad-ready-8s does not, until a person allows it: holdfast lift deployment/"
            in text
        )
    assert "BadRelease" in scene.told()

    assert not scene.release("shop:err-20-ready-8s")
    second = scene.undone("err-20-ready-8s")
    assert second != first
    count = scene.seen.appearances("bad-ready-8s")
    assert not scene.release("shop:bad-ready-8s")
    scene.until(lambda: scene.undo.get("bad", {}).get("version") == "bad-ready-8s", "the first one to be undone again")
    settle(2)
    assert scene.seen.appearances("bad-ready-8s") == count == 1

    assert not scene.release("shop:v3")
    scene.fixed("v3", "bad-ready-8s", "err-20-ready-8s")
    assert len(scene.hold()["record"]["quarantined"]) == 2
    scene.until(lambda: scene.releases()["v3"].get("good"), "the fix to be known as good")
    assert not scene.release("shop:err-20-ready-8s")
    assert scene.undone("err-20-ready-8s", "v3") == second


def test_a_complete_bad_release_is_undone_while_an_autoscaler_works(on: On) -> None:
    """No pod is lost on the way; the autoscaler's new number is that of the good pods; the fix has it too."""
    scene = on("autoscaled")
    scene.cluster.apply(autoscaler(scene.namespace, scene.app, 4, 8))
    assert not scene.release("shop:bad")
    scene.until(lambda: scene.queued, "the undo to begin", every=0.02)
    scene.kubectl("patch", "hpa", scene.app, "-p", json.dumps({"spec": {"minReplicas": 6}}))
    scene.undone("bad")
    scene.until(lambda: scene.alone("v1", 6), "six good pods")
    assert scene.seen.least_ready() >= 4
    assert not scene.release("shop:v3")
    scene.fixed("v3", "bad")
    assert scene.alone("v3", 6)


def test_without_a_history_the_good_release_is_made_anew(on: On) -> None:
    """With revisionHistoryLimit 0 its ReplicaSet is gone at completion; it comes back from what is on record."""
    scene = on("forgetful")
    before = {s["metadata"]["uid"] for s in scene.sets()}
    assert not scene.release("shop:bad")
    scene.undone("bad")
    assert before.isdisjoint(s["metadata"]["uid"] for s in scene.sets())
    assert scene.seen.least_ready() >= 4
    assert not scene.release("shop:v3")
    scene.fixed("v3", "bad")


def test_recreated_pods_never_run_beside_those_of_another_release(on: On) -> None:
    """With strategy Recreate the bad pods go before the good ones come, on the way back too."""
    scene = on("recreated")
    assert not scene.release("shop:bad")
    scene.undone("bad")
    assert not scene.release("shop:v3")
    scene.fixed("v3", "bad")
    both = [str(moment) for moment in scene.seen.moments if len({pod.tag for pod in moment.pods if pod.ready}) > 1]
    assert both == []


def test_pods_that_serve_nothing_but_errors_are_not_kept(on: On) -> None:
    """They go at once, before the good ones are there: nothing is lost with them."""
    scene = on("dead")
    assert not scene.release("shop:err-100")
    scene.undone("err-100")
    assert scene.undo["atOnce"] is True
    scene.never_came_back("err-100")


def test_a_fix_overtakes_the_way_back(on: On) -> None:
    """Declared while the good pods are still on their way, it goes out, and the bad pods are gone for good."""
    scene = on("slow")
    assert not scene.release("shop:bad")
    scene.until(lambda: scene.undo.get("state") == "UnderWay" and scene.detached(), "the way back", every=0.05)
    assert not scene.release("shop:v3")
    scene.fixed("v3", "bad")


def test_a_fix_in_flight_goes_on_while_the_budget_empties(on: On) -> None:
    """The old pods fail, the new ones do not: the hold of the empty budget does not keep the fix, and no one undoes it."""
    scene = on("failing")
    assert not scene.release("shop:v3-ready-8s")
    scene.until(lambda: "v3-ready-8s" in scene.releases(), "the release to be on record")
    scene.cluster.shop.set_fault("v1", errors=0.2, namespace=scene.namespace, app=scene.app)
    scene.until(scene.in_force, "the hold")
    assert scene.seen.moments[-1].of("v1"), "the fix was out before the budget was empty"
    scene.until(lambda: scene.alone("v3-ready-8s"), "the fix to be out")
    assert not scene.paused
    scene.free_of_undo()
    assert HOLD in scene.deployment()["metadata"]["labels"]


def test_when_good_pods_cannot_start_both_serve_and_it_is_said(on: On) -> None:
    """A quota that leaves no room: nothing that serves is taken away, RollbackStuck says so, and room lets it end."""
    scene = on("crowded")
    assert not scene.release("shop:bad-ready-8s")
    scene.until(lambda: "bad-ready-8s" in scene.releases(), "the release to be on record")
    scene.until(lambda: scene.can_be_undone("bad-ready-8s"), "it to be judged that it could be undone")
    scene.cluster.apply(quota(scene.namespace, 4))
    scene.until(lambda: scene.undo.get("state") == "Stuck", "the way back to be stuck")
    stuck = {c["type"]: c["status"] for c in scene.hold()["conditions"]}
    assert stuck["RollbackStuck"] == "True"
    assert "RollbackStuck" in scene.told()
    assert scene.seen.least_ready() >= 3
    assert scene.seen.moments[-1].of("bad-ready-8s")
    scene.kubectl("delete", "resourcequota", "pods")
    scene.kubectl("annotate", "replicasets", "--all", "quota=gone")  # its controller would wait for minutes
    scene.undone("bad-ready-8s")


def test_an_incident_of_all_releases_is_not_blamed_on_the_newest(on: On) -> None:
    """Old and new pods fail alike: the release is held where it is, and not undone; what ends it is the incident's end."""
    scene = on("shared")
    assert not scene.release("shop:v3-ready-8s")
    scene.until(lambda: scene.ready("v3-ready-8s"), "a new pod")
    scene.burn(0.3)
    scene.until(lambda: scene.hold().get("reason") == "SharedIncident", "the incident to be seen")
    scene.until(scene.in_force, "the hold to be in force")
    assert scene.paused
    assert scene.releases()["v3-ready-8s"]["verdict"] == "Shared"
    scene.free_of_undo()
    scene.recover()
    scene.until(lambda: scene.alone("v3-ready-8s"), "the release to go on")
    scene.free_of_undo()


def test_a_good_release_with_bursts_of_errors_stays(on: On) -> None:
    """Failures come in bursts but on average within the promise: nobody touches the release."""
    scene = on("bursty")
    scene.cluster.shop.use_chance("bursty")
    assert not scene.release("shop:v3-ready-1s")
    for _ in range(4):
        scene.cluster.shop.set_fault("v3-ready-1s", errors=0.02, namespace=scene.namespace, app=scene.app)
        settle(1)
        scene.cluster.shop.set_fault("v3-ready-1s", namespace=scene.namespace, app=scene.app)
        settle(4)
    scene.cluster.wait_rollout(scene.namespace, scene.app)
    assert scene.cluster.shop.truth(scene.namespace, scene.app).total.bad > 0
    scene.free_of_undo()
    assert not scene.paused
    assert scene.releases()["v3-ready-1s"]["verdict"] in {"Undecided", "Good"}


def test_a_name_of_sixty_characters_is_attributed_all_the_same(on: On) -> None:
    """The names of its pods do not tell the release; it is undone nevertheless, and the fix is out."""
    scene = on("long")
    assert len(scene.app) == 60
    assert not scene.release("shop:bad-ready-2s")
    scene.undone("bad-ready-2s")
    assert not scene.release("shop:v3")
    scene.fixed("v3", "bad-ready-2s")


def test_a_person_asks_for_the_way_back_and_for_its_end(on: On) -> None:
    """`holdfast undo` of a release that nobody faults, then `holdfast lift`: the release is out again, as it was declared."""
    scene = on("asked")
    assert not scene.release("shop:v3")
    scene.cluster.wait_rollout(scene.namespace, scene.app)
    where = (f"deployment/{scene.app}", "-n", scene.namespace, "--reason", "customers complain")
    asked = holdfast(scene.cluster, "undo", *where)
    assert asked.returncode == 0, asked.stderr
    name = scene.undone("v3")
    assert name.startswith("undone-by-hand-")
    refused = scene.kubectl("rollout", "resume", f"deployment/{scene.app}", check=False)
    assert QUEUE in refused.stderr or name in refused.stderr
    lifted = holdfast(scene.cluster, "lift", *where)
    assert lifted.returncode == 0, lifted.stderr
    scene.fixed("v3")
