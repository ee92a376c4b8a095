"""Is the admission gate there, and does it refuse?

Rule: what cannot be seen is not there. A hold without its gate is a word, so whoever enforces says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .client import Client
from .errors import Denied, NotFound
from .resources import ADMISSION_BINDINGS, ADMISSION_POLICIES, Body

NAME: Final = "hold.holdfast.dev"


@dataclass(frozen=True, slots=True)
class Gate:
    """`installed`: policy and binding exist. `effective`: they refuse, as far as can be read. `why` it is not, or ''."""

    installed: bool
    effective: bool
    why: str = ""


async def read_gate(client: Client) -> Gate:
    """The gate as it is now. Raises ClusterError when the server cannot be asked."""
    try:
        policy = await client.get(ADMISSION_POLICIES, None, NAME)
        binding = await client.get(ADMISSION_BINDINGS, None, NAME)
    except NotFound as error:
        return Gate(False, False, f"The gate {NAME} is not installed; install the chart. {error}")
    except Denied as error:
        return Gate(False, False, f"It cannot be seen whether the gate {NAME} is installed. {error}")
    faults = tuple(_faults(policy, binding))
    return Gate(True, not faults, " ".join(faults))


def _faults(policy: Body, binding: Body) -> Iterator[str]:
    """Every reason why it may not refuse."""
    spec, bound, status = policy["spec"], binding["spec"], policy.get("status") or {}
    if "deletionTimestamp" in policy["metadata"] or "deletionTimestamp" in binding["metadata"]:
        yield f"The gate {NAME} is being deleted."
    if bound.get("policyName") != NAME:
        yield f"The binding {NAME} is for another policy, {bound.get('policyName')}."
    if "Deny" not in (bound.get("validationActions") or ()):
        yield f"The binding {NAME} only records and does not deny; set enforcement: true in the chart."
    if bound.get("matchResources"):
        yield f"The binding {NAME} covers a part of the cluster only."
    if spec.get("failurePolicy", "Fail") != "Fail":
        yield f"The policy {NAME} lets a request through when it cannot be evaluated; failurePolicy must be Fail."
    observed = status.get("observedGeneration")
    if observed is not None and observed < policy["metadata"]["generation"]:
        yield f"The control plane has not checked the present form of the policy {NAME} yet."
    warnings = (status.get("typeChecking") or {}).get("expressionWarnings") or ()
    if warnings:
        yield f"The control plane has doubts about {len(warnings)} expressions of the policy {NAME}: {warnings[0].get('warning')}."
