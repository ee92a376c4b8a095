"""Rules of a process that is scraped under more than one target, and of gaps that turn out to be none."""

from __future__ import annotations

import pytest

from holdfast.core.ledger import Ledger, Reading, Target

WEB = ("shop", "web-0", "main")
OLD, NEW = ("old job", "10.0.0.1"), ("new job", "10.0.0.2")


def reading(total: float, bad: float = 0, started: float | None = 5, process: tuple[str, ...] | None = WEB) -> Reading:
    """The process web-0, which was born after the ledger."""
    return Reading(total, bad, started, process=process)


def fed(*looks: tuple[float, dict[Target, Reading]]) -> Ledger:
    """A ledger with an old process beside, scraped every 15 s."""
    found = Ledger(3600, 45)
    for at, readings in looks:
        assert found.feed(at, {("beside",): Reading(1, 0, -1e6), **readings})
    return found


def counted(found: Ledger) -> tuple[float, float]:
    """(events, bad events) of all time."""
    counts = found.counts(1e9)
    return counts.total, counts.bad


NAMES = [
    pytest.param(
        [(0, {}), (15, {OLD: reading(100, 9)}), (30, {NEW: reading(110, 9)})],
        (110, 9),
        id="a renamed scrape job is no birth",
    ),
    pytest.param(
        [(0, {}), (15, {OLD: reading(100, 9)}), (30, {OLD: reading(105, 9), NEW: reading(110, 9)})],
        (110, 9),
        id="nor while the old one is still in the range",
    ),
    pytest.param(
        [(0, {}), (15, {NEW: reading(110, 9), OLD: reading(105, 9)}), (30, {NEW: reading(120, 9)})],
        (120, 9),
        id="whichever of the two comes first",
    ),
    pytest.param(
        [(0, {}), (15, {OLD: reading(100, 9)}), (30, {NEW: reading(40, 2, started=20)})],
        (140, 11),
        id="another start is another process",
    ),
    pytest.param(
        [(0, {}), (15, {OLD: reading(100, 9)}), (30, {NEW: reading(40, 2, process=("shop", "web-1", "main"))})],
        (140, 11),
        id="another pod is another process",
    ),
    pytest.param(
        [(0, {}), (15, {OLD: reading(100, 9, process=None)}), (30, {NEW: reading(110, 9, process=None)})],
        (210, 18),
        id="without a pod's name there is no telling",
    ),
    pytest.param(
        [
            (0, {}),
            (15, {OLD: reading(100, 9)}),
            (30, {OLD: reading(30, 9, started=20), NEW: reading(40, 2, started=20)}),  # both show the new process
            (45, {NEW: reading(50, 3, started=20)}),
            (75, {NEW: reading(60, 4, started=20)}),
        ],
        (160, 13),
        id="the old target of a replaced pod shows the new process, and it counts once",
    ),
    pytest.param(
        [
            (0, {}),
            (15, {OLD: reading(100, 9)}),
            (30, {OLD: reading(110, 9), NEW: reading(120, 10, started=None)}),
            (45, {NEW: reading(130, 11)}),
        ],
        (130, 11),
        id="a new target whose start is left out at first is no birth",
    ),
    pytest.param(
        [
            (0, {}),
            (15, {OLD: reading(10, 1, started=None)}),
            (30, {OLD: reading(20, 2)}),
            (45, {NEW: reading(30, 3)}),
        ],
        (30, 3),
        id="one whose start was told late is known under another target",
    ),
    pytest.param(
        [
            (0, {}),
            (15, {OLD: reading(100, 9)}),
            (30, {NEW: reading(40, 2, started=20), OLD: reading(47, 9, started=20)}),  # 7 of the new one, 40 and 9 old
            (45, {NEW: reading(50, 3, started=20)}),
            (75, {NEW: reading(60, 4, started=20)}),
        ],
        (160, 13),
        id="whichever of them is read first",
    ),
    pytest.param(
        [
            (0, {}),
            (15, {OLD: reading(100, 9)}),
            (30, {NEW: reading(40, 2, started=20)}),
            (45, {NEW: reading(50, 3, started=20), OLD: reading(45, 3, started=20)}),
            (60, {NEW: reading(60, 4, started=20), OLD: reading(100, 9)}),
            (75, {NEW: reading(70, 4, started=20)}),
        ],
        (170, 13),
        id="an echo of the life before is not believed",
    ),
]


@pytest.mark.parametrize(("looks", "expected"), NAMES)
def test_a_process_counts_once(looks: list[tuple[float, dict[Target, Reading]]], expected: tuple[float, float]) -> None:
    """Under whatever targets, and however often, a process is scraped."""
    assert counted(fed(*looks)) == expected


def test_a_gap_after_which_everybody_comes_back_is_covered() -> None:
    """After an outage targets are scraped again one by one: the gap is open until the last of them is back."""
    found = fed((0, {}), (15, {OLD: reading(10)}), (200, {}))
    assert (found.gap, found.counts(1e9).covered) == ((15, 200), 15)
    found.feed(215, {("beside",): Reading(1, 0, -1e6), OLD: reading(90)})
    found.feed(230, {("beside",): Reading(1, 0, -1e6), OLD: reading(95)})
    assert (found.gap, found.counts(1e9).covered, *counted(found)) == (None, 230, 95, 0)


@pytest.mark.parametrize("back", [{}, {OLD: reading(4, started=100)}, {NEW: reading(4, started=100)}])
def test_a_gap_in_which_a_process_ended_stays_open(back: dict[Target, Reading]) -> None:
    """Nobody knows what it counted last."""
    found = fed((0, {}), (15, {OLD: reading(10)}), (200, {}), (215, back), (300, back))
    assert found.gap is not None
    assert found.counts(1e9).covered < 300 - 180


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param(
            [(0, (100, 9, -50)), (15, (110, 9, -20)), (60, (120, 10, -50))], (20, 1), id="a start that was corrected"
        ),
        pytest.param(
            [(0, (100, 9, -1000)), (15, (110, 9, None)), (320, (130, 10, None)), (335, (135, 10, None))],
            (35, 1),
            id="a start that is told no more",
        ),
        pytest.param(
            [(0, (100, 9, -1000)), (15, (110, 9, None)), (30, (130, 10, -1000))], (30, 1), id="a start left out once"
        ),
    ],
)
def test_a_start_time_may_change_its_mind(
    looks: list[tuple[float, tuple[float, float, float | None]]], expected: tuple[float, float]
) -> None:
    """A process whose start is told differently, or no more, goes on counting where it was."""
    assert counted(fed(*((at, {OLD: reading(*values)}) for at, values in looks))) == expected


def test_a_ledger_knows_its_targets() -> None:
    """A target is known from its first look on, also while it is away."""
    found = fed((0, {OLD: reading(1)}), (15, {}))
    assert (found.knows(OLD), found.knows(NEW)) == (True, False)
