"""The sentences about an undo: what runs, what is declared, and what ends it."""

from __future__ import annotations

from dataclasses import replace

from holdfast.core.explain import hold_message
from holdfast.core.explain_release import undo_message
from holdfast.core.hold import Template, Undo, UndoState
from tests.core.making import NEW, NOW, OLD, SHOP, on_record

UNDO = Undo("bad-release-x7k2p", NEW, OLD, NOW, UndoState.UNDONE)


def test_two_releases_with_one_version_are_told_apart() -> None:
    """A change of the configuration has no image of its own: then digests are said."""
    same = replace(
        UNDO, bad=Template("0123456789abcdef", ("shop:v1",)), serve=Template("fedcba9876543210", ("shop:v1",))
    )
    assert "shop:v1 (template 0123456789) was undone" in undo_message(SHOP, same)
    assert "shop:v1 (template fedcba9876) serves" in undo_message(SHOP, same)


def test_a_hold_and_an_undo_are_both_told() -> None:
    """The undo first, so that the end of the sentence is the end of the hold; an undo alone says nothing of a budget."""
    alone = replace(on_record(), causes=(), undo=UNDO)
    assert hold_message(alone, ()) == undo_message(SHOP, UNDO)
    both = hold_message(on_record(undo=UNDO), ())
    assert both.startswith(undo_message(SHOP, UNDO))
    assert both.endswith(hold_message(on_record(), ()))
