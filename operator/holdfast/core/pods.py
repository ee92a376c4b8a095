"""The pods of one workload as their objects say, and of which release each of them is.

Rule: a release is told by the revision that its pods carry. The template that served before has pods of that revision from
before, so where one returns the time of a pod's creation decides as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .objective import Workload
from .quantities import Instant, Seconds
from .release import ReleaseRecord

SLACK: Final[Seconds] = 2.0
"""Creations are told in whole seconds, and the clocks of nodes and API servers differ by a little."""

LONGEST_SET: Final = 57
"""A ReplicaSet with a longer name gives its pods names in which it is cut."""

SUFFIX: Final = 5
"""Characters that a controller adds to the name of a pod."""


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod. `ready_since` is when it became ready last, `waiting` why its container does not run."""

    name: str
    uid: str
    revision: str
    created: Instant
    ready: bool = False
    ready_since: Instant | None = None
    restarts: int = 0
    waiting: str = ""
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """What tells the pods of a release on trial. `hash` is empty while its controller has not given it one; `again` says
    that pods of this hash may be older than the release.
    """

    workload: Workload
    uid: str
    digest: str
    began: Instant
    hash: str = ""
    again: bool = False

    @classmethod
    def of(cls, release: ReleaseRecord) -> Candidate:
        """The one that is on record."""
        hash_, digest = release.hash, release.template.digest
        return cls(release.workload, release.uid, digest, release.began, hash_, release.again)

    def follows(self, before: Candidate) -> bool:
        """Whether this is the release that was known as `before`: it may have got its hash since, and a proper beginning."""
        if (self.uid, self.digest) != (before.uid, before.digest):
            return False
        return not before.hash or (self.began, self.hash) == (before.began, before.hash)

    def owns(self, revision: str, created: Instant) -> bool | None:
        """Whether a pod of this revision is of the release; None while that is not known."""
        older = created < self.began - SLACK
        if not self.hash:
            return False if older else None
        return revision == self.hash and not (self.again and older)

    def claims(self, namespace: str, pod: str) -> bool:
        """Whether a pod may be one of the workload, by its name."""
        return namespace == self.workload.namespace and pod.startswith(f"{self.workload.name}-")


def replica_set_of(pod: str) -> str:
    """The name of the ReplicaSet that made a pod of this name, if one did; empty where the name cannot tell."""
    name, _, suffix = pod.rpartition("-")
    return name if len(suffix) == SUFFIX and len(name) <= LONGEST_SET else ""
