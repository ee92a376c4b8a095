"""Commands that the documentation names exist, with the options it gives them."""

from __future__ import annotations

import re
import shlex
from typing import Final

import click
import pytest

from holdfast.cli.main import main
from tests.docs.pages import ROOT, blocks, page, pages

COMMAND: Final = re.compile(r"`(holdfast(?: [^`\n]+)?)`")
TARGET: Final = re.compile(r"(?:`|^\s*)make +([a-z][a-z-]*)", re.MULTILINE)


def commands() -> set[str]:
    """Every command line of ours, in prose and in blocks."""
    found = {line for text in pages().values() for line in COMMAND.findall(text)}
    for block in blocks("bash"):
        found |= {line.partition("#")[0].strip() for line in block.text.splitlines() if line.startswith("holdfast ")}
    return {line for line in found if re.match(r"holdfast( [a-z]+|$)", line)}


@pytest.mark.parametrize("line", sorted(commands()))
def test_commands_exist(line: str) -> None:
    """A command of ours that is written down is known, and so is each of its options."""
    words = shlex.split(line)[1:]
    if not words:
        return
    command = main.commands.get(words[0])
    assert command is not None, f"there is no command {words[0]}"
    known = {option for p in command.params if isinstance(p, click.Option) for option in p.opts}
    known |= set(command.get_help_option_names(click.Context(command)))
    assert {word for word in words[1:] if word.startswith("-")} <= known | {"-h", "--help"}


def test_every_command_is_in_the_reference() -> None:
    """The reference lists all commands."""
    listed = set(re.findall(r"^\| `holdfast ([a-z]+)", page("docs/reference.md"), re.MULTILINE))
    assert listed == set(main.commands)


def test_options_in_the_reference_belong_to_their_command() -> None:
    """An option in a row of the reference is one of the command of that row."""
    rows = re.findall(r"^\| `holdfast ([a-z]+)[^`]*` \| (.*) \|$", page("docs/reference.md"), re.MULTILINE)
    assert len(rows) == len(main.commands)
    for name, text in rows:
        known = {option for p in main.commands[name].params for option in p.opts}
        assert set(re.findall(r"--[a-z-]+", text)) <= known, name


def test_make_targets_exist() -> None:
    """`make …` in the documentation is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {target for text in pages().values() for target in TARGET.findall(text)}
    assert {"demo", "test"} <= named
    assert named <= targets


def test_contributing_explains_the_targets_for_daily_work() -> None:
    """Who contributes finds every target that checks something."""
    assert {"check", "test", "test-fast", "generate", "mutation", "bench"} <= set(
        TARGET.findall(page("CONTRIBUTING.md"))
    )


def test_files_named_in_prose_exist() -> None:
    """A path in code quotes that begins like one of our folders is there."""
    folders = r"(?:operator|charts|crds|examples|lab|docs|tests|core|api|prometheus|cluster|service|cli)"
    dead = []
    for name, text in pages().items():
        for path in re.findall(rf"`({folders}/[\w./-]*[\w/])`", text):
            if not any((base / path).exists() for base in (ROOT, ROOT / "operator/holdfast", (ROOT / name).parent)):
                dead.append((name, path))
    assert dead == []
