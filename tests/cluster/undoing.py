"""The operator's hands on one StatefulSet or DaemonSet in the lab: a release is held, undone, and let go again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from holdfast.cluster.act import Acting, Carried, Refused
from holdfast.cluster.client import Client
from holdfast.core.hold import HoldRecord, Reason, Template
from holdfast.core.kinds import View, begin_undo, keep_undo, lasts, step
from holdfast.core.objective import Workload
from holdfast.core.request import Done, Wait
from holdfast.core.wanted import Free, Held, Wanted
from tests.cluster.making import NOW, record

UNDO = "bad-release-k4mzp"

Want = Callable[[View, HoldRecord | None], Wanted]


@dataclass
class Hand:
    """Brings one workload where it is wanted; the names of the requests that were carried out are kept.

    With `mortal` it forgets everything after each of them, as an operator does that is killed there.
    """

    client: Client
    workload: Workload
    mortal: bool = False
    asked: list[str] = field(default_factory=list)

    async def look(self) -> tuple[View, HoldRecord | None]:
        """What there is of it now."""
        view, stored = await Acting(self.client).look(self.workload)
        assert view is not None
        return view, stored

    async def stored(self) -> HoldRecord:
        """What is on record now."""
        _, stored = await self.look()
        assert stored is not None
        return stored

    async def bring(self, want: Want, seconds: float = 60) -> list[str]:
        """Look and ask until it is done; the names of all requests so far."""
        end, acting = time.monotonic() + seconds, Acting(self.client)
        while time.monotonic() < end:
            view, stored = await acting.look(self.workload)
            assert view is not None
            match step(want(view, stored), view, stored, NOW + 60):
                case Done():
                    return self.asked
                case Wait():
                    await asyncio.sleep(0.05)
                case request:
                    outcome = await acting.carry_out(request)
                    assert not isinstance(outcome, Refused), outcome
                    if isinstance(outcome, Carried):
                        self.asked.append(type(request).__name__)
                    acting = Acting(self.client) if self.mortal else acting
        raise AssertionError(f"never done: {self.asked}")

    async def hold(self) -> list[str]:
        """A hold because of the budget, as the core decides it."""

        def want(view: View, stored: HoldRecord | None) -> Wanted:
            if stored is not None:
                return Held(stored)
            stops = view.in_flight and not view.paused
            return Held(record(self.workload, paused=view.template if stops else None))

        return await self.bring(want)

    async def undo(self, serve: Template) -> list[str]:
        """Undo what is declared, until it is undone."""

        def want(view: View, stored: HoldRecord | None) -> Wanted:
            undo = stored.undo if stored is not None else None
            if undo is None:
                undo = begin_undo(view, stored, UNDO, serve, NOW)
            before = stored or replace(record(self.workload), id=UNDO, message="It is bad.")
            return Held(replace(before, undo=keep_undo(view, undo, NOW + 60)))

        return await self.bring(want)

    async def follow(self) -> list[str]:
        """End the undo if another template is declared, as the core decides it."""

        def want(view: View, stored: HoldRecord | None) -> Wanted:
            if stored is not None and stored.undo is not None and lasts(view, stored.undo):
                return Held(stored)
            return Free(Reason.TEMPLATE_CHANGED)

        return await self.bring(want)

    async def free(self) -> list[str]:
        """Let go."""
        return await self.bring(lambda *_: Free(Reason.ALLOWED_BY_HAND))
