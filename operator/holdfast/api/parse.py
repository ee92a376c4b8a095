"""Objects of the cluster into core values.

Rule: total. Whatever the object holds, the answer is a value or `Invalid` with every reason; objects may be older than
our validation, or files that never saw a server.
"""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.core.adjustment import Adjustment, Change, OneOff, Recurring, Reset
from holdfast.core.objective import Objective, TimeSlices, Workload
from holdfast.core.policy import (
    Action,
    BudgetRemaining,
    BudgetSpent,
    BurnRate,
    Condition,
    HoldReleases,
    Mode,
    Notify,
    Policy,
    ReleaseSpends,
    ReleaseWorse,
    RollBack,
    Rule,
    RuleKey,
)
from holdfast.core.quantities import Span

from .adjustments import AdjustmentSpec
from .objectives import NOT_ITSELF, ObjectiveSpec, TimeSlicesSpec
from .policies import PolicySpec, ReleaseSpec, RuleSpec, Then, When
from .problems import Invalid, Problem
from .reading import read
from .records import parse_hold
from .selectors import requirements
from .windows import window_of
from .zones import UTC

__all__ = ["parse_adjustment", "parse_hold", "parse_objective", "parse_policy"]


def parse_objective(body: Mapping[str, object]) -> Objective:
    """The objective of a ServiceLevelObjective; raises Invalid."""
    identity, spec = read(body, ObjectiveSpec)
    if any(part.name == identity.key.name for part in spec.indicator.composite or ()):
        raise Invalid((Problem(NOT_ITSELF.at[1:], NOT_ITSELF.sentence),))
    return Objective(
        key=identity.key,
        uid=identity.uid,
        generation=identity.generation,
        target=spec.target / 100,
        window=window_of(spec.window),
        indicator=spec.indicator.value(identity.key.namespace),
        workloads=tuple(Workload(identity.key.namespace, w.kind, w.name) for w in spec.workloads),
        source=spec.source,
        stale_after=spec.evidence.stale_after,
        min_events=spec.evidence.min_events,
        slices=_slices(spec.time_slices),
        labels=identity.labels,
        pod_label=spec.attribution.pod_label,
    )


def parse_policy(body: Mapping[str, object]) -> Policy:
    """The policy of an ErrorBudgetPolicy; raises Invalid."""
    identity, spec = read(body, PolicySpec)
    return Policy(
        key=identity.key,
        uid=identity.uid,
        generation=identity.generation,
        selector=requirements(spec.objective_selector),
        rules=tuple(_rule(identity.key.name, rule, spec.mode) for rule in spec.rules),
    )


def parse_adjustment(body: Mapping[str, object]) -> Adjustment:
    """The adjustment of a BudgetAdjustment; raises Invalid."""
    identity, spec = read(body, AdjustmentSpec)
    return Adjustment(
        key=identity.key,
        uid=identity.uid,
        generation=identity.generation,
        selector=requirements(spec.objective_selector),
        change=_change(spec),
        reason=spec.reason,
        requested_by=spec.requested_by,
    )


def _slices(spec: TimeSlicesSpec | None) -> TimeSlices | None:
    return None if spec is None else TimeSlices(spec.slice, spec.good / 100)


def _rule(policy: str, spec: RuleSpec, mode: str) -> Rule:
    return Rule(RuleKey(policy, spec.name), Mode(spec.mode or mode), _condition(spec.when), _action(spec.then))


def _condition(when: When) -> Condition:
    if when.budget_remaining is not None:
        return BudgetRemaining(when.budget_remaining.below / 100)
    if when.budget_spent is not None:
        return BudgetSpent(when.budget_spent.above / 100, when.budget_spent.within)
    if when.release is not None:
        return _on_release(when.release)
    assert when.burn_rate is not None  # noqa: S101 - the model has exactly one of them
    return BurnRate(when.burn_rate.above, when.burn_rate.over)


def _on_release(spec: ReleaseSpec) -> Condition:
    if spec.spends is not None:
        return ReleaseSpends(spec.spends.above / 100)
    assert spec.worse_than_target is not None  # noqa: S101 - the model has exactly one of them
    return ReleaseWorse(spec.worse_than_target.confidence / 100)


def _action(then: Then) -> Action:
    if then.action == "Notify":
        return Notify()
    if then.action == "RollBack":
        return RollBack() if then.within is None else RollBack(then.within)
    return HoldReleases(None if then.until is None else then.until.above / 100, then.at_most)


def _change(spec: AdjustmentSpec) -> Change:
    if spec.reset is not None:
        return Reset(spec.reset.at)
    given = spec.exclude
    assert given is not None  # noqa: S101 - the model has exactly one of them
    if given.from_ is not None and given.to is not None:
        return OneOff(Span(given.from_, given.to))
    assert given.schedule and given.start and given.duration  # noqa: S101 - the model has one whole form
    return Recurring(given.schedule, given.start, given.time_zone or UTC, given.duration)
