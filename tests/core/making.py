"""Values for the tests of the core, each with one line's worth of what the test is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from holdfast.core.budget import Budget, Burn, Measured
from holdfast.core.decide import Decision, decide
from holdfast.core.evidence import Evidence, Fresh, Missing, Why
from holdfast.core.hold import CauseKey, HoldRecord, Template
from holdfast.core.kinds.deployment import Deployment, ReplicaSet
from holdfast.core.objective import GoodOverTotal, Objective, ObjectKey, Selector, Workload
from holdfast.core.observed import Observed
from holdfast.core.policy import (
    BudgetRemaining,
    BudgetSpent,
    BurnRate,
    Condition,
    HoldReleases,
    Mode,
    Notify,
    Rule,
    RuleKey,
)
from holdfast.core.wanted import Held
from holdfast.core.window import Rolling

NOW = 1_764_309_600.0  # 2025-11-28T06:00:00Z
DAY = 86_400.0
HOUR = 3_600.0

SHOP = Workload("shop", "Deployment", "checkout")
LATENCY = ObjectKey("shop", "checkout-latency")
ERRORS = ObjectKey("shop", "checkout-errors")
OLD, NEW, FIX = (Template(v, (f"checkout:{v}",)) for v in ("v1", "v2", "v3"))

FRESH = Fresh(NOW - 5)
SILENT = Missing(Why.UNREACHABLE, NOW - 900, "the source refused the connection")


def percent(number: str | float) -> Fraction:
    """The share that so many percent are."""
    return Fraction(str(number)) / 100


def objective(key: ObjectKey = LATENCY, **more: Any) -> Objective:
    """A promise of 99.9 % over 30 days."""
    what = GoodOverTotal(Selector("good_total"), Selector("all_total"))
    values: dict[str, Any] = {"target": percent("99.9"), "window": 30 * DAY, "workloads": (SHOP,), **more}
    values.setdefault("indicator", what)
    values["window"] = Rolling(values["window"]) if isinstance(values["window"], float | int) else values["window"]
    return Objective(key, "uid", 1, **values)


def measured(
    left: str | float = 50,
    evidence: Evidence = FRESH,
    *,
    key: ObjectKey = LATENCY,
    coverage: str | float = 100,
    allowed: int = 1_000,
    burns: Mapping[float, Burn] | None = None,
) -> Measured:
    """An objective with so many percent of its budget left."""
    bad = allowed * (1 - percent(left))
    budget = Budget(Fraction(allowed * 1000), bad, Fraction(allowed), percent(coverage))
    return Measured(objective(key), evidence, budget, burns or {})


def burning(long: float, short: float | None = None, over: float = HOUR, total: int = 5_000) -> dict[float, Burn]:
    """The burn rates of a window and of its twelfth."""
    rate = long if short is None else short
    return {over: Burn(Fraction(str(long)), Fraction(total)), over / 12: Burn(Fraction(str(rate)), Fraction(total))}


def rule(
    name: str = "exhausted",
    *,
    below: str | float = 0,
    until: str | float | None = 5,
    at_most: float | None = None,
    mode: Mode = Mode.ENFORCE,
    when: Condition | None = None,
    policy: str = "default",
) -> Rule:
    """A rule that holds when less than `below` percent is left, until more than `until` percent is."""
    then = HoldReleases(percent(until) if until is not None else None, at_most)
    return Rule(RuleKey(policy, name), mode, when or BudgetRemaining(percent(below)), then)


def notify(name: str = "low", below: str | float = 25, mode: Mode = Mode.ENFORCE) -> Rule:
    """A rule that only tells."""
    return Rule(RuleKey("default", name), mode, BudgetRemaining(percent(below)), Notify())


def burn_rule(above: float = 14.4, until: str | float | None = None, at_most: float | None = None) -> Rule:
    """A rule that holds while the budget burns faster than this over an hour."""
    return rule("burning", when=BurnRate(Fraction(str(above)), HOUR), until=until, at_most=at_most)


def spent_rule(above: float = 20, until: str | float | None = None, within: float = 7 * DAY) -> Rule:
    """A rule that holds when more than so many percent of the budget were spent within this time."""
    return rule("incident", when=BudgetSpent(percent(above), within), until=until)


def cause_key(of: Rule, on: ObjectKey = LATENCY) -> CauseKey:
    """The name of a rule on an objective."""
    return CauseKey(of.key, on)


def replica_set(
    template: Template, pods: int, revision: int = 1, labels: Mapping[str, str] | None = None
) -> ReplicaSet:
    """A ReplicaSet all of whose pods are ready."""
    name = f"checkout-{template.digest}"
    more = {"uid": f"uid-{name}", "available": pods, "pods": pods, "created": float(revision), "hash": template.digest}
    return ReplicaSet(name, "1", template, pods, pods, revision, labels or {}, **more)  # type: ignore[arg-type]


def deployment(*sets: ReplicaSet, template: Template = OLD, **more: Any) -> Deployment:
    """A Deployment of four pods, idle on its template unless the sets say otherwise."""
    owned = sets or (replica_set(template, 4),)
    values: dict[str, Any] = {"paused": False, "replicas": 4, "generation": 1, "observed_generation": 1, **more}
    return Deployment(SHOP, "uid-1", "1", template=template, sets=owned, **values)


def observed(*figures: Measured, rules: tuple[Rule, ...] = (rule(),), **more: Any) -> Observed:
    """The world of one workload; every objective measured is under these rules, unless `by` says which is under which."""
    by = more.pop("by", None) or {m.objective.key: rules for m in figures}
    values: dict[str, Any] = {"now": NOW, "view": deployment(), "new_id": "abcde", **more}
    return Observed(values.pop("now"), SHOP, values.pop("view"), figures, by, **values)


def held(decision: Decision) -> HoldRecord:
    """The record of a decision to hold."""
    assert isinstance(decision.wanted, Held), decision
    return decision.wanted.record


def on_record(*rules: Rule, **more: Any) -> HoldRecord:
    """What is on record of a hold in force since an hour, by these rules."""
    seen = observed(measured(-5, burns=burning(99)), rules=rules or (rule(),), now=NOW - HOUR)
    values: dict[str, Any] = {"enforced": True, **more}
    return replace(held(decide(seen)), **values)
