"""One StatefulSet or DaemonSet with its controller, the gate, one record, and the operator that acts on it.

It refuses what the real API server refuses, and fails at once on what must never happen: a label without its record, a
template that is put back twice, a good pod that is deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from holdfast.core.hold import Cause, HoldRecord, HoldState, Reason, Template, UndoState
from holdfast.core.kinds import begin_undo, end_undo, keep_undo, lasts, step
from holdfast.core.kinds.daemonset import DaemonSet
from holdfast.core.kinds.revisions import Pod, Revision
from holdfast.core.kinds.statefulset import StatefulSet
from holdfast.core.objective import Workload
from holdfast.core.request import HOLD_LABEL, OVERRIDE_LABEL, QUEUE_LABEL, Done, Request, Step, Wait, WriteRecord
from holdfast.core.request_sets import DeletePod, GiveTemplateBack, PatchSet, PutTemplateBack
from holdfast.core.wanted import Free, Held, Wanted
from tests.core.making import NEW, NOW, OLD, cause_key, rule

Set = StatefulSet | DaemonSet

NEVER = Template("never", ("checkout:never",))
"""A release whose pods never get ready."""

CAUSE = Cause(cause_key(rule()), Reason.BUDGET_EXHAUSTED, NOW)
HOLD, UNDO = "budget-exhausted-x7k2p", "bad-release-k4mzp"


class ConflictError(Exception):
    """The object changed since it was seen, or is gone; nothing was written."""


def statefulset(template: Template = OLD, pods: int = 3, **more: object) -> StatefulSet:
    """A StatefulSet whose pods all run this template."""
    revision = Revision(f"db-{template.digest}", 1, template)
    made = StatefulSet(
        Workload("shop", "StatefulSet", "db"), "uid", "1", 1, 1, template, pods, current=revision.hash,
        revisions=(revision,), pods=tuple(Pod(f"db-{n}", f"u{n}", revision.hash, ready=True) for n in range(pods)),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def daemonset(template: Template = OLD, pods: int = 3, **more: object) -> DaemonSet:
    """A DaemonSet whose pods all run this template."""
    revision = Revision(template.digest, 1, template)
    made = DaemonSet(
        Workload("shop", "DaemonSet", "agent"), "uid", "1", 1, 1, template, pods,
        revisions=(revision,), pods=tuple(Pod(f"agent-{n}", f"u{n}", revision.hash, ready=True) for n in range(pods)),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


@dataclass
class SetWorld:
    """What is so, what is asked for, and what was done. `applied` says that somebody applies the object server-side."""

    view: Set = field(default_factory=statefulset)
    record: HoldRecord | None = None
    causes: tuple[Cause, ...] = ()
    bad: frozenset[str] = frozenset()
    serve: Template | None = OLD
    at_once: bool = False
    allowed: bool = False
    applied: bool = False
    parallel: bool = False
    now: float = NOW
    versions: int = 1
    requests: list[Request] = field(default_factory=list)

    # --- the API server

    def carry_out(self, request: Request) -> None:
        """Write, or raise ConflictError."""
        match request:
            case WriteRecord(record):
                assert record != self.record, "a write that changes nothing would be repeated for ever"
                self.record = record
            case PatchSet():
                self._fresh(request.resource_version)
                assert request.labels or request.partition is not None, "an empty patch"
                self.mark(request.labels)
                if request.partition is not None:
                    assert isinstance(self.view, StatefulSet)
                    assert request.partition != self.view.partition, "a partition moved to where it is"
                    assert not self.view.declares, "a partition that somebody declares is not moved"
                    self.change(partition=request.partition)
            case PutTemplateBack():
                if (request.uid, request.generation) != (self.view.uid, self.view.generation):
                    raise ConflictError
                earlier = [r for r in self.requests if isinstance(r, PutTemplateBack)]
                assert not earlier, "a template is put back once only"
                self.mark(request.labels)
                known = {r.template.digest: r.template for r in self.view.revisions}
                self.change(template=known.get(request.digest, OLD), disowned=self.applied)
            case GiveTemplateBack():
                self._fresh(request.resource_version)
                assert self.view.disowned
                self.change(disowned=False)
            case DeletePod():
                pod = next((p for p in self.view.pods if p.uid == request.uid), None)
                if pod is None:
                    raise ConflictError
                assert self.serve is not None
                assert pod.hash.removeprefix("db-") != self.serve.digest, "a good pod is deleted"
                self.change(pods=tuple(p for p in self.view.pods if p.uid != request.uid))
            case _:
                raise AssertionError(request)

    def _fresh(self, version: str) -> None:
        if version != self.view.resource_version:
            raise ConflictError

    def mark(self, labels: object) -> None:
        """Labels on and off, and never without the record that says so."""
        record = self.record
        assert record is not None
        ids = {record.id, record.undo.id if record.undo is not None else None}
        for key, value in labels.items():  # type: ignore[attr-defined]
            assert key in {HOLD_LABEL, QUEUE_LABEL, OVERRIDE_LABEL}
            assert value is None or value in ids, "the record comes before the label"
        merged = {**self.view.labels, **labels}  # type: ignore[dict-item]
        self.change(labels={k: v for k, v in merged.items() if v is not None})

    def change(self, **fields: object) -> None:
        """Change the object; its generation grows with its spec."""
        self.versions += 1
        before, after = self.view, replace(self.view, **fields)  # type: ignore[arg-type]
        spec = (after.template, after.partition, after.replicas) != (before.template, before.partition, before.replicas)
        self.view = replace(after, resource_version=str(self.versions), generation=before.generation + spec)

    # --- the controller

    def controller(self) -> None:
        """One pass: see the last change, make one pod that is missing, or replace one that is of another revision."""
        view = self.view
        update = self._revision()
        back = view.current if isinstance(view, StatefulSet) else update
        names = {p.name: p for p in view.pods}
        prefix = view.workload.name
        pods = list(view.pods)
        for n in range(view.replicas):
            name = f"{prefix}-{n}"
            if name not in names:
                self._make(pods, name, update if n >= view.partition else back)
                break
        else:
            waits = isinstance(view, StatefulSet) and not self.parallel and not all(p.ready for p in pods)
            stale = [p for p in pods if p.hash != update and int(p.name.rsplit("-", 1)[1]) >= view.partition]
            if stale and view.rolling and not waits:
                first = min(stale, key=lambda p: (p.ready, -int(p.name.rsplit("-", 1)[1])))
                pods.remove(first)
                self._make(pods, first.name, update)
        self.change(pods=tuple(pods), observed_generation=view.generation)
        if isinstance(self.view, StatefulSet) and all(p.hash == update and p.ready for p in pods):
            self.change(current=update)

    def _make(self, pods: list[Pod], name: str, hash_: str) -> None:
        self.versions += 1
        template = next(r.template for r in self.view.revisions if r.hash == hash_)
        pods.append(Pod(name, f"u{self.versions}", hash_, ready=template != NEVER))

    def _revision(self) -> str:
        """The revision of the declared template, the newest one now."""
        view = self.view
        prefix = "db-" if isinstance(view, StatefulSet) else ""
        others = tuple(r for r in view.revisions if r.template.digest != view.template.digest)
        number = max((r.number for r in view.revisions), default=0) + 1
        made = Revision(prefix + view.template.digest, number, view.template)
        self.change(revisions=(*others, made))
        return made.hash

    def ship(self, template: Template, passes: int = 0) -> None:
        """Declare another template; so many passes of the controller follow."""
        self.change(template=template)
        for _ in range(passes):
            self.controller()

    # --- the operator

    def wanted(self) -> Wanted:
        """As the core decides it: a hold while there are causes, an undo while its template is declared."""
        stored = self.record if self.record is not None and self.record.in_force else None
        undo = stored.undo if stored is not None else None
        if undo is None and self.view.template.digest in self.bad and not self.allowed:
            undo = begin_undo(self.view, stored, UNDO, self.serve, self.now, at_once=self.at_once)
        if undo is not None:
            undo = keep_undo(self.view, undo, self.now) if lasts(self.view, undo) and not self.allowed else None
        if undo is None and not self.causes:
            return Free(Reason.ALLOWED_BY_HAND if self.allowed else Reason.TEMPLATE_CHANGED)
        return Held(self._recorded(stored, undo is None, undo))

    def _recorded(self, stored: HoldRecord | None, ends: bool, undo: object) -> HoldRecord:
        view = self.view
        id_ = HOLD if self.causes else UNDO
        stops = bool(self.causes) and view.in_flight and not view.paused
        if stored is None:
            return HoldRecord(
                view.workload, id_, HoldState.ACTIVE, Reason.BAD_RELEASE, self.now, self.causes, "Why.", view.template,
                paused=view.template if stops else None, undo=undo,  # type: ignore[arg-type]
            )  # fmt: skip
        record = replace(stored, id=id_, causes=self.causes)
        record = end_undo(record, view) if ends else replace(record, undo=undo)  # type: ignore[arg-type]
        if record.denies and view.hold != id_:
            record = replace(record, enforced=False, paused=view.template if stops else record.paused)
        elif not view.paused and record.undo is None:
            record = replace(record, paused=None)
        return record

    def look(self) -> Step:
        """Observe, decide, and name the next step."""
        self.now += 0.7
        return step(self.wanted(), self.view, self.record, self.now)

    def act(self) -> Step:
        """One look and its request; the controller works while there is nothing to do but wait."""
        what = self.look()
        match what:
            case Wait():
                self.controller()
            case Done():
                pass
            case request:
                self.carry_out(request)
                self.requests.append(request)
        return what

    def settle(self, limit: int = 80) -> list[str]:
        """Look and act until done; the names of the requests it took."""
        began = len(self.requests)
        for _ in range(limit):
            if isinstance(self.act(), Done):
                return [type(r).__name__ for r in self.requests[began:]]
        raise AssertionError(f"no end after {limit} looks: {self.requests[-4:]}, {self.record}, {self.view}")

    def settled(self) -> SetWorld:
        """The same, after `settle`."""
        self.settle()
        return self

    def rest(self, passes: int = 20) -> None:
        """The controller works until it is done."""
        for _ in range(passes):
            self.controller()

    # --- what is to be seen

    @property
    def running(self) -> dict[str, int]:
        """How many pods run which template."""
        templates = {r.hash: r.template.digest for r in self.view.revisions}
        found: dict[str, int] = {}
        for pod in self.view.pods:
            found[templates[pod.hash]] = found.get(templates[pod.hash], 0) + 1
        return found

    @property
    def undone(self) -> UndoState | None:
        """How far the undo on record is."""
        undo = self.record.undo if self.record is not None else None
        return undo.state if undo is not None else None

    def end(self) -> object:
        """Everything that must not depend on how it was reached: no times, no versions."""
        record, view = self.record, self.view
        undo = record.undo if record is not None else None
        kept = record and (
            record.state, record.id, record.causes, record.paused, record.found, record.enforced,
            undo and (undo.id, undo.bad, undo.serve, undo.state, undo.found),
        )  # fmt: skip
        return self.running, view.template, view.partition, dict(view.labels), view.disowned, kept


def in_flight(kind: Callable[..., Set] = statefulset, bad: Template = NEW, **more: object) -> SetWorld:
    """A release with one new pod."""
    world = SetWorld(kind(**more))
    world.ship(bad, 1)
    world.bad = frozenset({bad.digest})
    return world


def complete(kind: Callable[..., Set] = statefulset, **more: object) -> SetWorld:
    """A release that is complete."""
    world = SetWorld(kind(**more))
    world.ship(NEW, 10)
    world.bad = frozenset({NEW.digest})
    return world
