"""StatefulSets: a label closes the gate, and a partition above every ordinal stops a rollout in flight.

With that partition pods that go away come back as the release before, at any size of the set. A partition that Git
declares would be taken back at every apply, so there the label has to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ..hold import Template
from ..objective import Workload
from ..releases import Declared
from .labelled import Labelled
from .revisions import Pod, Revision, serving, templates

STOPPED: Final = 2_147_483_647
"""The partition that stops a rollout: the largest there is. With the present size a larger set would get new pods."""


@dataclass(frozen=True, slots=True)
class StatefulSet(Labelled):
    """One StatefulSet, its revisions and its pods, read together just before acting.

    `current` is the hash with which pods come back below the partition. `declares` names who else declares the partition,
    `rolling` is False where pods are replaced by hand (OnDelete), and `disowned` says that the template is owned by us
    although somebody else applies it.
    """

    workload: Workload
    uid: str
    resource_version: str
    generation: int
    observed_generation: int
    template: Template
    replicas: int
    partition: int = 0
    rolling: bool = True
    current: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    revisions: tuple[Revision, ...] = ()
    pods: tuple[Pod, ...] = ()
    deleting: bool = False
    declares: str = ""
    disowned: bool = False
    declared: Declared | None = None

    @property
    def paused(self) -> bool:
        """Whether no pod gets the declared template."""
        return self.partition == STOPPED

    @property
    def all_ready(self) -> bool:
        """Whether every pod that is wanted is there and ready."""
        return len(self.pods) == self.replicas and all(pod.ready and not pod.deleting for pod in self.pods)

    @property
    def in_flight(self) -> bool:
        """Whether a rollout can be stopped half-way: pods of another template are there, and pods come back as such."""
        known = templates(self.revisions)
        back = known.get(self.current)
        others = any(known[p.hash].digest != self.template.digest for p in self.pods if p.hash in known)
        return (
            self.rolling and not self.declares and others and back is not None and back.digest != self.template.digest
        )

    @property
    def caveat(self) -> str:
        """What a person should know of holds of this object; empty when nothing is out of the ordinary."""
        if not self.rolling:
            return "Its strategy is OnDelete: a pod that goes away comes back with the declared template."
        if self.declares:
            return (
                f"{self.declares} declares its partition, so a rollout in flight is not stopped: "
                "take spec.updateStrategy out of its manifest."
            )
        return ""

    @property
    def serving(self) -> Template | None:
        """The template that most ready pods run."""
        return serving(self.revisions, self.pods)
