"""Closed sets of words are the same in the code, in the definitions and in the documentation."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from holdfast.api.conditions import ConditionReason, ConditionType
from holdfast.api.kinds import KINDS
from holdfast.core.evidence import Why
from holdfast.service.metrics import Budgets, Metrics, State
from holdfast.service.settings import (
    HttpSettings,
    LogSettings,
    RestraintSettings,
    RollbackSettings,
    Settings,
    SourceSettings,
)
from tests.docs.pages import ROOT, first_cells, page, said, section


def definition(plural: str) -> dict[str, Any]:
    """The schema of a kind as it is installed."""
    text = (ROOT / "crds" / f"holdfast.dev_{plural}.yaml").read_text(encoding="utf-8")
    schema: dict[str, Any] = yaml.safe_load(text)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def test_metrics_are_those_of_the_registry() -> None:
    """The table of metrics lists every family that is exported, and no other."""
    metrics = Metrics()
    metrics.registry.register(Budgets(State))
    every = {f"{m.name}_total" if m.type == "counter" else m.name for m in metrics.registry.collect()}
    exported = {name for name in every if not name.startswith("process_")}  # those are the same for every program
    assert set(first_cells(section(page("docs/operations.md"), "Metrics"))) & exported == exported
    named = set(re.findall(r"\bholdfast_[a-z_]+\b", page("docs/operations.md")))
    assert named == exported


def test_settings_are_those_of_the_configuration() -> None:
    """The table of the configuration lists every key, and no other."""

    def keys(model: Any, before: str = "") -> set[str]:
        return {before + (field.alias or name) for name, field in model.model_fields.items()}

    known = (
        keys(Settings) - {"sources", "log", "http", "rollback", "restraint"}
        | keys(RollbackSettings, "rollback.")
        | keys(RestraintSettings, "restraint.")
    )
    known |= keys(SourceSettings, "sources[].") | keys(LogSettings, "log.") | keys(HttpSettings, "http.")
    listed = re.findall(r"`([^`]+)`", " ".join(re.findall(r"^\| (.*?) \|", _table("Configuration"), re.MULTILINE)))
    assert set(listed) == known


def _table(heading: str) -> str:
    return section(page("docs/operations.md"), heading)


def test_conditions_are_explained() -> None:
    """The reference has every condition and every reason of one, and no other."""
    rows = re.findall(
        r"^\| (?:objective|policy|adjustment|Hold|release) \| `(\w+)` \| (.+) \|$",
        page("docs/reference.md"),
        re.MULTILINE,
    )
    assert {kind for kind, _ in rows} == set(ConditionType)
    assert {word for _, cell in rows for word in re.findall(r"`([A-Z]\w+)`", cell)} == set(ConditionReason)


def test_evidence_is_explained() -> None:
    """The troubleshooting table has every reason of missing evidence."""
    text = section(page("docs/operations.md"), "Troubleshooting").partition("Other sentences")[0]
    assert set(re.findall(r"^\| ([A-Z][a-z]+) \| `", text, re.MULTILINE)) == set(Why)


QUOTED = re.findall(
    r"^\| [^|]+ \| `([a-z][^`]+)`[^|]*\|", section(page("docs/operations.md"), "Troubleshooting"), re.MULTILINE
)


@pytest.mark.parametrize("sentence", QUOTED)
def test_quoted_sentences_are_said(sentence: str) -> None:
    """What the troubleshooting table quotes is what the program says, word for word."""
    assert sentence in said()


def test_log_events_are_logged() -> None:
    """The words to search the log for are the words that are logged."""
    paragraph = section(page("docs/operations.md"), "Logs and Events").partition("is the word to search for: ")[2]
    words = re.findall(r"`([^`]+)`", paragraph.partition("\n\n")[0])
    assert len(words) >= 10
    for word in words:
        assert word in said() or word.removesuffix(" on").removesuffix(" off") + " " in said(), word


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_fields_are_those_of_the_definition(kind: Any) -> None:
    """Fields of `spec` in the reference are fields of the definition, and every one at the top is there."""
    if kind.name == "Hold":
        return  # its spec names the workload, and is nobody's to write
    text = section(page("docs/reference.md"), kind.name)
    listed = [cell for cell in first_cells(text) if not re.fullmatch(r"budgetRemaining|budgetSpent|burnRate", cell)]
    schema = definition(kind.plural)["properties"]["spec"]
    for path in listed:
        at = schema
        for part in path.replace("[]", ".[]").split("."):
            at = at["items"] if part == "[]" else at["properties"][part]
    assert {re.split(r"[.\[]", path)[0] for path in listed} == schema["properties"].keys()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_short_names_are_told(kind: Any) -> None:
    """The table of kinds has each with its short names."""
    row = next(line for line in page("docs/reference.md").splitlines() if line.startswith(f"| {kind.name} |"))
    assert re.findall(r"`([a-z]+)`", row) == list(kind.short)
