"""Objectives, policies and adjustments from files: everything that can be read, and a sentence for everything that cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import yaml

from holdfast.api import Invalid, parse_adjustment, parse_objective, parse_policy
from holdfast.core.adjustment import Adjustment
from holdfast.core.objective import Objective
from holdfast.core.policy import Policy

OURS = "holdfast.dev/"

files_option = click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    required=True,
    help="A YAML file or a folder of them; - for standard input. May be given several times.",
)


@dataclass(slots=True)
class Checked:
    """What was found in some files."""

    objectives: list[tuple[Path, Objective]] = field(default_factory=list)
    policies: list[tuple[Path, Policy]] = field(default_factory=list)
    adjustments: list[tuple[Path, Adjustment]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    skipped: int = 0


def read_files(names: Iterable[str]) -> Checked:
    """What these files and folders hold."""
    checked = Checked()
    for name in names:
        for path in _files(name):
            _check(path, checked)
    return checked


def _files(name: str) -> Iterator[Path]:
    path = Path("/dev/stdin") if name == "-" else Path(name)
    if path.is_dir():
        yield from sorted(p for p in path.rglob("*") if p.suffix in {".yaml", ".yml", ".json"})
    else:
        yield path


def _check(path: Path, checked: Checked) -> None:
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except OSError as error:
        checked.errors.append(f"{path}: cannot be read: {error.strerror}")
        return
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        checked.errors.append(f"{path}: is not YAML: {error}")
        return
    for document in documents:
        for body in _items(document):
            _parse(path, body, checked)


def _items(document: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(document, Mapping):
        items = document.get("items")
        yield from (items if document.get("kind") == "List" and isinstance(items, list) else (document,))


def _parse(path: Path, body: Mapping[str, Any], checked: Checked) -> None:
    kind = body.get("kind")
    if not str(body.get("apiVersion", "")).startswith(OURS) or kind not in {
        "ServiceLevelObjective",
        "ErrorBudgetPolicy",
        "BudgetAdjustment",
    }:
        checked.skipped += 1
        return
    try:
        if kind == "ServiceLevelObjective":
            checked.objectives.append((path, parse_objective(body)))
        elif kind == "BudgetAdjustment":
            checked.adjustments.append((path, parse_adjustment(body)))
        else:
            checked.policies.append((path, parse_policy(body)))
    except Invalid as error:
        name = (body.get("metadata") or {}).get("name", "(no name)")
        checked.errors.extend(f"{path}: {kind} {name}: {problem}" for problem in error.errors)
