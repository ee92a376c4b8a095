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
    """`on` are the labels that are wanted, `off` those of ours that are not any longer, where they have this value."""

    on: Mapping[str, str] = field(hash=False)
    off: Mapping[str, str] = field(default_factory=dict, hash=False)

    def changes(self, labels: Mapping[str, str]) -> dict[str, str | None]:
        """What is to be patched on an object with these labels."""
        lacking: dict[str, str | None] = {key: value for key, value in self.on.items() if labels.get(key) != value}
        return lacking | {key: None for key, value in self.off.items() if labels.get(key) == value}


def of_record(record: HoldRecord) -> dict[str, str]:
    """The labels with which a record is carried out."""
    wanted = {HOLD_LABEL: record.id} if record.denies else {}
    return wanted | ({QUEUE_LABEL: record.undo.id} if record.in_force and record.undo is not None else {})


def between(stored: HoldRecord | None, wanted: HoldRecord) -> Marks:
    """On the way from one record to another."""
    on = of_record(wanted)
    before = of_record(stored) if stored is not None else {}
    return Marks(on, {key: value for key, value in before.items() if key not in on})
