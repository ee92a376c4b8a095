"""Whose events were counted while releases are on trial: those of the release's own pods, or of the other ones.

Rule: nothing is guessed. What pods count waits until somebody tells their revision. Of a pod that was gone before anybody
saw it the name of its ReplicaSet tells it, or that its process is older than the release; else its events are
nobody's, and how many those are is kept.

One thread feeds it, others tell it of pods and read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final

from .lines import Line, Lines
from .objective import Workload
from .pods import SLACK, Candidate, Pod, replica_set_of
from .quantities import Instant, Seconds
from .targets import NOTHING, Gain
from .trial import Row

PATIENCE: Final[Seconds] = 600
"""For so long events wait until it is known whose they are."""

MOST_WAITS: Final = 40
"""Looks at one process that wait one by one; of more the oldest are counted as one."""

MOST_LIVES: Final = 5_000
"""Processes whose events wait, and pods whose revision is remembered."""

Life = tuple[str, str, Instant | None]
"""One process: namespace and name of its pod, and when it started where that is known."""

Wait = tuple[Instant, Instant, float, float]
"""What a process counted and is nobody's yet: the look before, the look, events and bad ones."""

Objects = tuple[tuple[Instant, str], ...]
"""When the pods of one name were created, and of which revision they are; the oldest first."""


@dataclass(frozen=True, slots=True)
class CaseState:
    """One release on trial at one moment."""

    candidate: Candidate
    known: Mapping[str, Objects]
    lines: tuple[Line, ...]
    nobodys: Gain


@dataclass(frozen=True, slots=True)
class DocketState:
    """All that decides what a docket will say."""

    cases: tuple[CaseState, ...]
    waiting: Mapping[Life, tuple[Wait, ...]]


class Case:
    """One release on trial, and what is known of the pods of its workload."""

    def __init__(self, candidate: Candidate) -> None:
        """Nothing is counted yet."""
        self.candidate = candidate
        self.lines = Lines()
        self.known: dict[str, Objects] = {}
        self.nobodys: Gain = NOTHING
        self._sets: dict[str, str] = {}
        self._note(candidate.hash)

    @property
    def state(self) -> CaseState:
        """A copy."""
        return CaseState(self.candidate, dict(self.known), self.lines.state, self.nobodys)

    @classmethod
    def of(cls, state: CaseState) -> Case:
        """The one with this state."""
        made = cls(state.candidate)
        made.known, made.nobodys = dict(state.known), state.nobodys
        made.lines = Lines(state.lines)
        for objects in state.known.values():
            for _, revision in objects:
                made._note(revision)
        return made

    def look(self, at: Instant) -> None:
        """An interval ends here."""
        if at > self.candidate.began:
            self.lines.look(at)

    def learn(self, pods: Iterable[Pod]) -> None:
        """These are pods of the workload now. Those that have gone are remembered."""
        for pod in pods:
            seen = (pod.created, pod.revision)
            before = self.known.pop(pod.name, ())
            self.known[pod.name] = before if seen in before else tuple(sorted((*before, seen)))
            self._note(pod.revision)
        for name in list(self.known)[: max(0, len(self.known) - MOST_LIVES)]:
            del self.known[name]

    def is_new(self, pod: str, since: Instant) -> bool | None:
        """Whether a process is of the release; None while that is not known."""
        candidate, objects = self.candidate, self.known.get(pod, ())
        if objects and candidate.workload.kind != "StatefulSet":  # each of its pods has a name of its own
            return candidate.owns(objects[-1][1], objects[-1][0])
        for created, revision in reversed(objects):
            if created <= since + SLACK:
                return candidate.owns(revision, created)
        revision = self._sets.get(replica_set_of(pod), "")
        if revision and not (candidate.again and revision == candidate.hash):
            return candidate.owns(revision, since)
        return None

    def at_last(self, pod: str, since: Instant) -> bool | None:
        """The same of a process that nobody will be able to tell more about."""
        if since < self.candidate.began - SLACK:
            return False
        revision = self._sets.get(replica_set_of(pod), "")
        return self.candidate.owns(revision, since) if revision else None

    def count(self, at: Instant, new: bool | None, gain: Gain) -> None:
        """Events of the release, of the others, or of nobody."""
        if at <= self.candidate.began:
            return
        if new is None:
            self.nobodys = self.nobodys[0] + gain[0], self.nobodys[1] + gain[1]
        else:
            self.lines.count(at, new, gain)

    def _note(self, revision: str) -> None:
        if revision and self.candidate.workload.kind == "Deployment":
            self._sets[f"{self.candidate.workload.name}-{revision}"] = revision


class Docket:
    """The releases on trial whose events one ledger counts."""

    def __init__(self) -> None:
        """None is."""
        self._cases: dict[Workload, Case] = {}
        self._waiting: dict[Life, tuple[Wait, ...]] = {}
        self._whole = Lock()

    @property
    def candidates(self) -> Mapping[Workload, Candidate]:
        """What is on trial."""
        return {workload: case.candidate for workload, case in self._cases.items()}

    def keep(self, candidates: Mapping[Workload, Candidate]) -> None:
        """Have a case for each of these, and no others. One whose release is the same goes on."""
        if candidates == self.candidates:
            return
        with self._whole:
            cases = self._cases
            self._cases = {workload: _case_of(one, cases.get(workload)) for workload, one in candidates.items()}
            self._settle()

    def take(self, before: Instant, at: Instant, gains: Iterable[tuple[Life, Gain]]) -> None:
        """What was counted between two looks."""
        with self._whole:
            for case in self._cases.values():
                case.look(at)
            for life, gain in gains:
                wait = before, at, *gain
                if not self._placed(life, wait):
                    self._waiting[life] = _shortened((*self._waiting.get(life, ()), wait))
            for life in [life for life, waits in self._waiting.items() if waits[0][1] < at - PATIENCE]:
                self._give_up(life)
            for life in list(self._waiting)[: max(0, len(self._waiting) - MOST_LIVES)]:
                self._give_up(life)

    def learn(self, workload: Workload, pods: Iterable[Pod]) -> None:
        """These are the pods of a workload now."""
        with self._whole:
            if workload in self._cases:
                self._cases[workload].learn(pods)
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
        claimed = [case for case in self._cases.values() if case.candidate.claims(namespace, pod)]
        for case in claimed:
            new = case.is_new(pod, before if since is None else since)
            if new is not None:
                case.count(at, new, (gain[0], gain[1]))
                return True
        return not claimed

    def _give_up(self, life: Life) -> None:
        """Nobody will tell more: count it where its age or its name says it belongs, or as nobody's."""
        namespace, pod, since = life
        claimed = (case for case in self._cases.values() if case.candidate.claims(namespace, pod))
        case = max(claimed, key=lambda case: len(case.candidate.workload.name))
        for before, at, total, bad in self._waiting.pop(life):
            case.count(at, case.at_last(pod, before if since is None else since), (total, bad))


def _case_of(candidate: Candidate, before: Case | None) -> Case:
    """The case of a release: the one that is open if it is of the same."""
    if before is None or not candidate.follows(before.candidate):
        return Case(candidate)
    return Case.of(replace(before.state, candidate=candidate))


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
