"""BudgetAdjustment as people write it."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import ConfigDict, Field, model_validator

from holdfast.core.quantities import Instant, Seconds

from .base import Written
from .schedules import (
    ALIKE,
    EXAMPLE,
    FITTING,
    IS_SCHEDULE,
    IS_START,
    ONCE,
    WITHIN,
    read_schedule,
    read_start,
)
from .selectors import LabelSelector
from .texts import Rule, Text, rules, span
from .times import read_instant
from .zones import Zone

LONGEST: Final[Seconds] = 400 * 86_400
"""No window of an objective is longer."""

_MOMENT: Final = "2026-11-22T02:00:00Z"

ONE_CHANGE: Final = Rule(
    "has(self.exclude) != has(self.reset)",
    "give exactly one of exclude (time that does not count) and reset (a fresh start)",
)
ONE_FORM: Final = Rule(
    "has(self.from) && has(self.to) && !(has(self.schedule) || has(self.start) || has(self.timeZone) || has(self.duration))"
    " || has(self.schedule) && has(self.start) && has(self.duration) && !(has(self.from) || has(self.to))",
    "give either from and to, or schedule, start and duration (with timeZone, if it is not UTC), and nothing of the other form",
)
IN_ORDER: Final = Rule(
    "!has(self.from) || !has(self.to) || self.to > self.from && self.to - self.from <= duration('9600h')",
    "to must be after from, and 400 days after it at most",
)


def _moment(what: str) -> Text:
    """An RFC 3339 time. The API server checks the form, as it does for every time of Kubernetes."""
    sentence = f"{what} must be a time from 2000 to 2099 with its zone, for example {_MOMENT}"

    def read(text: str) -> Instant:
        try:
            at = read_instant(text)
        except ValueError:
            raise ValueError(sentence) from None
        if not _EARLIEST <= at < _LATEST:
            raise ValueError(sentence)
        return at

    within = "self >= timestamp('2000-01-01T00:00:00Z') && self < timestamp('2100-01-01T00:00:00Z')"
    return Text(read, 35, (Rule(within, sentence),), _MOMENT, "date-time")


_EARLIEST: Final = read_instant("2000-01-01T00:00:00Z")
_LATEST: Final = read_instant("2100-01-01T00:00:00Z")

From = Annotated[Instant, _moment("from")]
To = Annotated[Instant, _moment("to")]
At = Annotated[Instant, _moment("at")]
Schedule = Annotated[str, Text(read_schedule, 512, (IS_SCHEDULE, ONCE, FITTING, ALIKE, WITHIN), EXAMPLE)]
Start = Annotated[str, Text(read_start, 19, (IS_START,), "2026-11-22T02:00:00")]
Lasting = Annotated[Seconds, span("duration", "1m", "7d", "1h")]


class ExcludeSpec(Written):
    """Time that does not count: once (from and to), or again and again (schedule, start, timeZone and duration)."""

    model_config = ConfigDict(json_schema_extra=rules(ONE_FORM, IN_ORDER))

    from_: From | None = Field(
        None,
        alias="from",
        description=f"When the time that does not count begins, with its zone, for example {_MOMENT}. It may lie in the past.",
    )
    to: To | None = Field(
        None,
        description="When it ends, with its zone: after from, and 400 days after it at most. It may lie in the past.",
    )
    schedule: Schedule | None = Field(
        None,
        description=f"On which days it recurs: a recurrence rule of RFC 5545, up to 512 characters, for example {EXAMPLE}. "
        "FREQ is DAILY, WEEKLY, MONTHLY or YEARLY; INTERVAL, UNTIL, WKST, BYDAY, BYMONTHDAY, BYMONTH and BYSETPOS may follow. "
        "It recurs once a day at most, at the time of start.",
    )
    start: Start | None = Field(
        None,
        description="The first day and the time of day, as clocks show it in timeZone, for example 2026-11-22T02:00:00. "
        "A start on a day that is none of the schedule is no occurrence.",
    )
    time_zone: Zone | None = Field(
        None,
        description="The time zone of start, by its IANA name, for example Europe/Berlin. Only with schedule. Default UTC.",
    )
    duration: Lasting | None = Field(
        None, description="How long each occurrence lasts, in real time; a duration from 1m to 7d, for example 1h."
    )

    @model_validator(mode="after")
    def _one_form(self) -> ExcludeSpec:
        once = self.from_ is not None, self.to is not None
        again = self.schedule is not None, self.start is not None, self.duration is not None
        if not ((all(once) and not any((*again, self.time_zone is not None))) or (all(again) and not any(once))):
            raise ValueError(ONE_FORM.sentence)
        if self.from_ is not None and self.to is not None and not 0 < self.to - self.from_ <= LONGEST:
            raise ValueError(IN_ORDER.sentence)
        return self


class ResetSpec(Written):
    """A fresh start."""

    at: At = Field(
        description=f"What failed before this time does not count; with its zone, for example {_MOMENT}. It may lie in the past."
    )


class AdjustmentSpec(Written):
    """What does not count against the error budgets of this namespace, why, and on whose word."""

    model_config = ConfigDict(json_schema_extra=rules(ONE_CHANGE))

    objective_selector: LabelSelector | None = Field(
        None,
        description="Which objectives of this namespace are adjusted, by their labels. Default: all of them.",
    )
    exclude: ExcludeSpec | None = Field(None, description="Time that does not count. Give either exclude or reset.")
    reset: ResetSpec | None = Field(
        None, description="A fresh start: what failed before a time does not count. Give either exclude or reset."
    )
    reason: str = Field(min_length=1, max_length=1024, description="Why, in words, for people. Up to 1024 characters.")
    requested_by: str = Field(
        min_length=1,
        max_length=512,
        description="The name of the user who sends this object, as kubectl auth whoami shows it. The API server refuses any other, "
        "so that nobody adjusts a budget in the name of somebody else.",
    )

    @model_validator(mode="after")
    def _one(self) -> AdjustmentSpec:
        if (self.exclude is None) == (self.reset is None):
            raise ValueError(ONE_CHANGE.sentence)
        return self
