"""What a source has now of an objective that is the value of a query, slice by slice."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.core.evidence import Missing, Why
from holdfast.core.objective import Gauge, Objective, Proportion
from holdfast.core.quantities import Instant, Share, format_decimal, format_percent

from .connection import Connection
from .sources import excerpt


def values(connection: Connection, query: str, at: Instant) -> list[float] | Missing:
    """All values of a query, or why there are none."""
    answer = connection.instant(query, at)
    if isinstance(answer, Missing):
        return answer
    if not answer:
        return Missing(Why.ABSENT, at, f"{excerpt(query)} gives no value; check its metric names and labels")
    return sorted(series.values[-1][1] for series in answer)


def present(connection: Connection, objective: Objective, at: Instant) -> str | Missing:
    """How it stands at present, or why it could not be measured; blocks."""
    indicator = objective.indicator
    assert isinstance(indicator, Gauge | Proportion)  # noqa: S101 - the caller looked
    found = values(connection, indicator.query, at)
    if isinstance(found, Missing):
        return found
    if isinstance(indicator, Gauge):
        return _gauge(indicator, found)
    weights = [1.0] if indicator.weight is None else values(connection, indicator.weight, at)
    if isinstance(weights, Missing):
        return weights
    for query, several in ((indicator.query, found), (indicator.weight or "", weights)):
        if len(several) > 1:
            note = (
                f"{excerpt(query)} gives {len(several)} series where one is needed; aggregate them, such as with sum()"
            )
            return Missing(Why.CONTRADICTORY, at, note)
    if not 0 <= found[0] <= 1:
        note = f"{excerpt(indicator.query)} gives {found[0]:g}, which is no share: it must be from 0 to 1"
        return Missing(Why.CONTRADICTORY, at, note)
    share = Share(found[0] if indicator.is_good else 1 - found[0])
    return f"gives one value, {format_percent(share, 3)} % good at present"


def _gauge(indicator: Gauge, found: Sequence[float]) -> str:
    bound = float(indicator.bound)
    good = found[0] > bound if indicator.good_above else found[-1] < bound
    several = f"{len(found)} values from {found[0]:g} to {found[-1]:g}" if len(found) > 1 else f"the value {found[0]:g}"
    side = f"good {'above' if indicator.good_above else 'below'} {format_decimal(indicator.bound, 6)}"
    return f"gives {several}, {side}: {'good' if good else 'bad'} at present"
