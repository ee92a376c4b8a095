"""Recurrence rules as people write them: the part of RFC 5545 that says on which days.

Rule: the time of day is that of the start, so nothing occurs more than once a day; and every rule is kept in so few forms
that looking for its next day has an end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, weekday

from .texts import Rule, cel

EXAMPLE: Final = "FREQ=WEEKLY;BYDAY=SU"

_FREQUENCIES: Final = {"DAILY": DAILY, "WEEKLY": WEEKLY, "MONTHLY": MONTHLY, "YEARLY": YEARLY}
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ANY: Final = f"({'|'.join(_WEEKDAYS)})"


def _listed(entry: str, more: str = "*") -> str:
    return f"{entry}(,{entry}){more}"


PARTS: Final = {  # what may follow FREQ, each at most once
    "INTERVAL": "[1-9][0-9]{0,2}",
    "UNTIL": "[0-9]{8}(T[0-9]{6}Z?)?",
    "WKST": _ANY,
    "BYDAY": _listed(f"([+-]?([1-9]|[1-4][0-9]|5[0-3]))?{_ANY}"),
    "BYMONTHDAY": _listed("[+-]?(0?[1-9]|[12][0-9]|3[01])"),
    "BYMONTH": _listed("(0?[1-9]|1[0-2])"),
    "BYSETPOS": _listed("[+-]?[1-9][0-9]{0,2}", "{0,3}"),
}
_SHAPE: Final = f"^FREQ=({'|'.join(_FREQUENCIES)})(;({'|'.join(f'{name}={value}' for name, value in PARTS.items())}))*$"
_TWICE: Final = "|".join(f";{name}=.*;{name}=" for name in PARTS)
_NUMBERED: Final = f"[0-9]{_ANY}"
_PLAIN: Final = f"BYDAY=([^;]*,)?{_ANY}"
_OF_MONTH: Final = "^FREQ=MONTHLY|;BYMONTH="
_BEYOND: Final = f"([6-9]|[1-5][0-9]){_ANY}"
_UNFIT: Final = f"^FREQ=DAILY.*;BY|^FREQ=WEEKLY.*(;BYMONTH|;BYSETPOS|{_NUMBERED})"

IS_SCHEDULE: Final = Rule(
    f"self.matches({cel(_SHAPE)})",
    f"schedule must be one recurrence rule of RFC 5545 in capitals, for example {EXAMPLE}: first FREQ, which is "
    f"{', '.join(_FREQUENCIES)}, then any of {', '.join(PARTS)}; the time of day is that of start, and instead of COUNT give UNTIL",
)
ONCE: Final = Rule(
    f"!self.matches({cel(_TWICE)})", "each part of a schedule may be given once; put its values together, with commas"
)
FITTING: Final = Rule(
    f"!self.matches({cel(_UNFIT)})",
    "FREQ=DAILY takes no BY parts and FREQ=WEEKLY takes BYDAY without numbers alone; use WEEKLY for days of the week, MONTHLY for days of the month, YEARLY for dates",
)
ALIKE: Final = Rule(  # dateutil would take days that are both, which is none
    f"!(self.matches({cel(_PLAIN)}) && self.matches({cel(_NUMBERED)}))",
    "BYDAY has days with numbers or days without, for example BYDAY=1SU or BYDAY=SA,SU; give those of one sort in a BudgetAdjustment of their own",
)
WITHIN: Final = Rule(  # dateutil would look beyond its calendar
    f"!(self.matches({cel(_OF_MONTH)}) && self.matches({cel(_BEYOND)}))",
    "no day of the week comes a sixth time in a month; with MONTHLY or BYMONTH the numbers of BYDAY are from -5 to 5",
)

_START: Final = (
    "^20[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))"
    "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"
)
IS_START: Final = Rule(
    f"self.matches({cel(_START)})",
    "start must be a date from 2000 to 2099 and a wall-clock time without a zone, for example 2026-11-22T02:00:00",
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurrence rule that was read; `by` are the arguments of dateutil, `until` is as it was written."""

    freq: int
    interval: int
    wkst: int
    by: Mapping[str, list[int] | list[weekday]]
    until: str | None


def read_schedule(text: str) -> str:
    """The text itself, when it is a schedule."""
    parse_schedule(text)
    return text


@lru_cache(maxsize=1024)
def parse_schedule(text: str) -> Schedule:
    """The parts of a schedule; ValueError with a sentence for what is none."""
    for rule, good in (
        (IS_SCHEDULE, re.fullmatch(_SHAPE, text)),
        (ONCE, not re.search(_TWICE, text)),
        (FITTING, not re.search(_UNFIT, text)),
        (ALIKE, not (re.search(_PLAIN, text) and re.search(_NUMBERED, text))),
        (WITHIN, not (re.search(_OF_MONTH, text) and re.search(_BEYOND, text))),
    ):
        if not good:
            raise ValueError(rule.sentence)
    parts = dict(part.split("=") for part in text.split(";"))
    numbers = {
        name.lower(): [int(n) for n in parts[name].split(",")]
        for name in ("BYMONTHDAY", "BYMONTH", "BYSETPOS")
        if name in parts
    }
    if any(abs(n) > 366 for n in numbers.get("bysetpos", ())):
        raise ValueError("BYSETPOS must be from 1 to 366 or from -366 to -1, since a year has no more days")
    days = {"byweekday": [_weekday(day) for day in parts["BYDAY"].split(",")]} if "BYDAY" in parts else {}
    if "UNTIL" in parts:
        read_until(parts["UNTIL"])
    return Schedule(
        freq=_FREQUENCIES[parts["FREQ"]],
        interval=int(parts.get("INTERVAL", 1)),
        wkst=_WEEKDAYS.index(parts.get("WKST", "MO")),
        by={**numbers, **days},
        until=parts.get("UNTIL"),
    )


def _weekday(text: str) -> weekday:
    return weekday(_WEEKDAYS.index(text[-2:]), int(text[:-2]) if len(text) > 2 else None)


def read_until(text: str) -> datetime:
    """The last moment of a schedule: of a date its last second. With a zone when it ends in Z."""
    whole = text if "T" in text else f"{text}T235959"
    try:
        return datetime.fromisoformat(whole)
    except ValueError:
        raise ValueError("UNTIL must be a day of the calendar, for example 20261231 or 20261231T020000Z") from None


def read_start(text: str) -> str:
    """The text itself, when it is a wall-clock time of a day that exists: CEL lets 29 February pass in every year."""
    if re.fullmatch(_START, text):
        with suppress(ValueError):
            datetime.fromisoformat(text)
            return text
    raise ValueError(IS_START.sentence)
