"""Rules of starts that a process does not tell: who is asked, when, and what its answer is worth."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import promql_parser

from holdfast.core.evidence import Missing, Why
from holdfast.prometheus.families import families
from holdfast.prometheus.readings import Counters, collect
from holdfast.prometheus.sources import Answer, Series
from holdfast.prometheus.starts import PAUSE, Starts
from tests.prometheus.making import SOURCE, errors, series

P, Q, R = (("j", "", "shop", pod, "app") for pod in "pqr")


def counted(*pods: str, started: Mapping[str, float] | None = None) -> list[tuple[float, Counters]]:
    """Counters of these pods at two times, some of which tell their start."""
    labels = [{"job": "j", "namespace": "shop", "pod": pod, "container": "app", "code": "200"} for pod in pods]
    (family,) = families([errors()])
    starts = [series({**label, "code": ""}, *[(started or {}).get(label["pod"], 0.0)] * 2) for label in labels]
    told = [s for s in starts if s.values[0][1]]
    return collect(SOURCE, [(family, [series(label, 1, 2) for label in labels])], told)


class Prometheus:
    """Knows the start of some containers and pods."""

    def __init__(self, containers: Answer = (), pods: Answer = ()) -> None:  # type: ignore[assignment]
        self.answers = {"container_start_time_seconds": containers, "kube_pod_start_time": pods}
        self.asked: list[str] = []

    def __call__(self, query: str) -> Answer:
        promql_parser.parse(query)
        metric = next(metric for metric in self.answers if metric in query)
        self.asked.append(metric)
        found = self.answers[metric]
        return found if isinstance(found, Missing) else list(found)


def container(pod: str, started: float, name: str = "app") -> Series:
    """One of cAdvisor."""
    return series({"namespace": "shop", "pod": pod, "container": name}, started, started)


def pod(name: str, started: float) -> Series:
    """One of kube-state-metrics."""
    return series({"namespace": "shop", "pod": name}, started, started)


def test_who_tells_its_start_costs_no_query() -> None:
    """Nothing is asked while every target has a process start."""
    prometheus, moments = Prometheus(), counted("p", "q", started={"p": 50, "q": 60})
    assert Starts().complete(moments, prometheus) == set()
    assert prometheus.asked == []


def test_first_the_container_then_the_pod() -> None:
    """Each target takes the best that is known of it, at every time of the answer, and the rest is unknown."""
    prometheus = Prometheus([container("p", 50), container("p", 40, "sidecar")], [pod("p", 30), pod("q", 35)])
    moments = counted("p", "q", "r")
    assert Starts().complete(moments, prometheus) == {R}
    assert [counters.starts for _, counters in moments] == [{P: 50}, {P: 50}]
    assert [counters.born for _, counters in moments] == [{Q: 35}, {Q: 35}]


def test_a_pod_of_one_container_needs_no_name_for_it() -> None:
    """Counters without a container label are those of the only container; of two nobody knows which."""
    labels = {"job": "j", "namespace": "shop", "code": "200"}
    (family,) = families([errors()])
    for others, unknown in (([], 0), ([container("p", 40, "sidecar")], 1)):
        moments = collect(SOURCE, [(family, [series({**labels, "pod": "p"}, 1, 2)])], [])
        found = Starts().complete(moments, Prometheus([container("p", 50), *others]))
        assert len(found) == unknown


def test_a_namespace_where_nothing_is_known_is_left_alone_for_a_while() -> None:
    """Without cAdvisor and kube-state-metrics the two queries come again after some looks."""
    starts, prometheus = Starts(), Prometheus()
    for _ in range(PAUSE + 1):
        assert starts.complete(counted("p"), prometheus) == {P}
    assert len(prometheus.asked) == 4


def test_a_query_that_fails_is_tried_at_the_next_look() -> None:
    """A failure says nothing about what is known; the targets are unknown meanwhile, and nobody loses evidence."""
    down = Missing(Why.UNREACHABLE, 100, "down")
    starts, prometheus = Starts(), Prometheus(down, down)
    assert starts.complete(counted("p"), prometheus) == {P}
    prometheus.answers["container_start_time_seconds"] = [container("p", 50)]
    assert starts.complete(counted("p"), prometheus) == set()


def test_the_pod_objects_are_asked_last() -> None:
    """Only about the namespaces of those that nobody else knows, and what they say is the start of the pod."""
    asked: list[set[str]] = []

    def starts_of(namespaces: Collection[str]) -> dict[tuple[str, str], float]:
        asked.append(set(namespaces))
        return {("shop", "q"): 45.0}

    starts, moments = Starts(starts_of), counted("p", "q", "r")
    assert starts.complete(moments, Prometheus([container("p", 50)])) == {R}
    assert [counters.born for _, counters in moments] == [{Q: 45}, {Q: 45}]
    assert starts.complete(counted("p"), Prometheus([container("p", 50)])) == set()
    assert asked == [{"shop"}]


def test_a_target_of_no_pod_is_unknown() -> None:
    """Nothing else than its own start would tell when it began; nothing is asked for it."""
    (family,) = families([errors()])
    moments = collect(SOURCE, [(family, [series({"job": "j", "code": "200"}, 1)])], [])
    prometheus = Prometheus()
    assert Starts().complete(moments, prometheus) == {("j", "", "", "", "")}
    assert prometheus.asked == []
