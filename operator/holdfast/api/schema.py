"""From a pydantic model to the structural schema of a CRD.

Rule: whatever the API server would refuse, drop in silence or read differently is translated, and what has no
translation raises: no schema leaves here that was not understood word by word.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

Json = dict[str, Any]

_KEPT: Final = {
    "type",
    "description",
    "enum",
    "default",
    "maxLength",
    "minLength",
    "maxItems",
    "minItems",
    "minimum",
    "maximum",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
}
_TRANSLATED: Final = {
    "$ref",
    "$defs",
    "anyOf",
    "const",
    "properties",
    "required",
    "items",
    "additionalProperties",
    "maxProperties",
    "title",
    "format",
}
_RULES: Final = "x-kubernetes-validations"
_ANYTHING: Final = "x-kubernetes-preserve-unknown-fields"
_FORMATS: Final = {"date-time", "int32", "int64"}


class UnknownSchemaError(ValueError):
    """The model says something that has no place in a CRD."""


def structural(model: type[BaseModel]) -> Json:
    """The structural schema of a model, everything inlined."""
    schema = model.model_json_schema(mode="validation", by_alias=True)
    return _convert(schema, schema.get("$defs", {}), model.__name__)


def _convert(given: Json, definitions: Json, at: str) -> Json:
    given = _unwrap(_resolve(given, definitions), definitions)
    if unknown := given.keys() - _KEPT - _TRANSLATED - {_RULES, _ANYTHING}:
        raise UnknownSchemaError(f"{at}: no translation for {', '.join(sorted(unknown))}")
    if "type" not in given:
        raise UnknownSchemaError(f"{at}: every field of a CRD needs a type")
    made = {key: value for key, value in given.items() if key in _KEPT and not (key == "default" and value is None)}
    if "const" in given:
        made["enum"] = [given["const"]]
    if (form := given.get("format")) is not None:
        if form not in _FORMATS:
            raise UnknownSchemaError(f"{at}: the API server does not check format {form}")
        made["format"] = form
    made |= _children(given, definitions, at)
    if _RULES in given:
        made[_RULES] = given[_RULES]
    _check_bounds(made, at)
    return made


def _children(given: Json, definitions: Json, at: str) -> Json:
    """What lies below an object or a list."""
    match given["type"]:
        case "array":
            return {"items": _convert(given["items"], definitions, f"{at}[]")}
        case "object" if "properties" in given:
            properties = {
                name: _convert(field, definitions, f"{at}.{name}") for name, field in given["properties"].items()
            }
            required = {"required": given["required"]} if given.get("required") else {}
            return required | {"properties": properties}
        case "object" if given.get(_ANYTHING):
            return {_ANYTHING: True}
        case "object":
            limit = {"maxProperties": given["maxProperties"]} if "maxProperties" in given else {}
            return limit | {"additionalProperties": _convert(given["additionalProperties"], definitions, f"{at}.*")}
        case _:
            return {}


def _resolve(given: Json, definitions: Json) -> Json:
    """Put the definition where it is referred to; what stands beside the reference wins, and rules add up."""
    if "$ref" not in given:
        return given
    target = definitions[given["$ref"].removeprefix("#/$defs/")]
    beside = {key: value for key, value in given.items() if key != "$ref"}
    merged = {**target, **beside}
    if both := [*target.get(_RULES, []), *beside.get(_RULES, [])]:
        merged[_RULES] = both
    return merged


def _unwrap(given: Json, definitions: Json) -> Json:
    """`X or null` is an optional X."""
    if "anyOf" not in given:
        return given
    choices = [choice for choice in given["anyOf"] if choice != {"type": "null"}]
    if len(choices) != 1:
        raise UnknownSchemaError(f"a field has one type, not {len(choices)}")
    inner = _resolve(choices[0], definitions)
    beside = {key: value for key, value in given.items() if key != "anyOf"}
    return _resolve({"$ref": "#/$defs/inner", **beside}, {"inner": inner})


def _check_bounds(made: Json, at: str) -> None:
    """CEL is refused, and etcd filled, where there is no bound."""
    bound = {"string": "maxLength", "array": "maxItems"}.get(made["type"])
    if "additionalProperties" in made:
        bound = "maxProperties"
    if bound and bound not in made and "enum" not in made:
        raise UnknownSchemaError(f"{at}: {bound} is missing")
