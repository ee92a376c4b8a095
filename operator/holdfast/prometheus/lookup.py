"""Which selectors a series meets, found by the values they demand: nobody tries all selectors on all series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from holdfast.core.objective import Match, Selector

Name = TypeVar("Name")


class Lookup(Generic[Name]):
    """Selectors of one metric, each under a name, by the labels of which they demand a plain value."""

    def __init__(self, selectors: Iterable[tuple[Name, Selector]]) -> None:
        self._by: dict[tuple[str, ...], defaultdict[tuple[str, ...], list[tuple[Name, Selector]]]] = {}
        for name, selector in selectors:
            equal = {m.label: m.value for m in selector.matchers if m.how is Match.EQUAL}
            by = self._by.setdefault(tuple(sorted(equal)), defaultdict(list))
            by[tuple(equal[label] for label in sorted(equal))].append((name, selector))

    def matching(self, labels: Mapping[str, str]) -> tuple[Name, ...]:
        """The names of those that select a series with these labels."""
        found: list[Name] = []
        for names, by in self._by.items():
            likely = by.get(tuple([labels.get(name, "") for name in names]), ())
            found.extend(name for name, selector in likely if selector.matches(labels))
        return tuple(found)
