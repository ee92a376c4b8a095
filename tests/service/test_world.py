"""What people wrote, read once and never half."""

from __future__ import annotations

from typing import Any

from holdfast.core.objective import ObjectKey
from holdfast.service.world import Reader
from tests.api.samples import Json, adjustment, objective, recurring


def stored(body: Json, name: str, generation: int = 1, **metadata: Any) -> Json:
    """The object as the API server shows it."""
    more = {"name": name, "uid": f"uid-{name}", "generation": generation, "resourceVersion": "1", **metadata}
    return {**body, "metadata": {**body["metadata"], **more}}


def test_adjustments_are_for_the_objectives_they_select() -> None:
    """In the order of their names, from the same namespace, by the labels of the objective."""
    chosen = {"objectiveSelector": {"matchLabels": {"tier": "critical"}}}
    adjustments = [
        stored(adjustment(), "b-every"),
        stored(adjustment(**chosen), "a-critical"),
        stored(adjustment(), "c-elsewhere", namespace="bank"),
    ]
    objectives = [
        stored(objective(), "plain"),
        stored(objective(), "critical", labels={"tier": "critical"}),
    ]
    world = Reader().read(objectives, (), (), adjustments)
    names = {key.name: [a.key.name for a in world.adjustments_of(found)] for key, found in world.objectives.items()}
    assert names == {"plain": ["b-every"], "critical": ["a-critical", "b-every"]}


def test_an_adjustment_that_makes_no_sense_is_told_apart() -> None:
    """It adjusts nothing new, and says why; an objective of the same name is none the worse for it."""
    broken = stored(recurring(timeZone="Europe/Holdfast"), "checkout")
    world = Reader().read([stored(objective(), "checkout")], (), (), [broken])
    key = ObjectKey("shop", "checkout")
    assert "there is no time zone Europe/Holdfast" in str(world.invalid_adjustments[key])
    assert world.adjustments == {}
    assert world.unreadable == frozenset()
    assert world.adjustments_of(world.objectives[key]) == ()


def test_an_edit_that_makes_no_sense_changes_no_budget() -> None:
    """What an adjustment said before stays in force, until it is mended or deleted."""
    reader, key = Reader(), ObjectKey("shop", "nightly")
    good = reader.read((), (), (), [stored(adjustment(), "nightly")]).adjustments[key]
    broken = reader.read((), (), (), [stored(recurring(timeZone="Europe/Holdfast"), "nightly", 2)])
    assert (broken.adjustments[key], key in broken.invalid_adjustments) == (good, True)
    assert reader.read((), (), (), ()).adjustments == {}


def test_the_world_is_the_same_while_nothing_changes() -> None:
    """A status that was written, or an object that came again, is no news; another spec, other labels, one that is gone
    are, and what did not change stays the value it was."""
    reader = Reader()
    one, two = stored(objective(), "one"), stored(objective(), "two")
    world = reader.read([one, two], (), ())
    assert (
        reader.read([{**one, "status": {"verdict": "Open"}}, stored(objective(), "two", resourceVersion="2")], (), ())
        is world
    )
    for changed in (stored(objective(target="99"), "two", 2), stored(objective(), "two", labels={"a": "b"}), None):
        after = reader.read([one, *([] if changed is None else [changed])], (), ())
        assert after is not world
        assert after.objectives[ObjectKey("shop", "one")] is world.objectives[ObjectKey("shop", "one")]
        world = after
