"""When recurring time is: told by the day, by the clock on the wall, and at a bounded price."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from types import FrameType
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdfast.api import adjusted, next_span, occurrences, spans_of
from holdfast.api.schedules import PARTS, parse_schedule
from holdfast.core.adjustment import Adjustment, Change, OneOff, Recurring, Reset
from holdfast.core.budget import UNADJUSTED, Adjusted
from holdfast.core.objective import ObjectKey
from holdfast.core.quantities import Span, format_instant, parse_instant

HOUR: Final = 3_600
DAY: Final = 86_400
NOW: Final = parse_instant("2026-11-22T00:00:00Z")
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def at(text: str) -> float:
    """A time in UTC, short."""
    return parse_instant(f"{text}Z" if "T" in text else f"{text}T00:00:00Z")


def begins(schedule: str, start: str, begin: str, end: str, *, zone: str = "UTC", lasts: float = HOUR) -> list[str]:
    """When the occurrences begin, in UTC."""
    found = occurrences(Recurring(schedule, start, zone, lasts), at(begin), at(end))
    assert all(span.end - span.begin == lasts for span in found)
    return [format_instant(span.begin).removesuffix(":00Z") for span in found]


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ("FREQ=DAILY;INTERVAL=10", ["01", "11", "21", "31"]),
        ("FREQ=WEEKLY", ["01", "08", "15", "22", "29"]),  # the day of the start
        ("FREQ=WEEKLY;BYDAY=SA,SU", ["03", "04", "10", "11", "17", "18", "24", "25", "31"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO", ["04", "13", "18", "27"]),  # RFC 5545: WKST matters
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", ["11", "13", "25", "27"]),
        ("FREQ=MONTHLY", ["01"]),
        ("FREQ=MONTHLY;BYDAY=1SU,-1SU", ["04", "25"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1,15", ["15", "31"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["30"]),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", []),
        ("FREQ=YEARLY;BYMONTH=10;BYDAY=2TU", ["13"]),
        ("FREQ=DAILY;UNTIL=20261003", ["01", "02", "03"]),
        ("FREQ=DAILY;UNTIL=20261003T015959", ["01", "02"]),
        ("FREQ=DAILY;UNTIL=20261003T020000Z", ["01", "02", "03"]),
    ],
)
def test_days_of_october_2026(schedule: str, days: list[str]) -> None:
    """The days that RFC 5545 says, from a start on Thursday the first, at the time of the start."""
    found = begins(schedule, "2026-10-01T02:00:00", "2026-09-01", "2026-10-31T23:59:59")
    assert found == [f"2026-10-{day}T02:00" for day in days]


@pytest.mark.parametrize(
    ("wall_clock", "around", "utc"),
    [
        ("02:00", "2026-10-24", ["2026-10-24T00:00", "2026-10-25T00:00", "2026-10-26T01:00"]),  # twice: the first
        ("02:30", "2027-03-27", ["2027-03-27T01:30", "2027-03-28T01:30", "2027-03-29T00:30"]),  # not there: 03:30
        ("03:00", "2027-03-27", ["2027-03-27T02:00", "2027-03-28T01:00", "2027-03-29T01:00"]),
    ],
)
def test_nights_when_clocks_change(wall_clock: str, around: str, utc: list[str]) -> None:
    """The clock on the wall decides; each lasts its real time, and none is left out."""
    end = (date.fromisoformat(around) + timedelta(days=3)).isoformat()
    start = f"2026-01-01T{wall_clock}:00"
    assert begins("FREQ=DAILY", start, around, end, zone="Europe/Berlin", lasts=3 * HOUR) == utc


def test_a_day_that_a_zone_left_out() -> None:
    """Samoa had no 30 December 2011: what should have been then is at the same distance from the day before."""
    found = begins("FREQ=DAILY", "2011-12-29T12:00:00", "2011-12-29", "2011-12-31", zone="Pacific/Apia")
    assert found == ["2011-12-29T22:00", "2011-12-30T22:00", "2011-12-30T22:00"]


@pytest.mark.parametrize(
    ("begin", "end", "found"),
    [(0, 10, 0), (0, 100, 1), (100, 100, 1), (199, 300, 1), (150, 160, 1), (200, 300, 0), (-50, 99, 0)],
)
def test_what_meets_a_stretch_of_time(begin: float, end: float, found: int) -> None:
    """An occurrence counts when it has a moment in common with the stretch, ends included; its own end is none of it."""
    span = Span(NOW + 100, NOW + 200)
    recurring = Recurring("FREQ=DAILY;UNTIL=20261122", "2026-11-22T00:01:40", "UTC", 100)
    for change in (OneOff(span), recurring):
        assert spans_of(change, NOW + begin, NOW + end) == (span,) * found
    assert spans_of(Reset(NOW + 150), NOW + begin, NOW + end) == ()


def test_the_next_one() -> None:
    """The present one while it lasts, then the one after it, within 400 days; none for a reset."""
    weekly = Recurring("FREQ=WEEKLY;BYDAY=SU", "2026-11-22T02:00:00", "UTC", HOUR)
    first = Span(NOW + 2 * HOUR, NOW + 3 * HOUR)
    second = Span(first.begin + 7 * DAY, first.end + 7 * DAY)
    assert [next_span(weekly, t) for t in (NOW - DAY, first.begin, first.end - 1)] == [first] * 3
    assert next_span(weekly, first.end) == second
    assert next_span(OneOff(first), first.end) is None
    assert next_span(Reset(NOW), NOW) is None
    assert next_span(Recurring("FREQ=YEARLY", "2028-02-29T02:00:00", "UTC", HOUR), NOW) is None


def test_what_several_adjustments_come_to() -> None:
    """Overlapping time is excluded once, whole and in order; of resets the last one that has come counts."""

    def of(change: Change) -> Adjustment:
        return Adjustment(ObjectKey("shop", "a"), "", 1, (), change, "maintenance", "alice")

    nightly = Recurring("FREQ=DAILY", "2026-11-20T02:00:00", "UTC", 2 * HOUR)
    long_night = OneOff(Span(NOW + 3 * HOUR, NOW + 6 * HOUR))
    resets = [Reset(NOW - n * DAY) for n in (3, 1, -1)]
    found = adjusted([of(c) for c in (*resets, long_night, nightly)], NOW - DAY, NOW + DAY, NOW)
    assert found == Adjusted((Span(NOW - 22 * HOUR, NOW - 20 * HOUR), Span(NOW + 2 * HOUR, NOW + 6 * HOUR)), NOW - DAY)
    assert adjusted([], NOW - DAY, NOW, NOW) == UNADJUSTED
    assert adjusted([of(resets[2])], NOW - DAY, NOW, NOW) == UNADJUSTED


# --- the oracle: every day by itself, by the definition


def numbered(day: date, entry: str, within: Callable[[date], bool]) -> bool:
    """Whether a day is the n-th of its weekday in its month or year, counted from either end."""
    if WEEKDAYS[day.weekday()] != entry[-2:]:
        return False
    same = [d for n in range(-60, 61) if within(d := day + timedelta(weeks=n))]
    n = int(entry[:-2])
    return abs(n) <= len(same) and same[n - 1 if n > 0 else n] == day


def of_set(day: date, parts: dict[str, str], start: date, yearly: bool) -> bool:
    """Whether the BY parts of a monthly or yearly rule name this day."""
    months = [int(n) for n in parts.get("BYMONTH", "").split(",") if n]
    dates = [int(n) for n in parts.get("BYMONTHDAY", "").split(",") if n]
    days = [d for d in parts.get("BYDAY", "").split(",") if d]
    if not dates and not days:
        dates = [start.day]
        months = months or ([start.month] if yearly else [])
    length = ((day.replace(day=1) + timedelta(days=31)).replace(day=1) - day.replace(day=1)).days

    def within(other: date) -> bool:
        return other.year == day.year and (other.month == day.month or (yearly and "BYMONTH" not in parts))

    plain = WEEKDAYS[day.weekday()] in days
    return (
        (not months or day.month in months)
        and (not dates or day.day in dates or day.day - length - 1 in dates)
        and (not days or plain or any(numbered(day, d, within) for d in days if len(d) > 2))
    )


def happens(day: date, schedule: str, start: date) -> bool:
    """Whether a schedule has an occurrence on a day, its end aside."""
    parts = dict(part.split("=") for part in schedule.split(";"))
    interval = int(parts.get("INTERVAL", 1))
    if day < start:
        return False
    match parts["FREQ"]:
        case "DAILY":
            return (day - start).days % interval == 0
        case "WEEKLY":
            first = WEEKDAYS.index(parts.get("WKST", "MO"))
            week, origin = (d - timedelta(days=(d.weekday() - first) % 7) for d in (day, start))
            days = parts.get("BYDAY", WEEKDAYS[start.weekday()]).split(",")
            return (week - origin).days // 7 % interval == 0 and WEEKDAYS[day.weekday()] in days
        case "MONTHLY":
            months = (day.year - start.year) * 12 + day.month - start.month
            return months % interval == 0 and day in named(schedule, day.replace(day=1), start)
        case _:
            return (day.year - start.year) % interval == 0 and day in named(schedule, date(day.year, 1, 1), start)


@cache
def named(schedule: str, first: date, start: date) -> frozenset[date]:
    """The days that a rule names in the month or year that begins with `first`."""
    parts = dict(part.split("=") for part in schedule.split(";"))
    yearly = parts["FREQ"] == "YEARLY"
    period = [d for n in range(366) if (d := first + timedelta(days=n)).year == first.year]
    found = [d for d in period if (yearly or d.month == first.month) and of_set(d, parts, start, yearly)]
    if "BYSETPOS" in parts:
        wanted = [int(n) for n in parts["BYSETPOS"].split(",")]
        found = [d for n, d in enumerate(found) if n + 1 in wanted or n - len(found) in wanted]
    return frozenset(found)


def signed(most: int) -> st.SearchStrategy[str]:
    """A number from either end."""
    return st.integers(-most, most).filter(bool).map(str)


def listed(entries: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One to four of them."""
    return st.lists(entries, min_size=1, max_size=4).map(",".join)


