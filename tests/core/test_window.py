"""Windows: how long, from when to when, in whose time zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.window import Calendar, Period, Rolling, Window

DAY = 86_400
HOUR = 3_600


def at(text: str, zone: str = "UTC") -> float:
    """The instant of a local time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


PERIODS = [
    ("Europe/Berlin", Period.MONTH, "2026-03-29T12:00", "2026-03-01T00:00", "2026-04-01T00:00", 31 * DAY - HOUR),
    ("Europe/Berlin", Period.MONTH, "2026-10-01T00:00", "2026-10-01T00:00", "2026-11-01T00:00", 31 * DAY + HOUR),
    ("Europe/Berlin", Period.MONTH, "2026-09-30T23:59:59", "2026-09-01T00:00", "2026-10-01T00:00", 30 * DAY),
    ("Europe/Berlin", Period.WEEK, "2026-03-29T23:00", "2026-03-23T00:00", "2026-03-30T00:00", 7 * DAY - HOUR),
    ("UTC", Period.WEEK, "2026-11-23T00:00", "2026-11-23T00:00", "2026-11-30T00:00", 7 * DAY),
    ("UTC", Period.MONTH, "2028-02-29T08:00", "2028-02-01T00:00", "2028-03-01T00:00", 29 * DAY),
    ("UTC", Period.MONTH, "2026-02-28T08:00", "2026-02-01T00:00", "2026-03-01T00:00", 28 * DAY),
    ("UTC", Period.QUARTER, "2026-12-31T23:59", "2026-10-01T00:00", "2027-01-01T00:00", 92 * DAY),
    ("America/New_York", Period.QUARTER, "2026-02-01T00:00", "2026-01-01T00:00", "2026-04-01T00:00", 90 * DAY - HOUR),
    ("UTC", Period.YEAR, "2028-06-01T00:00", "2028-01-01T00:00", "2029-01-01T00:00", 366 * DAY),
    ("Asia/Kathmandu", Period.YEAR, "2026-01-01T00:00", "2026-01-01T00:00", "2027-01-01T00:00", 365 * DAY),
]


@pytest.mark.parametrize(("zone", "period", "now", "begin", "end", "length"), PERIODS)
def test_a_period_begins_and_ends_at_local_midnight(
    zone: str, period: Period, now: str, begin: str, end: str, length: int
) -> None:
    """Days of 23 and 25 hours, leap years and zones off the hour included; the end belongs to the next period."""
    span = Calendar(period, zone).span(at(now, zone))
    assert (span.begin, span.end) == (at(begin, zone), at(end, zone))
    assert span.length == length


def test_a_day_that_begins_late_begins_at_the_change() -> None:
    """Where clocks skip midnight, a month begins at the first moment there is."""
    cairo = Calendar(Period.WEEK, "America/Havana")
    begin = cairo.span(at("2026-03-08T12:00", "America/Havana")).end
    assert datetime.fromtimestamp(begin, ZoneInfo("America/Havana")).isoformat() == "2026-03-09T00:00:00-04:00"
    skipped = Calendar(Period.MONTH, "Asia/Beirut").span(at("2026-03-29T12:00", "Asia/Beirut"))
    assert skipped.length == 31 * DAY - HOUR


@given(
    st.floats(0, 4e9),
    st.sampled_from(Period),
    st.sampled_from(
        ("UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "Asia/Tehran")
    ),
)
def test_every_moment_is_in_one_period(now: float, period: Period, zone: str) -> None:
    """Periods follow each other without a gap, in every zone."""
    window = Calendar(period, zone)
    span = window.span(now)
    assert span.begin <= now < span.end
    assert window.span(span.end).begin == span.end
    assert span.length <= window.longest


@pytest.mark.parametrize(
    ("window", "shown", "longest"),
    [
        (Rolling(30 * DAY), "30d", 30 * DAY),
        (Calendar(Period.MONTH, "Europe/Berlin"), "Month (Europe/Berlin)", 31 * DAY + HOUR),
        (Calendar(Period.WEEK, "UTC"), "Week (UTC)", 7 * DAY + HOUR),
    ],
)
def test_a_window_has_a_name_and_a_reach(window: Window, shown: str, longest: float) -> None:
    """What people read, and how far back its ledger must know."""
    assert (str(window), window.longest) == (shown, longest)


def test_a_rolling_window_ends_now() -> None:
    """It is always as long as it was written."""
    span = Rolling(60).span(1000)
    assert (span.begin, span.end, span.length) == (940, 1000, 60)
