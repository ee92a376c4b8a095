"""Everything people wrote, as core values, at one moment: parsed once per change, never half.

What cannot be read is listed as unreadable and nothing is concluded from it: not that it is gone, not what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from holdfast.api import Invalid, parse_adjustment, parse_hold, parse_objective, parse_policy
from holdfast.core.adjustment import Adjustment
from holdfast.core.hold import HoldRecord
from holdfast.core.objective import Objective, ObjectKey, Workload
from holdfast.core.policy import Policy, Rule, compared
from holdfast.core.quantities import Seconds

SHOWN: Final[tuple[Seconds, ...]] = (300, 3_600, 21_600, 86_400, 259_200)
"""The windows whose burn rate every status shows, as far as they fit into the objective's own."""

Body = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """Objectives, policies, adjustments and holds by their keys; `invalid_*` are those that make no sense, and why."""

    objectives: Mapping[ObjectKey, Objective] = field(default_factory=dict)
    policies: Mapping[ObjectKey, Policy] = field(default_factory=dict)
    holds: Mapping[Workload, HoldRecord] = field(default_factory=dict)
    invalid_objectives: Mapping[ObjectKey, Invalid] = field(default_factory=dict)
    invalid_policies: Mapping[ObjectKey, Invalid] = field(default_factory=dict)
    adjustments: Mapping[ObjectKey, Adjustment] = field(default_factory=dict)
    invalid_adjustments: Mapping[ObjectKey, Invalid] = field(default_factory=dict)

    @property
    def unreadable(self) -> frozenset[ObjectKey]:
        """Objectives and policies that exist but make no sense."""
        return frozenset(self.invalid_objectives) | frozenset(self.invalid_policies)

    def policies_of(self, objective: Objective) -> tuple[Policy, ...]:
        """The policies this objective is under."""
        covering = (p for p in self.policies.values() if p.covers(objective.key.namespace, objective.labels))
        return tuple(sorted(covering, key=lambda p: p.key))

    def rules_of(self, objective: Objective) -> tuple[Rule, ...]:
        """The rules of those policies."""
        return tuple(rule for policy in self.policies_of(objective) for rule in policy.rules)

    def adjustments_of(self, objective: Objective) -> tuple[Adjustment, ...]:
        """What does not count against this objective."""
        covering = (a for a in self.adjustments.values() if a.covers(objective.key.namespace, objective.labels))
        return tuple(sorted(covering, key=lambda a: a.key))

    def by_workload(self) -> dict[Workload, tuple[Objective, ...]]:
        """Every workload that has an objective or a hold, with its objectives."""
        found: dict[Workload, tuple[Objective, ...]] = dict.fromkeys(self.holds, ())
        for objective in self.objectives.values():
            for workload in objective.workloads:
                found[workload] = (*found.get(workload, ()), objective)
        return found


def windows_of(objective: Objective, rules: Iterable[Rule], interval: Seconds) -> tuple[Seconds, ...]:
    """Every window whose burn rate is needed: those that are shown, and those that the rules compare."""
    shown = {w for w in SHOWN if w < objective.window.longest}
    return tuple(sorted(shown | compared(rules, objective, interval)))


class Reader:
    """Parses objects, and remembers what it parsed by uid and generation (holds: by resource version)."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._parsed: dict[tuple[str, str], object] = {}
        self._adjustments: dict[ObjectKey, Adjustment] = {}

    def read(
        self,
        objectives: Iterable[Body],
        policies: Iterable[Body],
        holds: Iterable[Body],
        adjustments: Iterable[Body] = (),
    ) -> World:
        """The world that these objects describe."""
        before, self._parsed = self._parsed, {}
        good_objectives, bad_objectives = self._all(objectives, parse_objective, before)
        good_policies, bad_policies = self._all(policies, parse_policy, before)
        good_adjustments, bad_adjustments = self._all(adjustments, parse_adjustment, before)
        # an edit that makes no sense changes no budget: what it said before stays in force, and its status says so
        last_good = {key: found for key, found in self._adjustments.items() if key in bad_adjustments}
        self._adjustments = last_good | good_adjustments
        read_holds = (self._one(body, parse_hold, before, "resourceVersion") for body in holds)
        return World(
            good_objectives,
            good_policies,
            {hold.workload: hold for hold in read_holds if isinstance(hold, HoldRecord)},
            bad_objectives,
            bad_policies,
            self._adjustments,
            bad_adjustments,
        )

    def _all(
        self, bodies: Iterable[Body], parse: Callable[[Body], T], before: Mapping[tuple[str, str], object]
    ) -> tuple[dict[ObjectKey, T], dict[ObjectKey, Invalid]]:
        good: dict[ObjectKey, T] = {}
        bad: dict[ObjectKey, Invalid] = {}
        for body in bodies:
            key, value = key_of(body), self._one(body, parse, before, "generation")
            if isinstance(value, Invalid):
                bad[key] = value
            else:
                good[key] = value
        return good, bad

    def _one(
        self, body: Body, parse: Callable[[Body], T], before: Mapping[tuple[str, str], object], version: str
    ) -> T | Invalid:
        meta = body["metadata"]
        # labels are no part of the generation, and policies select by them
        mark = meta["uid"], f"{meta.get(version)} {sorted((meta.get('labels') or {}).items())}"
        value: Any = before.get(mark)
        if value is None:
            try:
                value = parse(body)
            except Invalid as error:
                value = error
        self._parsed[mark] = value
        return value  # type: ignore[no-any-return] # what parse gave, or what it gave for the same version before


def key_of(body: Body) -> ObjectKey:
    """Where an object lives."""
    return ObjectKey(body["metadata"]["namespace"], body["metadata"]["name"])
