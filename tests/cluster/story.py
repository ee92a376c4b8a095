"""An operator that undoes what it is told is bad, on the real API server: it looks, takes a step, and is killed at will."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from holdfast.cluster.act import Acting, Outcome
from holdfast.cluster.client import Client
from holdfast.cluster.deployments import read
from holdfast.cluster.resources import DEPLOYMENTS, PODS
from holdfast.core.decide import Decision
from holdfast.core.hold import HoldRecord, UndoState
from holdfast.core.kinds import View
from holdfast.core.kinds.deployment import Deployment
from holdfast.core.objective import Workload
from holdfast.core.policy import Verdict
from holdfast.core.release import ReleaseRecord
from holdfast.core.request import QUEUE_LABEL, Request, WriteRelease
from holdfast.service.acting import bring
from tests.core.verdicts import Verdicts


class NoRecords:
    """Of releases nothing is on record."""

    async def next(self, _: Sequence[ReleaseRecord]) -> None:
        """Nothing is to be written."""

    async def wrote(self, _: WriteRelease) -> None:
        """Nothing was."""


class KilledError(Exception):
    """The operator is gone."""


class Mortal:
    """Hands that are killed right after so many requests."""

    def __init__(self, acting: Acting, lives: int) -> None:
        """`lives` requests are carried out."""
        self._acting, self._lives = acting, lives
        self.asked: list[str] = []

    async def look(self, workload: Workload) -> tuple[View | None, HoldRecord | None]:
        """As it is."""
        return await self._acting.look(workload)

    async def carry_out(self, request: Request) -> Outcome:
        """Sent, and then perhaps no more."""
        outcome = await self._acting.carry_out(request)
        self.asked.append(type(request).__name__)
        if len(self.asked) >= self._lives:
            raise KilledError
        return outcome


@dataclass
class Story:
    """One Deployment of the lab and what is thought of its releases. `client` looks on, `operator` is the operator's own."""

    client: Client
    operator: Client
    workload: Workload
    verdicts: Verdicts
    templates: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def view(self) -> Deployment:
        """The Deployment now."""
        found = await read(self.client, self.workload)
        assert found is not None
        return found

    async def record(self) -> HoldRecord | None:
        """What is on record."""
        return (await Acting(self.client).look(self.workload))[1]

    async def remember(self) -> None:
        """Keep the template that is declared now, as a release record does."""
        body = await self.client.get(DEPLOYMENTS, self.workload.namespace, self.workload.name)
        self.templates[(await self.view()).template.digest] = body["spec"]["template"]

    async def template_of(self, _: Workload, digest: str) -> Mapping[str, Any] | None:
        """What was remembered."""
        return self.templates.get(digest)

    async def once(self, lives: int = 1000) -> bool:
        """One life of the operator; whether it left the workload where it is wanted."""
        hands = Mortal(Acting(self.operator, template_of=self.template_of), lives)

        def think(view: View | None, stored: HoldRecord | None) -> Decision:
            assert view is None or isinstance(view, Deployment)
            return Decision(Verdict.HOLD, self.verdicts.wanted(self.workload, view, stored, float(int(time.time()))))

        async def tell(_: HoldRecord | None, __: HoldRecord) -> None:
            return None

        try:
            brought = await bring(self.workload, hands, think, tell, NoRecords(), time.time)
        except KilledError:
            return False
        finally:
            self.asked += hands.asked
        assert not brought.refused, brought.refused
        return brought.settled

    async def settle(self, *, within: float = 30.0, state: UndoState | None = None) -> float:
        """Until it is where it is wanted, and, if asked for, its undo in this state; the seconds it took."""
        began = time.monotonic()
        while time.monotonic() - began < within:
            settled = await self.once()
            stored = await self.record() if state is not None else None
            there = stored is not None and stored.undo is not None and stored.undo.state is state
            if there if state is not None else settled:
                return time.monotonic() - began
            await asyncio.sleep(0.03)
        raise AssertionError(f"not settled: {self.asked[-10:]}, {await self.view()}, {await self.record()}")

    async def pods(self) -> dict[str, int]:
        """How many ready pods run each image."""
        found: dict[str, int] = {}
        for pod in await self.client.everything(PODS, self.workload.namespace, labels=f"app={self.workload.name}"):
            ready = any(
                c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions") or ()
            )
            if ready and "deletionTimestamp" not in pod["metadata"]:
                image = pod["spec"]["containers"][0]["image"]
                found[image] = found.get(image, 0) + 1
        return found

    async def clean(self) -> None:
        """Nothing of ours is left on the Deployment and its ReplicaSets."""
        view = await self.view()
        assert not view.detached
        assert view.queue is None
        assert not any(QUEUE_LABEL in s.labels for s in view.sets)
        record = await self.record()
        assert record is not None
        assert not record.in_force


@dataclass
class Watch:
    """Counts ready pods all the time."""

    story: Story
    least: int = 10_000
    images: set[str] = field(default_factory=set)
    _task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Watch:
        self._task = asyncio.create_task(self._count())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()

    async def _count(self) -> None:
        while True:
            seen = await self.story.pods()
            self.least = min(self.least, sum(seen.values()))
            self.images |= seen.keys()
            await asyncio.sleep(0.02)
