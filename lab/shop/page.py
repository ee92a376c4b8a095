"""What does one pod's exporter show? The text format, as a Python or Go client library would write it.

Rule: a labelled series appears with its first request (no `code="500"` line before the first error); the unlabelled
histogram and the process start time are there from the start.
"""

from __future__ import annotations

from typing import Final

from lab.shop.pods import Counters

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.5)  # seconds
_REQUESTS: Final = "http_requests_total"
_DURATION: Final = "http_request_duration_seconds"


def render(counters: Counters) -> str:
    """The page of one pod."""
    lines = [f"# HELP {_REQUESTS} Requests answered.", f"# TYPE {_REQUESTS} counter"]
    lines += [f'{_REQUESTS}{{code="{code}",method="GET"}} {n}' for code, n in sorted(counters.codes.items())]
    lines += [f"# HELP {_DURATION} Time to answer a request.", f"# TYPE {_DURATION} histogram"]
    for bound in BOUNDS:
        below = sum(n for seconds, n in counters.latencies.items() if seconds <= bound)
        lines.append(f'{_DURATION}_bucket{{le="{bound:g}"}} {below}')
    total = sum(counters.latencies.values())
    spent = sum(seconds * n for seconds, n in counters.latencies.items())
    lines += [
        f'{_DURATION}_bucket{{le="+Inf"}} {total}',
        f"{_DURATION}_sum {spent:.6f}",
        f"{_DURATION}_count {total}",
        "# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.",
        "# TYPE process_start_time_seconds gauge",
        f"process_start_time_seconds {counters.started:.3f}",
    ]
    return "\n".join(lines) + "\n"
