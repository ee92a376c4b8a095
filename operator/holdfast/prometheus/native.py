"""How two counters are read from a native histogram: all observations, and those up to a threshold.

The second is interpolated within the bucket that holds the threshold, by the source. Both grow like counters, so their
differences count events as those of a classic histogram do.
"""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.quantities import Seconds


@dataclass(frozen=True, slots=True)
class Native:
    """A counter made of a native histogram; without a threshold it counts everything."""

    threshold: Seconds | None = None

    def of(self, values: str) -> str:
        """The PromQL of it. A series appears among those below a threshold with its first observation.

        A series of the same name that is no histogram would be taken for a bucket of a classic one, and the warning
        about it would cost everybody the answer; so only what has a count is asked for its fraction.
        """
        count = f"histogram_count({values})"
        if self.threshold is None:
            return count
        return f"{count} * (histogram_fraction(-Inf, {self.threshold!r}, {values} and {count}) >= 0)"
