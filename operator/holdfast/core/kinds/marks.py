"""Our labels on a workload and its sets of pods: which are to be there, and which of our own are to go.

Rule: a label that no record explains is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..hold import HoldRecord
from ..request import HOLD_LABEL, QUEUE_LABEL


@dataclass(frozen=True, slots=True)
class Marks:
    """`on` are the labels that are wanted; `off` those that are not, with the values they may have had from us."""

    on: Mapping[str, str] = field(hash=False)
    off: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)

    def changes(self, labels: Mapping[str, str]) -> dict[str, str | None]:
        """What is to be patched on an object with these labels."""
        lacking: dict[str, str | None] = {key: value for key, value in self.on.items() if labels.get(key) != value}
        return lacking | {key: None for key, values in self.off.items() if labels.get(key) in values}


def between(stored: HoldRecord | None, wanted: HoldRecord | None) -> Marks:
    """What is wanted on the way from one record to another; None wants nothing, and has left nothing."""
    on = {}
    if wanted is not None and wanted.denies:
        on[HOLD_LABEL] = wanted.id
    if wanted is not None and wanted.in_force and wanted.undo is not None:
        on[QUEUE_LABEL] = wanted.undo.id
    if stored is None:
        return Marks(on)
    undone = {stored.id, *(q.id for q in stored.quarantined), *((stored.undo.id,) if stored.undo is not None else ())}
    ours = {HOLD_LABEL: frozenset({stored.id}), QUEUE_LABEL: frozenset(undone)}
    return Marks(on, {key: values for key, values in ours.items() if key not in on})
