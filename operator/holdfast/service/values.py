"""Values of a stored ledger, one by one: what is none is a ValueError."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, TypeVar

from holdfast.core.quantities import Instant

T = TypeVar("T")


def either(value: Any, read: Callable[[Any], T]) -> T | None:
    """None, or what this reads."""
    return None if value is None else read(value)


def maybe(value: Any) -> Instant | None:
    """A time, or None."""
    return None if value is None else number(value)


def number(value: Any) -> float:
    """A finite number."""
    if type(value) not in (int, float) or not isfinite(value):
        raise ValueError(f"not a ledger: {value!r} is no number")
    return float(value)


def whole(value: Any) -> int:
    """A count."""
    if type(value) is not int or value < 0:
        raise ValueError(f"not a ledger: {value!r} is no count")
    return value


def flag(value: Any) -> bool:
    """A truth."""
    if type(value) is not bool:
        raise ValueError(f"not a ledger: {value!r} is neither true nor false")
    return value


def words(values: Any) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(values, list) or not all(type(value) is str for value in values):
        raise ValueError("not a ledger: a name is not made of words")
    return tuple(values)
