"""What is wrong with an object, in sentences for its author; all of it at once.

One exception: Invalid(ValueError), an object that cannot be used; `errors` says where and how to mend it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, and what it means and how to mend it, in one sentence."""

    path: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}"


class Invalid(ValueError):  # noqa: N818 - it is a finding more than an error
    """An object cannot be used as it is."""

    def __init__(self, errors: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = errors


_SENTENCES: Final = {  # what pydantic finds, as we say it; {key} is the name of the field
    "missing": "{key} is missing; add it",
    "extra_forbidden": "{key} is not a field of this kind; remove it or correct its spelling",
    "model_type": "{key} must hold fields; write it as a mapping",
    "dict_type": "{key} must hold fields; write it as a mapping",
    "list_type": "{key} must be a list; begin each of its lines with a dash",
    "string_type": "{key} must be text; put it in quotes",
    "int_type": "{key} must be a whole number; write it without quotes",
    "int_parsing_size": "{key} is too large a number; lower it",
}
_BOUNDED: Final = {
    "enum": ("expected", "{key} must be {bound}"),
    "literal_error": ("expected", "{key} must be {bound}"),
    "too_long": ("max_length", "{key} may have {bound} entries at most; remove some"),
    "too_short": ("min_length", "{key} needs at least {bound} of them; add one"),
    "string_too_long": ("max_length", "{key} may have {bound} characters at most; shorten it"),
    "string_too_short": ("min_length", "{key} is empty; fill it in or leave it out"),
    "greater_than_equal": ("ge", "{key} must be {bound} or more"),
    "less_than_equal": ("le", "{key} must be {bound} or less"),
}


def problems(error: ValidationError, at: str) -> tuple[Problem, ...]:
    """Every error of a validation, each under its path below `at`."""
    return tuple(Problem(_path(at, detail["loc"]), _sentence(detail, at)) for detail in error.errors(include_url=False))


def _path(at: str, loc: Iterable[int | str]) -> str:
    return at + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)


def _sentence(detail: ErrorDetails, at: str) -> str:
    key = next((str(part) for part in reversed(detail["loc"]) if isinstance(part, str)), at)
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind in _BOUNDED:
        name, sentence = _BOUNDED[kind]
        return sentence.format(key=key, bound=context[name])
    return _SENTENCES.get(kind, "{key} cannot be used: {said}").format(key=key, said=detail["msg"])
