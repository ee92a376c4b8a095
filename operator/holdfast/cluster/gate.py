"""Is the admission gate there, and does it refuse?

Rule: what cannot be seen is not there. A hold without its gate is a word, so whoever enforces says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .client import Client
from .errors import Denied, NotFound
from .resources import ADMISSION_BINDINGS, ADMISSION_POLICIES, MUTATING_BINDINGS, MUTATING_POLICIES, Body

NAMES: Final = ("hold.holdfast.dev", "queue.holdfast.dev")
"""What refuses: to change a workload that is held, to resume one whose release was undone."""

KEEP: Final = "keep.holdfast.dev"
"""What lets a fix in, whatever else its request says; not every cluster has it."""


@dataclass(frozen=True, slots=True)
class Gate:
    """`installed`: policies and bindings exist. `effective`: they refuse, as far as can be read. `why` they are not, or ''.

    `keeps`: a fix is stored paused where its request would resume; without that such a request is refused.
    """

    installed: bool
    effective: bool
    why: str = ""
    keeps: bool = False


async def read_gate(client: Client) -> Gate:
    """The gate as it is now. Raises ClusterError when the server cannot be asked."""
    faults: list[str] = []
    for name in NAMES:
        try:
            policy = await client.get(ADMISSION_POLICIES, None, name)
            binding = await client.get(ADMISSION_BINDINGS, None, name)
        except NotFound as error:
            return Gate(False, False, f"The gate {name} is not installed; install the chart. {error}")
        except Denied as error:
            return Gate(False, False, f"It cannot be seen whether the gate {name} is installed. {error}")
        faults += _faults(name, policy, binding)
    return Gate(True, not faults, " ".join(faults), await _keeps(client))


async def _keeps(client: Client) -> bool:
    """Whether the mutating policy is there. It has no status, so what it does is seen only when it does it."""
    try:
        policy = await client.get(MUTATING_POLICIES, None, KEEP)
        binding = await client.get(MUTATING_BINDINGS, None, KEEP)
    except (NotFound, Denied):
        return False
    whole = binding["spec"].get("policyName") == KEEP and not binding["spec"].get("matchResources")
    return whole and not any("deletionTimestamp" in body["metadata"] for body in (policy, binding))


def _faults(name: str, policy: Body, binding: Body) -> Iterator[str]:
    """Every reason why it may not refuse."""
    spec, bound, status = policy["spec"], binding["spec"], policy.get("status") or {}
    if "deletionTimestamp" in policy["metadata"] or "deletionTimestamp" in binding["metadata"]:
        yield f"The gate {name} is being deleted."
    if bound.get("policyName") != name:
        yield f"The binding {name} is for another policy, {bound.get('policyName')}."
    if "Deny" not in (bound.get("validationActions") or ()):
        yield f"The binding {name} only records and does not deny; set enforcement: true in the chart."
    if bound.get("matchResources"):
        yield f"The binding {name} covers a part of the cluster only."
    if spec.get("failurePolicy", "Fail") != "Fail":
        yield f"The policy {name} lets a request through when it cannot be evaluated; failurePolicy must be Fail."
    observed = status.get("observedGeneration")
    if observed is not None and observed < policy["metadata"]["generation"]:
        yield f"The control plane has not checked the present form of the policy {name} yet."
    warnings = (status.get("typeChecking") or {}).get("expressionWarnings") or ()
    if warnings:
        yield f"The control plane has doubts about {len(warnings)} expressions of the policy {name}: {warnings[0].get('warning')}."
