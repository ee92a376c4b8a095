"""Which queries are asked for a set of objectives, in which order, and what became of them.

One failing query costs only its own objectives their evidence, and a source that is down is not waited for again and again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from holdfast.core.evidence import Missing, Why
from holdfast.core.objective import Indicator, ObjectKey
from holdfast.core.quantities import Seconds

from .families import Family
from .narrowing import Width
from .sources import Answer, Series
from .splitting import split


@dataclass(slots=True)
class Plan:
    """The queries for one set of objectives."""

    objectives: list[tuple[ObjectKey, Indicator, str]]
    families: list[Family]
    width: Width = Width.NARROW  # of the query for the starts
    starts: dict[tuple[Seconds, Width], str] = field(default_factory=dict)  # the text of it

    def waves(self) -> Iterator[list[Family]]:
        """First everything, then what depends on an answer. Those that got none last time wait for the others."""
        turn = sorted(self.families, key=lambda family: family.late)
        yield [family for family in turn if family.depends_on is None]
        yield [family for family in turn if family.depends_on is not None]

    def divide(self, answers: Sequence[tuple[Family, list[Series]]]) -> None:
        """Ask for less at once from now on, where an answer was too large. It is never joined again."""
        parts = {id(family): split(family, answer) for family, answer in answers}
        self.families = [part for family in self.families for part in parts.get(id(family), [family])]


@dataclass(slots=True)
class Said:
    """The answers to one round of queries."""

    starts: list[Series] = field(default_factory=list)
    answers: list[tuple[Family, list[Series]]] = field(default_factory=list)
    lost: dict[ObjectKey, Missing] = field(default_factory=dict)
    series: int = 0

    def hear(self, family: Family, answer: Answer) -> None:
        """Keep an answer. A family without one costs only its own objectives theirs."""
        family.late = isinstance(answer, Missing)
        if isinstance(answer, Missing):
            self.lost.update({key: answer for key, _ in family.readers})
        else:
            self.answers.append((family, answer))
            self.series += len(answer)

    def let_go(self) -> None:
        """The answers were read, and take much memory."""
        self.answers = []

    def can_have_any(self, family: Family) -> bool:
        """Whether what a family depends on has a series."""
        return family.depends_on is None or any(
            series and (other.metric, other.labels) == family.depends_on and other.native is not None
            for other, series in self.answers
        )


@dataclass(slots=True)
class Silence:
    """How many queries in a row were not answered, and what the last one said once they are too many."""

    queries: int = 0
    down: Missing | None = None

    def hear(self, answer: Answer) -> Answer:
        self.queries = self.queries + 1 if isinstance(answer, Missing) and answer.why is Why.UNREACHABLE else 0
        if isinstance(answer, Missing) and self.queries == 2:
            self.down = answer
        return answer
