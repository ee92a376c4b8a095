"""A Deployment and its ReplicaSets as they are, read together just before acting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..hold import Template
from ..objective import Workload
from ..quantities import Instant, Seconds
from ..releases import Declared
from .labelled import Labelled


@dataclass(frozen=True, slots=True)
class ReplicaSet:
    """One ReplicaSet of a Deployment. `desired` pods are wanted, `pods` exist."""

    name: str
    resource_version: str
    template: Template  # without the controller's own label pod-template-hash
    desired: int
    ready: int  # pods that get requests, whether they count as available yet or not
    revision: int
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    uid: str = ""
    available: int = 0
    pods: int = 0
    created: Instant = 0.0
    hash: str = ""

    @property
    def active(self) -> bool:
        """Whether it has pods, or is to have some."""
        return self.desired > 0 or self.pods > 0


@dataclass(frozen=True, slots=True)
class Deployment(Labelled):
    """One Deployment: `sets` are the ReplicaSets its controller looks after, `detached` those that were taken from it.

    `unadopted` says that some were given back and the controller has not taken them yet. `deadline` is the time within which
    progress is expected. `paused_by_other` says that somebody else than Holdfast owns the pause, `declares_pause` that Git
    itself says whether the Deployment is paused, so that a pause of ours may be fought.
    """

    workload: Workload
    uid: str
    resource_version: str
    generation: int
    observed_generation: int
    template: Template
    paused: bool
    replicas: int
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    sets: tuple[ReplicaSet, ...] = ()
    deleting: bool = False
    detached: tuple[ReplicaSet, ...] = ()
    unadopted: bool = False
    recreate: bool = False
    deadline: Seconds = 600
    paused_by_other: bool = False
    declares_pause: bool = False
    declared: Declared | None = None

    @property
    def in_flight(self) -> bool:
        """Whether pods of another template still serve, so that a rollout can be stopped half-way.

        A first rollout, a restart and a change of replicas are not in flight: there is nothing else to keep.
        """
        return any(s.desired > 0 and s.template.digest != self.template.digest for s in self.sets)

    @property
    def serving(self) -> Template | None:
        """The template that most ready pods run."""
        best = max(self.every_set(), key=lambda s: (s.ready, s.revision), default=None)
        return best.template if best is not None and best.ready else None

    def every_set(self) -> Iterator[ReplicaSet]:
        """Those of the controller and those that were taken from it."""
        yield from self.sets
        yield from self.detached
