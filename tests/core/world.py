"""The operator in the small cluster: it looks, acts, waits and is killed; and what must be so when it says that it is done."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from holdfast.core.decide import Decision, decide
from holdfast.core.hold import CauseKey
from holdfast.core.kinds.deployment import step
from holdfast.core.objective import ObjectKey
from holdfast.core.observed import Observed
from holdfast.core.policy import Rule
from holdfast.core.request import (
    HOLD_LABEL,
    Done,
    Request,
    Step,
    Wait,
)
from tests.core.cluster import Cluster
from tests.core.making import LATENCY, NOW, SHOP, measured, rule


@dataclass
class World(Cluster):
    """A cluster, what people wrote, what Prometheus would say, and the operator that looks at all of it."""

    left: float = 50
    coverage: float = 100
    blind: object = None
    rules: tuple[Rule, ...] = field(default_factory=lambda: (rule(),))
    unreadable: frozenset[ObjectKey] = frozenset()
    enforcing: bool = True
    now: float = NOW
    in_force: frozenset[CauseKey] = frozenset()
    requests: list[Request] = field(default_factory=list)
    looks: int = 0

    # --- the operator

    def observed(self) -> Observed:
        """What the operator sees."""
        now_seen = measured(self.left, coverage=self.coverage)
        if self.blind is not None:
            now_seen = replace(now_seen, evidence=self.blind)
        figures = () if LATENCY in self.unreadable else (now_seen,)
        return Observed(
            self.now,
            SHOP,
            self.view,
            figures,
            {LATENCY: self.rules},
            self.record,
            self.in_force,
            self.unreadable,
            f"id{self.looks:03d}",
            self.enforcing,
        )

    def look(self) -> tuple[Decision, Step]:
        """Observe, decide, and name the next step; remember what was in force."""
        self.looks += 1
        self.now += 0.7
        decision = decide(self.observed())
        self.in_force = frozenset(f.key for f in (*decision.because, *decision.would))
        if self.paused_by == "somebody, unseen":
            self.paused_by = "somebody"
        return decision, step(decision.wanted, self.view, self.record, self.now)

    def act(self) -> Step:
        """One look and its request; a conflict is no more than another look."""
        _, what = self.look()
        match what:
            case Wait():
                self.controller()
            case Done():
                pass
            case _:
                self.requests.append(what)
                self.carry_out(what)
        return what

    def settle(self, limit: int = 25) -> list[Request]:
        """Look and act until done; the requests it took."""
        began = len(self.requests)
        for _ in range(limit):
            if isinstance(self.act(), Done):
                self.check()
                return self.requests[began:]
        raise AssertionError(f"no end after {limit} looks: {self.requests[-4:]}")

    def restart(self) -> None:
        """The operator is killed; all it knew but did not store is lost."""
        self.in_force = frozenset()
        self.looks += 100

    # --- what must hold whenever the operator says that it is done

    def check(self) -> None:
        """No label without a record in force, no record in force without its labels."""
        record, view = self.record, self.view
        held = record is not None and record.in_force
        if view is None or view.deleting:
            assert not held
            return
        marks = {view.hold, *(s.labels.get(HOLD_LABEL) for s in view.sets)}
        if held:
            assert record is not None
            assert marks == {record.id}, marks
            assert record.enforced
        elif record is not None:
            assert record.id not in marks
            assert view.override != record.id
            assert self.paused_by != "holdfast", "our own pause was left behind"

    def state(self) -> object:
        """Everything about the end that must not depend on how it was reached: no times, no ids."""
        record, view = self.record, self.view
        ids = {record.id: "ID"} if record is not None else {}

        def known(labels: object) -> dict[str, str]:
            return {k: ids.get(v, v) for k, v in labels.items()}  # type: ignore[attr-defined]

        seen = view and (
            view.template,
            view.paused,
            known(view.labels),
            sorted((s.name, s.desired, sorted(known(s.labels).items())) for s in view.sets),
        )
        kept = record and (
            record.state,
            record.reason,
            [c.key for c in record.causes],
            record.declared,
            record.paused,
            record.enforced,
            record.worn,
            [(t.state, t.reason) for t in record.history],
        )
        return seen, kept
