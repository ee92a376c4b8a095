"""How a workload is brought where it is wanted: look, decide, ask for one thing, look again.

Every turn begins with a fresh look at the workload and its Hold, so a crash, a conflict or a change by somebody else
between two requests needs no code of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, assert_never

import structlog

from holdfast.cluster.act import Carried, LookAgain, Outcome, Refused
from holdfast.core.decide import Decision
from holdfast.core.hold import HoldRecord
from holdfast.core.kinds import View, step
from holdfast.core.objective import Workload
from holdfast.core.quantities import Instant
from holdfast.core.release import ReleaseRecord
from holdfast.core.request import Done, Request, Wait, WriteRecord, WriteRelease

MOST_STEPS: Final = 64
"""More requests than this in one go are not taken; the next pass goes on."""

MOST_CHANGES: Final = 5
"""So often in one go the world may have changed between the look and the request; the next pass goes on."""

Think = Callable[[View | None, HoldRecord | None], Decision]

Tell = Callable[[HoldRecord | None, HoldRecord], Awaitable[None]]

log = structlog.get_logger("holdfast.acting")


class Records(Protocol):
    """The records of releases."""

    async def next(self, wanted: Sequence[ReleaseRecord]) -> WriteRelease | None:
        """The first that is to be written; None when all are as they should be."""

    async def wrote(self, request: WriteRelease) -> None:
        """It was written."""


class Hands(Protocol):
    """What acting needs of the cluster."""

    async def look(self, workload: Workload) -> tuple[View | None, HoldRecord | None]:
        """The workload and its Hold as they are now."""

    async def carry_out(self, request: Request) -> Outcome:
        """Send this one request."""


@dataclass(frozen=True, slots=True)
class Brought:
    """Where acting ended: the last decision, what it rests on, and what it waits for or was refused, if anything."""

    decision: Decision
    view: View | None
    hold: HoldRecord | None
    settled: bool
    waits: str = ""
    refused: str = ""


async def bring(
    workload: Workload,
    hands: Hands,
    think: Think,
    tell: Tell,
    records: Records,
    clock: Callable[[], Instant],
) -> Brought:
    """Take steps until the workload is where it is wanted, or has to be waited for.

    What is on record of its releases comes first: what is done about one must be known to be about it. A record that is
    refused stops nothing. `tell` hears of every record of a hold that was written, after it was written. Raises whatever
    the hands raise: the API server cannot be reached, or the Hold cannot be read.
    """
    changes, unwritten = 0, ""
    for _ in range(MOST_STEPS):
        view, stored = await hands.look(workload)
        decision = think(view, stored)
        paper = None if unwritten else await records.next(decision.releases)
        asked = paper or step(decision.wanted, view, stored, clock())
        match asked:
            case Done():
                return Brought(decision, view, stored, settled=not unwritten, refused=unwritten)
            case Wait(why):
                return Brought(decision, view, stored, settled=False, waits=why)
            case _:
                outcome = await hands.carry_out(asked)
        log.debug("asked", workload=str(workload), request=type(asked).__name__, outcome=type(outcome).__name__)
        match outcome:
            case Carried():
                if isinstance(asked, WriteRecord):
                    await tell(stored, asked.record)
                elif paper is not None:
                    await records.wrote(paper)
            case LookAgain(why):
                changes += 1
                if changes > MOST_CHANGES:
                    return Brought(decision, view, stored, settled=False, waits=why)
            case Refused(why) if paper is not None:
                unwritten = why
            case Refused(why):
                return Brought(decision, view, stored, settled=False, refused=why)
            case _:
                assert_never(outcome)
    return Brought(decision, view, stored, settled=False, waits="the workload keeps changing")
