"""What is said of an objective beside its figures: what will become of it, what is odd about it, what was adjusted."""

from __future__ import annotations

from dataclasses import dataclass

from .doubts import Doubt
from .forecast import Forecast
from .objective import ObjectKey
from .quantities import Instant, Span


@dataclass(frozen=True, slots=True)
class Effect:
    """What one adjustment takes out of the window now.

    `spans` are its excluded stretches in the window, `reset` the time of a reset; `total` and `bad` what is not counted
    because of it. `coarse` says that an edge lies where the past is kept too coarsely: less is taken out than was asked.
    """

    key: ObjectKey
    spans: tuple[Span, ...] = ()
    reset: Instant | None = None
    total: float = 0.0
    bad: float = 0.0
    coarse: bool = False


@dataclass(frozen=True, slots=True)
class Remarks:
    """Everything of that kind; None where there is nothing to say."""

    forecast: Forecast | None = None
    implausible: Doubt | None = None
    inexact: Doubt | None = None
    unattributable: Doubt | None = None
    effects: tuple[Effect, ...] = ()


NOTHING_TO_SAY = Remarks()
