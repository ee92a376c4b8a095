"""A query whose answer has grown too large becomes several, each for some values of one label.

It is split only where that makes the answers smaller: at a label of which every objective demands one plain value, so
that each part has a condition of its own. Total and part of one objective stay in one query.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from holdfast.core.objective import Match, ObjectKey, Selector

from .families import Family
from .narrowing import Width
from .sources import Series

MOST_SERIES: Final = 20_000
"""Series of one answer: some 5 MB."""


def split(family: Family, answer: Sequence[Series], most: int = MOST_SERIES) -> list[Family]:
    """The families to ask from now on instead of this one; itself where the answer is small, or cannot be divided."""
    if len(answer) <= most or family.width is Width.WIDE:
        return [family]
    best: tuple[int, list[Family]] = len(answer), [family]
    for label in family.labels:
        wanted = _demands(family, label)
        if wanted is None:
            continue
        sizes = Counter(series.labels.get(label, "") for series in answer)
        parts = _pack(sorted(set(wanted.values())), sizes, most)
        largest = max(sum(sizes[value] for value in values) for values in parts)
        if largest < best[0]:
            best = largest, [_part(family, {k for k, value in wanted.items() if value in values}) for values in parts]
    return best[1]


def _demands(family: Family, label: str) -> dict[ObjectKey, str] | None:
    """The one value that each objective demands of a label; None where some demand none, several, or a pattern."""
    found: dict[ObjectKey, str] = {}
    for (key, _), selector in family.readers.items():
        value = _plain(selector, label)
        if value is None or found.setdefault(key, value) != value:
            return None
    return found


def _plain(selector: Selector, label: str) -> str | None:
    values = {m.value for m in selector.matchers if m.label == label and m.how is Match.EQUAL}
    return values.pop() if len(values) == 1 else None


def _pack(values: Sequence[str], sizes: Counter[str], most: int) -> list[set[str]]:
    """These values in order, so many together as fit into one answer."""
    parts: list[set[str]] = [set()]
    size = 0
    for value in values:
        if parts[-1] and size + sizes[value] > most:
            parts.append(set())
            size = 0
        parts[-1].add(value)
        size += sizes[value]
    return parts


def _part(family: Family, keys: set[ObjectKey]) -> Family:
    readers = {role: selector for role, selector in family.readers.items() if role[0] in keys}
    return Family(family.metric, family.labels, family.native, family.pods, readers, family.width)
