"""The time in which a budget is granted: the last so many days, or a week, month, quarter or year of the calendar.

A calendar period begins at local midnight of its time zone: the first one where clocks go back over it, and the moment of
the change where they skip it (that is how zoneinfo reads such times).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from .quantities import Instant, Seconds, Span, format_duration

DAY: Final[Seconds] = 86_400


class Period(StrEnum):
    """A period of the calendar. Weeks begin on Monday."""

    WEEK = "Week"
    MONTH = "Month"
    QUARTER = "Quarter"
    YEAR = "Year"


LONGEST: Final = {Period.WEEK: 7 * DAY, Period.MONTH: 31 * DAY, Period.QUARTER: 92 * DAY, Period.YEAR: 366 * DAY}
_MONTHS: Final = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}
_STEADY: Final = 900
"""All changes of clocks fall on quarters of an hour."""


@dataclass(frozen=True, slots=True)
class Rolling:
    """The last so many seconds."""

    length: Seconds

    @property
    def longest(self) -> Seconds:
        """How far back it may reach."""
        return self.length

    @property
    def nominal(self) -> Seconds:
        """Its length as people reckon with it."""
        return self.length

    def span(self, now: Instant) -> Span:
        """The window that ends now."""
        return Span(now - self.length, now)

    def __str__(self) -> str:
        return format_duration(self.length)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The present period of the calendar in a time zone (an IANA name)."""

    period: Period
    zone: str

    @property
    def longest(self) -> Seconds:
        """How far back it may reach; an hour more for a day on which clocks go back."""
        return LONGEST[self.period] + 3_600

    @property
    def nominal(self) -> Seconds:
        """Its length as people reckon with it: of the longest such period, without an hour of changed clocks."""
        return LONGEST[self.period]

    def span(self, now: Instant) -> Span:
        """The whole period that `now` is in, its future included."""
        return _period(self.period, self.zone, now // _STEADY)

    def __str__(self) -> str:
        return f"{self.period} ({self.zone})"


Window = Rolling | Calendar


@lru_cache(maxsize=1024)
def _period(period: Period, zone: str, quarter: float) -> Span:
    place = ZoneInfo(zone)
    today = datetime.fromtimestamp(quarter * _STEADY, place).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period is Period.WEEK:
        first = today - timedelta(days=today.weekday())
        after = first + timedelta(days=7)
    else:
        months = _MONTHS[period]
        first = today.replace(month=(today.month - 1) // months * months + 1, day=1)
        after = _later(first, months)
    return Span(first.timestamp(), after.timestamp())


def _later(first: datetime, months: int) -> datetime:
    years, month = divmod(first.month - 1 + months, 12)
    return first.replace(year=first.year + years, month=month + 1)
