"""What the documentation shows can be used as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from holdfast.cli.main import main
from holdfast.service.settings import Settings
from tests.docs.pages import ROOT, Block, blocks, page

YAML = list(blocks("yaml"))
OURS = [block for block in YAML if "holdfast.dev/" in block.text]
VALUES = [block for block in YAML if "sources:" in block.text]


def validate(path: Path) -> str:
    """What `holdfast validate` says of a file; fails when it finds something wrong."""
    result = CliRunner().invoke(main, ["validate", "-f", str(path)])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("block", YAML, ids=str)
def test_yaml_is_yaml(block: Block) -> None:
    """Every block that says it is YAML can be read as such."""
    assert list(yaml.safe_load_all(block.text))


@pytest.mark.parametrize("block", OURS, ids=str)
def test_objects_in_the_documentation_are_valid(block: Block, tmp_path: Path) -> None:
    """Every object of ours that is shown is accepted by `holdfast validate`, and none is passed over."""
    path = tmp_path / "block.yaml"
    path.write_text(block.text, encoding="utf-8")
    said = validate(path)
    assert "0 wrong" in said
    assert "skipped" not in said
    assert "0 ok" not in said


def test_the_examples_are_valid() -> None:
    """The folder examples/ holds objectives and policies that are accepted."""
    assert "0 wrong" in validate(ROOT / "examples")


@pytest.mark.parametrize("block", VALUES, ids=str)
def test_values_in_the_documentation_configure_the_operator(block: Block) -> None:
    """Values that are shown are known to the chart, and their part for the operator is a configuration it starts with."""
    shown: dict[str, Any] = yaml.safe_load(block.text)
    known = yaml.safe_load((ROOT / "charts/holdfast/values.yaml").read_text(encoding="utf-8"))
    assert shown.keys() <= known.keys()
    for source in shown.get("sources", ()):
        source.pop("secretName", None)  # for the chart, which mounts it
    Settings.model_validate({key: shown[key] for key in shown.keys() & {"sources", "interval", "enforcement", "log"}})


def test_the_minimal_objects_of_the_readme_are_an_objective_and_its_policy() -> None:
    """Who copies the block of the README gets an objective, and a policy that covers it and only audits."""
    (block,) = [block for block in OURS if block.page == "README.md"]
    objective, policy = yaml.safe_load_all(block.text)
    assert (objective["kind"], policy["kind"]) == ("ServiceLevelObjective", "ErrorBudgetPolicy")
    assert objective["metadata"]["namespace"] == policy["metadata"]["namespace"]
    assert policy["spec"]["mode"] == "Audit"


def test_the_readme_is_short() -> None:
    """A README is read in one go: 150 lines."""
    assert len(page("README.md").splitlines()) <= 150
