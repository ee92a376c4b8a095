"""The conditions that all selectors of a batched query imply, so that a source reads no more series than it must.

The result may select more than the selectors do, never less: what is too much is sorted out by the reader. One author's
selector must not spoil the query of the others, so only what cannot fail goes in: plain values, and plain regexes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from holdfast.core.objective import Match, Selector, quote

LONGEST: Final = 90_000
"""Bytes of all conditions together. Beyond it the longest one is left out."""

_PLAIN: Final = re.compile(r"(?:[\w.:/ ,=@%!|()*+?^$-]|\\[.dws/-]|\[\^?[\w.-]+\])*", re.ASCII)
_SPECIAL: Final = re.compile(r"([][\\.+*?()|{}^$])")


class Width(IntEnum):
    """How much a query leaves out: wider ones are for a source that refuses the narrow one."""

    NARROW = 0
    EQUALS = 1  # plain values only
    WIDE = 2


def narrowing(every: Iterable[Selector], width: Width = Width.NARROW, only: frozenset[str] | None = None) -> str:
    """The union of what these selectors demand, label by label, as PromQL in braces; empty when it is nothing.

    A label counts when each selector says what it must be; `only` names the labels that may be used.
    """
    asked = tuple(every)
    labels = frozenset.intersection(*(s.labels for s in asked)) if asked and width < Width.WIDE else frozenset[str]()
    conditions = []
    for label in sorted(labels if only is None else labels & only):
        wanted = {_demand(selector, label, width) for selector in asked}
        if None not in wanted:
            conditions.append(f"{label}=~{quote('|'.join(sorted(w for w in wanted if w is not None)))}")
    while sum(len(c.encode()) for c in conditions) > LONGEST:
        conditions.remove(max(conditions, key=len))
    return "{" + ",".join(conditions) + "}" if conditions else ""


def escape(value: str) -> str:
    """A regex, in RE2's syntax, that matches exactly this text."""
    return _SPECIAL.sub(r"\\\1", value) or "()"


def _demand(selector: Selector, label: str, width: Width) -> str | None:
    """A regex for what the selector demands of a label, None when it only excludes, or not in a plain way."""
    for matcher in selector.matchers:
        if matcher.label != label:
            continue
        if matcher.how is Match.EQUAL:
            return escape(matcher.value)
        if matcher.how is Match.REGEX and width is Width.NARROW and _plain(matcher.value):
            return f"(?:{matcher.value})"
    return None


def _plain(regex: str) -> bool:
    """No counted repeats (their size adds up), no flags, no names (two alike are an error), nothing exotic."""
    return _PLAIN.fullmatch(regex) is not None and "(?" not in regex and len(regex) <= 1000
