"""The window of an objective as people write it.

Rule: the server has no default inside it, so that another form can be applied over the one that is there: an objective
without a window has 30 days, and this is where that is known.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, model_validator

from holdfast.core.quantities import Seconds
from holdfast.core.window import DAY, Calendar, Period, Rolling, Window

from .base import Written
from .texts import Rule, rules, span
from .zones import UTC, Zone

DEFAULT: Final = Rolling(30 * DAY)

ONE_WINDOW: Final = Rule(
    "has(self.rolling) != has(self.calendar)",
    "give exactly one of rolling and calendar, or leave window out for 30d rolling",
)
ZONE_OF_CALENDAR: Final = Rule(
    "!has(self.timeZone) || has(self.calendar)",
    "timeZone belongs to calendar, since a rolling window has no edges in the day; remove it or give calendar",
)


Length = Annotated[Seconds, span("rolling", "1m", "400d", "30d")]


class WindowSpec(Written):
    """The time in which the budget is granted: exactly one of rolling and calendar."""

    model_config = ConfigDict(json_schema_extra=rules(ONE_WINDOW, ZONE_OF_CALENDAR))

    rolling: Length | None = Field(
        None,
        description="The budget covers this much time up to now; a duration from 1m to 400d, for example 30d. "
        "Below one hour it is good for a demonstration only, and the status says so.",
    )
    calendar: Literal["Week", "Month", "Quarter", "Year"] | None = Field(
        None,
        description="The budget covers the present Week (from Monday), Month, Quarter or Year, and is whole again when the next one begins.",
    )
    time_zone: Zone | None = Field(
        None,
        description="The time zone whose midnight begins a calendar window, by its IANA name, for example Europe/Berlin. Only with calendar. Default UTC.",
    )

    @model_validator(mode="after")
    def _one(self) -> WindowSpec:
        if (self.rolling is None) == (self.calendar is None):
            raise ValueError(ONE_WINDOW.sentence)
        if self.time_zone is not None and self.calendar is None:
            raise ValueError(ZONE_OF_CALENDAR.sentence)
        return self


def window_of(spec: WindowSpec | None) -> Window:
    """The window that is meant."""
    if spec is None:
        return DEFAULT
    if spec.rolling is not None:
        return Rolling(spec.rolling)
    assert spec.calendar is not None  # noqa: S101 - the model has exactly one of them
    return Calendar(Period(spec.calendar), spec.time_zone or UTC)
