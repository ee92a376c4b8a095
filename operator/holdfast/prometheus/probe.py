"""What a source has of an objective right now, for a person who is about to apply it.

A fault means that the objective could not be measured as it is written. A warning is worth knowing and may be meant so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from holdfast.core.doubts import unattributable
from holdfast.core.evidence import Missing, Why
from holdfast.core.objective import (
    BadOverTotal,
    Composite,
    Counted,
    Gauge,
    GoodOverTotal,
    Latency,
    Objective,
    Proportion,
    Sampled,
    Selector,
)
from holdfast.core.quantities import Instant, Seconds, Share, format_duration, format_percent

from .connection import Connection
from .families import PART, TOTAL, bound_of, milliseconds, selectors
from .poller import Poller
from .probe_values import present
from .readings import Readings
from .selfcheck import increases
from .sources import Answer
from .tenancy import confined_indicator

RECENT: Final[Seconds] = 300
"""A series is there when it has a sample of the last five minutes."""

PRESENT: Final[Seconds] = 3_600
"""How an objective stands at present is said of the last hour."""

LOOKS: Final = 240
"""How finely the beginning of the past is looked for, in parts of the window."""

NAMED: Final = 8
"""So many bounds of a histogram are listed."""


@dataclass(slots=True)
class Found:
    """What a source has of one objective, in sentences."""

    matches: str | None = None
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unanswered: bool = False


def probe(poller: Poller, objective: Objective, at: Instant) -> Found:
    """Ask about one objective; blocks. A composite is not asked about: its parts are."""
    connection = poller.connection
    try:
        indicator = confined_indicator(objective.indicator, poller.source.namespace_label, objective.key.namespace)
    except ValueError as error:
        return Found(faults=[str(error)])
    objective = replace(objective, indicator=indicator)
    match objective.indicator:
        case BadOverTotal() | GoodOverTotal() | Latency():
            return _counted(poller, connection, objective, at)
        case Gauge() | Proportion():
            return _sampled(connection, objective, objective.indicator, at)
        case Composite():
            return Found(matches="made of other objectives")
        case _:
            assert_never(objective.indicator)


def _sampled(connection: Connection, objective: Objective, indicator: Sampled, at: Instant) -> Found:
    said = present(connection, objective, at)
    if isinstance(said, Missing):
        return _nothing(said)
    age = _history(connection, indicator.query, objective.window.longest, at)
    if isinstance(age, Missing):
        return _nothing(age)
    return Found(matches=f"{said}, {format_duration(age)} of history", warnings=[*_young(objective, age)])


def _counted(poller: Poller, connection: Connection, objective: Objective, at: Instant) -> Found:
    assert isinstance(objective.indicator, Counted)  # noqa: S101 - the caller looked
    found = Found()
    sample = poller.poll([objective], at, RECENT).samples[objective.key]
    if isinstance(sample, Missing):
        return _nothing(sample, _bounds(connection, objective, at))
    total = next(selector for role, selector in selectors(objective.indicator) if role == TOTAL)
    series = _series(connection, total, at)
    if series == [] and isinstance(objective.indicator, Latency):  # a native histogram
        total = objective.indicator.histogram
        series = _series(connection, total, at)
    age = _history(connection, str(total), objective.window.longest, at)
    if isinstance(series, Missing):
        return _nothing(series)
    if isinstance(age, Missing):
        return _nothing(age)
    pods = {(s.labels.get("namespace", ""), s.labels.get("pod", "")) for s in series}
    count = sum(int(s.values[-1][1]) for s in series)
    past, now = f"{format_duration(age)} of history", _present(connection, objective, at)
    found.matches = (
        f"matches {_several(count, 'series')} of {_several(sum(1 for _, pod in pods if pod), 'pod')}, {past}, {now}"
    )
    found.warnings += [*_startless(sample, poller), *_young(objective, age)]
    foreign = unattributable(objective, pods)
    if foreign is not None:
        found.warnings.append(foreign.sentence)
    return found


def _series(connection: Connection, selector: Selector, at: Instant) -> Answer:
    return connection.instant(f"count by (namespace, pod) (last_over_time({selector}[{milliseconds(RECENT)}]))", at)


def _nothing(missing: Missing, more: str = "") -> Found:
    return Found(faults=[missing.note + more], unanswered=missing.why is Why.UNREACHABLE)


def _several(count: int, noun: str) -> str:
    return f"{count} {noun if count == 1 or noun == 'series' else noun + 's'}"


def _history(connection: Connection, query: str, window: Seconds, at: Instant) -> Seconds | Missing:
    """How far back there is anything, up to the window. A plain selector: it reads five minutes at each look."""
    step = math.ceil(max(window / LOOKS, connection.source.scrape_interval))
    count = int(window // step)
    answer = connection.range(f"group({query})", at - count * step, at, step)
    if isinstance(answer, Missing):
        return answer
    return at - min((series.values[0][0] for series in answer), default=at)


def _present(connection: Connection, objective: Objective, at: Instant) -> str:
    """The share of good events of the last hour, by the source's own arithmetic."""
    events = increases(connection, [objective], at, PRESENT).get(objective.key, {})
    total, part = events.get(TOTAL, 0.0), events.get(PART, 0.0)
    if total <= 0:
        return "no events in the last hour"
    good = 1 - part / total if isinstance(objective.indicator, BadOverTotal) else part / total
    return f"{format_percent(Share(min(1.0, max(0.0, good))), 3)} % at present"


def _bounds(connection: Connection, objective: Objective, at: Instant) -> str:
    """The bounds a histogram has, where the one that is wanted is not among them; nearest first."""
    indicator = objective.indicator
    if not isinstance(indicator, Latency):
        return ""
    buckets = Selector(f"{indicator.histogram.metric}_bucket", indicator.histogram.matchers)
    answer = connection.instant(f"group by (le) (last_over_time({buckets}[{milliseconds(RECENT)}]))", at)
    bounds = {_seconds(s.labels.get("le", "")) for s in answer} if not isinstance(answer, Missing) else set()
    near = sorted((b for b in bounds if b is not None), key=lambda b: (abs(b - indicator.threshold), b))[:NAMED]
    if not near or indicator.threshold in near:
        return ""
    return f"; it has {', '.join(f'{bound_of(b)} s' for b in near)} (nearest first)"


def _seconds(le: str) -> float | None:
    try:
        value = float(le)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _startless(sample: Readings, poller: Poller) -> Sequence[str]:
    """Targets whose start is not known."""
    lacking = sum(reading.started is None for reading in sample.values())
    if not lacking:
        return ()
    return (
        f"{lacking} of {len(sample)} targets have no {poller.source.start_metric} under the same labels, so what a new pod "
        "counts before it is first scraped is missed (no birth credit)",
    )


def _young(objective: Objective, age: Seconds) -> Sequence[str]:
    """A past that does not fill the window."""
    window = objective.window.longest
    if age >= window * (1 - 2 / LOOKS):
        return ()
    return (f"its history is shorter than the window of {objective.window}: the rest of it will be unmeasured",)
