"""What one pass found, for everything that is decided in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.core.budget import Measured
from holdfast.core.hold import CauseKey
from holdfast.core.judge import Standing
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.policy import Rule
from holdfast.core.trial import Trial

from .world import World


@dataclass(frozen=True, slots=True)
class Judged:
    """What people wrote, how every objective stands, which rules were in force before, and what is to be judged of the
    releases that are declared.
    """

    world: World
    standings: Mapping[ObjectKey, Standing]
    before: Mapping[ObjectKey, frozenset[CauseKey]]
    enforcing: bool
    trials: Mapping[Workload, Trial] = field(default_factory=dict)
    follow: bool = True

    def followed(self, workload: Workload) -> bool:
        """Whether its releases are looked at: a rule asks about them, or one is undone, and that is not switched off."""
        hold = self.world.holds.get(workload)
        undone = hold is not None and (hold.undo is not None or bool(hold.quarantined))
        return self.follow and (undone or self.world.within(workload) is not None)

    def measured(self, workload: Workload) -> tuple[Measured, ...]:
        """How the objectives of a workload stand."""
        return tuple(self.standings[o.key].measured for o in self.world.by_workload().get(workload, ()))

    def rules(self, workload: Workload) -> Mapping[ObjectKey, tuple[Rule, ...]]:
        """The rules that it is under, by objective."""
        return {o.key: self.world.rules_of(o) for o in self.world.by_workload().get(workload, ())}
