"""How far a source's clock and ours are apart: what we call now must be what the source calls now.

The `Date` of an answer has whole seconds and was written some time between the question and the answer, so only what
is certain counts: the least by which the two clocks must differ.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

import structlog

from holdfast.core.evidence import Missing, Why
from holdfast.core.quantities import Instant, Seconds, format_duration

from .sources import Source

log = structlog.get_logger("holdfast.prometheus")


def skew(date: Instant, sent: Instant, received: Instant) -> Seconds:
    """By how much the source's clock is ahead of ours at least; negative when it is behind."""
    return max(0.0, date - received) + min(0.0, date + 1 - sent)


def parse_date(text: str | None) -> Instant | None:
    """Seconds since the epoch of an HTTP date; None when it is none."""
    try:
        date = parsedate_to_datetime(text or "")
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError):
        return None


class Clocks:
    """The clock of one source beside ours, by its newest answer."""

    def __init__(self, source: Source) -> None:
        """Nothing is known yet, so nothing is wrong."""
        self.skew: Seconds = 0.0
        self._source = source
        self._heard: Instant = 0.0
        self._told = False

    def hear(self, date: str | None, sent: Instant, received: Instant) -> None:
        """An answer came. Tell once when the clocks are so far apart that looks are late or early."""
        said = parse_date(date)
        if said is None:
            return
        self.skew, self._heard = skew(said, sent, received), received
        apart = abs(self.skew) > max(5.0, self._source.delay + 2)
        if apart and not self._told:
            log.warning(
                "clocks differ", source=self._source.name, note=f"its clock {self._words()}; correct one of them"
            )
        self._told = apart

    def doubt(self, reach: Seconds) -> Missing | None:
        """Why answers are no evidence: what is asked about as now is so far from it that no sample is near."""
        if abs(self.skew) < reach:
            return None
        what = f"has a clock that {self._words()}, so its answers are about another time; correct one of the clocks"
        return self._source.missing(Why.CONTRADICTORY, self._heard, what)

    def _words(self) -> str:
        side = "ahead of" if self.skew > 0 else "behind"
        return f"is {format_duration(round(abs(self.skew)))} or more {side} the operator's"
