"""What is wanted of a workload whose releases are judged elsewhere: the undo while what is declared is bad, the hold while
the budget is empty. Verdicts are given; records come out as the operator would write them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from holdfast.core.explain import hold_message
from holdfast.core.hold import Cause, HoldRecord, HoldState, Quarantined, Reason, Template, Undo
from holdfast.core.kinds.deployment import Deployment, begin_undo, end_undo, keep_undo
from holdfast.core.objective import Workload
from holdfast.core.wanted import Free, Held, Wanted
from tests.core.making import OLD, cause_key, rule


@dataclass
class Verdicts:
    """Which templates are bad, which of them a person allowed, which one was the last good, and whether the budget is empty."""

    bad: set[Template] = field(default_factory=set)
    allowed: set[Template] = field(default_factory=set)
    serve: Template | None = OLD
    empty: bool = False
    at_once: bool = False
    turns: int = 0

    def wanted(self, workload: Workload, view: Deployment | None, stored: HoldRecord | None, now: float) -> Wanted:
        """Pure but for the number in new ids."""
        self.turns += 1
        held = stored if stored is not None and stored.in_force else None
        listed = tuple(q for q in (stored.quarantined if stored else ()) if q.template not in self.allowed)
        if view is None:
            return Free(Reason.WORKLOAD_GONE, (), listed)
        mine = next((q for q in listed if q.template == view.template), None)
        if mine is None and view.template in self.bad - self.allowed and view.template != self.serve:
            mine = Quarantined(f"bad-release-{self.turns:05d}", view.template, now)
            listed = (*listed, mine)
        undo = self._undo(mine, view, held, now)
        causes = (Cause(cause_key(rule()), Reason.BUDGET_EXHAUSTED, now),) if self.empty else ()
        if not causes and undo is None:
            ended = Reason.ALLOWED_BY_HAND if view.template in self.allowed else Reason.TEMPLATE_CHANGED
            return Free(ended, (), listed)
        if held is None:
            hold_id = f"budget-exhausted-{self.turns:05d}" if undo is None or causes else undo.id
            new = HoldRecord(workload, hold_id, HoldState.ACTIVE, Reason.BAD_RELEASE, now, causes, "", view.template)
            history = stored.history if stored is not None else ()
            held = replace(new, history=history).moved(HoldState.ACTIVE, Reason.BAD_RELEASE, now)
        elif held.causes:
            causes = causes and held.causes
        return self._held(held, view, undo, replace(held, causes=causes, quarantined=listed, declared=view.template))

    def _undo(self, mine: Quarantined | None, view: Deployment, held: HoldRecord | None, now: float) -> Undo | None:
        if mine is None:
            return None
        if held is not None and held.undo is not None and held.undo.id == mine.id:
            return keep_undo(view, held.undo, now)
        return begin_undo(view, held, mine.id, self.serve, now, at_once=self.at_once)

    def _held(self, held: HoldRecord, view: Deployment, undo: Undo | None, record: HoldRecord) -> Held:
        if not record.causes and undo is not None:
            record = replace(record, id=undo.id)
        elif not held.denies:
            record = replace(record, id=f"budget-exhausted-{self.turns:05d}")
        record = end_undo(record, view) if undo is None else replace(record, undo=undo)
        if not record.causes:
            record = replace(record, paused=None)
        elif view.hold != record.id:
            stops = view.in_flight and not view.paused and undo is None
            record = replace(record, enforced=False, paused=view.template if stops else record.paused)
        elif not view.paused:
            record = replace(record, paused=None)
        return Held(replace(record, message=hold_message(record, ())))
