"""The sentences about an undo: what runs, what is declared, and what ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.core.explain import hold_message, undo_message
from holdfast.core.hold import Template, Undo, UndoState
from tests.core.making import NEW, NOW, OLD, SHOP, on_record

UNDO = Undo("bad-release-x7k2p", NEW, OLD, NOW, UndoState.UNDONE)
ENDS = " It ends when another template is declared, or with `holdfast lift deployment/checkout -n shop`."


@pytest.mark.parametrize(
    ("undo", "said"),
    [
        (UNDO, "was undone (bad-release-x7k2p): v1 serves again, Git still declares v2."),
        (
            replace(UNDO, state=UndoState.UNDER_WAY),
            "is being undone (bad-release-x7k2p): v1 is to serve again, Git still declares v2.",
        ),
        (
            replace(UNDO, state=UndoState.STUCK),
            "cannot be undone yet (bad-release-x7k2p): the pods of v1 did not become available in time. "
            "Nothing more is taken away, and it goes on by itself when they are.",
        ),
        (
            replace(UNDO, state=UndoState.STOPPED, serve=None),
            "is stopped (bad-release-x7k2p): there is no release to go back to. "
            "Nothing more of it starts, and what serves goes on.",
        ),
    ],
)
def test_what_runs_what_is_declared_and_what_ends_it(undo: Undo, said: str) -> None:
    """One sentence for each state, and the same end."""
    assert undo_message(SHOP, undo) == f"Release v2 of Deployment shop/checkout {said}{ENDS}"


def test_two_releases_with_one_version_are_told_apart() -> None:
    """A change of the configuration has no tag of its own: then digests are said."""
    same = replace(
        UNDO, bad=Template("0123456789abcdef", ("shop:v1",)), serve=Template("fedcba9876543210", ("shop:v1",))
    )
    assert "Release 0123456789ab of" in undo_message(SHOP, same)
    assert "fedcba987654 serves again" in undo_message(SHOP, same)


def test_a_hold_and_an_undo_are_both_told() -> None:
    """The undo first, so that the end of the sentence is the end of the hold; an undo alone says nothing of a budget."""
    alone = replace(on_record(), causes=(), undo=UNDO)
    assert hold_message(alone, ()) == undo_message(SHOP, UNDO)
    both = hold_message(on_record(undo=UNDO), ())
    assert both.startswith(undo_message(SHOP, UNDO))
    assert both.endswith(hold_message(on_record(), ()))
