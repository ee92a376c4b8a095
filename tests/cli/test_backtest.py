"""`holdfast backtest`: how the past is shown, and what is said of options and files that cannot be used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from holdfast.cli import outcome_data, outcome_text
from holdfast.cli.main import main
from holdfast.cli.outcome import Outcome
from holdfast.cli.outcome_plot import drawn
from holdfast.cli.source import Asked
from holdfast.core.budget import Burn
from holdfast.core.policy import Rule
from holdfast.core.replay import effects, replay
from holdfast.prometheus.history import Walk
from tests.core.making import HOUR, NOW, SILENT, burn_rule, burning, measured, notify, rule
from tests.core.releasing import spends, worse

EXAMPLES = Path(__file__).parents[2] / "examples"
RULES = (rule(), burn_rule(), notify())


def curve(hours: int) -> list[float | None]:
    """Full, then an incident, then a hole, then a slow recovery."""
    fall = [max(-20.0, 100 - 6.0 * max(0, n - 12)) for n in range(hours)]
    return [None if 40 <= n < 52 else left if n < 60 else left + (n - 60) for n, left in enumerate(fall)]


def outcome(hours: int = 96, rules: tuple[Rule, ...] = RULES) -> Outcome:
    """An objective over so many hours up to 28 November 2025, 06:00 UTC."""
    looks = []
    for n, left in enumerate(curve(hours)):
        burns: dict[float, Burn] = burning(20 if 13 <= n < 33 else 0.4)
        figures = measured(0, SILENT) if left is None else measured(left, burns=burns)
        looks.append((NOW - (hours - 1 - n) * HOUR, figures))
    moments = replay(looks, rules)
    walk = Walk(NOW, (hours - 1) * HOUR, HOUR, 300)
    return Outcome(looks[0][1].objective, rules, (300, HOUR), walk, moments, effects(moments, rules))


def test_the_words_and_the_rules(capsys: pytest.CaptureFixture[str]) -> None:
    """What was promised, the worst, the end, what is not known, and what each rule would have done."""
    outcome_text.table([outcome()])
    head = capsys.readouterr().out.split("\n\n")
    assert (
        head[0]
        == """\
shop/checkout-latency promises 99.9 % over 30d.
From 24 Nov 07:00 UTC to 28 Nov 06:00 UTC: 96 moments, one every 1h, read every 5m.
The least that was left is -20 %, on 25 Nov 15:00 UTC. At the end 15 % is left.
Nothing is known of 12 of these moments, which are not measured: 25 Nov 23:00 to 26 Nov 10:00 UTC."""
    )
    lines = [line.split() for line in head[1].splitlines()[2:]]
    assert lines == [
        ["exhausted", "under", "0", "%", "left", "Hold", "1", "2d9h", "2d9h"],
        ["burning", "burns", "over", "14.4", "in", "1h", "Hold", "1", "20h", "20h"],
        ["low", "under", "25", "%", "left", "Notify", "1", "2d22h", "-"],
    ]


def test_the_table_shows_the_worst_of_each_stretch(capsys: pytest.CaptureFixture[str]) -> None:
    """A line stands for three hours here; where nothing is known there are dashes, and it fits into 80 columns."""
    outcome_text.table([outcome()])
    said = capsys.readouterr().out
    assert "Each line is the worst moment of 3h; -o csv has all of them." in said
    rows = [" ".join(line.split()) for line in said.splitlines()]
    assert "26 Nov 03:00 - - - - unmeasured Hold" in rows
    assert "25 Nov 15:00 -20 % 1,200 1,000,000 20 100 % Hold" in rows
    assert max(len(line) for line in said.splitlines() if " Nov " in line and "moments" not in line) <= 80
    assert "\x1b" not in said


def test_few_moments_are_all_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a policy there are no verdicts, and the way to one is named."""
    outcome_text.table([outcome(12, ())])
    said = capsys.readouterr().out
    assert "Each line" not in said
    assert "verdict" not in said
    assert said.count(" Nov ") == 12 + 3
    assert said.endswith("No policy was tried: --policy FILE shows what one would have done.\n")


