"""An operator that undoes releases, in the small cluster: verdicts are given from outside, everything else is as it ships."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from holdfast.core.hold import Template, UndoState
from holdfast.core.kinds.deployment import ReplicaSet, step
from holdfast.core.request import (
    DETACHED_LABEL,
    HOLD_LABEL,
    QUEUE_LABEL,
    AttachReplicaSet,
    CreateReplicaSet,
    DetachReplicaSet,
    Done,
    Request,
    ScaleReplicaSet,
    Step,
    Wait,
)
from tests.core.cluster import Cluster, ConflictError, RefusedError
from tests.core.controller import new_set, reconciled
from tests.core.making import NOW, SHOP
from tests.core.verdicts import Verdicts


@dataclass
class UndoWorld(Verdicts, Cluster):
    """`broken` are the templates whose pods never become available."""

    broken: set[Template] = field(default_factory=set)
    limit: int = 10
    careful: bool = False  # from now on no moment may have fewer pods than are asked for
    now: float = NOW
    given: list[ReplicaSet] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    # --- the operator

    def look(self) -> Step:
        """Observe, decide, and name the next step."""
        self.now += 0.7
        return step(self.wanted(SHOP, self.view, self.record, self.now), self.view, self.record, self.now)

    def act(self) -> Step:
        """One look and its request; whoever waits lets the cluster work."""
        what = self.look()
        match what:
            case Wait():
                self.work()
            case Done():
                pass
            case _:
                self.requests.append(what)
                self.carry_out(what)
        return what

    def settle(self, limit: int = 200) -> list[Request]:
        """Look and act until done, or stuck for good; the requests it took. The cluster works on, and it stays done."""
        began, still = len(self.requests), 0
        for _ in range(limit):
            what = self.act()
            still = still + 1 if isinstance(what, Done | Wait) else 0
            if isinstance(what, Done):
                self.work()
            if isinstance(what, Wait):
                self.now += 60
            if still > 20:
                self.check()
                return self.requests[began:]
        raise AssertionError(f"no end after {limit} turns: {self.requests[-4:]}")

    def restart(self) -> None:
        """The operator is killed; it knew nothing that is not stored."""
        self.turns += 100

    # --- the API server

    def carry_out(self, request: Request) -> None:
        """Write, or raise ConflictError."""
        view = self.view
        match request:
            case DetachReplicaSet(name=name):
                assert view is not None
                assert view.paused, "a release would come up anew under another hash"
                assert view.observed, "the controller would make another set"
                owned = self._find(name)
                if owned not in view.sets or owned.uid != request.uid or view.uid != request.owner:
                    raise ConflictError
                assert self.serve is None or owned.template != self.serve or self._twin(owned)
                desired = owned.desired if request.replicas is None else request.replicas
                changed = replace(owned, labels={DETACHED_LABEL: view.uid, **request.labels}, desired=desired)
                self.view = replace(
                    view, sets=tuple(s for s in view.sets if s != owned), detached=(*view.detached, changed)
                )
            case AttachReplicaSet(name=name):
                assert view is not None
                owned = self._find(name)
                if owned not in view.detached or owned.uid != request.uid:
                    raise ConflictError
                self.given.append(replace(owned, labels=dict(request.labels)))
                left = tuple(s for s in view.detached if s != owned)
                self.view = replace(view, detached=left, unadopted=True)
            case ScaleReplicaSet(name=name):
                assert view is not None
                owned = self._find(name)
                if owned not in view.detached or owned.uid != request.uid:
                    raise ConflictError
                assert owned.desired != request.replicas
                self._put(replace(owned, desired=request.replicas))
                self.kubelet()
            case CreateReplicaSet():
                assert view is not None
                assert request.replicas > 0, "the controller would clean it up at once"
                name = f"checkout-{request.digest}"
                if self.serve is None or name in {s.name for s in self._every()}:
                    raise ConflictError
                made = new_set(self.serve, name, self.now, request.replicas)
                self.given.append(replace(made, labels=dict(request.labels)))
                self.view = replace(view, unadopted=True)
            case _:
                super().carry_out(request)
        self._own()

    def _twin(self, owned: ReplicaSet) -> bool:
        assert self.view is not None
        return any(s.template == owned.template and s != owned for s in self.view.sets)

    def _every(self) -> list[ReplicaSet]:
        return [*self.view.every_set(), *self.given] if self.view is not None else []

    def _own(self) -> None:
        if self.view is not None:
            self.view = replace(self.view, paused_by_other=self.view.paused and self.paused_by == "somebody")

    # --- the cluster

    def controller(self, pods: int = 1) -> None:
        """One pass of the deployment controller: what was given back is adopted first."""
        if self.view is None:
            return
        view = replace(self.view, sets=(*self.view.sets, *self.given), unadopted=False)
        self.given.clear()
        for _ in range(pods):
            names = {s.name for s in view.detached}
            view = reconciled(view, names, self.now, self.limit)
        self.view = replace(view, resource_version=self._tick())
        self._count()

    def kubelet(self) -> None:
        """Pods that are wanted exist and are available, those that are not are gone."""

        def run(owned: ReplicaSet) -> ReplicaSet:
            ready = 0 if owned.template in self.broken else owned.desired
            return replace(owned, pods=owned.desired, ready=ready, available=ready)

        if self.view is not None:
            sets, detached = (tuple(run(s) for s in some) for some in (self.view.sets, self.view.detached))
            self.view = replace(self.view, sets=sets, detached=detached)
        self.given = [run(s) for s in self.given]
        self._count()

    def _count(self) -> None:
        if self.careful and self.view is not None:
            ready = sum(min(s.available, s.desired) for s in self._every())
            assert ready >= self.view.replicas, f"{ready} pods serve"

    def work(self) -> None:
        """The cluster works until nothing moves."""
        for _ in range(40):
            before = self._every()
            self.controller()
            self.kubelet()
            if self._every() == before:
                return

    # --- people

    def _gate(self) -> None:
        assert self.view is not None
        if self.view.hold is not None and self.view.override != self.view.hold:
            raise RefusedError

    def resume(self) -> None:
        """Refused under both gates."""
        assert self.view is not None
        if self.view.queue is not None:
            raise RefusedError
        super().resume()
        self._own()

    def force_resume(self) -> None:
        """Where there is no gate."""
        self.paused_by = None
        self.change(paused=False)
        self._own()

    def wipe(self) -> None:
        """A manifest is put in place of the object: labels and pause are gone."""
        assert self.view is not None
        self.paused_by = None
        self.change(labels={}, paused=False)
        self._own()

    def pause(self) -> None:
        """Always allowed."""
        super().pause()
        self._own()

    def delete(self) -> None:
        """Deletion is always free; all ReplicaSets go with it."""
        super().delete()
        self.given.clear()

    # --- what must hold whenever nothing is left to do

    def check(self) -> None:
        """Labels and record agree; under an undo the good pods serve, without one nothing of it is left."""
        record, view = self.record, self.view
        if view is None:
            assert record is None or not record.in_force
            return
        undo = record.undo if record is not None else None
        denies = record is not None and record.denies
        hold = {view.hold, *(s.labels.get(HOLD_LABEL) for s in view.every_set())}
        queue = {view.queue, *(s.labels.get(QUEUE_LABEL) for s in view.every_set())}
        assert hold == ({record.id} if denies and record is not None else {None})
        assert queue == ({undo.id} if undo is not None else {None})
        assert not self.given
        if undo is None:
            assert not view.detached
            assert view.paused is (self.paused_by == "somebody" or (record is not None and record.paused is not None))
            return
        assert record is not None
        assert record.enforced
        assert view.paused
        if undo.serve is None:
            assert undo.state is UndoState.STOPPED
            return
        assert all(s.template != undo.bad for s in view.sets)
        serving = sum(s.available for s in view.sets if s.template == undo.serve)
        if undo.serve in self.broken:
            assert undo.state in {UndoState.STUCK, UndoState.UNDONE}
        else:
            assert undo.state is UndoState.UNDONE
            assert serving == view.replicas
            assert not any(s.active for s in view.detached)
            assert sum(s.pods for s in view.every_set()) == view.replicas

    def state(self) -> object:
        """Everything about the end that must not depend on how it was reached: no times, no ids."""
        record, view = self.record, self.view
        known = {q.id: f"ID-{q.template.digest}" for q in record.quarantined} if record is not None else {}
        ids = known if record is None else {record.id: "ID", **known}

        def marks(labels: object) -> list[tuple[str, str]]:
            return sorted((k, ids.get(v, v)) for k, v in labels.items())  # type: ignore[attr-defined]

        seen = view and (
            view.template,
            view.paused,
            self.paused_by,
            marks(view.labels),
            sorted((s.name, s.desired, s.available, marks(s.labels)) for s in view.sets),
            sorted((s.name, s.desired, s.available, marks(s.labels)) for s in view.detached),
        )
        undo = record.undo if record is not None else None
        kept = record and (
            record.state,
            record.reason,
            [c.key for c in record.causes],
            record.paused,
            record.enforced,
            undo and (undo.bad, undo.serve, undo.state, undo.paused_before),
            [q.template for q in record.quarantined],
        )
        return seen, kept
