"""Texts that stand for a value: a percentage, a duration, a selector.

Rule: a text has one reader here and its CEL rules for the API server, and both say the same sentence when they refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from holdfast.core.quantities import parse_decimal, parse_duration


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition in CEL, and the sentence of the refusal. `at` is the field that is named, if not the one it stands on."""

    cel: str
    sentence: str
    at: str = ""

    def schema(self) -> dict[str, str]:
        """As the API server wants it."""
        return {"rule": self.cel, "message": self.sentence, **({"fieldPath": self.at} if self.at else {})}


def rules(*given: Rule) -> dict[str, Any]:
    """What a model or a field adds to its schema."""
    return {"x-kubernetes-validations": [rule.schema() for rule in given]}


def cel(text: str) -> str:
    """A CEL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


@dataclass(frozen=True)
class Text:
    """Marks a field that is written as text: how it is read, its longest form, and what the server checks.

    `form` is a format that the server knows, such as date-time: `self` is then a timestamp in the rules.
    """

    read: Callable[[str], object]
    max_length: int
    rules: tuple[Rule, ...] = ()
    example: str = "99.9"
    form: str = ""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic hands over whatever was written."""
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The structural schema of the text."""
        form = {"format": self.form} if self.form else {}
        return {"type": "string", "maxLength": self.max_length, **form, **(rules(*self.rules) if self.rules else {})}

    def _validate(self, value: object) -> object:
        if not isinstance(value, str):
            raise ValueError(  # noqa: TRY004 - pydantic collects ValueErrors
                f'it must be text; write it in quotes, for example "{self.example}"'
            )
        if len(value) > self.max_length:
            raise ValueError(f"it has {len(value)} characters; {self.max_length} are allowed, so shorten it")
        return self.read(value)


def shaped(pattern: str, max_length: int, sentence: str) -> Text:
    """Text that a pattern describes, kept as it is."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(sentence)
        return text

    return Text(read, max_length, (Rule(f"self.matches({cel(pattern)})", sentence),), "checkout")


def decimal(what: str, holds: Callable[[Fraction], bool], condition: str, sentence: str) -> Text:
    """A plain decimal for which `holds` (in CEL: `condition` on the number `x`); `what` begins the sentence."""
    rule = Rule(
        f"self.matches({cel(_DECIMAL)}) && {condition.replace('x', 'double(self)')}", f"{what} must be {sentence}"
    )

    def read(text: str) -> Fraction:
        if not re.fullmatch(_DECIMAL, text) or not holds(value := parse_decimal(text)):
            raise ValueError(rule.sentence)
        return value

    return Text(read, 27, (rule,))


def span(what: str, least: str, most: str, example: str) -> Text:
    """A Prometheus duration from `least` to `most`; `what` begins the sentence."""
    sentence = f"{what} must be a duration from {least} to {most}, for example {example}"
    low, high = parse_duration(least), parse_duration(most)
    within = f"[{_MILLISECONDS}].all(n, n >= {round(low * 1000)} && n <= {round(high * 1000)})"
    rule = Rule(f"self.matches({cel(_DURATION)}) && {within}", sentence)

    def read(text: str) -> float:
        if not re.fullmatch(_DURATION, text) or not text or not low <= _seconds(text) <= high:
            raise ValueError(sentence)
        return _seconds(text)

    return Text(read, 32, (rule,), example)


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError:  # no time at all
        return 0


_DECIMAL: Final = r"^-?[0-9]{1,12}(\.[0-9]{1,12})?$"
_UNITS: Final = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}
_DURATION: Final = "^" + "".join(f"([0-9]{{1,6}}{unit})?" for unit in reversed(_UNITS)) + "$"
_SCALE: Final = "{" + ", ".join(f"'{unit}': {n}" for unit, n in _UNITS.items()) + "}"
_MILLISECONDS: Final = f"self.findAll('[0-9]+[a-z]+').map(p, int(p.find('[0-9]+')) * {_SCALE}[p.find('[a-z]+')]).sum()"


def percent_of_budget(what: str, least: int, most: int, *, below: bool = False) -> Text:
    """A percentage of the budget from `least` to `most` (`below`: short of it); the value is the percentage itself."""
    upper = f"x < {most}.0" if below else f"x <= {most}.0"
    return decimal(
        what,
        lambda x: x >= least and (x < most if below else x <= most),
        f"x >= {least}.0 && {upper}",
        f'a percentage from {least} to {"below " if below else ""}{most} without the sign, for example "5"',
    )


Target = Annotated[
    Fraction,
    decimal(
        "target", lambda x: 0 < x < 100, "x > 0.0 && x < 100.0", 'above 0 and below 100 percent, for example "99.9"'
    ),
]
"""Which percentage of the events must be good."""
