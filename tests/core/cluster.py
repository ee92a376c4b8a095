"""A cluster small enough to try every accident in: one Deployment, its controller, the gate, people, and one record.

It carries out the requests of the core and refuses what the real API server and the real gate refuse. What must never
happen fails at once: a pause taken back that is not ours, a label without a record, a write that changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from holdfast.core.hold import Cause, HoldRecord, Template
from holdfast.core.kinds.deployment import Deployment, ReplicaSet
from holdfast.core.quantities import format_instant, parse_instant
from holdfast.core.request import (
    HOLD_LABEL,
    OVERRIDE_LABEL,
    QUEUE_LABEL,
    PatchReplicaSet,
    PatchWorkload,
    Request,
    WriteRecord,
)
from tests.core.making import OLD, deployment, replica_set


class ConflictError(Exception):
    """The object changed since it was seen, or is gone; nothing was written."""


class RefusedError(Exception):
    """The gate refuses it."""


@dataclass
class Cluster:
    """What is so, and who may change it."""

    view: Deployment | None = field(default_factory=deployment)
    record: HoldRecord | None = None
    paused_by: str | None = None
    versions: int = 100

    # --- the API server

    def carry_out(self, request: Request) -> None:
        """Write, or raise ConflictError."""
        match request:
            case WriteRecord(record):
                stored = _stored(record)
                assert stored != self.record, "a write that changes nothing would be repeated for ever"
                self.record = stored
            case PatchWorkload():
                self._patch(request)
            case PatchReplicaSet(name=name, labels=labels):
                assert labels
                assert set(labels) <= {HOLD_LABEL, QUEUE_LABEL}
                owned = self._find(name)
                if owned.resource_version != request.resource_version:
                    raise ConflictError
                for key, value in labels.items():
                    self._check_label(key, value, owned.labels)
                self._put(replace(owned, labels=_merged(owned.labels, labels)))
            case _:
                raise AssertionError(request)

    def _find(self, name: str) -> ReplicaSet:
        found = next((s for s in self.view.every_set() if s.name == name), None) if self.view is not None else None
        if found is None:
            raise ConflictError
        return found

    def _put(self, changed: ReplicaSet) -> None:
        assert self.view is not None
        changed = replace(changed, resource_version=self._tick())
        sets, detached = (
            tuple(changed if s.name == changed.name else s for s in some)
            for some in (self.view.sets, self.view.detached)
        )
        self.view = replace(self.view, sets=sets, detached=detached)

    def _patch(self, request: PatchWorkload) -> None:
        view = self.view
        if view is None:
            raise ConflictError
        if request.generation is None and view.resource_version != request.resource_version:
            raise ConflictError
        if request.generation is not None and (view.uid, view.generation) != (request.uid, request.generation):
            raise ConflictError
        ours = {HOLD_LABEL, QUEUE_LABEL, OVERRIDE_LABEL}
        assert set(request.labels) <= ours, "the gate lets us touch no other label"
        assert request.labels or request.paused is not None, "an empty patch"
        assert request.paused is not view.paused, "a pause asked for twice"
        for key in {HOLD_LABEL, QUEUE_LABEL} & set(request.labels):
            self._check_label(key, request.labels[key], view.labels)
        if request.paused is False:
            assert self.paused_by != "somebody", "a pause was taken back that Holdfast did not make"
        if request.paused is not None:
            self.paused_by = "holdfast" if request.paused else None
        paused = view.paused if request.paused is None else request.paused
        self.change(labels=_merged(view.labels, request.labels), paused=paused)

    def _check_label(self, key: str, value: str | None, now: Mapping[str, str]) -> None:
        record = self.record
        assert record is not None, "a label goes on or off only with a record"
        undo = record.undo.id if record.undo is not None else record.id
        known = record.id if key == HOLD_LABEL else undo
        before = {known} if key == HOLD_LABEL else {known, record.id, *(q.id for q in record.quarantined)}
        if value is not None:
            assert (value, record.in_force) == (known, True), "the record comes before the label"
            assert record.denies if key == HOLD_LABEL else record.undo is not None
        else:
            assert now.get(key) in before, "a label of another episode is not ours to open"

    def change(self, **fields: object) -> None:
        """Change the Deployment; its generation grows with its spec."""
        assert self.view is not None
        after = replace(self.view, **fields)  # type: ignore[arg-type]
        spec = (after.template, after.paused, after.replicas) != (
            self.view.template,
            self.view.paused,
            self.view.replicas,
        )
        self.view = replace(after, resource_version=self._tick(), generation=after.generation + spec)

    def _tick(self) -> str:
        self.versions += 1
        return str(self.versions)

    # --- the deployment controller

    def controller(self, pods: int = 4) -> None:
        """One pass: see the last change; unless paused, move so many pods to the newest template."""
        if self.view is None:
            return
        sets = {s.template.digest: s for s in self.view.sets}
        wanted = self.view.template.digest
        if not self.view.paused:
            newest = max((s.revision for s in sets.values()), default=0) + 1
            if wanted not in sets:
                sets[wanted] = replica_set(self.view.template, 0, newest)
            for digest, owned in list(sets.items()):
                moved = min(pods, owned.desired) if digest != wanted else 0
                sets[digest] = _sized(sets[digest], owned.desired - moved, self._tick())
                sets[wanted] = _sized(sets[wanted], sets[wanted].desired + moved, self._tick())
            if sum(s.desired for s in sets.values()) < self.view.replicas:
                sets[wanted] = _sized(sets[wanted], self.view.replicas, self._tick())
        self.view = replace(
            self.view,
            observed_generation=self.view.generation,
            sets=tuple(sets.values()),
            resource_version=self._tick(),
        )

    # --- people

    def _gate(self) -> None:
        assert self.view is not None
        if self.view.hold is not None and self.view.override != self.view.hold:
            raise RefusedError

    def ship(self, template: Template) -> None:
        """Set another template; refused while held."""
        self._gate()
        self.change(template=template)

    def pause(self) -> None:
        """Always allowed."""
        assert self.view is not None
        if not self.view.paused:
            recorded = self.record is not None and self.record.paused is not None
            # a pause between two looks, while the record still names ours, cannot be told from ours
            self.paused_by = "nobody can tell" if recorded and self.view.hold else "somebody"
            self.change(paused=True)

    def resume(self) -> None:
        """RefusedError while held."""
        self._gate()
        self.paused_by = None
        self.change(paused=False)

    def override(self) -> None:
        """A person with the right sets the label to the id of the present record."""
        if self.record is not None and self.view is not None:
            self.change(labels={**self.view.labels, OVERRIDE_LABEL: self.record.id})

    def end_override(self) -> None:
        """Taking it off is free."""
        assert self.view is not None
        self.change(labels={k: v for k, v in self.view.labels.items() if k != OVERRIDE_LABEL})

    def delete(self) -> None:
        """Deletion is always free; the ReplicaSets go with it."""
        self.view, self.paused_by = None, None

    def create(self, template: Template = OLD, *, paused: bool = False) -> None:
        """The same name again: without labels, another object."""
        self.paused_by = "somebody" if paused else None
        self.view = replace(
            deployment(template=template, paused=paused), resource_version=self._tick(), uid=f"uid-{self._tick()}"
        )


def _merged(labels: object, patch: object) -> dict[str, str]:
    return {k: v for k, v in {**labels, **patch}.items() if v is not None}  # type: ignore[dict-item]


def _sized(owned: ReplicaSet, pods: int, version: str) -> ReplicaSet:
    return replace(owned, desired=pods, ready=pods, resource_version=version) if pods != owned.desired else owned


def _stored(record: HoldRecord) -> HoldRecord:
    """As it comes back from the API server: times lose their fractions."""
    causes = tuple(Cause(c.key, c.reason, _second(c.since), c.at_most) for c in record.causes)
    history = tuple(replace(t, at=_second(t.at)) for t in record.history)
    undo = record.undo and replace(record.undo, since=_second(record.undo.since))
    quarantined = tuple(replace(q, since=_second(q.since)) for q in record.quarantined)
    return replace(
        record, since=_second(record.since), causes=causes, history=history, undo=undo, quarantined=quarantined
    )


def _second(at: float) -> float:
    return parse_instant(format_instant(at))
