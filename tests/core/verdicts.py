"""The operator's own decisions about a workload whose releases are judged from outside: a person asks to undo the bad ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from holdfast.core.decide import decide
from holdfast.core.hold import HoldRecord, Template
from holdfast.core.kinds import View
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.observed import Observed
from holdfast.core.release import Ask, ReleaseRecord, ReleaseState
from holdfast.core.wanted import Held, Wanted
from tests.core.making import LATENCY, OLD, measured, rule

SOMEBODY = Ask("alice@example.com", "it fails")


@dataclass
class Verdicts:
    """Which templates are bad, which of them a person allowed, which one was the last good, and whether the budget is empty."""

    bad: set[Template] = field(default_factory=set)
    allowed: set[Template] = field(default_factory=set)
    serve: Template | None = OLD
    empty: bool = False
    at_once: bool = False
    turns: int = 0

    def wanted(self, workload: Workload, view: View | None, stored: HoldRecord | None, now: float) -> Wanted:
        """What is decided; the turn ends new ids."""
        self.turns += 1
        key = ObjectKey(workload.namespace, LATENCY.name)  # a Hold knows objectives of its own namespace
        seen = Observed(
            now,
            workload,
            view,
            (measured(-3 if self.empty else 50, key=key),),
            {key: (rule(),)},
            stored,
            new_id=f"{self.turns:05d}",
            releases=self._releases(workload, view, now),
        )
        wanted = decide(seen).wanted
        if isinstance(wanted, Held) and wanted.record.undo is not None and self.at_once:
            wanted = replace(wanted, record=replace(wanted.record, undo=replace(wanted.record.undo, at_once=True)))
        return wanted

    def _releases(self, workload: Workload, view: View | None, now: float) -> tuple[ReleaseRecord, ...]:
        declared = view.template if view is not None else None
        known = {t for t in (declared, self.serve, *self.bad, *self.allowed) if t is not None}

        def record(template: Template) -> ReleaseRecord:
            ended = None if template == declared else now - 60
            asked = template in self.bad - self.allowed and template != self.serve
            return ReleaseRecord(
                workload,
                "uid",
                template,
                now - 60,
                ReleaseState.COMPLETE,
                ended=ended,
                good=template == self.serve,
                undo=SOMEBODY if asked else None,
                allow=SOMEBODY if template in self.allowed else None,
            )

        return tuple(record(template) for template in sorted(known, key=lambda t: t.digest))
