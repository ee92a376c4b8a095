"""What the metrics sources have of objectives from files, a sentence each, for `holdfast validate --live`."""

from __future__ import annotations

import time
from collections.abc import Iterable

from holdfast.core.objective import Objective, ObjectKey
from holdfast.prometheus.poller import Poller, grid_time
from holdfast.prometheus.probe import Found, probe

from .source import Sources


def look(objectives: Iterable[Objective], sources: Sources) -> dict[ObjectKey, Found]:
    """One answer for each objective; a source that did not answer is not asked again."""
    pollers: dict[str, Poller] = {}
    silent: dict[str, Found] = {}
    found: dict[ObjectKey, Found] = {}
    for objective in objectives:
        source = sources.of(objective)
        if source is None:
            found[objective.key] = Found(faults=[sources.unknown(objective)])
        elif source.name in silent:
            found[objective.key] = silent[source.name]
        else:
            poller = pollers.setdefault(source.name, Poller(source))
            at = grid_time(time.time(), source.scrape_interval, source.delay)
            found[objective.key] = answer = probe(poller, objective, at)
            if answer.unanswered:
                silent[source.name] = answer
    return found
