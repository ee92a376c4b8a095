"""What is a figure, who measures it, and where is it kept?

Rule: a figure says what it was measured against and how, or it is not written at all.
"""

from __future__ import annotations

import importlib
import json
import math
import pkgutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bench

ROOT: Final = Path(__file__).resolve().parents[1]
RESULTS: Final = ROOT / "build" / "bench"

Say = Callable[[str], None]


class BenchError(Exception):
    """A figure could not be measured; a sentence says why."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a figure stands beside, measured in the same run and in the same unit."""

    what: str
    value: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """One measured value, what it stands beside, and how both came about, in sentences."""

    value: float
    compared_with: Compared
    method: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One promise in numbers. `goal` is in the same unit; the value should not be above it, or with `at_least` not below."""

    name: str
    unit: str
    goal: float
    measure: Callable[[Say], Outcome]
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Figures that are measured with the same means."""

    name: str
    about: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """A figure as it is written and shown."""

    figure: Figure
    outcome: Outcome
    commit: str

    @property
    def ratio(self) -> float:
        """Value over goal, or goal over value where more is better; at most 1 when the goal is met."""
        value, goal = self.outcome.value, self.figure.goal
        if self.figure.at_least:
            return goal / value if value > 0 else math.inf
        return value / goal

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        return self.ratio <= 1

    def content(self) -> dict[str, object]:
        """The fields of its file."""
        beside = self.outcome.compared_with
        return {
            "figure": self.figure.name,
            "value": _rounded(self.outcome.value),
            "unit": self.figure.unit,
            "goal": self.figure.goal,
            "compared_with": {"what": beside.what, "value": _rounded(beside.value)},
            "method": self.outcome.method,
            "commit": self.commit,
        }


def groups() -> Mapping[str, Group]:
    """Every group of this package, by name, in alphabetical order."""
    modules = (
        importlib.import_module(f"bench.{m.name}") for m in pkgutil.iter_modules(bench.__path__) if m.name != "__main__"
    )
    found = [group for module in modules if isinstance(group := getattr(module, "GROUP", None), Group)]
    return {group.name: group for group in sorted(found, key=lambda g: g.name)}


def measure(figure: Figure, say: Say, folder: Path = RESULTS) -> Result:
    """Measure and write one figure. What an earlier run left is removed first, so that no old value passes for a new one."""
    path = folder / f"{figure.name}.json"
    path.unlink(missing_ok=True)
    made_of = commit()  # before measuring: that is the code that was loaded
    result = Result(figure, figure.measure(say), made_of)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result.content(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return result


def commit(root: Path = ROOT) -> str:
    """The short hash of the checkout, with -dirty when a tracked file differs from it; `unknown` outside of git."""
    asked = ["git", "describe", "--always", "--abbrev=7", "--dirty", "--exclude=*"]
    try:
        said = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said.stdout.strip()


def _rounded(value: float) -> float:
    """Four significant digits: no measurement here is better than that."""
    return float(f"{value:.4g}")
