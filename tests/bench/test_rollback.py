"""What the group `rollback` says of its episodes. Nothing is timed here."""

from __future__ import annotations

from bench.rollback import Size, least, median, method
from bench.undoing import Undone


def test_the_worst_moment_counts_and_the_median_time() -> None:
    """One pod too few for one moment of one episode is the figure; one slow episode of three is not."""
    episodes = [Undone(20, 3.0, 3.1, 20), Undone(20, 9.0, 9.1, 19), Undone(20, 3.2, 3.3, 20)]
    assert least(episodes) == 0.95
    assert median(episodes) == 3.2


def test_the_method_tells_both_ways() -> None:
    """Ours and the template's figures stand in one sentence each, the quick pods too."""
    ours, theirs = (Undone(4, 3.0, 3.5, 4),) * 3, (Undone(4, 6.0, 6.5, 3),) * 3
    said = method(Size(4, ours, theirs, (Undone(4, 0.5, 0.6, 4), Undone(4, 1.1, 1.2, 3))))
    assert "(3.00, 3.00, 3.00 s; template 6.00, 6.00, 6.00 s)" in said
    assert "never fewer than 4 of 4 pods were ready (template 3)" in said
    assert "0.50 s (template 1.10 s)" in said
