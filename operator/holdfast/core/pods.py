"""The pods of one workload as their objects say, and of which release each of them is.

Rule: a release is told by the revision that its pods carry. The template that served before has pods of that revision from
before, so where one returns the time of a pod's creation decides as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from .objective import LONGEST_PREFIX, Workload
from .quantities import Instant, Seconds
from .release import ReleaseRecord

SLACK: Final[Seconds] = 2.0
"""Creations are told in whole seconds, and the clocks of nodes and API servers differ by a little."""

LONGEST_SET: Final = LONGEST_PREFIX - 1
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
    """What tells the pods of a release on trial.

    `hashes` are what they carry: none while the controller has given none, several after a restart of the same template.
    `again` says that there may be pods of these hashes which are older than the release.
    """

    workload: Workload
    uid: str
    digest: str
    began: Instant
    hashes: tuple[str, ...] = ()
    again: bool = False

    @classmethod
    def of(cls, release: ReleaseRecord) -> Candidate:
        """The one that is on record."""
        hashes = (release.hash,) if release.hash else ()
        return cls(release.workload, release.uid, release.template.digest, release.began, hashes, release.again)

    def after(self, before: Candidate) -> Candidate | None:
        """The release that was known as `before`, as it is known now: it may have got a hash since, or one more. None where
        it is another one.
        """
        same = (self.uid, self.digest) == (before.uid, before.digest)
        if not same or (before.hashes and self.began != before.began):
            return None
        return replace(self, hashes=tuple(dict.fromkeys((*before.hashes, *self.hashes))))

    def owns(self, revision: str, created: Instant) -> bool | None:
        """Whether a pod of this revision is of the release; None while that is not known."""
        older = created < self.began - SLACK
        if not self.hashes:
            return False if older else None
        return revision in self.hashes and not (self.again and older)


def replica_set_of(pod: str) -> str:
    """The name of the ReplicaSet that made a pod of this name, if one did; empty where the name cannot tell."""
    name, _, suffix = pod.rpartition("-")
    return name if len(suffix) == SUFFIX and len(name) <= LONGEST_SET else ""
