"""What we know and how well: evidence is a value, never an exception, and absence of it is never good or bad news."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .quantities import Instant


class Why(StrEnum):
    """Why there is no evidence."""

    STALE = "Stale"  # nothing new has come for longer than the objective allows
    ABSENT = "Absent"  # the source answered, and the selector matches nothing
    UNREACHABLE = "Unreachable"  # the source did not answer, or refused
    CONTRADICTORY = "Contradictory"  # an answer came that cannot be trusted: warnings, NaN, half of the series


@dataclass(frozen=True, slots=True)
class Fresh:
    """The counters were read, whole, at this time."""

    at: Instant


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no evidence, since when and why; `note` is a sentence for people."""

    why: Why
    since: Instant
    note: str


Evidence = Fresh | Missing
