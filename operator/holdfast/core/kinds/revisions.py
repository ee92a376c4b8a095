"""What StatefulSets and DaemonSets have in common: pods that name the revision they are of, and revisions with templates.

Rule: a pod of a revision that is gone is of no known template, and nothing is concluded from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..hold import Template
from ..quantities import Instant


@dataclass(frozen=True, slots=True)
class Revision:
    """One ControllerRevision: what its pods carry in the label controller-revision-hash, its number, its pod template."""

    hash: str
    number: int
    template: Template


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod of a workload, and the revision it is of."""

    name: str
    uid: str
    hash: str
    ready: bool
    created: Instant = 0.0
    deleting: bool = False


def templates(revisions: Iterable[Revision]) -> dict[str, Template]:
    """The template of each revision by the hash that its pods carry."""
    return {revision.hash: revision.template for revision in revisions}


def serving(revisions: Iterable[Revision], pods: Iterable[Pod]) -> Template | None:
    """The template that most ready pods run; of equals the one with the higher revision."""
    by_hash = {revision.hash: revision for revision in revisions}
    count = Counter(by_hash[pod.hash] for pod in pods if pod.ready and pod.hash in by_hash)
    best = max(count, key=lambda revision: (count[revision], revision.number), default=None)
    return None if best is None else best.template