@st.composite
def schedules(draw: st.DrawFn) -> str:
    """Any schedule that can be read, with an interval that matters."""
    freq = draw(st.sampled_from(("DAILY", "WEEKLY", "MONTHLY", "YEARLY")))
    plain = st.sampled_from(WEEKDAYS)
    parts: dict[str, st.SearchStrategy[str]] = {"INTERVAL": st.integers(1, 14).map(str), "WKST": plain}
    if freq == "WEEKLY":
        parts["BYDAY"] = listed(plain)
    elif freq in ("MONTHLY", "YEARLY"):
        parts |= {
            "BYMONTHDAY": listed(signed(31)),
            "BYMONTH": listed(st.integers(1, 12).map(str)),
            "BYSETPOS": listed(signed(8)),
        }
        months = freq == "MONTHLY" or not draw(st.booleans())
        if not months:
            del parts["BYMONTH"]
        parts["BYDAY"] = listed(plain) | listed(st.tuples(signed(5 if months else 53), plain).map("".join))
    chosen = draw(st.sets(st.sampled_from(sorted(parts))))
    return ";".join([f"FREQ={freq}", *(f"{name}={draw(parts[name])}" for name in sorted(chosen))])


@settings(max_examples=300, deadline=None)
@example(schedule="FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,SU;WKST=WE", start=date(2001, 3, 1), first=date(2026, 2, 1), days=90)
@example(schedule="FREQ=YEARLY;BYDAY=53TU", start=date(2000, 1, 1), first=date(2024, 1, 1), days=400)
@example(schedule="FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30", start=date(2004, 2, 1), first=date(2026, 1, 1), days=400)
@example(schedule="FREQ=YEARLY;BYSETPOS=-1", start=date(2004, 2, 29), first=date(2027, 9, 1), days=200)
@given(
    schedule=schedules(),
    start=st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    first=st.dates(date(2000, 1, 1), date(2040, 1, 1)),
    days=st.integers(0, 100),
)
def test_the_same_days_as_by_definition(schedule: str, start: date, first: date, days: int) -> None:
    """However far the start lies behind, the days are those found by asking each day by itself."""
    wall_clock = time(5)
    begin = datetime.combine(first, wall_clock, UTC)
    recurring = Recurring(schedule, datetime.combine(start, wall_clock).isoformat(), "UTC", 60)
    found = occurrences(recurring, begin.timestamp(), begin.timestamp() + days * DAY)
    asked = (first + timedelta(days=n) for n in range(days + 1))
    assert [datetime.fromtimestamp(s.begin, UTC).date() for s in found] == [
        day for day in asked if happens(day, schedule, start)
    ]


