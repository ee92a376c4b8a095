"""What a person may write: the kinds as pydantic models, their CRDs, parsing into core values, and the status they show.

Rule: whatever comes in is either a core value or a list of sentences that say how to mend it; nothing else leaves this
package. A rule that the API server checks with CEL carries the same sentence here.
"""

from .expressions import enforce, parse_expression
from .findings import Finding, findings, findings_of_composite
from .parse import parse_adjustment, parse_hold, parse_objective, parse_policy
from .problems import Invalid, Problem
from .promql import parse_selector
from .recurrence import adjusted, next_span, occurrences, spans_of
from .releases import parse_release, release_body, release_status
from .status import (
    WorkloadState,
    adjustment_status,
    hold_status,
    invalid_status,
    objective_outline,
    objective_status,
    policy_status,
)

__all__ = [
    "Finding",
    "Invalid",
    "Problem",
    "WorkloadState",
    "adjusted",
    "adjustment_status",
    "enforce",
    "findings",
    "findings_of_composite",
    "hold_status",
    "invalid_status",
    "next_span",
    "objective_outline",
    "objective_status",
    "occurrences",
    "parse_adjustment",
    "parse_expression",
    "parse_hold",
    "parse_objective",
    "parse_policy",
    "parse_release",
    "parse_selector",
    "policy_status",
    "release_body",
    "release_status",
    "spans_of",
]
