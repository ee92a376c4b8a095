"""What an explanation is made of: figures, findings, policies, holds and releases, read back from the objects."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from holdfast.api import Invalid, parse_hold, parse_policy, parse_release
from holdfast.cluster.resources import Body
from holdfast.core.budget import Budget, Burn, Measured
from holdfast.core.evidence import Evidence, Fresh, Missing, Why
from holdfast.core.hold import CauseKey, HoldRecord, Reason
from holdfast.core.judge import Finding
from holdfast.core.objective import Objective, Workload
from holdfast.core.policy import Mode, Policy, Rule, RuleKey, Verdict
from holdfast.core.quantities import Share, parse_decimal, parse_duration, parse_instant, parse_percent
from holdfast.core.release import ReleaseRecord
from holdfast.core.trial import Trial
from holdfast.core.window import Rolling, Window


def measured_of(objective: Objective, status: dict[str, Any]) -> Measured | None:
    """The figures of a status, as far as it has them."""
    budget, evidence = status.get("budget"), status.get("evidence")
    if evidence is None:
        return None
    figures = Budget(Fraction(0), Fraction(0), Fraction(0), Fraction(0))
    if budget is not None:
        figures = Budget(
            parse_decimal(budget["totalEvents"]),
            parse_decimal(budget["badEvents"]),
            parse_decimal(budget["allowedBadEvents"]),
            parse_percent(budget["coverage"]),
            _passed(objective.window, status),
        )
    burns = {
        parse_duration(b["window"]): Burn(parse_decimal(b["rate"]), figures.total)
        for b in status.get("burnRates") or ()
    }
    return Measured(objective, _evidence(status, evidence), figures, burns)


def _passed(window: Window, status: dict[str, Any]) -> Share:
    """How much of a calendar period had passed at the newest figures; of a rolling window all has."""
    if isinstance(window, Rolling) or not status.get("measuredAt"):
        return Share(1)
    at = parse_instant(status["measuredAt"])
    span = window.span(at)
    return Share(at - span.begin) / Share(span.length)


def findings_of(
    measured: Measured, status: dict[str, Any], rules: list[Rule], release: ReleaseRecord | None
) -> dict[RuleKey, tuple[Finding, Mode]]:
    """The rules that the operator found in force, and how it took them: all as Audit while it is switched off. `release` is
    the one that rules on releases are about, where only one can be meant.
    """
    by_key = {rule.key: rule for rule in rules}
    found = {}
    for said in status.get("findings") or ():
        key = RuleKey(said["policy"], said["rule"])
        if key in by_key:
            cause, verdict = CauseKey(key, measured.objective.key), Verdict.of(said["verdict"])
            trial = Trial.of(release) if release is not None and by_key[key].on_releases else None
            finding = Finding(cause, by_key[key], measured, verdict, Reason(said["reason"]), said.get("demoted"), trial)
            found[key] = finding, Mode(said["mode"])
    return found


def _evidence(status: dict[str, Any], evidence: dict[str, Any]) -> Evidence:
    if evidence["state"] == "Fresh":
        return Fresh(parse_instant(status["measuredAt"]))
    return Missing(Why(evidence["reason"]), parse_instant(evidence["since"]), evidence.get("message", ""))


def policies_of(bodies: Iterable[Body], objective: Objective) -> list[Policy]:
    """The policies that cover an objective."""
    found = []
    for body in bodies:
        try:
            policy = parse_policy(body)
        except Invalid:
            continue
        if policy.covers(objective.key.namespace, objective.labels):
            found.append(policy)
    return sorted(found, key=lambda p: p.key)


def holds_of(bodies: Iterable[Body], workloads: tuple[Workload, ...]) -> dict[Workload, HoldRecord]:
    """The holds that are in force on these workloads."""
    found = {}
    for body in bodies:
        try:
            hold = parse_hold(body)
        except Invalid:
            continue
        if hold is not None and hold.in_force and hold.workload in workloads:
            found[hold.workload] = hold
    return found


def releases_of(bodies: Iterable[Body], workload: Workload) -> tuple[ReleaseRecord, ...]:
    """What is on record of the releases of a workload."""
    found = []
    for body in bodies:
        try:
            release = parse_release(body)
        except Invalid:
            continue
        if release is not None and release.workload == workload:
            found.append(release)
    return tuple(found)
