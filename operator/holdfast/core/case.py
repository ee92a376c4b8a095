"""One release on trial: which processes are of it, and what they and the other ones of its workload have counted.

Rule: a pod that was listed is told by its revision. Of one that was gone before, the name of its ReplicaSet tells it, or that its
process is older than the release; else its events are nobody's, and how many those are is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from .lines import Line, Lines
from .pods import SLACK, Candidate, Pod, replica_set_of
from .quantities import Instant
from .targets import NOTHING, Gain

MOST_PODS: Final = 5_000
"""Pods whose revision is remembered."""

Objects = tuple[tuple[Instant, str], ...]
"""When the pods of one name were created, and of which revision they are; the oldest first."""


@dataclass(frozen=True, slots=True)
class CaseState:
    """One release on trial at one moment."""

    candidate: Candidate
    known: Mapping[str, Objects]
    lines: tuple[Line, ...]
    nobodys: Gain
    told: Instant | None = None  # up to when all pods are known


class Case:
    """One release on trial, and what is known of the pods of its workload."""

    def __init__(self, candidate: Candidate) -> None:
        """Nothing is counted yet."""
        self.candidate = candidate
        self.lines = Lines()
        self.known: dict[str, Objects] = {}
        self.nobodys: Gain = NOTHING
        self.told: Instant | None = None
        self._sets: dict[str, str] = {}
        for revision in candidate.hashes:
            self._note(revision)

    @property
    def state(self) -> CaseState:
        """A copy."""
        return CaseState(self.candidate, dict(self.known), self.lines.state, self.nobodys, self.told)

    @classmethod
    def of(cls, state: CaseState) -> Case:
        """The one with this state."""
        made = cls(state.candidate)
        made.known, made.nobodys, made.told = dict(state.known), state.nobodys, state.told
        made.lines = Lines(state.lines)
        for objects in state.known.values():
            for _, revision in objects:
                made._note(revision)
        return made

    def look(self, at: Instant) -> None:
        """An interval ends here."""
        if at > self.candidate.began:
            self.lines.look(at)

    def learn(self, pods: Iterable[Pod], at: Instant) -> None:
        """These were the pods of the workload at a time. Those that have gone are remembered."""
        self.told = at
        for pod in pods:
            seen = (pod.created, pod.revision)
            before = self.known.pop(pod.name, ())
            self.known[pod.name] = before if seen in before else tuple(sorted((*before, seen)))
            self._note(pod.revision)
        for name in list(self.known)[: max(0, len(self.known) - MOST_PODS)]:
            del self.known[name]

    def is_new(self, pod: str, since: Instant) -> bool | None:
        """Whether a process is of the release; None while that is not known."""
        candidate, objects = self.candidate, self.known.get(pod, ())
        if candidate.workload.kind == "StatefulSet":
            objects = self._of(objects, since)
        if objects:
            return candidate.owns(objects[-1][1], objects[-1][0])
        revision = self._sets.get(replica_set_of(pod), "")
        if revision and not (candidate.again and revision in candidate.hashes):
            return candidate.owns(revision, since)
        gone = self.told is not None and since < candidate.began - SLACK  # before the pods were listed
        return False if gone else None

    def _of(self, objects: Objects, since: Instant) -> Objects:
        """Those of one name which a process may be of: pods of a StatefulSet take over the names of those before them, so one
        that started after the pods were listed may be of a pod that is not known yet.
        """
        if self.told is None or since > self.told - SLACK:
            return ()
        return tuple(one for one in objects if one[0] <= since + SLACK)

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

    @classmethod
    def opened(cls, candidate: Candidate, before: Case | None) -> Case:
        """The case of a release: the one that is open if it is of the same."""
        known = candidate.after(before.candidate) if before is not None else None
        if before is None or known is None:
            return cls(candidate)
        return before if known == before.candidate else cls.of(replace(before.state, candidate=known))
