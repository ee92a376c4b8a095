"""Which times of the past and the future matter to an objective, and which do not count: its BudgetAdjustments, expanded when one changes, and anew every hour.

Adjustments that make no sense adjust nothing; their own status says so.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Final

from holdfast.api.recurrence import adjusted, spans_of
from holdfast.core.adjustment import Adjustment, Reset
from holdfast.core.budget import UNADJUSTED, Adjusted
from holdfast.core.effects import Declared, edges
from holdfast.core.objective import Objective, ObjectKey
from holdfast.core.quantities import Instant, Seconds, Span
from holdfast.core.window import Rolling

HOUR: Final[Seconds] = 3_600


@dataclass(frozen=True, slots=True)
class Declaration:
    """All adjustments of one objective together, and one by one; and the times at which its past must keep its points:
    their edges, and those of a calendar period.
    """

    adjusted: Adjusted = UNADJUSTED
    declared: tuple[Declared, ...] = ()
    pins: tuple[Instant, ...] = ()


NONE: Final = Declaration()

_Mark = tuple[object, ...]


@dataclass
class Adjusting:
    """Remembers what was expanded for which objective."""

    _known: dict[ObjectKey, tuple[_Mark, Declaration]] = field(default_factory=dict)

    def keep(self, objectives: Container[ObjectKey]) -> None:
        """Forget the objectives that are gone."""
        self._known = {key: known for key, known in self._known.items() if key in objectives}

    def of(self, objective: Objective, adjustments: Sequence[Adjustment], now: Instant) -> Declaration:
        """What is declared about the window of an objective now, and for an hour to come."""
        if not adjustments and isinstance(objective.window, Rolling):
            self._known.pop(objective.key, None)
            return NONE
        resets = sum(isinstance(a.change, Reset) and a.change.at <= now for a in adjustments)
        mark = (*((a.uid, a.generation) for a in adjustments), objective.window, now // HOUR, resets)
        known = self._known.get(objective.key)
        if known is None or known[0] != mark:
            known = self._known[objective.key] = mark, _expanded(objective, adjustments, now)
        return known[1]


def _expanded(objective: Objective, adjustments: Sequence[Adjustment], now: Instant) -> Declaration:
    """From two hours before the window, since evidence may be old, to its end or an hour ahead."""
    window = objective.window.span(now)
    around = Span(window.begin - 2 * HOUR, max(window.end, now + HOUR))
    declared = []
    for adjustment in adjustments:
        change = adjustment.change
        if isinstance(change, Reset):
            declared.append(Declared(adjustment.key, reset=change.at))
        else:
            declared.append(Declared(adjustment.key, spans_of(change, around.begin, around.end)))
    pins = edges(declared) if isinstance(objective.window, Rolling) else (*edges(declared), window.begin, window.end)
    return Declaration(adjusted(adjustments, around.begin, around.end, now), tuple(declared), pins)
