"""DaemonSets: a label closes the gate. A rollout in flight cannot be stopped, it can only be taken back.

With the strategy OnDelete the present mix would stay, but every pod that goes away, and every new node, would get the
declared template all the same; so it is no hold, and it is not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..hold import Template
from ..objective import Workload
from ..releases import Declared
from .labelled import Labelled
from .revisions import Pod, Revision, serving, templates


@dataclass(frozen=True, slots=True)
class DaemonSet(Labelled):
    """One DaemonSet, its revisions and its pods, read together just before acting.

    `replicas` is on how many nodes it is wanted. `rolling` is False where pods are replaced by hand (OnDelete), and
    `disowned` says that the template is owned by us although somebody else applies it.
    """

    workload: Workload
    uid: str
    resource_version: str
    generation: int
    observed_generation: int
    template: Template
    replicas: int
    rolling: bool = True
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    revisions: tuple[Revision, ...] = ()
    pods: tuple[Pod, ...] = ()
    deleting: bool = False
    disowned: bool = False
    declared: Declared | None = None

    @property
    def paused(self) -> bool:
        """Never: there is no such thing."""
        return False

    @property
    def all_ready(self) -> bool:
        """Whether every pod that is wanted is there and ready."""
        return len(self.pods) == self.replicas and all(pod.ready and not pod.deleting for pod in self.pods)

    @property
    def in_flight(self) -> bool:
        """Whether a rollout can be stopped half-way: never."""
        return False

    @property
    def partition(self) -> int:
        """There is none."""
        return 0

    @property
    def caveat(self) -> str:
        """What a person should know of holds of this object: that a rollout in flight goes on."""
        known = templates(self.revisions)
        moving = any(known[p.hash].digest != self.template.digest for p in self.pods if p.hash in known)
        return "A rollout of a DaemonSet that is in flight cannot be stopped: it goes on." if moving else ""

    @property
    def serving(self) -> Template | None:
        """The template that most ready pods run."""
        return serving(self.revisions, self.pods)
