"""The operator's hands on one StatefulSet or DaemonSet in the lab: a release is held, undone, and let go again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from holdfast.cluster.act import Acting, Carried, Refused
from holdfast.cluster.client import Client
from holdfast.cluster.workloads import read
from holdfast.core.hold import HoldRecord, Reason, Template
from holdfast.core.kinds import View, step
from holdfast.core.kinds.sets import Set
from holdfast.core.kinds.sets_undo import begin_undo, keep_undo, lasts
from holdfast.core.objective import Workload
from holdfast.core.request import Done, Wait, WriteRecord
from holdfast.core.wanted import Free, Held, Wanted
from tests.cluster.making import ID, NOW, record

UNDO = "bad-release-k4mzp"


@dataclass
class Hand:
    """Brings one workload where it is wanted; what it asked for is kept, with the time. The record is stored here."""

    client: Client
    workload: Workload
    stored: HoldRecord | None = None
    asked: list[str] = field(default_factory=list)
    most: int = 10_000

    async def view(self) -> Set:
        """What there is of it now."""
        found = await read(self.client, self.workload)
        assert found is not None
        return found  # type: ignore[return-value] # never a Deployment here

    async def bring(self, want: Callable[[View], Wanted], seconds: float = 60) -> list[str]:
        """Look and ask until it is done, or `most` requests were carried out; the names of all requests so far."""
        end = time.monotonic() + seconds
        acting = Acting(self.client)
        while time.monotonic() < end and len(self.asked) < self.most:
            view = await self.view()
            match step(want(view), view, self.stored, NOW + 60):
                case Done():
                    return self.asked
                case Wait():
                    await asyncio.sleep(0.05)
                    continue
                case WriteRecord(written):
                    self.stored = written
                    self.asked.append("WriteRecord")
                case request:
                    outcome = await acting.carry_out(request)
                    assert not isinstance(outcome, Refused), outcome
                    if isinstance(outcome, Carried):
                        self.asked.append(type(request).__name__)
        assert len(self.asked) >= self.most, f"never done: {self.asked}, {self.stored}"
        return self.asked

    async def hold(self) -> list[str]:
        """A hold because of the budget, as the core decides it."""

        def want(view: View) -> Wanted:
            if self.stored is not None and self.stored.in_force:
                return Held(self.stored)
            stops = view.in_flight and not view.paused
            return Held(record(self.workload, paused=view.template if stops else None))

        return await self.bring(want)

    async def undo(self, serve: Template | None, *, at_once: bool = False, seconds: float = 60) -> list[str]:
        """Undo what is declared, until it is undone."""

        def want(view: View) -> Wanted:
            assert not isinstance(view, type(None))
            undo = self.stored.undo if self.stored is not None else None
            if undo is None:
                undo = begin_undo(view, self.stored, UNDO, serve, NOW, at_once=at_once)  # type: ignore[arg-type]
            undo = keep_undo(view, undo, NOW + 60)  # type: ignore[arg-type]
            before = self.stored or replace(record(self.workload), id=UNDO, message="It is bad.")
            return Held(replace(before, undo=undo))

        return await self.bring(want, seconds)

    async def follow(self) -> list[str]:
        """End the undo if another template is declared, as the core decides it."""

        def want(view: View) -> Wanted:
            assert self.stored is not None
            undo = self.stored.undo
            if undo is not None and lasts(view, undo):  # type: ignore[arg-type]
                return Held(self.stored)
            return Free(Reason.TEMPLATE_CHANGED)

        return await self.bring(want)

    async def free(self) -> list[str]:
        """Let go."""
        return await self.bring(lambda _: Free(Reason.BUDGET_RECOVERED))


def images(pods: list[dict[str, Any]]) -> dict[str, int]:
    """How many pods run which image."""
    found: dict[str, int] = {}
    for pod in pods:
        image = pod["spec"]["containers"][0]["image"]
        found[image] = found.get(image, 0) + 1
    return found


__all__ = ["ID", "UNDO", "Hand", "images"]
