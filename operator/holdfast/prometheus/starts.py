"""When a process started that does not say so itself: what Prometheus knows of its container, or else of its pod.

Nothing is asked while every target tells its own start. The start of a container is that of its process. The start of a
pod bounds it from below and says nothing of restarts, so it is kept apart. Whoever has neither is left as unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from holdfast.core.evidence import Missing
from holdfast.core.ledger import Target
from holdfast.core.objective import quote
from holdfast.core.quantities import Instant, Seconds

from .families import milliseconds
from .narrowing import escape
from .readings import PROCESS, Counters, Process
from .sources import Answer, Series

CONTAINER: Final = "container_start_time_seconds"
"""Of cAdvisor, in every kubelet."""
POD: Final = "kube_pod_start_time"
"""Of kube-state-metrics."""

REACH: Final[Seconds] = 300
"""These are often scraped less often than a service, and do not change."""
PAUSE: Final = 20
"""Looks for which a metric is not asked of a namespace where it gave nothing."""

Ask = Callable[[str], Answer]
StartsOf = Callable[[Collection[str]], Mapping[tuple[str, str], Instant]]
"""When the pods of some namespaces started, by (namespace, pod), as their objects say."""


class Starts:
    """Completes what the process start metric leaves open, and remembers where it is in vain to ask."""

    def __init__(self, starts_of: StartsOf | None = None) -> None:
        """`starts_of` is asked last."""
        self._starts_of = starts_of
        self._looks = 0
        self._again: dict[tuple[str, str], int] = {}

    def complete(self, moments: Sequence[tuple[Instant, Counters]], ask: Ask) -> set[Target]:
        """Add what can be found to these moments of one answer; returns the targets of which nothing is known."""
        processes = moments[-1][1].processes if moments else {}
        told_by = {target for _, counters in moments for target in counters.starts}
        unknown = {target: process for target, process in processes.items() if target not in told_by}
        self._looks += bool(unknown)
        at = dict(moments)
        for metric in (CONTAINER, POD):
            self._from_metric(metric, unknown, at, ask)
        self._from_objects(unknown, at.values())
        return set(unknown)

    def _from_metric(
        self, metric: str, unknown: dict[Target, Process | None], at: Mapping[Instant, Counters], ask: Ask
    ) -> None:
        namespaces = {process[0] for process in unknown.values() if process}
        namespaces = {n for n in namespaces if self._again.get((metric, n), 0) <= self._looks}
        answer = ask(_query(metric, namespaces)) if namespaces else []
        if isinstance(answer, Missing):
            return
        found = _known(answer)
        for target, process in list(unknown.items()):
            series = _of(metric, found, process) if process else None
            if series is None:
                continue
            del unknown[target]
            for time, value in series.values:
                if time in at:
                    (at[time].starts if metric == CONTAINER else at[time].born)[target] = value
        for namespace in namespaces - {process[0] for process in found}:
            self._again[metric, namespace] = self._looks + PAUSE

    def _from_objects(self, unknown: dict[Target, Process | None], moments: Iterable[Counters]) -> None:
        namespaces = {process[0] for process in unknown.values() if process}
        if self._starts_of is None or not namespaces:
            return
        found = self._starts_of(namespaces)
        for target, process in list(unknown.items()):
            started = found.get((process[0], process[1])) if process else None
            if started is not None:
                del unknown[target]
                for counters in moments:
                    counters.born[target] = started


def _query(metric: str, namespaces: Iterable[str]) -> str:
    """The newest start per container or pod of these namespaces."""
    where = "namespace=~" + quote("|".join(escape(n) for n in sorted(namespaces)))
    by = "namespace, pod"
    if metric == CONTAINER:
        where, by = f'{where},pod!="",container!="",container!="POD"', f"{by}, container"
    return f"max by ({by}) (last_over_time({metric}{{{where}}}[{milliseconds(REACH)}]))"


def _known(answer: Iterable[Series]) -> dict[Process, Series]:
    """The series by namespace, pod and container (empty for a pod); a pod of one container also without its name."""
    found: dict[Process, Series] = {}
    alone: defaultdict[Process, list[Series]] = defaultdict(list)
    for series in answer:
        namespace, pod, container = (series.labels.get(name, "") for name in PROCESS)
        found[namespace, pod, container] = series
        alone[namespace, pod, ""].append(series)
    return found | {process: every[0] for process, every in alone.items() if len(every) == 1}


def _of(metric: str, found: Mapping[Process, Series], process: Process) -> Series | None:
    return found.get(process if metric == CONTAINER else (process[0], process[1], ""))
