"""Objects as the API server shows them, and records as the core makes them."""

from __future__ import annotations

from typing import Any, Final

from holdfast.core.hold import HoldRecord, HoldState, Reason, Template
from holdfast.core.objective import Workload

ID: Final = "budget-exhausted-x7k2p"
NOW: Final = 1_763_700_000.0


def body(name: str = "a", *, uid: str = "u1", version: int = 10, **fields: Any) -> dict[str, Any]:
    """An object; `status` and `spec` as keywords."""
    metadata = {"namespace": "ns", "name": name, "uid": uid, "resourceVersion": str(version), "managedFields": [{}]}
    return {"metadata": metadata, "spec": {}, **fields}


def record(workload: Workload, *, paused: Template | None = None, state: HoldState = HoldState.ACTIVE) -> HoldRecord:
    """One episode of a workload."""
    return HoldRecord(
        workload=workload,
        id=ID,
        state=state,
        reason=Reason.BUDGET_EXHAUSTED,
        since=NOW,
        causes=(),
        message="The budget is exhausted.",
        declared=Template("0123456789abcdef", ("shop:v2",)),
        paused=paused,
    )


def objective(namespace: str, name: str) -> dict[str, Any]:
    """An objective that the API server accepts."""
    return {
        "apiVersion": "holdfast.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "target": "99.9",
            "indicator": {"ratio": {"bad": 'http_requests_total{code=~"5.."}', "total": "http_requests_total"}},
        },
    }
