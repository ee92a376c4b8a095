"""The frame of the benchmarks: what is written and shown, and what is said about a wrong name. Nothing is timed here."""

from __future__ import annotations

import io
import json
import math
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

import bench.__main__ as command
from bench import frame, table
from bench.episode import Held
from bench.frame import BenchError, Compared, Figure, Group, Outcome, Say
from bench.latency import FAST, of_episodes


def outcome(_: Say) -> Outcome:
    return Outcome(3.14159, Compared("the floor", 2.0), "Counted on fingers.")


def fails(_: Say) -> Outcome:
    raise BenchError("The fingers ran out.")


FIGURE = Figure("finger-count-s", "s", 5, outcome)


def silent(_: str) -> None:
    """Say nothing."""


def test_a_figure_is_written_with_exactly_the_promised_fields(tmp_path: Path) -> None:
    """Whoever reads the files finds the same seven fields in each."""
    frame.measure(FIGURE, silent, tmp_path / "not" / "there")
    written = json.loads((tmp_path / "not" / "there" / "finger-count-s.json").read_text())
    assert list(written) == ["figure", "value", "unit", "goal", "compared_with", "method", "commit"]
    assert written | {"commit": ""} == {
        "figure": "finger-count-s",
        "value": 3.142,
        "unit": "s",
        "goal": 5,
        "compared_with": {"what": "the floor", "value": 2.0},
        "method": "Counted on fingers.",
        "commit": "",
    }


def test_an_old_value_does_not_pass_for_a_new_one(tmp_path: Path) -> None:
    """A figure that cannot be measured leaves no file, also where an earlier run left one."""
    frame.measure(FIGURE, silent, tmp_path)
    with pytest.raises(BenchError):
        frame.measure(replace(FIGURE, measure=fails), silent, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("value", "met"), [(4.9, True), (5.0, True), (5.1, False)])
def test_a_goal_is_met_up_to_the_goal_itself(value: float, met: bool) -> None:
    """Less is better; the ratio is value over goal."""
    result = frame.Result(FIGURE, Outcome(value, Compared("x", 1), "m"), "c")
    assert result.met is met
    assert result.ratio == pytest.approx(value / 5)


@pytest.mark.parametrize(
    ("value", "met", "ratio"), [(5.1, True, 5 / 5.1), (5.0, True, 1), (4.0, False, 1.25), (0.0, False, math.inf)]
)
def test_where_more_is_better_the_goal_is_a_floor(value: float, met: bool, ratio: float) -> None:
    """The ratio is turned around, so that up to 1 is good in every row."""
    result = frame.Result(replace(FIGURE, at_least=True), Outcome(value, Compared("x", 1), "m"), "c")
    assert result.met is met
    assert result.ratio == pytest.approx(ratio)
    assert table.goal(result.figure) == "≥ 5 s"


def test_the_commit_says_when_the_checkout_differs(tmp_path: Path) -> None:
    """A short hash, with -dirty once a tracked file has changed; unknown where there is no git."""

    def git(*args: str) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *args], cwd=tmp_path, check=True, capture_output=True)

    assert frame.commit(tmp_path) == "unknown"
    git("init")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-m", "one")
    git("tag", "-a", "v1", "-m", "a tag does not replace the hash")
    assert re.fullmatch(r"[0-9a-f]{7,}", frame.commit(tmp_path))
    (tmp_path / "a").write_text("2")
    assert re.fullmatch(r"[0-9a-f]{7,}-dirty", frame.commit(tmp_path))


def test_the_table_shows_value_goal_and_both_ratios() -> None:
    """A reader sees at once how far a figure is from its goal, and from what it is compared with."""
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(table.of_results([frame.Result(FIGURE, outcome(silent), "c")]))
    shown = console.export_text()
    for text in ("finger-count-s", "3.14 s", "5 s", "0.63", "2 s", "1.57"):
        assert text in shown
    assert max(map(len, shown.splitlines())) < 80


def test_every_group_is_found_and_every_figure_has_a_name_of_its_own() -> None:
    """Two figures of one name would overwrite each other's file."""
    found = frame.groups()
    assert {"accuracy", "cost", "latency", "ledger"} <= set(found)
    names = [figure.name for group in found.values() for figure in group.figures]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)
    assert all(figure.goal > 0 for group in found.values() for figure in group.figures)


def test_the_promised_goals_are_in_the_figures() -> None:
    """5 s when everything is fast; one scrape, one interval and 3 s as shipped. Cost and accuracy as the documentation says."""
    goals = {figure.name: table.goal(figure) for group in frame.groups().values() for figure in group.figures}
    assert goals.items() >= {
        ("hold-latency-s", "5 s"),
        ("hold-latency-default-s", "33 s"),
        ("prometheus-cpu-ratio", "≥ 400 ×"),
        ("prometheus-samples-ratio", "≥ 10000 ×"),
        ("budget-error-p95", "0.3 points"),
    }


def test_the_list_names_every_figure_and_measures_nothing() -> None:
    """`--list` shows what there is."""
    said = CliRunner().invoke(command.main, ["--list"])
    assert said.exit_code == 0
    assert "hold-latency-s" in said.output
    assert "latency" in said.output


def test_an_unknown_group_is_told_in_a_sentence() -> None:
    """A typing error ends with 2, names the groups there are, and measures nothing."""
    said = CliRunner().invoke(command.main, ["--only", "latenzy"])
    assert said.exit_code == 2
    assert "there is no group latenzy" in said.output
    assert "latency" in said.output.replace("latenzy", "")


@pytest.mark.parametrize(
    ("figure", "code", "sentence"),
    [
        (FIGURE, 0, ""),
        (replace(FIGURE, goal=3), 1, "Above the goal: finger-count-s."),
        (replace(FIGURE, goal=4, at_least=True), 1, "Below the goal: finger-count-s."),
        (replace(FIGURE, measure=fails), 1, "finger-count-s could not be measured. The fingers ran out."),
    ],
)
def test_the_exit_code_says_whether_every_goal_is_met(
    figure: Figure, code: int, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 when all are; 1 when one is missed or could not be measured, and the others are measured all the same."""
    other = replace(FIGURE, name="toe-count-s")
    monkeypatch.setattr(command, "choose", lambda _: [Group("hands", "counting", (figure, other))])
    monkeypatch.setattr(command, "measure", lambda f, say: frame.measure(f, say, tmp_path))
    said = CliRunner().invoke(command.main, [])
    assert said.exit_code == code
    assert sentence in said.stderr
    assert "toe-count-s stands beside the floor." in said.stdout
    assert (tmp_path / "toe-count-s.json").exists()


def test_click_is_told_the_right_option() -> None:
    """The sentence points at what was typed."""
    with pytest.raises(click.BadParameter) as error:
        command.choose("nothing")
    assert error.value.param_hint == "--only"


def test_the_method_of_the_latency_says_what_was_seen() -> None:
    """The sentences carry every part of every episode, its repetitions, its pace and the load of the machine."""
    episodes = [Held(0.5, 0.25, 2.0, 0.125, slack=0.02), Held(1.0, 0.5, 2.5, 0.25, slack=0.03)]
    found = of_episodes(episodes, max, "longest", FAST, load=1.5)
    assert found.value == 4.25
    assert found.compared_with.value == 1.0
    for text in (
        "Longest of 2 episodes (2.88, 4.25 s)",
        "scrape 1 s, interval 1 s, delay 2 s",
        "30 ms",
        "load 1.5",
        "is 4.75 s",
    ):
        assert text in found.method
    assert "{" not in found.method
