"""When recurring time is: every occurrence of a schedule that meets a stretch of time.

Rule: the price follows from the length of that stretch alone. dateutil looks for the next day of a rule up to the year
9999, so it is never asked for a day that may not come: days and weeks always come, and of months and years it is asked one
at a time. Nothing depends on what occurred before, so nothing is counted from the start.

Occurrences begin at the wall-clock time of the start and last their duration in real time. When clocks go forward, a time
that does not exist is read as if they had not gone yet (02:30 is then 03:30); when they go back, a time that exists twice
is the first of the two. So RFC 5545 reads a single time. Of recurring ones it leaves out those that do not exist; here none
is left out, because the maintenance takes place all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Final
from zoneinfo import ZoneInfo

from dateutil.rrule import MONTHLY, WEEKLY, YEARLY, rrule

from holdfast.core.adjustment import Adjustment, Change, OneOff, Recurring, Reset, merged
from holdfast.core.budget import Adjusted
from holdfast.core.quantities import Instant, Seconds, Span

from .schedules import Schedule, parse_schedule, read_start, read_until
from .zones import find_zone

AHEAD: Final[Seconds] = 400 * 86_400
"""How far the next occurrence is looked for: as far as the longest window of an objective."""

_ONCE: Final = 120_000  # an interval after which there is no year: one month or year is expanded, and no other
_DAY: Final = timedelta(days=1)


def occurrences(recurring: Recurring, begin: Instant, end: Instant) -> tuple[Span, ...]:
    """Every occurrence that has a moment in common with `begin` to `end`, whole and in order; they may overlap.

    At most one for each day between them and of the duration. ValueError with a sentence for a schedule, a start or a
    zone that is none.
    """
    return tuple(_occurrences(recurring, begin, end))


def spans_of(change: Change, begin: Instant, end: Instant) -> tuple[Span, ...]:
    """The time that a change excludes, as far as it meets `begin` to `end`; whole and in order. None for a reset."""
    return tuple(_spans(change, begin, end))


def adjusted(adjustments: Iterable[Adjustment], begin: Instant, end: Instant, now: Instant) -> Adjusted:
    """What several adjustments come to from `begin` to `end`: each excluded moment once, and the last reset up to now."""
    changes = [adjustment.change for adjustment in adjustments]
    resets = [change.at for change in changes if isinstance(change, Reset) and change.at <= now]
    excluded = merged(span for change in changes for span in _spans(change, begin, end))
    return Adjusted(excluded, max(resets, default=None))


def next_span(change: Change, now: Instant) -> Span | None:
    """What is excluded now, or next within 400 days; None when there is nothing more."""
    return next(_spans(change, now, now + AHEAD), None)


def _spans(change: Change, begin: Instant, end: Instant) -> Iterator[Span]:
    match change:
        case OneOff(span):
            yield from (span,) if span.begin <= end and span.end > begin else ()
        case Recurring():
            yield from _occurrences(change, begin, end)
        case Reset():
            pass


def _occurrences(recurring: Recurring, begin: Instant, end: Instant) -> Iterator[Span]:
    rule, zone = parse_schedule(recurring.schedule), find_zone(recurring.zone)
    start = datetime.fromisoformat(read_start(recurring.start))
    first = _wall_clock(begin - recurring.duration, zone) - _DAY  # a day more: clocks go forward and back
    last = _wall_clock(end, zone) + _DAY
    until = _until(rule, zone)
    for day in _days(rule, start, max(first, start), last):
        at = day.replace(tzinfo=zone).timestamp()
        if at > min(end, until):
            return
        if at + recurring.duration > begin:
            yield Span(at, at + recurring.duration)


def _wall_clock(at: Instant, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at, zone).replace(tzinfo=None)


def _until(rule: Schedule, zone: ZoneInfo) -> Instant:
    if rule.until is None:
        return float("inf")
    last = read_until(rule.until)
    return (last if last.tzinfo is not None else last.replace(tzinfo=zone)).timestamp()


def _days(rule: Schedule, start: datetime, first: datetime, last: datetime) -> Iterator[datetime]:
    """The days of a rule with the time of its start, from `first` (not before the start) to `last`."""
    found = _months(rule, start, first, last) if rule.freq in (MONTHLY, YEARLY) else _weeks(rule, start, first)
    return (day for day in takewhile(lambda day: day <= last, found) if day >= first)


def _weeks(rule: Schedule, start: datetime, first: datetime) -> Iterator[datetime]:
    """Days or weeks, begun at a start that was moved by whole steps towards `first`."""
    step = timedelta(days=rule.interval * (7 if rule.freq == WEEKLY else 1))
    moved = start + (first - start) // step * step
    yield from rrule(rule.freq, dtstart=moved, interval=rule.interval, wkst=rule.wkst, **rule.by)


def _months(rule: Schedule, start: datetime, first: datetime, last: datetime) -> Iterator[datetime]:
    """The months or years of the rule that `first` to `last` meets, each expanded by itself."""
    by: dict[str, Any] = dict(rule.by)
    if not by.keys() & {"bymonthday", "byweekday"}:
        by["bymonthday"] = start.day
        if rule.freq == YEARLY:
            by.setdefault("bymonth", start.month)
    step = rule.interval * (12 if rule.freq == YEARLY else 1)
    origin = start.year * 12 + (0 if rule.freq == YEARLY else start.month - 1)
    skipped = (first.year * 12 + first.month - 1 - origin) // step * step
    for month in range(origin + skipped, last.year * 12 + last.month, step):
        begin = start.replace(year=month // 12, month=month % 12 + 1, day=1)
        yield from rrule(rule.freq, dtstart=begin, interval=_ONCE, wkst=rule.wkst, **by)
