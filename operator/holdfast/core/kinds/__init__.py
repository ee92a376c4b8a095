"""One pure module per kind of workload: what is seen of it, and the next request that brings it where it is wanted."""

from __future__ import annotations

from ..hold import HoldRecord
from ..quantities import Instant
from ..request import Step
from ..wanted import Wanted
from . import deployment, sets
from .daemonset import DaemonSet
from .deployment import Deployment
from .statefulset import StatefulSet

View = Deployment | StatefulSet | DaemonSet
"""What is seen of a workload."""


def step(want: Wanted, view: View | None, stored: HoldRecord | None, now: Instant) -> Step:
    """The next request that brings the world to what is wanted, as the kind of the workload does it.

    Of a workload that is gone only its record is left, and all kinds end that alike.
    """
    match view:
        case StatefulSet() | DaemonSet():
            return sets.step(want, view, stored, now)
        case _:
            return deployment.step(want, view, stored, now)


__all__ = ["DaemonSet", "Deployment", "StatefulSet", "View", "step"]
