"""What the source's own arithmetic says of the events of a stretch of time: one query per family for all objectives.

Not exact, and independent of the ledgers: good to find out that one of them has gone astray.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from holdfast.core.evidence import Missing
from holdfast.core.objective import Objective, ObjectKey
from holdfast.core.quantities import Instant, Seconds

from .connection import Connection
from .families import NATIVE_PART, NATIVE_TOTAL, PART, TOTAL, Family, families, milliseconds
from .narrowing import Width, narrowing
from .sources import Answer, Refused, Source

RELEASES: Final = frozenset({"pod_template_hash", "controller_revision_hash", "rollouts_pod_template_hash"})
"""Labels under which one counter goes on as another: over a day their increases add up. Under all other labels of
`Source.same_counter` the same events are counted twice."""

NATIVE: Final = {TOTAL: NATIVE_TOTAL, PART: NATIVE_PART}

Events = Mapping[str, float]
"""Events by role (all of them, and the good or bad part)."""


def increases(
    connection: Connection,
    objectives: Sequence[Objective],
    at: Instant,
    span: Seconds,
    roles: Collection[str] = (TOTAL, PART),
) -> Mapping[ObjectKey, Events]:
    """`increase()` over the `span` up to `at`, for each objective that the source answered about; blocks.

    A histogram that is there in both its forms is counted in the classic one.
    """
    asked = {*roles, *(NATIVE[role] for role in roles)}
    found: defaultdict[ObjectKey, dict[str, float]] = defaultdict(dict)
    for family in families(objectives, connection.source.namespace_label):
        family.readers = {role: selector for role, selector in family.readers.items() if role[1] in asked}
        answer = _ask(connection, family, at, span) if family.readers else []
        if isinstance(answer, Missing):
            continue
        for series in answer:
            for key, role in family.roles(series.labels):
                found[key][role] = found[key].get(role, 0.0) + series.values[-1][1]
    return {key: _events(events, roles) for key, events in found.items() if events.keys() & {TOTAL, NATIVE_TOTAL}}


def _events(found: Events, roles: Collection[str]) -> Events:
    native = not found.get(TOTAL) and NATIVE_TOTAL in found
    return {role: found.get(NATIVE[role] if native else role, 0.0) for role in roles}


def _ask(connection: Connection, family: Family, at: Instant, span: Seconds) -> Answer:
    answer = connection.instant(query(connection.source, family, span), at)
    while isinstance(answer, Refused) and family.width is not Width.WIDE:
        family.width = Width(family.width + 1)
        answer = connection.instant(query(connection.source, family, span), at)
    return answer  # a source that knows no native histograms refuses them, and has none


def query(source: Source, family: Family, span: Seconds) -> str:
    """The increase of a family's counters by the labels its selectors look at; targets are summed up by the source."""
    where = narrowing(family.readers.values(), family.width)
    twice = ", ".join(name for name in source.same_counter if name not in (*family.labels, *RELEASES))
    values = f"increase({family.metric}{where}[{milliseconds(span)}])"
    counted = values if family.native is None else family.native.of(values)
    return f"sum by ({', '.join(family.labels)}) (max without ({twice}) ({counted}))"