def test_the_plot_has_holes_and_a_strip() -> None:
    """The curve is broken where nothing is known; below it stands what would have been in force."""
    lines = drawn(outcome(), 80, coloured=False).splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in "".join(lines)
    frame = next(n for n, line in enumerate(lines) if "┌" in line)
    left = lines[frame].index("┌") + 1
    strip = lines[-2][left:]
    assert strip.startswith("··")
    assert "█" in strip
    assert strip.rstrip().endswith("▒")
    inside = [line[left:] for line in lines[frame + 1 : -4]]
    width = lines[frame].index("┐") - left
    hole = range(width * 42 // 96, width * 50 // 96)
    curves = "▗▖▄▀▝▘▌▐▚▞▙▟▛▜█"
    assert not any(
        line[column : column + 1] in curves for line in inside for column in hole if line[column : column + 1]
    )
    assert [line.split("┤")[0].split("┼")[0].strip() for line in lines if "%┤" in line or "%┼" in line] == [
        "100 %",
        "25 %",
        "0 %",
    ]


def test_a_terminal_gets_colours() -> None:
    """Only when it is asked for: what is piped stays plain."""
    assert "\x1b[" in drawn(outcome(), 100, coloured=True)


def test_json_has_numbers_and_null(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not known is null, and never a number."""
    outcome_data.json([outcome()])
    found = json.loads(capsys.readouterr().out)["objectives"][0]
    unknown = [moment for moment in found["moments"] if moment["remainingPercent"] is None]
    assert len(unknown) == found["unmeasuredMoments"] == 12
    assert all(moment["total"] is None and moment["burnRates"][0]["rate"] is None for moment in unknown)
    assert found["lowest"]["remainingPercent"] == -20
    assert found["wouldHold"] is True
    assert found["moments"][0] == {
        "time": "2025-11-24T07:00:00Z",
        "remainingPercent": 100,
        "bad": 0,
        "total": 1000000,
        "allowed": 1000,
        "coveragePercent": 100,
        "verdict": "Open",
        "burnRates": [{"window": "5m", "rate": 0.4}, {"window": "1h", "rate": 0.4}],
        "rules": [],
    }


def test_an_objective_of_which_nothing_is_known_has_no_worst(capsys: pytest.CaptureFixture[str]) -> None:
    """Not even the summary makes something up."""
    blind = outcome()
    moments = replay([(m.at, measured(0, SILENT)) for m in blind.moments], RULES)
    outcome_text.plot([replace(blind, moments=moments, effects=effects(moments, RULES))])
    said = capsys.readouterr().out
    assert "The least" not in said
    assert "At the end" not in said


WHERE = ("--source-url", "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((), "say where the metrics are: either --source-url URL or --config FILE"),
        ((*WHERE, "--source", "x"), "--source chooses a source of --config"),
        (("--source-url", "localhost:9090"), "write it like http://localhost:9090"),
        (("--config", "/nowhere.yaml"), "/nowhere.yaml cannot be read"),
        ((*WHERE, "--since", "tomorrow"), "'tomorrow' is not a duration"),
        ((*WHERE, "--step", "31d"), "--since must be 1 to 20000 steps long"),
        ((*WHERE, "--step", "1s"), "--since must be 1 to 20000 steps long"),
        ((*WHERE, "--fail-below", "half"), "'half' is not a plain decimal number"),
        ((*WHERE, "-f", "/nowhere.yaml"), "/nowhere.yaml: cannot be read"),
        ((*WHERE, "-f", str(EXAMPLES)), "is there more than once; give each objective once."),
    ],
)
def test_what_cannot_be_used_is_said(args: tuple[str, ...], sentence: str) -> None:
    """Options and files that make no sense end with 2 and a sentence, before anything is asked."""
    done = CliRunner().invoke(main, ["backtest", "-f", str(EXAMPLES / "objectives.yaml"), *args])
    assert done.exit_code == 2
    assert sentence in " ".join(done.stderr.split())


def test_a_source_of_the_configuration_is_chosen_by_name(tmp_path: Path) -> None:
    """An objective is asked for where the configuration says; a name that it does not have is said."""
    config = tmp_path / "config.yaml"
    config.write_text("sources: [{name: other, url: 'http://127.0.0.1:9'}]", encoding="utf-8")
    args = ["backtest", "-f", str(EXAMPLES / "objectives.yaml"), "--config", str(config)]
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 3
    assert "no metrics source is called default; there is other" in done.stderr
    done = CliRunner().invoke(main, [*args, "--source", "other"])
    assert done.exit_code == 3
    assert "the metrics source other could not be reached" in done.stderr
    done = CliRunner().invoke(main, [*args, "--source", "third"])
    assert done.exit_code == 2
    assert "has no metrics source called third; there is other" in " ".join(done.stderr.split())


def test_what_is_logged_does_not_mix_with_the_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A program that reads the output gets nothing else."""
    structlog.reset_defaults()
    try:
        Asked("http://127.0.0.1:9", None, None).sources()
        structlog.get_logger("holdfast").warning("query refused; asking wider")
        structlog.get_logger("holdfast").info("not worth a word")
    finally:
        structlog.reset_defaults()
    said = capsys.readouterr()
    assert said.out == ""
    assert "query refused" in said.err
    assert "not worth" not in said.err


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (
            (worse(),),
            "This rule judges releases and is not tried, since the past says nothing of pods that are gone: bad-release.",
        ),
        ((rule(), worse(), spends()), "These rules judge releases and are not tried"),
        ((rule(),), ""),
    ],
)
def test_rules_on_releases_are_said_to_be_left_out(
    rules: tuple[Rule, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In words and for programs: what is not tried is not shown as a rule that never was in force."""
    told = outcome(rules=rules)
    assert said in " ".join(told.sentences())
    assert ("not tried" in " ".join(told.sentences())) is bool(said)
    outcome_text.table([told])
    table = capsys.readouterr().out
    assert "releases" not in table.split("time")[-1]
    outcome_data.json([told])
    document = json.loads(capsys.readouterr().out)["objectives"][0]
    left_out = [f"default/{each.key.rule}" for each in rules if each.on_releases]
    assert document["rulesNotTried"] == left_out
    assert len(document["rules"]) == len(rules) - len(left_out)
