"""Names that live in clusters: to change one orphans what is stored there."""

from __future__ import annotations

from holdfast.core.evidence import Why
from holdfast.core.hold import HoldState
from holdfast.core.policy import Mode
from holdfast.core.request import HOLD_LABEL, OVERRIDE_LABEL


def test_labels_are_those_that_the_gate_looks_at() -> None:
    """The admission policies of the chart know these two keys and nothing else of ours."""
    assert (HOLD_LABEL, OVERRIDE_LABEL) == ("holdfast.dev/hold", "holdfast.dev/override")


def test_words_of_status_stay() -> None:
    """Objects in a cluster outlive an upgrade of the operator."""
    assert {str(w) for w in Why} == {"Stale", "Absent", "Unreachable", "Contradictory"}
    assert {str(s) for s in HoldState} == {"Active", "Overridden", "Lifted"}
    assert {str(m) for m in Mode} == {"Audit", "Enforce"}
