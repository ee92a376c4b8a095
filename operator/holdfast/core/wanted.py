"""Where a workload is to be brought: held, as a record says, or free."""

from __future__ import annotations

from dataclasses import dataclass

from .hold import CauseKey, HoldRecord, Quarantined, Reason


@dataclass(frozen=True, slots=True)
class Held:
    """The workload is to be held, as this record says. `resume` lets go the rollout that we stopped."""

    record: HoldRecord
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Free:
    """The workload is to be free; why, where it was held before. `worn` causes may not hold again for now.

    `quarantined` templates may not roll out again; None leaves those on record as they are.
    """

    reason: Reason | None = None
    worn: tuple[CauseKey, ...] = ()
    quarantined: tuple[Quarantined, ...] | None = None


Wanted = Held | Free