@given(
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"]
    ),
    begin=st.integers(1_000_000_000, 3_000_000_000),
    length=st.integers(0, 30 * DAY),
    hours=st.integers(1, 168),
)
def test_a_part_of_the_time_shows_the_same_occurrences(zone: str, begin: int, length: int, hours: int) -> None:
    """What meets a stretch of time does not depend on how much more is asked for, whatever clocks do."""
    recurring = Recurring("FREQ=DAILY", "2001-01-01T02:15:00", zone, hours * HOUR)
    wide = occurrences(recurring, begin - 40 * DAY, begin + length + 40 * DAY)
    assert occurrences(recurring, begin, begin + length) == tuple(
        span for span in wide if span.begin <= begin + length and span.end > begin
    )
    assert list(wide) == sorted(wide)
    clock = {datetime.fromtimestamp(s.begin, ZoneInfo(zone)).strftime("%M") for s in wide}
    assert clock <= {"15", "45"}  # Lord Howe moves its clocks by half an hour


# --- what a hostile author can ask for


class Steps:
    """Counts the lines that dateutil runs, and ends the test when there are too many."""

    def __init__(self, most: int) -> None:
        self.left = most

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        if event == "call" and frame.f_code.co_filename != rrule.__file__:
            return None
        self.left -= 1
        if self.left < 0:
            raise AssertionError("it takes too many steps")
        return self

    def __enter__(self) -> None:
        self.before = sys.gettrace()
        sys.settrace(self)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)


