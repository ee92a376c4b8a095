"""One workload's whole world, the time included: all that is decided from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .budget import Measured
from .hold import CauseKey, HoldRecord, Reason
from .kinds import View
from .objective import ObjectKey, Workload
from .policy import Rule
from .quantities import Instant
from .release import ReleaseRecord, Restrained
from .trial import Trial


@dataclass(frozen=True, slots=True)
class Observed:
    """One workload's whole world, the time included.

    `rules` are those of all policies, by the objective they cover. `in_force` are the rules that were in force at the
    last look. `unreadable` are objectives and policies that exist but make no sense: nothing is concluded from them.
    `new_id` ends the id of the hold if one begins now. `enforcing` is False while a person has switched Holdfast off:
    then every rule only reports. `releases` are the records of its releases, `trial` what decides about the one that is
    declared, `blamed` what was found against it before, and why; without `followed` nobody asks about releases.
    `restrained` says why a rule may not have this one undone now.
    """

    now: Instant
    workload: Workload
    view: View | None
    measured: tuple[Measured, ...]
    rules: Mapping[ObjectKey, tuple[Rule, ...]] = field(hash=False)
    hold: HoldRecord | None = None
    in_force: frozenset[CauseKey] = frozenset()
    unreadable: frozenset[ObjectKey] = frozenset()
    new_id: str = "00000"
    enforcing: bool = True
    trial: Trial | None = None
    releases: tuple[ReleaseRecord, ...] = ()
    blamed: Mapping[CauseKey, Reason] = field(default_factory=dict, hash=False)
    restrained: Restrained | None = None
    followed: bool = False
