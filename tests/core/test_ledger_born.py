"""Rules of processes of which only the start of the pod is known: it tells a birth, and nothing of restarts."""

from __future__ import annotations

import pytest

from holdfast.core.ledger import Ledger, Reading, Target

WEB = ("shop", "web-1", "app")
OLD: Target = ("old", "web-1")
NEW: Target = ("new", "web-1")
BEFORE = -1000.0


def reading(total: float, bad: float = 0, born: float | None = BEFORE, started: float | None = None) -> Reading:
    """What web-1 counted."""
    return Reading(total, bad, started, process=WEB, born=born)


STORIES = [
    pytest.param([(15, {NEW: reading(9, 2, 5)})], (9, 2), id="a pod that is new: all it counted"),
    pytest.param([(15, {NEW: reading(9, 2)})], (0, 0), id="an older pod: a baseline"),
    pytest.param(
        [(15, {NEW: Reading(9, 2, born=5)}), (30, {NEW: reading(12, 3, 5)})], (12, 3), id="its name is told later"
    ),
    pytest.param(
        [(15, {NEW: reading(9, 2, None)}), (30, {NEW: reading(12, 3, 5)})], (12, 3), id="told later, the pod is new"
    ),
    pytest.param(
        [(15, {NEW: reading(9, 2, None)}), (30, {NEW: reading(12, 3)})], (3, 1), id="told later, the pod is old"
    ),
    pytest.param(
        [(15, {NEW: reading(90, 2, 5)}), (30, {NEW: reading(9, 1, 5)}), (45, {NEW: reading(12, 1, 5)})],
        (90, 2),
        id="its container starts again: not believed at once",
    ),
    pytest.param(
        [
            (15, {NEW: reading(90, 2, 5)}),
            (30, {NEW: reading(9, 1, 5)}),
            (75, {NEW: reading(30, 2, 5)}),
            (90, {NEW: reading(35, 3, 5)}),
        ],
        (125, 5),
        id="and counts from zero once the old samples are out of the range",
    ),
    pytest.param(
        [(15, {OLD: reading(9, 2, 5)}), (30, {NEW: reading(12, 3, 5)})], (12, 3), id="a renamed scrape job is no birth"
    ),
    pytest.param(
        [(15, {OLD: reading(9, 2, 5)}), (30, {NEW: reading(12, 3, 20)})], (21, 5), id="another pod of that name is one"
    ),
    pytest.param(
        [
            (15, {OLD: reading(9, 2, 5)}),
            (45, {OLD: reading(8, 3, 20)}),
            (90, {OLD: reading(8, 3, 20)}),
            (105, {OLD: reading(10, 3, 20)}),
        ],
        (19, 5),
        id="also at the same address, although it has counted nearly as much",
    ),
    pytest.param(
        [(15, {NEW: reading(9, 2, 5)}), (30, {NEW: reading(12, 3, 5, 6.5)}), (45, {NEW: reading(13, 3, 5, 6.5)})],
        (13, 3),
        id="the start of its container is told later: it is no restart",
    ),
    pytest.param(
        [(15, {NEW: reading(9, 2, 5, 6.5)}), (30, {NEW: reading(12, 3, 5)}), (45, {NEW: reading(13, 3, 5, 6.5)})],
        (13, 3),
        id="the start of its container is missing once: caught up with later",
    ),
    pytest.param(
        [(15, {OLD: reading(9, 2, 5, 6.5)}), (30, {NEW: reading(12, 3, 5)})],
        (9, 2),
        id="it is missing once, and the scrape job is renamed: no birth",
    ),
]


@pytest.mark.parametrize(("looks", "expected"), STORIES)
def test_what_the_start_of_a_pod_is_worth(
    looks: list[tuple[float, dict[Target, Reading]]], expected: tuple[float, float]
) -> None:
    """The ledger begins at 0 with another target, and looks every 15 s at values that stay readable for 45 s."""
    ledger = Ledger(3600, 45)
    ledger.feed(0, {("other",): Reading(1, 0, BEFORE)})
    for at, readings in looks:
        ledger.feed(at, readings)
    counts = ledger.counts(1e9)
    assert (counts.total, counts.bad) == expected
