"""Numbers that cannot be wrong: durations, shares of a budget, and how people read them.

Times are seconds since the epoch, durations are seconds. Shares, targets and thresholds are exact fractions: neither
NaN nor an infinity can be represented, and comparing two of them never rounds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Final

Instant = float
"""Seconds since the epoch."""

Seconds = float
"""A length of time in seconds."""

Share = Fraction
"""A part of an error budget: 1 is all of it, below 0 means overdrawn."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of time: from `begin` on, up to `end`."""

    begin: Instant
    end: Instant

    @property
    def length(self) -> Seconds:
        """How long it is."""
        return self.end - self.begin


_UNITS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_END_OF_TIME: Final = 253_402_300_799  # the last second that a date can name; later is as good as never
_YEAR_AND_WEEK: Final = {"y": 365 * 86_400_000, "w": 7 * 86_400_000}
_DURATION: Final = re.compile("".join(rf"(?:([0-9]{{1,9}}){unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms")))
_DECIMAL: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")


def parse_duration(text: str) -> Seconds:
    """Seconds of a Prometheus duration such as `30d`, `1h30m` or `200ms`; ValueError when it is none or zero."""
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        raise ValueError(f"{text!r} is not a duration; write it like 30d, 1h30m or 200ms")
    scales = (*_YEAR_AND_WEEK.values(), *_UNITS.values())
    milliseconds = sum(int(n) * scale for n, scale in zip(match.groups(default="0"), scales, strict=True))
    if milliseconds == 0:
        raise ValueError(f"{text!r} is no time at all; give a duration above zero")
    return milliseconds / 1000


@lru_cache(maxsize=1024)  # a few windows are spelled for every objective at every scrape
def format_duration(seconds: Seconds) -> str:
    """The Prometheus spelling of a duration, to the millisecond, the two largest units at most for people to read."""
    left, parts = round(seconds * 1000), []
    for unit, scale in _UNITS.items():
        count, left = divmod(left, scale)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"


def parse_decimal(text: str) -> Fraction:
    """The exact value of a plain decimal such as `99.95`; ValueError for anything else (signs, exponents, NaN)."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{text!r} is not a plain decimal number; write it like 99.9 or -5")
    return Fraction(text)


def parse_percent(text: str) -> Share:
    """The exact share of a percentage given as a plain decimal: `"25"` is 1/4."""
    return parse_decimal(text) / 100


def format_decimal(value: Fraction, places: int = 1) -> str:
    """A fraction rounded half-even to so many places, without trailing zeros behind them: `62.1`, `99.97`, `5`."""
    scaled = round(value * 10**places)
    whole, part = divmod(abs(scaled), 10**places)
    digits = f"{part:0{places}d}".rstrip("0") if part else ""
    return f"{'-' if scaled < 0 else ''}{whole}{'.' if digits else ''}{digits}"


def format_percent(share: Share, places: int = 1) -> str:
    """A share as percent without the sign: 1/4 is `25`."""
    return format_decimal(share * 100, places)


def format_instant(at: Instant) -> str:
    """RFC 3339 in UTC to the second, as Kubernetes writes times."""
    return f"{_date(at):%Y-%m-%dT%H:%M:%SZ}"


def parse_instant(text: str) -> Instant:
    """Seconds since the epoch of an RFC 3339 time; ValueError when it is none or names no time zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone; end it in Z")
    return at.timestamp()


def spell_instant(at: Instant) -> str:
    """A time for a sentence: `28 Nov 06:00 UTC`."""
    return f"{_date(at):%-d %b %H:%M} UTC"


def _date(at: Instant) -> datetime:
    return datetime.fromtimestamp(min(at, _END_OF_TIME), UTC)
