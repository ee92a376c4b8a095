"""Times and lengths of time as they are kept on an object: nothing is lost when they are read again."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from math import floor
from typing import Final

from holdfast.core.quantities import Instant, Seconds, format_instant, parse_duration

_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,17})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_UNITS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


def write_instant(at: Instant) -> str:
    """RFC 3339 in UTC with as many digits as the time has, none for a whole second."""
    whole = floor(at)
    part = f"{Decimal(repr(at)) - whole:f}".partition(".")[2].rstrip("0")
    return format_instant(whole) if not part else f"{format_instant(whole)[:-1]}.{part}Z"


def read_instant(text: str) -> Instant:
    """The very time that was written; ValueError for anything that is no RFC 3339 time."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no time; it is written like 2026-01-01T00:00:00Z")
    whole = round(datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00")).timestamp())
    return float(Decimal(whole) + Decimal(f"0{match[2] or '.0'}"))


def write_duration(seconds: Seconds) -> str:
    """The Prometheus spelling with all of its units, to the millisecond."""
    left, parts = round(seconds * 1000), []
    for unit, scale in _UNITS.items():
        count, left = divmod(left, scale)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def read_duration(text: str) -> Seconds:
    """The length of time that was written."""
    if len(text) > 64:
        raise ValueError("it is too long for a duration")
    return parse_duration(text)
