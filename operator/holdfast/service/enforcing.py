"""Brings workloads where their decisions want them, side by side, and leaves alone what is there already."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from holdfast.api import Invalid
from holdfast.cluster.errors import ClusterError
from holdfast.cluster.store import Store
from holdfast.cluster.workloads import stored
from holdfast.core.decide import Decision, decide
from holdfast.core.hold import HoldRecord
from holdfast.core.judge import Finding
from holdfast.core.judge_release import known_before
from holdfast.core.kinds import View, step
from holdfast.core.objective import Objective, Workload
from holdfast.core.observed import Observed
from holdfast.core.quantities import Instant, Seconds
from holdfast.core.request import HOLD_LABEL, OVERRIDE_LABEL, QUEUE_LABEL, Done
from holdfast.core.restraint import PER_HOUR

from .acting import Hands, Think, bring
from .judged import Judged
from .metrics import Metrics
from .releases import Releases
from .reporter import Reporter
from .restraint import Restraint

ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
"""The letters of ids: no vowels, so no words, and no digits that look like letters."""

LOOK_AGAIN: Final[Seconds] = 60
"""A held workload that seems settled is looked at this often all the same."""

LOOK_AFTER: Final[Seconds] = 10
"""One whose release was undone is looked at more often: nobody tells us of ReplicaSets that no controller looks after."""

LABELS: Final = frozenset({HOLD_LABEL, OVERRIDE_LABEL, QUEUE_LABEL})
"""Those that gates look at."""

SIDE_BY_SIDE: Final = 8
"""Workloads that are acted on at once."""

log = structlog.get_logger("holdfast.enforcing")


@dataclass(frozen=True, slots=True)
class Settled:
    """What a workload and its Hold looked like when there was nothing left to do, and when that was."""

    view: View | None
    hold: HoldRecord | None
    at: float


@dataclass
class Enforcer:
    """Remembers which workloads are settled."""

    store: Store
    hands: Hands
    reporter: Reporter
    metrics: Metrics
    releases: Releases
    per_hour: int = PER_HOUR
    clock: Callable[[], Instant] = time.time
    _settled: dict[Workload, Settled] = field(default_factory=dict)
    _found: dict[Workload, tuple[Finding, ...]] = field(default_factory=dict)  # about releases, at the last look
    _told: dict[Workload, tuple[Finding, ...]] = field(default_factory=dict)  # the same, with what is carried out

    async def enforce(self, judged: Judged, only: set[Workload] | None = None) -> None:
        """Bring every workload, or these alone, where it is wanted."""
        workloads = judged.world.by_workload()
        if only is None:
            self._settled = {w: s for w, s in self._settled.items() if w in workloads}
            self._found = {w: f for w, f in self._found.items() if w in workloads}
            self._told = {w: f for w, f in self._told.items() if w in workloads}
        restraint = Restraint(judged, self.releases, self._found, self.clock(), self.per_hour)
        lanes = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(workload: Workload, think: Think) -> None:
            async with lanes:
                await self._one(workload, think)

        moving = []
        for workload in workloads:
            if only is not None and workload not in only:
                continue
            think = self._thinking(judged, workload, restraint)
            if not self._rests(judged, workload, think):
                moving.append(one(workload, think))
        await asyncio.gather(*moving)

    def _thinking(self, judged: Judged, workload: Workload, restraint: Restraint) -> Think:
        """How to decide about a workload as this pass judged it; all its decisions would begin one and the same hold."""
        new_id: list[str] = []

        def think(view: View | None, hold: HoldRecord | None) -> Decision:
            if not new_id:
                new_id.append("".join(secrets.choice(ALPHABET) for _ in range(5)))
            world, trial = judged.world, judged.trials.get(workload)
            followed = judged.followed(workload)
            return decide(
                Observed(
                    now=whole(self.clock()),
                    workload=workload,
                    view=view,
                    measured=judged.measured(workload),
                    rules=judged.rules(workload),
                    hold=hold,
                    in_force=frozenset(
                        k for m in judged.measured(workload) for k in judged.before.get(m.objective.key, ())
                    ),
                    unreadable=world.unreadable,
                    new_id=new_id[0],
                    enforcing=judged.enforcing,
                    trial=trial,
                    releases=self.releases.of(workload) if followed else (),
                    blamed=known_before(trial, self._found.get(workload, ()), hold),
                    restrained=restraint.of(workload, hold),
                    followed=followed,
                )
            )

        return think

    async def _one(self, workload: Workload, think: Think) -> None:
        """Bring one workload where it is wanted; what stands in the way is told, and tried again at the next pass."""
        try:
            tell, clock = self.reporter.hold_written, lambda: whole(self.clock())
            brought = await bring(workload, self.hands, think, tell, self.releases, clock)
        except (ClusterError, Invalid) as error:
            self._settled.pop(workload, None)
            await self.reporter.stuck(workload, str(error))
            return
        if brought.refused:
            self.metrics.refused.inc()
            await self.reporter.stuck(workload, brought.refused)
        else:
            self.reporter.unstuck(workload)
        self._remember(workload, brought.decision)
        if brought.settled:
            self._settled[workload] = Settled(brought.view, brought.hold, time.monotonic())
        else:
            self._settled.pop(workload, None)
            log.debug("waiting", workload=str(workload), why=brought.waits or brought.refused)

    def told(self, objective: Objective) -> tuple[Finding, ...]:
        """What was found on one objective about the releases of its workloads, with what is carried out of each."""
        if not self._told:
            return ()
        found = (f for workload in objective.workloads for f in self._told.get(workload, ()))
        return tuple(f for f in found if f.key.objective == objective.key)

    def _remember(self, workload: Workload, decision: Decision) -> None:
        """What was found about its release: an incident ends later than it would begin."""
        found = tuple(f for f in (*decision.because, *decision.would) if f.rule.on_releases)
        for known, said in ((self._found, found), (self._told, decision.told)):
            if said:
                known[workload] = said
            else:
                known.pop(workload, None)

    def _rests(self, judged: Judged, workload: Workload, think: Think) -> bool:
        """Whether a workload can be left alone without another look at it.

        One that nothing asks to hold, and that carries neither hold nor label, needs none. One that was settled needs
        none until it or its Hold changes, or the same picture, judged now, asks for something.
        """
        body, hold = stored(self.store, workload), judged.world.holds.get(workload)
        followed = judged.followed(workload)
        labels = (body["metadata"].get("labels") or {}) if body is not None else {}
        objectives = judged.world.by_workload().get(workload, ())
        asked = any(found.enforced for o in objectives for found in judged.standings[o.key].found)
        if hold is None and not followed and not (asked and body is not None) and not labels.keys() & LABELS:
            self._found.pop(workload, None)
            self._told.pop(workload, None)
            return True
        seen = self._settled.get(workload)
        if seen is None or time.monotonic() - seen.at > _patience(hold) or seen.hold != hold:
            return False
        version = body["metadata"]["resourceVersion"] if body is not None else None
        if version != (seen.view.resource_version if seen.view is not None else None):
            return False
        decision = think(seen.view, hold)
        done = isinstance(step(decision.wanted, seen.view, hold, self.clock()), Done)
        if not done or self.releases.due(decision.releases):
            return False
        self._remember(workload, decision)
        return True


def _patience(hold: HoldRecord | None) -> Seconds:
    """How long what was seen of a settled workload will do. Without a hold there is nothing of ours that could be undone,
    and the watch tells of the rest.
    """
    if hold is None:
        return math.inf
    return LOOK_AGAIN if hold.undo is None else LOOK_AFTER


def whole(now: Instant) -> Instant:
    """The second that has begun: what is written down is written in whole seconds."""
    return float(int(now))
