"""Objects of the cluster into core values.

Rule: total. Whatever the object holds, the answer is a value or `Invalid` with every reason; objects may be older than
our validation, or files that never saw a server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from holdfast.core.objective import (
    BadOverTotal,
    GoodOverTotal,
    Indicator,
    Latency,
    Objective,
    ObjectKey,
    Workload,
)
from holdfast.core.policy import (
    Action,
    BudgetRemaining,
    BurnRate,
    Condition,
    HoldReleases,
    LabelRequirement,
    Mode,
    Notify,
    Policy,
    Rule,
    RuleKey,
)
from holdfast.core.window import Rolling

from .objectives import IndicatorSpec, ObjectiveSpec
from .policies import LabelSelector, PolicySpec, RuleSpec, Then, When
from .problems import Invalid, Problem, problems
from .records import parse_hold

__all__ = ["parse_hold", "parse_objective", "parse_policy"]

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Identity:
    """Who an object is; a file may leave out what the server fills in."""

    key: ObjectKey
    uid: str
    generation: int
    labels: Mapping[str, str]


def parse_objective(body: Mapping[str, object]) -> Objective:
    """The objective of a ServiceLevelObjective; raises Invalid."""
    identity, spec = _read(body, ObjectiveSpec)
    return Objective(
        key=identity.key,
        uid=identity.uid,
        generation=identity.generation,
        target=spec.target / 100,
        window=Rolling(spec.window.rolling),
        indicator=_indicator(spec.indicator),
        workloads=tuple(Workload(identity.key.namespace, w.kind, w.name) for w in spec.workloads),
        source=spec.source,
        stale_after=spec.evidence.stale_after,
        min_events=spec.evidence.min_events,
        labels=identity.labels,
    )


def parse_policy(body: Mapping[str, object]) -> Policy:
    """The policy of an ErrorBudgetPolicy; raises Invalid."""
    identity, spec = _read(body, PolicySpec)
    return Policy(
        key=identity.key,
        uid=identity.uid,
        generation=identity.generation,
        selector=_requirements(spec.objective_selector),
        rules=tuple(_rule(identity.key.name, rule, spec.mode) for rule in spec.rules),
    )


def _read(body: Mapping[str, object], model: type[Model]) -> tuple[_Identity, Model]:
    """Who the object is and what it says; raises Invalid with everything that is wrong with either."""
    metadata = body.get("metadata")
    identity = _identity(metadata if isinstance(metadata, Mapping) else {})
    found: tuple[Problem, ...] = ()
    if not identity.key.name:
        found += (Problem("metadata.name", "the object has no name; give it one"),)
    spec = body.get("spec")
    try:
        value = model.model_validate({} if spec is None else spec)
    except ValidationError as error:
        raise Invalid(found + problems(error, "spec")) from None
    if found:
        raise Invalid(found)
    return identity, value


def _identity(metadata: Mapping[str, object]) -> _Identity:
    name, namespace, uid, generation, labels = (
        metadata.get(key) for key in ("name", "namespace", "uid", "generation", "labels")
    )
    return _Identity(
        ObjectKey(
            namespace if isinstance(namespace, str) and namespace else "default", name if isinstance(name, str) else ""
        ),
        uid if isinstance(uid, str) else "",
        generation if isinstance(generation, int) else 0,
        {k: v for k, v in labels.items() if isinstance(k, str) and isinstance(v, str)}
        if isinstance(labels, Mapping)
        else {},
    )


def _indicator(spec: IndicatorSpec) -> Indicator:
    if spec.latency is not None:
        return Latency(spec.latency.histogram, spec.latency.threshold)
    assert spec.ratio is not None  # noqa: S101 - the model has exactly one of them
    if spec.ratio.bad is not None:
        return BadOverTotal(spec.ratio.bad, spec.ratio.total)
    assert spec.ratio.good is not None  # noqa: S101 - the model has exactly one of them
    return GoodOverTotal(spec.ratio.good, spec.ratio.total)


def _requirements(selector: LabelSelector | None) -> tuple[LabelRequirement, ...]:
    if selector is None:
        return ()
    equal = (LabelRequirement(key, "In", (value,)) for key, value in sorted((selector.match_labels or {}).items()))
    others = (LabelRequirement(r.key, r.operator, tuple(r.values or ())) for r in selector.match_expressions or ())
    return (*equal, *others)


def _rule(policy: str, spec: RuleSpec, mode: str) -> Rule:
    return Rule(RuleKey(policy, spec.name), Mode(spec.mode or mode), _condition(spec.when), _action(spec.then))


def _condition(when: When) -> Condition:
    if when.budget_remaining is not None:
        return BudgetRemaining(when.budget_remaining.below / 100)
    assert when.burn_rate is not None  # noqa: S101 - the model has exactly one of them
    return BurnRate(when.burn_rate.above, when.burn_rate.over)


def _action(then: Then) -> Action:
    if then.action == "Notify":
        return Notify()
    return HoldReleases(None if then.until is None else then.until.above / 100, then.at_most)
