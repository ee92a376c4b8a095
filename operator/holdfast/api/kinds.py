"""The kinds of the API: their names, what kubectl get prints of them, and their models.

Rule: everything a CRD says about a kind beside its fields is in this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, Field, create_model

from .adjustments import AdjustmentSpec
from .base import Written
from .objectives import NOT_ITSELF, ObjectiveSpec
from .policies import PolicySpec
from .shown import AdjustmentStatus, PolicyStatus
from .shown_hold import HoldSpec, HoldStatus
from .shown_objective import ObjectiveStatus
from .shown_release import ReleaseSpec, ReleaseStatus
from .texts import Rule

GROUP: Final = "holdfast.dev"
VERSION: Final = "v1alpha1"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of kubectl get. Priority 1 shows with -o wide only."""

    name: str
    path: str
    description: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind."""

    name: str
    plural: str
    short: tuple[str, ...]
    spec: type[BaseModel]
    status: type[BaseModel]
    description: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()

    @property
    def model(self) -> type[BaseModel]:
        """Spec and status together."""
        fields: dict[str, Any] = {
            "spec": (self.spec, Field(description=self.spec.__doc__)),
            "status": (self.status | None, Field(None, description=self.status.__doc__)),
        }
        return create_model(self.name, __base__=Written, **fields)


AGE: Final = Column("Age", ".metadata.creationTimestamp", "Since when the object exists.", "date")
READY: Final = Column(
    "Ready", '.status.conditions[?(@.type=="Ready")].status', "Whether the object is understood and in use.", priority=1
)

KINDS: Final = (
    Kind(
        "ServiceLevelObjective",
        "servicelevelobjectives",
        ("slo", "hslo"),
        ObjectiveSpec,
        ObjectiveStatus,
        "An error budget: which share of which events must be good in which time, and the workloads that are released against it.",
        (
            Column("Target", ".status.summary.target", "Which percentage of the events must be good."),
            Column("Window", ".status.summary.window", "The time in which the budget is granted."),
            Column("Left", ".status.summary.left", "What is left of the budget."),
            Column(
                "Burn",
                ".status.summary.burn",
                "How fast the budget burned in the last hour (or less); 1 spends exactly all of it in the window.",
            ),
            Column("Empty-In", ".status.summary.empty", "How long the budget lasts at the pace of the last hour."),
            Column("Data", ".status.evidence.state", "Whether there are figures to act on."),
            Column("Verdict", ".status.summary.verdict", "What is asked of releases."),
            Column("Held", ".status.held", "How many workloads are held.", "integer"),
            READY,
            AGE,
        ),
        (NOT_ITSELF,),
    ),
    Kind(
        "ErrorBudgetPolicy",
        "errorbudgetpolicies",
        ("ebp",),
        PolicySpec,
        PolicyStatus,
        "What a team agreed to do when an error budget of its namespace is threatened: rules, each with a condition and an action.",
        (
            Column("Mode", ".spec.mode", "Audit says what would happen, Enforce does it."),
            Column("Objectives", ".status.objectives", "How many objectives the policy is for.", "integer"),
            Column("Enforceable", ".status.enforceable", "How many of them name a workload.", "integer"),
            READY,
            AGE,
        ),
    ),
    Kind(
        "BudgetAdjustment",
        "budgetadjustments",
        ("adj",),
        AdjustmentSpec,
        AdjustmentStatus,
        "Time that does not count against the error budgets of its namespace, once or again and again, or a fresh start; with a reason and a name.",
        (
            Column("Does", ".status.summary.does", "Excludes (time that does not count) or Resets (a fresh start)."),
            Column("When", ".status.summary.when", "From when to when, or on which days and for how long."),
            Column(
                "Next", ".status.next.from", "When the present or the next time that is excluded begins.", priority=1
            ),
            Column("Objectives", ".status.objectives", "How many objectives are adjusted.", "integer"),
            Column("By", ".spec.requestedBy", "Who asked for it."),
            Column("Reason", ".spec.reason", "Why."),
            READY,
            AGE,
        ),
    ),
    Kind(
        "Hold",
        "holds",
        (),
        HoldSpec,
        HoldStatus,
        "Why one workload is held, since when and until when. Written by the operator alone, one for each held workload.",
        (
            Column("State", ".status.state", "Active, Overridden or Lifted."),
            Column("Reason", ".status.reason", "Why the workload is held."),
            Column("SLO", ".status.slo", "The objectives that cause it."),
            Column("Declared", ".status.declared.version", "The version that the workload asks for."),
            Column("Serving", ".status.serving.version", "The version whose pods serve, where it is another one."),
            Column("Gate", ".status.gate", "How releases are held."),
            Column("Since", ".status.since", "Since when the workload is held.", "date"),
            Column("Lifts", ".status.lifts", "When the hold ends."),
            Column("Message", ".status.message", "Why, in one sentence.", priority=1),
        ),
        (
            Rule(
                "self.metadata.name == self.spec.workload.kind.lowerAscii() + '-' + self.spec.workload.name",
                "a Hold is named after its workload, <kind>-<name> in lower case, for example deployment-checkout, so that there is one for each",
            ),
        ),
    ),
    Kind(
        "WorkloadRelease",
        "workloadreleases",
        ("wrel",),
        ReleaseSpec,
        ReleaseStatus,
        "What one release of one workload cost the error budgets, and what its own pods say of it. Written by the operator, one for each pod template; people ask here to undo or to allow it.",
        (
            Column("Workload", ".status.summary.workload", "What is released."),
            Column("Rev", ".status.revision", "Number that the workload's controller gave it.", "integer"),
            Column("Image", ".status.version", "The version of its images."),
            Column("State", ".status.state", "Queued, RollingOut, Complete, Superseded or RolledBack."),
            Column("Verdict", ".status.verdict", "What its own pods say of it."),
            Column("Requests", ".status.summary.requests", "Events that its own pods served."),
            Column("Bad", ".status.summary.bad", "How many of them were bad."),
            Column("Cost", ".status.summary.cost", "What it spent of a whole budget."),
            Column("By", ".status.changedBy", "Who changed the pod template.", priority=1),
            Column(
                "Undoable",
                '.status.conditions[?(@.type=="RollbackReady")].status',
                "Whether it could be undone.",
                priority=1,
            ),
            Column("Age", ".status.began", "Since when it is declared.", "date"),
        ),
    ),
)
