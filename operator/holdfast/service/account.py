"""One objective, its ledger, and what is remembered about both while the operator runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from holdfast.core.docket import Docket
from holdfast.core.doubts import Doubt
from holdfast.core.effects import Declared
from holdfast.core.evidence import Missing, Why
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Objective, ObjectKey, Workload
from holdfast.core.pods import Candidate
from holdfast.core.quantities import Instant, Seconds

log = structlog.get_logger("holdfast.accounts")

Doubts = tuple[Doubt | None, Doubt | None, Doubt | None]
"""Whether the figures are implausible, inexact, and nobody's in particular."""


@dataclass
class Account:
    """One objective, its ledger, and what the last look said where it brought nothing."""

    objective: Objective
    ledger: Ledger
    missing: Missing | None = None
    filled: bool = False
    asked: bool = False  # whether its source was heard about it, or failed to be, since the process began
    owed: Seconds = 0.0  # what the ledger before this one covered, until this one does
    told: Why | None = field(default=None, repr=False)
    declared: tuple[Declared, ...] = ()
    pins: dict[ObjectKey, Sequence[Instant]] = field(default_factory=dict)  # its own, and those of composites it is in
    doubts: tuple[Instant, Doubts] | None = None  # and when they were looked for
    cut: Collection[Instant] | None = None  # pins that have all been looked for in the coarse past
    tried: set[Instant] = field(default_factory=set)  # pins that have been

    def pin(self, key: ObjectKey, pins: Sequence[Instant]) -> None:
        """Keep the points at these times for an objective: this one, or a composite it is in."""
        if self.pins.get(key) is not pins:
            self.pins[key] = pins
            self.ledger.pins = tuple({pin for every in self.pins.values() for pin in every})

    def unpin(self, keys: Collection[ObjectKey]) -> None:
        """These objectives are gone."""
        if keys:
            self.pins = {key: pins for key, pins in self.pins.items() if key not in keys}
            self.ledger.pins = tuple({pin for every in self.pins.values() for pin in every})

    def try_releases(self, candidates: Mapping[Workload, Candidate]) -> None:
        """Count whose the events are, for these releases and no others."""
        docket = self.ledger.docket
        if docket is not None and candidates:
            docket.keep(candidates)
        elif candidates:
            docket = Docket()
            docket.keep(candidates)
            self.ledger.docket = docket
        elif docket is not None:
            self.ledger.docket = None

    @property
    def book(self) -> Ledger:
        """The ledger, an empty one while its past is being read."""
        return self.ledger if self.filled else Ledger(self.ledger.window, 0)

    def is_recent(self, now: Instant) -> bool:
        """Whether its newest figures are young enough to act on."""
        return self.ledger.at is not None and now - self.ledger.at <= self.objective.oldest

    def is_provisional(self) -> bool:
        """Whether its ledger was begun anew and does not know yet what the one before did. Once it does, a gap is a gap."""
        if not self.owed:
            return False
        window = self.objective.window.longest
        if self.book.counts(window).covered >= min(self.owed, window):
            self.owed = 0.0
        return self.owed > 0

    def note(self, missing: Missing | None) -> None:
        """Remember why nothing came, since when it has not, and say so once."""
        self.asked = True
        if missing is None:
            if self.told is not None:
                log.info("evidence is back", objective=str(self.objective.key))
            self.missing = self.told = None
            return
        since = self.missing.since if self.missing is not None else missing.since
        self.missing = Missing(missing.why, since, missing.note)
        if self.told is not missing.why:
            log.warning("no evidence", objective=str(self.objective.key), reason=missing.why, note=missing.note)
            self.told = missing.why
