"""Brings workloads where their decisions want them, side by side, and leaves alone what is there already."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from holdfast.api import Invalid
from holdfast.cluster.errors import ClusterError
from holdfast.cluster.store import Store
from holdfast.cluster.workloads import stored
from holdfast.core.decide import Decision, decide
from holdfast.core.hold import CauseKey, HoldRecord
from holdfast.core.judge import Standing
from holdfast.core.kinds import View, step
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.observed import Observed
from holdfast.core.quantities import Instant, Seconds
from holdfast.core.request import HOLD_LABEL, OVERRIDE_LABEL, Done

from .acting import Hands, Think, bring
from .metrics import Metrics
from .reporter import Reporter
from .world import World

ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
"""The letters of ids: no vowels, so no words, and no digits that look like letters."""

LOOK_AGAIN: Final[Seconds] = 60
"""A held workload that seems settled is looked at this often all the same."""

SIDE_BY_SIDE: Final = 8
"""Workloads that are acted on at once."""

log = structlog.get_logger("holdfast.enforcing")


@dataclass(frozen=True, slots=True)
class Judged:
    """What a pass found: what people wrote, how every objective stands, and which rules were in force before."""

    world: World
    standings: Mapping[ObjectKey, Standing]
    before: Mapping[ObjectKey, frozenset[CauseKey]]
    enforcing: bool


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
    clock: Callable[[], Instant] = time.time
    _settled: dict[Workload, Settled] = field(default_factory=dict)

    async def enforce(self, judged: Judged, only: set[Workload] | None = None) -> None:
        """Bring every workload, or these alone, where it is wanted."""
        workloads = judged.world.by_workload()
        if only is None:
            self._settled = {w: s for w, s in self._settled.items() if w in workloads}
        lanes = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(workload: Workload, think: Think) -> None:
            async with lanes:
                await self._one(workload, think)

        moving = []
        for workload, objectives in workloads.items():
            if only is not None and workload not in only:
                continue
            standings = [judged.standings[o.key] for o in objectives]
            think = self._thinking(judged, workload, standings)
            if not self._rests(workload, judged.world.holds.get(workload), standings, think):
                moving.append(one(workload, think))
        await asyncio.gather(*moving)

    def _thinking(self, judged: Judged, workload: Workload, standings: list[Standing]) -> Think:
        """How to decide about a workload as this pass judged it; all its decisions would begin one and the same hold."""
        new_id: list[str] = []

        def think(view: View | None, hold: HoldRecord | None) -> Decision:
            if not new_id:
                new_id.append("".join(secrets.choice(ALPHABET) for _ in range(5)))
            world, objectives = judged.world, [standing.measured.objective for standing in standings]
            return decide(
                Observed(
                    now=whole(self.clock()),
                    workload=workload,
                    view=view,
                    measured=tuple(standing.measured for standing in standings),
                    rules={o.key: world.rules_of(o) for o in objectives},
                    hold=hold,
                    in_force=frozenset(key for o in objectives for key in judged.before.get(o.key, ())),
                    unreadable=world.unreadable,
                    new_id=new_id[0],
                    enforcing=judged.enforcing,
                )
            )

        return think

    async def _one(self, workload: Workload, think: Think) -> None:
        """Bring one workload where it is wanted; what stands in the way is told, and tried again at the next pass."""
        try:
            brought = await bring(workload, self.hands, think, self.reporter.hold_written, lambda: whole(self.clock()))
        except (ClusterError, Invalid) as error:
            self._settled.pop(workload, None)
            await self.reporter.stuck(workload, str(error))
            return
        if brought.refused:
            self.metrics.refused.inc()
            await self.reporter.stuck(workload, brought.refused)
        else:
            self.reporter.unstuck(workload)
        if brought.settled:
            self._settled[workload] = Settled(brought.view, brought.hold, time.monotonic())
        else:
            self._settled.pop(workload, None)
            log.debug("waiting", workload=str(workload), why=brought.waits or brought.refused)

    def _rests(self, workload: Workload, hold: HoldRecord | None, standings: list[Standing], think: Think) -> bool:
        """Whether a workload can be left alone without another look at it.

        One that nothing asks to hold, and that carries neither hold nor label, needs none. One that was settled needs
        none until it or its Hold changes, or the same picture, judged now, asks for something.
        """
        body = stored(self.store, workload)
        labels = (body["metadata"].get("labels") or {}) if body is not None else {}
        asked = any(found.enforced for standing in standings for found in standing.found)
        if hold is None and not (asked and body is not None) and not labels.keys() & {HOLD_LABEL, OVERRIDE_LABEL}:
            return True
        seen = self._settled.get(workload)
        if seen is None or time.monotonic() - seen.at > LOOK_AGAIN or seen.hold != hold:
            return False
        version = body["metadata"]["resourceVersion"] if body is not None else None
        if version != (seen.view.resource_version if seen.view is not None else None):
            return False
        return isinstance(step(think(seen.view, hold).wanted, seen.view, hold, self.clock()), Done)


def whole(now: Instant) -> Instant:
    """The second that has begun: what is written down is written in whole seconds."""
    return float(int(now))
