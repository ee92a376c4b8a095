"""Group `rollback`: from the verdict on a bad release to its last pod gone, beside the rollback that everybody has."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import lab
from bench.frame import Compared, Figure, Group, Outcome, Say
from bench.undoing import Undone, by_holdfast, by_template, undone
from lab.chart import install
from lab.operator import Operator

SIZES: Final = (4, 20, 100)
READY_AFTER: Final = "3s"
QUICK: Final = "300ms"
EPISODES: Final = 3


@dataclass(frozen=True, slots=True)
class Size:
    """All episodes with so many pods; `quick` is one with pods that are ready at once, each way."""

    pods: int
    ours: tuple[Undone, ...]
    template: tuple[Undone, ...]
    quick: tuple[Undone, Undone]


@lru_cache(maxsize=1)
def measured(say: Say) -> tuple[Size, ...]:
    """Every figure comes from one run: the two ways in turn, on the same control plane."""
    with lab.cluster("rollback", log=say) as cluster:
        chart = install(cluster)
        operator = Operator(cluster, chart.kubeconfig, chart.namespace)
        operator.start()
        ours = by_holdfast(chart.user)
        sizes = []
        for pods in SIZES:
            pairs = []
            for ready_after in (*[READY_AFTER] * EPISODES, QUICK):
                pairs.append(
                    (undone(cluster, pods, ready_after, ours), undone(cluster, pods, ready_after, by_template))
                )
                say(
                    f"{pods} pods, ready after {ready_after}: {pairs[-1][0].gone:.1f} s, template {pairs[-1][1].gone:.1f} s"
                )
            *slow, quick = pairs
            sizes.append(Size(pods, tuple(pair[0] for pair in slow), tuple(pair[1] for pair in slow), quick))
        operator.process.stop()
        return tuple(sizes)


def seconds(pods: int, say: Say) -> Outcome:
    """The median time until the last bad pod of so many was gone."""
    size = next(size for size in measured(say) if size.pods == pods)
    value, beside = median(size.ours), median(size.template)
    return Outcome(value, Compared("a rollback of the template in the same run", beside), method(size))


def share(say: Say) -> Outcome:
    """The least share of ready pods of all episodes."""
    sizes = measured(say)
    return Outcome(
        least([u for size in sizes for u in (*size.ours, size.quick[0])]),
        Compared(
            "rollbacks of the template in the same run", least([u for s in sizes for u in (*s.template, s.quick[1])])
        ),
        " ".join(map(method, sizes)),
    )


def median(episodes: Sequence[Undone]) -> float:
    """Seconds from the verdict to the last bad pod gone."""
    return statistics.median(one.gone for one in episodes)


def least(episodes: Sequence[Undone]) -> float:
    """The least share of ready pods."""
    return min(one.share for one in episodes)


def method(size: Size) -> str:
    """How it was measured, and what else was seen."""
    return METHOD.format(
        pods=size.pods,
        n=len(size.ours),
        ours=", ".join(f"{one.gone:.2f}" for one in size.ours),
        theirs=", ".join(f"{one.gone:.2f}" for one in size.template),
        whole=f"{statistics.median(one.whole for one in size.ours):.2f}",
        whole_theirs=f"{statistics.median(one.whole for one in size.template):.2f}",
        least=min(one.least for one in size.ours),
        least_theirs=min(one.least for one in size.template),
        quick=f"{size.quick[0].gone:.2f}",
        quick_theirs=f"{size.quick[1].gone:.2f}",
        load=f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
    )


METHOD: Final = (
    f"Median of {{n}} complete releases with {{pods}} pods ({{ours}} s; template {{theirs}} s), each in a namespace of its own, on a real "
    "API server with the real controllers and the shipped chart, the operator as its own process; pods are simulated and "
    f"ready {READY_AFTER} after they were made, maxSurge and maxUnavailable are 25 %. Begin: the operator's first write about the "
    "workload in the audit log, after `holdfast undo`; the template rollback begins with its one patch. End: a watch saw that the last "
    "bad pod was being deleted. All good pods were ready after {whole} s (template {whole_theirs} s); never fewer than {least} of {pods} "
    "pods were ready (template {least_theirs}). With pods that are ready after "
    f"{QUICK}: {{quick}} s (template {{quick_theirs}} s). Load {{load}}."
)


def _figure(pods: int, goal: float) -> Figure:
    measure: Callable[[Say], Outcome] = lambda say: seconds(pods, say)  # noqa: E731
    return Figure(f"rollback-{pods}-s", "s", goal, measure)


GROUP: Final = Group(
    "rollback",
    "from the verdict on a complete release to its last bad pod gone, and how many pods serve meanwhile",
    (_figure(4, 5), _figure(20, 6), _figure(100, 12), Figure("rollback-ready-share", "", 1, share, at_least=True)),
)