HOSTILE: Final = (
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4,6,9,11",
    "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYMONTH=12;BYDAY=5MO,-5SU",
    "FREQ=YEARLY;BYDAY=53MO,-53SU",
    "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=31",
    "FREQ=YEARLY;INTERVAL=999;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=YEARLY;BYDAY=1MO;BYSETPOS=366",
    "FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2;BYSETPOS=1,2,-1,-2",
    "FREQ=WEEKLY;INTERVAL=999;BYDAY=MO",
    "FREQ=DAILY;INTERVAL=999",
    "FREQ=DAILY;UNTIL=00010101",
    "FREQ=DAILY;UNTIL=99991231T235959",
    f"FREQ=YEARLY;BYDAY={','.join(['MO'] * 160)}",
    f"FREQ=MONTHLY;BYMONTHDAY={','.join(str(n) for n in range(1, 32))};BYSETPOS=1,-1,2,-2",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU",
)


@pytest.mark.parametrize("schedule", HOSTILE)
@pytest.mark.parametrize("start", ["2000-01-01T00:00:00", "2024-02-29T23:59:59", "2099-12-31T23:59:59"])
def test_the_price_is_bounded(schedule: str, start: str) -> None:
    """A rule that never occurs, that occurs every day, or that began long ago: 400 days cost some ten thousand lines."""
    recurring = Recurring(schedule, start, "Europe/Berlin", 7 * DAY)
    with Steps(40_000):
        found = occurrences(recurring, NOW - 400 * DAY, NOW)
    assert len(found) <= 408
    with Steps(15_000):
        next_span(recurring, NOW)


def hostile_text(chance: random.Random) -> str:
    """Something that looks like a schedule: parts that may be sound, repeated, of the wrong frequency, huge or torn."""
    numbers = ("1", "-1", "2", "5", "29", "30", "31", "-31", "53", "366", "999", "0", "9" * 30, "1.5", "", "٣")
    day = [f"{chance.choice((*numbers, '', '', '', ''))}{chance.choice((*WEEKDAYS, 'XX'))}" for _ in range(3)]
    values = {
        "INTERVAL": chance.choice(numbers),
        "COUNT": chance.choice(numbers),
        "UNTIL": chance.choice(("20261231", "20261231T000000Z", "00000000", "99999999T999999", "20260230", "soon")),
        "WKST": chance.choice(WEEKDAYS),
        "BYDAY": ",".join(day[: chance.randint(1, 3)]),
        **{
            name: ",".join(chance.choice(numbers) for _ in range(chance.choice((1, 2, 12))))
            for name in ("BYMONTHDAY", "BYMONTH", "BYSETPOS", "BYYEARDAY", "BYSECOND", "BYHOUR", "BYEASTER")
        },
    }
    names = chance.choices([*PARTS] * 5 + [*values], k=chance.randint(0, 5))
    freq = chance.choice(("DAILY", "WEEKLY", "MONTHLY", "YEARLY") * 4 + ("HOURLY", "SECONDLY", ""))
    text = ";".join([f"FREQ={freq}", *(f"{name}={values[name]}" for name in names)])
    return (
        text
        if chance.random() < 0.9
        else text[: chance.randint(0, len(text))] + chance.choice(("\n", ";", "=", "\x00"))
    )


def test_thousands_of_hostile_schedules() -> None:
    """Each is refused with a sentence, or costs a bounded number of steps; none crashes, and none runs for ever."""
    chance, read = random.Random(1), 0
    for _ in range(6_000):
        text = hostile_text(chance)
        try:
            parse_schedule(text)
        except ValueError as error:
            assert len(str(error)) > 40
            continue
        read += 1
        zone = chance.choice(("UTC", "Europe/Berlin", "Pacific/Apia"))
        start = f"20{chance.randint(0, 99):02}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T23:59:59"
        recurring = Recurring(text, start, zone, chance.choice((60, HOUR, 7 * DAY)))
        with Steps(25_000):
            found = occurrences(recurring, NOW - 100 * DAY, NOW)
        assert len(found) <= 108
    assert read > 1_000
