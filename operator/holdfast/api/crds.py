"""The CRDs, written from the models: `python -m holdfast.api.crds` in a checkout, with `--check` to compare only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import yaml

from .kinds import GROUP, KINDS, VERSION, Column, Kind
from .schema import structural

CHECKOUT: Final = Path(__file__).parents[3]
KEPT: Final = {"helm.sh/resource-policy": "keep"}  # objectives survive an uninstall of the chart
_HEAD: Final = "# Generated from operator/holdfast/api by `python -m holdfast.api.crds`. Do not edit.\n"


def crd(kind: Kind, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind."""
    schema = structural(kind.model)
    schema["description"] = kind.description
    if kind.rules:
        schema["x-kubernetes-validations"] = [rule.schema() for rule in kind.rules]
    names = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
        "categories": ["holdfast"],
        **({"shortNames": list(kind.short)} if kind.short else {}),
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}", **({"annotations": annotations} if annotations else {})},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _column(column: Column) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.path,
        "description": column.description,
    }
    return made | ({"priority": column.priority} if column.priority else {})


def files() -> dict[Path, str]:
    """Every generated file, by its path in the checkout."""
    made: dict[Path, str] = {}
    for kind in KINDS:
        name = f"{GROUP}_{kind.plural}.yaml"
        made[Path("crds", name)] = _text(crd(kind))
        made[Path("charts", "holdfast", "crd", name)] = _text(crd(kind, KEPT))
    return made


def _text(document: dict[str, Any]) -> str:
    return _HEAD + yaml.dump(document, Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """No anchors: they would tie together what happens to be the same object here."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the name and the parameter are PyYAML's
        """Write everything out."""
        return True


def stale(root: Path) -> list[Path]:
    """Which files differ from what the models say."""
    made = files()
    present = [
        path.relative_to(root) for folder in ("crds", "charts/holdfast/crd") for path in (root / folder).glob("*.yaml")
    ]
    differing = [
        path for path, text in made.items() if not (root / path).is_file() or (root / path).read_text() != text
    ]
    return sorted({*differing, *(path for path in present if path not in made)})


def main(arguments: list[str], root: Path = CHECKOUT) -> int:
    """Write the files; with --check compare them, and say which are stale."""
    old = stale(root)
    if arguments == ["--check"]:
        for path in old:
            print(f"{path} is stale; run python -m holdfast.api.crds", file=sys.stderr)
        return 1 if old else 0
    if arguments:
        print("usage: python -m holdfast.api.crds [--check]", file=sys.stderr)
        return 2
    made = files()
    for path in old:
        if path in made:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(made[path])
        else:
            (root / path).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
