"""Whose events were counted while releases are on trial: those of the release's own pods, or of the other ones.

Rule: nothing is guessed. What pods count waits until somebody tells their revision. It is given up when pods were listed ten
minutes later and nobody could.

One thread feeds it, others tell it of pods and read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final

from .case import Case, CaseState
from .objective import Workload
from .pods import Candidate, Pod
from .quantities import Instant, Seconds
from .targets import NOTHING, Gain
from .trial import Row

PATIENCE: Final[Seconds] = 600
"""When pods were listed so long after events, it will not be known any more whose those were."""

MOST_WAITS: Final = 240
"""Looks at one process that wait one by one; of more the oldest are counted as one."""

MOST_LIVES: Final = 5_000
"""Processes whose events wait."""

Life = tuple[str, str, Instant | None]
"""One process: namespace and name of its pod, and when it started where that is known."""

Wait = tuple[Instant, Instant, float, float]
"""What a process counted and is nobody's yet: the look before, the look, events and bad ones."""


@dataclass(frozen=True, slots=True)
class DocketState:
    """All that decides what a docket will say."""

    cases: tuple[CaseState, ...]
    waiting: Mapping[Life, tuple[Wait, ...]]


class Docket:
    """The releases on trial whose events one ledger counts."""

    def __init__(self) -> None:
        """None is."""
        self._cases: dict[Workload, Case] = {}
        self._waiting: dict[Life, tuple[Wait, ...]] = {}
        self._whole = Lock()
        self.changes = 0  # goes up with everything that is counted

    @property
    def candidates(self) -> Mapping[Workload, Candidate]:
        """What is on trial."""
        return {workload: case.candidate for workload, case in self._cases.items()}

    def keep(self, candidates: Mapping[Workload, Candidate]) -> None:
        """Have a case for each of these, and no others. One whose release is the same goes on."""
        with self._whole:
            before = self._cases
            self._cases = {workload: Case.opened(one, before.get(workload)) for workload, one in candidates.items()}
            if self._cases != before:
                self._settle()

    def take(self, before: Instant, at: Instant, gains: Iterable[tuple[Life, Gain]]) -> None:
        """What was counted between two looks."""
        with self._whole:
            self.changes += 1
            for case in self._cases.values():
                case.look(at)
            for life, gain in gains:
                wait = before, at, *gain
                if not self._placed(life, wait):
                    self._waiting[life] = _shortened((*self._waiting.get(life, ()), wait))
            for life in [life for life, waits in self._waiting.items() if self._is_lost(life, waits[0][1])]:
                self._give_up(life)
            for life in list(self._waiting)[: max(0, len(self._waiting) - MOST_LIVES)]:
                self._give_up(life)

    def learn(self, workload: Workload, pods: Iterable[Pod], at: Instant) -> None:
        """These were all the pods of a workload at a time."""
        with self._whole:
            if workload in self._cases:
                self._cases[workload].learn(pods, at)
                self._settle()

    def rows(self, workload: Workload) -> tuple[Row, ...]:
        """What was counted of its release and of the others, interval by interval; intervals without events are left out."""
        with self._whole:
            return self._cases[workload].lines.rows() if workload in self._cases else ()

    def cost(self, workload: Workload) -> Gain:
        """All events of its release so far."""
        return _summed(row.new for row in self.rows(workload))

    def nobodys(self, workload: Workload) -> Gain:
        """Events of pods of which nobody can tell any more whose they were."""
        with self._whole:
            return self._cases[workload].nobodys if workload in self._cases else NOTHING

    @property
    def state(self) -> DocketState:
        """All of it, at one moment between two looks."""
        with self._whole:
            return DocketState(tuple(case.state for case in self._cases.values()), dict(self._waiting))

    @classmethod
    def restored(cls, state: DocketState) -> Docket:
        """One that goes on where that one was."""
        made = cls()
        made._cases = {one.candidate.workload: Case.of(one) for one in state.cases}
        made._waiting = dict(state.waiting)
        made._settle()
        return made

    def _settle(self) -> None:
        """Place what has waited, now that more is known."""
        self.changes += bool(self._waiting)
        for life, waits in list(self._waiting.items()):
            left = tuple(wait for wait in waits if not self._placed(life, wait))
            if left:
                self._waiting[life] = left
            else:
                del self._waiting[life]

    def _placed(self, life: Life, wait: Wait) -> bool:
        """Whether it is known whose this is; then it is counted. What no case can claim is nobody's business here."""
        namespace, pod, since = life
        before, at, *gain = wait
        claimed = [case for case in self._cases.values() if case.candidate.workload.may_own(namespace, pod)]
        for case in claimed:
            new = case.is_new(pod, before if since is None else since)
            if new is not None:
                case.count(at, new, (gain[0], gain[1]))
                return True
        return not claimed

    def _is_lost(self, life: Life, at: Instant) -> bool:
        """Whether nobody will tell any more whose events of this time were. A release without a hash may get one."""
        case = self._likely(life)
        return bool(case.candidate.hashes) and case.told is not None and at < case.told - PATIENCE

    def _give_up(self, life: Life) -> None:
        """Count it where its age or its name says it belongs, or as nobody's."""
        case, (_, pod, since) = self._likely(life), life
        for before, at, total, bad in self._waiting.pop(life):
            case.count(at, case.at_last(pod, before if since is None else since), (total, bad))

    def _likely(self, life: Life) -> Case:
        """Of the cases that may claim a pod the one whose name it has most of."""
        claimed = (case for case in self._cases.values() if case.candidate.workload.may_own(life[0], life[1]))
        return max(claimed, key=lambda case: len(case.candidate.workload.name))


def _shortened(waits: tuple[Wait, ...]) -> tuple[Wait, ...]:
    if len(waits) <= MOST_WAITS:
        return waits
    one, other, *rest = waits
    return ((one[0], other[1], one[2] + other[2], one[3] + other[3]), *rest)


def _summed(gains: Iterable[Gain]) -> Gain:
    total = bad = 0.0
    for gain in gains:
        total += gain[0]
        bad += gain[1]
    return total, bad
