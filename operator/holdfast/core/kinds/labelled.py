"""What the labels of a workload say, whatever its kind, and whether its controller has seen it as it is."""

from __future__ import annotations

from collections.abc import Mapping

from ..request import HOLD_LABEL, OVERRIDE_LABEL, QUEUE_LABEL


class Labelled:
    """A workload with our labels."""

    __slots__ = ()
    labels: Mapping[str, str]
    generation: int
    observed_generation: int

    @property
    def hold(self) -> str | None:
        """The id in the hold label."""
        return self.labels.get(HOLD_LABEL)

    @property
    def queue(self) -> str | None:
        """The id in the queue label."""
        return self.labels.get(QUEUE_LABEL)

    @property
    def override(self) -> str | None:
        """The id in the override label."""
        return self.labels.get(OVERRIDE_LABEL)

    @property
    def observed(self) -> bool:
        """Whether its controller has seen the last change."""
        return self.observed_generation >= self.generation
