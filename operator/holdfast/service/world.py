"""Everything people wrote, as core values, at one moment: parsed once per change, never half.

What cannot be read is listed as unreadable and nothing is concluded from it: not that it is gone, not what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Final, TypeVar

from holdfast.api import Invalid, parse_adjustment, parse_hold, parse_objective, parse_policy
from holdfast.core.adjustment import Adjustment
from holdfast.core.hold import HoldRecord
from holdfast.core.objective import Composite, Objective, ObjectKey, Workload
from holdfast.core.policy import Policy, Rule, compared
from holdfast.core.quantities import Seconds

SHOWN: Final[tuple[Seconds, ...]] = (300, 3_600, 21_600, 86_400, 259_200)
"""The windows whose burn rate every status shows, as far as they fit into the objective's own."""

Body = Mapping[str, Any]
T = TypeVar("T")
Cover = TypeVar("Cover", Policy, Adjustment)
Kept = TypeVar("Kept", Objective, Policy, Adjustment)


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
        return _covering(self._policies, objective)

    def rules_of(self, objective: Objective) -> tuple[Rule, ...]:
        """The rules of those policies."""
        found = self._rules.get(objective.key)
        if found is None:
            found = tuple(rule for policy in self.policies_of(objective) for rule in policy.rules)
            self._rules[objective.key] = found
        return found

    def windows_of(self, objective: Objective, interval: Seconds) -> tuple[Seconds, ...]:
        """The windows whose burn rates are asked for."""
        found = self._windows.get(objective.key)
        if found is None:
            parts = objective.indicator.parts if isinstance(objective.indicator, Composite) else ()
            of_parts = (self.objectives[part.key] for part in parts if part.key in self.objectives)
            grain = max(
                (part.grain(interval) for part in of_parts), default=interval
            )  # a composite counts as its parts do
            found = self._windows[objective.key] = windows_of(objective, self.rules_of(objective), grain)
        return found

    def adjustments_of(self, objective: Objective) -> tuple[Adjustment, ...]:
        """What does not count against this objective."""
        return _covering(self._adjustments, objective)

    def covered_by(self, one: Policy | Adjustment) -> tuple[Objective, ...]:
        """The objectives that a policy or an adjustment is for."""
        near = self._objectives.get(one.key.namespace, ())
        return tuple(o for o in near if one.covers(o.key.namespace, o.labels))

    def within(self, workload: Workload) -> Seconds | None:
        """For how long a release of this workload is judged after it is complete; None when no rule asks about releases."""
        return self._followed.get(workload)

    def by_workload(self) -> Mapping[Workload, tuple[Objective, ...]]:
        """Every workload that has an objective or a hold, with its objectives."""
        return self._by_workload

    @cached_property
    def _policies(self) -> Mapping[str, list[Policy]]:
        return _by_namespace(self.policies.values())

    @cached_property
    def _adjustments(self) -> Mapping[str, list[Adjustment]]:
        return _by_namespace(self.adjustments.values())

    @cached_property
    def _objectives(self) -> Mapping[str, list[Objective]]:
        return _by_namespace(self.objectives.values())

    @cached_property
    def _rules(self) -> dict[ObjectKey, tuple[Rule, ...]]:
        return {}

    @cached_property
    def _windows(self) -> dict[ObjectKey, tuple[Seconds, ...]]:
        return {}

    @cached_property
    def _followed(self) -> Mapping[Workload, Seconds]:
        found: dict[Workload, Seconds] = {}
        for workload, objectives in self._by_workload.items():
            longest = [r.on_trial for o in objectives for r in self.rules_of(o) if r.on_releases]
            if longest:
                found[workload] = max(longest)
        return found

    @cached_property
    def _by_workload(self) -> Mapping[Workload, tuple[Objective, ...]]:
        found: dict[Workload, tuple[Objective, ...]] = dict.fromkeys(self.holds, ())
        for objective in self.objectives.values():
            for workload in objective.workloads:
                found[workload] = (*found.get(workload, ()), objective)
        return found


def windows_of(objective: Objective, rules: Iterable[Rule], interval: Seconds) -> tuple[Seconds, ...]:
    """Every window whose burn rate is needed: those that are shown, and those that the rules compare."""
    shown = {w for w in SHOWN if w < objective.window.longest}
    return tuple(sorted(shown | compared(rules, objective, interval)))


def _by_namespace(values: Iterable[Kept]) -> dict[str, list[Kept]]:
    found: dict[str, list[Kept]] = {}
    for value in values:
        found.setdefault(value.key.namespace, []).append(value)
    return found


def _covering(by_namespace: Mapping[str, list[Cover]], objective: Objective) -> tuple[Cover, ...]:
    """Those of its namespace that select it, in order."""
    near = by_namespace.get(objective.key.namespace, ())
    found = (each for each in near if each.covers(objective.key.namespace, objective.labels))
    return tuple(sorted(found, key=lambda each: each.key))


class Reader:
    """Parses objects, and remembers what it parsed by uid and generation (holds: by resource version).

    While nothing of it changes the world is the same value, so that what follows from it need not be worked out again.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._parsed: dict[str, tuple[Body, object]] = {}
        self._adjustments: dict[ObjectKey, Adjustment] = {}
        self._world = World()

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
        world = World(
            good_objectives,
            good_policies,
            {hold.workload: hold for hold in read_holds if isinstance(hold, HoldRecord)},
            bad_objectives,
            bad_policies,
            self._adjustments,
            bad_adjustments,
        )
        if not _same(world, self._world):
            self._world = world
        return self._world

    def _all(
        self, bodies: Iterable[Body], parse: Callable[[Body], Kept], before: Mapping[str, tuple[Body, object]]
    ) -> tuple[dict[ObjectKey, Kept], dict[ObjectKey, Invalid]]:
        good: dict[ObjectKey, Kept] = {}
        bad: dict[ObjectKey, Invalid] = {}
        for body in bodies:
            value = self._one(body, parse, before, "generation")
            if isinstance(value, Invalid):
                bad[key_of(body)] = value
            else:
                good[value.key] = value
        return good, bad

    def _one(
        self, body: Body, parse: Callable[[Body], T], before: Mapping[str, tuple[Body, object]], version: str
    ) -> T | Invalid:
        uid = body["metadata"]["uid"]
        known = before.get(uid)
        value: Any = known[1] if known is not None and _says_the_same(known[0], body, version) else None
        if value is None:
            try:
                value = parse(body)
            except Invalid as error:
                value = error
        self._parsed[uid] = body, value
        return value  # type: ignore[no-any-return] # what parse gave, or what it gave for the same version before


def _says_the_same(one: Body, other: Body, version: str) -> bool:
    """Labels are no part of the generation, and policies select by them."""
    was, now = one["metadata"], other["metadata"]
    return one is other or (was.get(version) == now.get(version) and was.get("labels") == now.get("labels"))


def _same(one: World, other: World) -> bool:
    """Whether every value is the very same; equal ones that were read anew count as news."""
    return all(
        len(ours := getattr(one, f.name)) == len(theirs := getattr(other, f.name))
        and all(theirs.get(key) is value for key, value in ours.items())
        for f in fields(World)
    )


def key_of(body: Body) -> ObjectKey:
    """Where an object lives."""
    return ObjectKey(body["metadata"]["namespace"], body["metadata"]["name"])
