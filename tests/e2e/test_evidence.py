"""When nothing can be known: whatever Prometheus does, its silence starts nothing and lifts nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from tests.e2e.scene import APP, Scene, settle

pytestmark = pytest.mark.lab

BLIND: Final = (
    ("refuse", "Unreachable", "could not be reached, or broke off the connection"),
    ("nan", "Contradictory", "NaN"),
    ("hang", "Unreachable", "did not answer within 2 s"),
    ("warnings", "Contradictory", "results may be incomplete: a store did not answer in time"),
    ("status", "Unreachable", "answered with HTTP 503"),
    ("html", "Contradictory", "answered with something that is not JSON"),
    ("slow", "Unreachable", "did not answer within 2 s"),
    ("empty", "Absent", "matches no series; check its metric name and labels"),
)
"""What the source does, one after the other, with the reason and the words that people read then."""


def test_every_way_to_be_blind_is_told_and_changes_nothing(scene: Scene) -> None:
    """Whatever the source does instead of answering, the status says so, and the hold stays as it is."""
    scene.objective(evidence={"staleAfter": "5s"})
    scene.policy()
    scene.burn()
    hold_id = scene.held()
    scene.cluster.shop.set_fault(None, namespace=scene.namespace, app=APP)
    for mode, reason, words in BLIND:
        scene.cluster.proxy.mode(mode)

        def told(reason: str = reason, words: str = words) -> bool:
            evidence = scene.slo()["evidence"]
            return bool(evidence.get("reason") == reason and words in evidence["message"])

        scene.until(told, f"{reason} after {mode}")
        assert scene.condition("EvidenceFresh") == "False"
        assert (scene.hold()["state"], scene.hold()["id"]) == ("Active", hold_id)
        assert scene.slo()["verdict"] == "Hold"
    scene.cluster.proxy.mode("pass")
    scene.until(lambda: scene.fresh, "fresh evidence")
    scene.recover()
    scene.free()


def test_blindness_neither_holds_nor_lifts_and_sight_goes_on_where_it_was(scenes: Callable[[], Scene]) -> None:
    """While the source is down one budget empties and another recovers: nothing moves; then both do at once."""
    emptied, recovered = scenes(), scenes()
    for scene in (emptied, recovered):
        scene.policy()
    recovered.burn()
    recovered.held()
    emptied.cluster.proxy.mode("refuse")
    recovered.recover()
    emptied.burn()
    emptied.until(lambda: emptied.condition("EvidenceFresh") == "False", "the evidence to be missing")
    recovered.until(lambda: recovered.condition("EvidenceFresh") == "False", "the evidence to be missing")
    settle(3)
    assert emptied.hold() == {}
    assert not emptied.marks()
    assert recovered.in_force()
    emptied.cluster.proxy.mode("pass")
    emptied.held()
    recovered.free()
    recovered.until(lambda: float(recovered.slo()["budget"]["coverage"]) > 20, "no gap in what was measured")
