"""What does one pod's exporter show? The text format, as a Python or Go client library would write it.

Rule: a labelled series appears with its first request (no `code="500"` line before the first error); the unlabelled
histogram and the process start time are there from the start. A native histogram is whole in protobuf only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lab.shop.pods import Counters, Pod
from lab.shop.protobuf import COUNTER, GAUGE, HISTOGRAM, counter, family, gauge, histogram

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.5)  # seconds
_REQUESTS: Final = "http_requests_total"
_DURATION: Final = "http_request_duration_seconds"
_START: Final = "process_start_time_seconds"


def render(counters: Counters, *, native: bool = False, start: bool = True) -> str:
    """The page of one pod."""
    lines = [f"# HELP {_REQUESTS} Requests answered.", f"# TYPE {_REQUESTS} counter"]
    lines += [f'{_REQUESTS}{{code="{code}",method="GET"}} {n}' for code, n in sorted(counters.codes.items())]
    lines += [f"# HELP {_DURATION} Time to answer a request.", f"# TYPE {_DURATION} histogram"]
    for bound in () if native else BOUNDS:
        below = sum(n for seconds, n in counters.latencies.items() if seconds <= bound)
        lines.append(f'{_DURATION}_bucket{{le="{bound:g}"}} {below}')
    total = sum(counters.latencies.values())
    spent = sum(seconds * n for seconds, n in counters.latencies.items())
    lines += [
        f'{_DURATION}_bucket{{le="+Inf"}} {total}',
        f"{_DURATION}_sum {spent:.6f}",
        f"{_DURATION}_count {total}",
    ]
    if start:
        lines += [
            f"# HELP {_START} Start time of the process since unix epoch in seconds.",
            f"# TYPE {_START} gauge",
            f"{_START} {counters.started:.3f}",
        ]
    return "\n".join(lines) + "\n"


def render_protobuf(counters: Counters, schema: int, *, start: bool = True) -> bytes:
    """The page of one pod whose histogram is native, with this resolution."""
    codes = [counter(n, {"code": str(code), "method": "GET"}) for code, n in sorted(counters.codes.items())]
    page = family(_REQUESTS, COUNTER, codes) if codes else b""
    page += family(_DURATION, HISTOGRAM, [histogram(counters.latencies, schema)])
    return page + family(_START, GAUGE, [gauge(round(counters.started, 3))]) if start else page


def render_containers(pods: Iterable[Pod]) -> str:
    """What cAdvisor knows of running containers."""
    lines = ["# TYPE container_start_time_seconds gauge"]
    for pod in pods:
        if pod.start_from in ("process", "container"):
            names = f'namespace="{pod.namespace}",pod="{pod.name}",container="{pod.labels["container"]}"'
            lines.append(f"container_start_time_seconds{{{names}}} {pod.counters.started:.3f}")
    return "\n".join(lines) + "\n"


def render_pods(pods: Iterable[Pod]) -> str:
    """What kube-state-metrics knows of pods."""
    lines = ["# TYPE kube_pod_start_time gauge"]
    for pod in pods:
        if pod.start_from != "none" and not pod.container:
            lines.append(f'kube_pod_start_time{{namespace="{pod.namespace}",pod="{pod.name}"}} {pod.born:.0f}')
    return "\n".join(lines) + "\n"
