"""Rules of the builds: found by content, complete or absent, and clear when Go is missing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lab import build, groups
from lab.errors import BuildError, LabError, MissingToolError
from lab.go import require_recent
from lab.groups import GROUPS, Group, Step

MAIN = 'package main\n\nfunc main() { println("hello") }\n'
RACE = """
import pathlib, sys
from lab import build, groups
folder = pathlib.Path(sys.argv[1])
step = groups.Step((".",), ("hello",))
groups.GROUPS["tiny"] = groups.Group("tiny", "", (step,), lambda version: (), folder)
build.ensure("tiny", say=print)
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Group:
    """A group of one program without dependencies, in a cache of its own."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "go.mod").write_text("module example.com/tiny\n\ngo 1.26.0\n")
    (folder / "go.sum").write_text("")
    (folder / "main.go").write_text(MAIN)
    group = Group("tiny", "", (Step((".",), ("hello",)),), lambda _: (), folder)
    monkeypatch.setitem(groups.GROUPS, "tiny", group)
    monkeypatch.setenv("HOLDFAST_LAB_CACHE", str(tmp_path / "cache"))
    return group


@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_the_key_changes_with_the_module_files(tiny: Group, file: str) -> None:
    """Other module versions or checksums are another folder."""
    before = build.cache_key(tiny, "go1")
    with (tiny.folder / file).open("a") as text:
        text.write("// changed\n")
    assert build.cache_key(tiny, "go1") != before


def test_the_key_changes_with_compiler_flags_and_stamps(tiny: Group) -> None:
    """Whatever reaches the compiler, or is the compiler, decides the folder."""
    other_flags = replace(tiny, steps=(replace(tiny.steps[0], flags=("-trimpath", "-race")),))
    other_stamps = replace(tiny, stamps=lambda _: ("main.version=1",))
    keys = {build.cache_key(group, "go1") for group in (tiny, other_flags, other_stamps)}
    assert len(keys | {build.cache_key(tiny, "go2")}) == 4


def test_the_same_input_has_the_same_key(tiny: Group) -> None:
    """Nothing but content decides: a copy elsewhere has the same key."""
    copy = tiny.folder.parent / "copy"
    copy.mkdir()
    for file in ("go.mod", "go.sum"):
        (copy / file).write_bytes((tiny.folder / file).read_bytes())
    assert build.cache_key(replace(tiny, folder=copy), "go1") == build.cache_key(tiny, "go1")


@pytest.mark.lab
def test_a_group_is_built_once(tiny: Group) -> None:
    """The second call finds the programs and says nothing; the first one spoke at its start and its end."""
    said: list[str] = []
    folder = build.ensure("tiny", say=said.append)["tiny"]
    assert subprocess.run([folder / "hello"], capture_output=True, text=True, check=True).stderr == "hello\n"
    assert said[0].startswith("tiny: building hello")
    assert said[-1].startswith("tiny: built after")
    said.clear()
    assert build.ensure("tiny", say=said.append)["tiny"] == folder
    assert said == []


@pytest.mark.lab
def test_a_failed_build_leaves_nothing_and_shows_the_compiler_s_words(tiny: Group) -> None:
    """A folder in the cache is complete or does not exist."""
    (tiny.folder / "main.go").write_text("package main\n\nfunc main() { nonsense }\n")
    with pytest.raises(BuildError, match="undefined: nonsense"):
        build.ensure("tiny", say=lambda _: None)
    assert [path.name for path in build.cache_folder().iterdir()] == ["build.lock"]


@pytest.mark.lab
def test_two_processes_build_a_group_once(tiny: Group) -> None:
    """The second of two concurrent processes waits and uses what the first one built."""
    command = [sys.executable, "-c", RACE, str(tiny.folder)]
    root = Path(__file__).parents[2]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(2)]
    said = "".join(racer.communicate()[0] for racer in racers)
    assert [racer.returncode for racer in racers] == [0, 0]
    assert said.count("built after") == 1


def test_without_go_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Go gets an instruction, not a stack of errors about a missing file."""
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(MissingToolError, match=r"Install Go 1\.26 or newer"):
        build.ensure("kubernetes")


@pytest.mark.parametrize("line", ["go version go1.25.9 linux/amd64", "go version go1.9 linux/amd64", ""])
def test_an_old_go_is_refused(line: str) -> None:
    """Versions are compared as numbers; an answer that cannot be read counts as too old."""
    with pytest.raises(MissingToolError, match=r"needs Go 1\.26 or newer"):
        require_recent(line)


@pytest.mark.parametrize("line", ["go version go1.26.0 linux/amd64", "go version go1.30rc1 linux/arm64"])
def test_a_recent_go_is_accepted(line: str) -> None:
    """1.26 and everything newer will do."""
    require_recent(line)


def test_an_unknown_group_is_named() -> None:
    """A typing error lists what there is."""
    with pytest.raises(LabError, match=r"no group nope; it knows kubernetes"):
        build.ensure("nope")


def test_every_group_has_its_module_files_and_a_version() -> None:
    """A group without go.sum would be built from whatever the network offers today."""
    for group in GROUPS.values():
        assert (group.folder / "go.sum").exists(), group.name
        assert group.version.startswith("v"), group.name


@pytest.mark.lab
def test_the_programs_carry_their_versions() -> None:
    """Helm and Flagger compare the server's version: an unstamped one would be taken for 0.0."""
    found = build.ensure("kubernetes", "prometheus", "helm")
    assert build.version_line(found["kubernetes"], "kube-apiserver", "--version") == "Kubernetes v1.36.3"
    assert "3.14.0" in build.version_line(found["prometheus"], "prometheus", "--version")
    assert build.version_line(found["helm"], "helm", "version", "--short").startswith("v3.21.4")
