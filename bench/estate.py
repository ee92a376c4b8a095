"""A company's worth of services: their Deployments, objectives and policies, and what their pods count.

Rule: five objectives on each service that has any, so that the number of series grows with the number of objectives. The
pods live longer than any past that is asked for, and a part of the services fails a little, steadily.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

WORKLOADS: Final = 2_000
NAMESPACES: Final = 40
PODS: Final = 3
SCRAPE: Final = 15.0
RATE: Final = 20  # requests/s of one pod
AGE: Final = 40 * 86_400  # seconds a pod has lived

SPENT: Final = (0.05,) * 16 + (0.4,) * 3 + (0.8,)
"""The share of its budgets that a service spends, by its number: most hardly fail, every twentieth is below a quarter."""

BOUNDS: Final = ("0.1", "0.3", "1.0", "+Inf")
HTTP, RPC, TIMES, STARTS = (
    "http_requests_total",
    "rpc_handled_total",
    "http_request_duration_seconds_bucket",
    "process_start_time_seconds",
)


@dataclass(frozen=True, slots=True)
class Promise:
    """One of the five objectives of a service."""

    name: str
    target: str
    indicator: Json

    @property
    def allowance(self) -> float:
        """The share of events that may fail."""
        return 1 - float(self.target) / 100


def app(number: int) -> str:
    """The name of a service."""
    return f"app-{number:04}"


def namespace(number: int) -> str:
    """Where it lives."""
    return f"team-{number % NAMESPACES:02}"


def promises(number: int) -> tuple[Promise, ...]:
    """The objectives of a service."""
    where = f'namespace="{namespace(number)}",job="{app(number)}"'
    http, rpc, times = f"{HTTP}{{{where}}}", f"{RPC}{{{where}}}", f"{TIMES.removesuffix('_bucket')}{{{where}}}"
    return (
        Promise("answers", "99.9", {"ratio": {"bad": f'{HTTP}{{{where},code=~"5.."}}', "total": http}}),
        Promise("calls", "99.5", {"ratio": {"good": f'{RPC}{{{where},status="ok"}}', "total": rpc}}),
        Promise("fast", "99", {"latency": {"histogram": times, "threshold": "100ms"}}),
        Promise("in-time", "99.9", {"latency": {"histogram": times, "threshold": "300ms"}}),
        Promise("at-all", "99.95", {"latency": {"histogram": times, "threshold": "1s"}}),
    )


def counters(number: int) -> Iterator[tuple[str, str, str, float]]:
    """(metric, label, its value, share of all events) of the series that each pod of a service has."""
    spent = SPENT[number % len(SPENT)]
    answers, calls, *bounds = (spent * promise.allowance for promise in promises(number))
    yield from ((HTTP, "code", "200", 1 - answers), (HTTP, "code", "503", answers))
    yield from ((RPC, "status", "ok", 1 - calls), (RPC, "status", "error", calls))
    yield from ((TIMES, "le", bound, 1 - slow) for bound, slow in zip(BOUNDS, (*bounds, 0.0), strict=True))


def deployment(number: int) -> Json:
    """The Deployment of a service; nothing runs it."""
    labels = {"app": app(number)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": app(number), "namespace": namespace(number), "labels": labels},
        "spec": {
            "replicas": PODS,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": f"registry.example.com/{app(number)}:1.0"}]},
            },
        },
    }


def objectives(count: int) -> Iterator[Json]:
    """So many objectives, service by service."""
    for place in range(count):
        number, kind = divmod(place, len(promises(0)))
        promise = promises(number)[kind]
        spec = {
            "target": promise.target,
            "indicator": promise.indicator,
            "workloads": [{"kind": "Deployment", "name": app(number)}],
        }
        yield _ours("ServiceLevelObjective", namespace(number), f"{app(number)}-{promise.name}", spec)


def policies() -> Iterator[Json]:
    """One for each namespace, with three rules."""
    rules = [
        {
            "name": "exhausted",
            "when": {"budgetRemaining": {"below": "0"}},
            "then": {"action": "Hold", "until": {"above": "5"}, "atMost": "7d"},
        },
        {"name": "burning", "when": {"burnRate": {"above": "14.4", "over": "1h"}}, "then": {"action": "Hold"}},
        {"name": "low", "when": {"budgetRemaining": {"below": "25"}}, "then": {"action": "Notify"}},
    ]
    for number in range(NAMESPACES):
        yield _ours("ErrorBudgetPolicy", namespace(number), "default", {"mode": "Enforce", "rules": rules})


def _ours(kind: str, where: str, name: str, spec: Json) -> Json:
    metadata = {"name": name, "namespace": where}
    return {"apiVersion": "holdfast.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
