"""Whether a ledger and its source tell the same story of the last day.

`increase()` misses what a new pod counts before it is first scraped, and stretches what it sees to the edges of its
range; under heavy churn it was measured 12 % low. So only a wide gap between the two says that something is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .quantities import Instant, Seconds

DAY: Final[Seconds] = 86_400
"""How much of the past is compared."""

BOUND: Final = 0.25
"""A ledger that differs by more than this share of the increase drifts."""

ENOUGH: Final = 1_000
"""With fewer events than this nothing can be said."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The events of one day as a ledger counted them, and as the source's own arithmetic has them."""

    at: Instant
    counted: float
    increase: float

    @property
    def drift(self) -> float | None:
        """By which share the ledger has more (or less); None where the source has nothing to compare with."""
        return self.counted / self.increase - 1 if self.increase > 0 else None

    @property
    def few(self) -> bool:
        """Too few events to say anything."""
        return max(self.counted, self.increase) < ENOUGH

    @property
    def agrees(self) -> bool:
        """Whether both tell the same story, as far as can be said."""
        return self.few or abs(self.counted - self.increase) <= BOUND * self.increase
