"""The CRDs: structural, bounded, described, and the same as the committed files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pytest
import yaml
from pydantic import BaseModel, Field

from holdfast.api.crds import CHECKOUT, files, main, stale
from holdfast.api.schema import UnknownSchemaError, structural
from tests.api.samples import ACCEPTED, PARSERS, Json

CRDS: Final = {path.name: yaml.safe_load(text) for path, text in files().items() if path.parts[0] == "crds"}


def fields_of(schema: Json, at: str = "") -> Iterator[tuple[str, Json]]:
    """Every field of a schema, by its path; lists add nothing to the path, as in kubectl explain."""
    yield at, schema
    for name, field in schema.get("properties", {}).items():
        yield from fields_of(field, f"{at}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from fields_of(schema[key], at)


def schema_of(crd: Json) -> Json:
    """The schema of the one version."""
    found: Json = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


ALL: Final = [(name, path, field) for name, crd in CRDS.items() for path, field in fields_of(schema_of(crd))]


def test_committed_files_are_generated_ones() -> None:
    """What the repository ships is what the models say."""
    assert stale(CHECKOUT) == []


def test_check_names_the_stale_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--check writes nothing, fails, and lists changed, missing and superfluous files."""
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    (tmp_path / "crds" / "holdfast.dev_holds.yaml").write_text("changed")
    (tmp_path / "crds" / "holdfast.dev_old.yaml").write_text("old")
    (tmp_path / "charts/holdfast/crd/holdfast.dev_holds.yaml").unlink()
    assert main(["--check"], tmp_path) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in said] == [
        "charts/holdfast/crd/holdfast.dev_holds.yaml",
        "crds/holdfast.dev_holds.yaml",
        "crds/holdfast.dev_old.yaml",
    ]
    assert main([], tmp_path) == 0
    assert stale(tmp_path) == []


def test_the_chart_keeps_its_crds() -> None:
    """An uninstall of the chart leaves the objectives alone."""
    for path, text in files().items():
        metadata = yaml.safe_load(text)["metadata"]
        assert (metadata.get("annotations") == {"helm.sh/resource-policy": "keep"}) is (path.parts[0] == "charts")


@pytest.mark.parametrize(
    ("name", "path", "field"), ALL, ids=[f"{name.split('_')[1][:4]}{path}" for name, path, _ in ALL]
)
def test_every_field_is_described_and_bounded(name: str, path: str, field: Json) -> None:
    """kubectl explain has a sentence for every field, and the server a bound on everything."""
    if path.count(".") and path.rsplit(".", 1)[-1]:
        described = [f for n, p, f in ALL if (n, p) == (name, path) and "description" in f]
        assert described
        assert all(f["description"].endswith(".") for f in described)
    match field["type"]:
        case "string":
            assert "maxLength" in field or "enum" in field
        case "array":
            assert "maxItems" in field
        case "object" if "additionalProperties" in field:
            assert "maxProperties" in field


def test_rules_say_how_to_mend() -> None:
    """Each CEL rule has a sentence of its own, one that does not repeat the expression."""
    rules = [rule for _, _, field in ALL for rule in field.get("x-kubernetes-validations", [])]
    assert len(rules) > 20
    assert all(
        len(rule["message"]) > 30 and "self" not in rule["message"] and "\n" not in rule["message"] for rule in rules
    )


def test_patterns_are_those_of_re2() -> None:
    """CEL patterns have no look-around and no back reference, which the server could not compile."""
    patterns = [rule["rule"] for _, _, field in ALL for rule in field.get("x-kubernetes-validations", [])]
    assert not [p for p in patterns if re.search(r"\(\?[=!<]|\\\\[1-9]", p)]


def with_defaults(value: Any, schema: Json) -> Any:
    """The value as the server stores it."""
    if isinstance(value, list):
        return [with_defaults(item, schema["items"]) for item in value]
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    filled = {**{name: field["default"] for name, field in schema["properties"].items() if "default" in field}, **value}
    return {name: with_defaults(item, schema["properties"][name]) for name, item in filled.items()}


@pytest.mark.parametrize("body", ACCEPTED)
def test_defaults_mean_the_same_on_both_sides(body: Json) -> None:
    """A file that never saw a server is read as the object that did."""
    crd = next(crd for crd in CRDS.values() if crd["spec"]["names"]["kind"] == body["kind"])
    stored = {**body, "spec": with_defaults(body["spec"], schema_of(crd)["properties"]["spec"])}
    read = PARSERS[body["kind"]]
    assert read(stored) == read(body)


class Inner(BaseModel):
    """Something inside."""

    a: Annotated[str, Field(max_length=3)] = "x"


class Fine(BaseModel):
    """Everything that has a translation."""

    one: Inner
    maybe: Inner | None = None
    word: Literal["a"] = "a"
    table: dict[str, int] = Field(max_length=4)


def test_the_translation() -> None:
    """References are inlined, null unwrapped, titles dropped, a constant is an enum of one."""
    inner = {
        "type": "object",
        "properties": {"a": {"type": "string", "maxLength": 3, "default": "x"}},
        "description": "Something inside.",
    }
    assert structural(Fine) == {
        "type": "object",
        "description": "Everything that has a translation.",
        "required": ["one", "table"],
        "properties": {
            "one": inner,
            "maybe": inner,
            "word": {"type": "string", "enum": ["a"], "default": "a"},
            "table": {"type": "object", "maxProperties": 4, "additionalProperties": {"type": "integer"}},
        },
    }


@pytest.mark.parametrize(
    "kind",
    [
        Annotated[str, Field(max_length=3, pattern="a")],
        str,
        list[int],
        Annotated[int, Field(gt=0)],
        Annotated[tuple[int, int], Field(max_length=2)],
        int | str,
        Annotated[str, Field(max_length=9, json_schema_extra={"format": "duration"})],
        Annotated[str, Field(max_length=9, examples=["a"])],
        dict[str, int],
        Any,
        Annotated[set[int], Field(max_length=9)],
        Literal["a", 1],
    ],
)
def test_what_has_no_translation_raises(kind: Any) -> None:
    """Nothing that the server would refuse, drop or misread leaves the generator."""
    model = type("Odd", (BaseModel,), {"__annotations__": {"field": kind}, "__module__": __name__})
    with pytest.raises(UnknownSchemaError):
        structural(model)
