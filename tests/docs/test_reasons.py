"""One closed set of reasons: the enum, the definitions, and the page that explains them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from holdfast.core.explain import LIFTED
from holdfast.core.hold import Reason
from tests.docs.pages import ROOT, headings, page, section

PAGE = "docs/reasons.md"


def enums(schema: Any, at: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every enum of a definition, with its path."""
    if isinstance(schema, dict):
        if isinstance(schema.get("enum"), list):
            yield at, schema["enum"]
        for key, value in schema.items():
            yield from enums(value, f"{at}.{key}")
    elif isinstance(schema, list):
        for value in schema:
            yield from enums(value, at)


def test_the_page_has_a_section_for_each_reason() -> None:
    """The headings are the members of the enum, in its order, and nothing else."""
    assert headings(page(PAGE))[1:] == [reason.value for reason in Reason]


@pytest.mark.parametrize("reason", Reason)
def test_a_section_says_what_it_means_and_what_to_do(reason: Reason) -> None:
    """What happened, what it means, what to do: in this order, each with an answer."""
    text = section(page(PAGE), reason.value)
    parts = [text.partition(f"**{asked}**")[2].strip() for asked in ("What happened.", "What it means.", "What to do.")]
    assert all(parts)
    assert len(parts[0]) > len(parts[1]) > len(parts[2])


def test_the_definitions_have_the_same_reasons() -> None:
    """Wherever a definition lists reasons of actions, it lists all of them."""
    found = 0
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        for at, listed in enums(yaml.safe_load(path.read_text(encoding="utf-8"))):
            if Reason.BUDGET_EXHAUSTED.value in listed:
                assert listed == [reason.value for reason in Reason], f"{path.name}{at}"
                found += 1
    assert found >= 2  # of a hold, and of a finding on an objective


def test_every_end_of_a_hold_is_explained_as_one() -> None:
    """A reason for which a hold ends says so on the page."""
    for reason in LIFTED:
        text = section(page(PAGE), reason.value)
        assert "lift" in text or "is over" in text or "let go" in text, reason
