"""`holdfast explain slo/NAME`: the figures behind a verdict, rule by rule, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from holdfast.api import Invalid, parse_hold, parse_objective, parse_policy
from holdfast.api.conditions import ConditionType
from holdfast.cluster.client import Client
from holdfast.cluster.errors import ClusterError, NotFound
from holdfast.cluster.resources import HOLDS, OBJECTIVES, POLICIES, Body
from holdfast.core.budget import Budget, Burn, Measured
from holdfast.core.evidence import Evidence, Fresh, Missing, Why
from holdfast.core.explain import explain_measured, explain_rule
from holdfast.core.hold import CauseKey, HoldRecord, Reason
from holdfast.core.judge import Finding
from holdfast.core.objective import Objective
from holdfast.core.policy import Mode, Policy, Rule, RuleKey, Verdict
from holdfast.core.quantities import Share, parse_decimal, parse_duration, parse_instant, parse_percent, spell_instant
from holdfast.core.window import Rolling, Window

from .talking import context_option, kubeconfig_option, with_client

DOUBTS = (ConditionType.EXACT, ConditionType.PLAUSIBLE, ConditionType.ATTRIBUTABLE)
SHORT = ("slo/", "hslo/", "servicelevelobjective/", "servicelevelobjectives/")


@click.command(short_help="Why an objective has its verdict.")
@click.argument("objective", metavar="slo/NAME")
@click.option("-n", "--namespace", help="The namespace; otherwise the one of the context.")
@kubeconfig_option
@context_option
def explain(objective: str, namespace: str | None, kubeconfig: Path | None, context: str | None) -> None:
    """Say why an objective has its verdict: its figures, every rule that covers it, and what is held."""
    name = next((objective.removeprefix(p) for p in SHORT if objective.startswith(p)), objective)

    async def work(client: Client, default: str) -> list[str]:
        return await _explain(client, namespace or default, name)

    for line in with_client(kubeconfig, context, work):
        click.echo(line)


async def _explain(client: Client, namespace: str, name: str) -> list[str]:
    try:
        body = await client.get(OBJECTIVES, namespace, name)
    except NotFound as error:
        raise ClusterError(f"There is no ServiceLevelObjective {name} in namespace {namespace}.") from error
    try:
        objective = parse_objective(body)
    except Invalid as error:
        return [f"{namespace}/{name} cannot be used:", *(f"  {problem}" for problem in error.errors)]
    policies = _policies(await client.everything(POLICIES, namespace), objective)
    holds = _holds(await client.everything(HOLDS, namespace), objective)
    return list(_lines(objective, body.get("status") or {}, policies, holds))


def _lines(
    objective: Objective, status: dict[str, Any], policies: list[Policy], holds: list[HoldRecord]
) -> Iterator[str]:
    verdict = (status.get("summary") or {}).get("verdict") or "Unknown"
    yield f"{objective.key}: {verdict}"
    measured = measured_of(objective, status)
    if measured is None:
        yield "  Holdfast has not measured this objective yet. Is the operator running?"
    else:
        yield from (f"  {line}" for line in (*explain_measured(measured), *beside(status)))
    yield "Rules"
    rules = [rule for policy in policies for rule in policy.rules]
    found = _findings(measured, status, rules) if measured is not None else {}
    for rule in rules:
        finding, mode = found.get(rule.key, (None, rule.mode))
        yield f"  {explain_rule(rule, finding, enforcing=mode is rule.mode)}{_when(status, rule.key)}"
    if not rules:
        yield "  No policy covers this objective: it is measured only."
    yield "Workloads"
    held = {hold.workload: hold for hold in holds if hold.in_force}
    for workload in objective.workloads:
        yield from (f"  {line}" for line in _workload(str(workload), held.get(workload)))
    if not objective.workloads:
        yield "  It names none, so nothing can be held."


def beside(status: dict[str, Any]) -> Iterator[str]:
    """What is said beside the figures: how long they last, what was adjusted, and what is odd about them."""
    lasts = (status.get("budget") or {}).get("exhaustsIn")
    if lasts is not None:
        yield f"At the pace of the last hour the budget is empty in {lasts}."
    for effect in status.get("adjustments") or ():
        yield _adjustment(effect)
    for condition in status.get("conditions") or ():
        if condition["type"] in DOUBTS and condition["status"] == "False":
            yield f"{condition['type']} is False ({condition['reason']}): {condition['message']}"


def _adjustment(effect: dict[str, Any]) -> str:
    name, bad, total = effect["name"], effect["badEvents"], effect["totalEvents"]
    if effect.get("reset") is not None:
        return f"BudgetAdjustment {name} forgives {bad} bad events from before {_time(effect['reset'])}."
    spans = effect.get("excluded") or ()
    last = f", the last from {_time(spans[-1]['from'])} to {_time(spans[-1]['to'])}" if spans else ""
    coarse = (
        " Where an edge is known in steps of minutes or hours only, less is taken out." if effect.get("coarse") else ""
    )
    times = "1 stretch of time" if len(spans) == 1 else f"{len(spans)} stretches of time"
    return f"BudgetAdjustment {name} takes out {times}{last}: {total} events, {bad} of them bad.{coarse}"


def _time(text: str) -> str:
    return spell_instant(parse_instant(text))


def _when(status: dict[str, Any], key: RuleKey) -> str:
    """When a rule in force ends if nothing more fails, where the ledger knows."""
    found = (f for f in status.get("findings") or () if (f["policy"], f["rule"]) == (key.policy, key.rule))
    clears = next((f["clearsAt"] for f in found if f.get("clearsAt")), None)
    return f" If nothing more fails, that is on {_time(clears)}." if clears is not None else ""


def _workload(name: str, hold: HoldRecord | None) -> Iterator[str]:
    if hold is None:
        yield f"{name} is free."
        return
    yield f"{name} is held since {spell_instant(hold.since)} ({hold.id}, {hold.state.value}): {hold.message}"
    if hold.serving is not None and hold.serving != hold.declared:
        yield f"  declared {', '.join(hold.declared.images)}; serving {', '.join(hold.serving.images)}"
    if hold.paused is not None:
        yield "  Holdfast paused its rollout, and resumes it at the lift."


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


def _findings(measured: Measured, status: dict[str, Any], rules: list[Rule]) -> dict[RuleKey, tuple[Finding, Mode]]:
    """The rules that the operator found in force, and how it took them: all as Audit while it is switched off."""
    by_key = {rule.key: rule for rule in rules}
    found = {}
    for said in status.get("findings") or ():
        key = RuleKey(said["policy"], said["rule"])
        if key in by_key:
            cause, verdict = CauseKey(key, measured.objective.key), Verdict.of(said["verdict"])
            finding = Finding(cause, by_key[key], measured, verdict, Reason(said["reason"]), said.get("demoted"))
            found[key] = finding, Mode(said["mode"])
    return found


def _evidence(status: dict[str, Any], evidence: dict[str, Any]) -> Evidence:
    if evidence["state"] == "Fresh":
        return Fresh(parse_instant(status["measuredAt"]))
    return Missing(Why(evidence["reason"]), parse_instant(evidence["since"]), evidence.get("message", ""))


def _policies(bodies: tuple[Body, ...], objective: Objective) -> list[Policy]:
    found = []
    for body in bodies:
        try:
            policy = parse_policy(body)
        except Invalid:
            continue
        if policy.covers(objective.key.namespace, objective.labels):
            found.append(policy)
    return sorted(found, key=lambda p: p.key)


def _holds(bodies: tuple[Body, ...], objective: Objective) -> list[HoldRecord]:
    found = []
    for body in bodies:
        try:
            hold = parse_hold(body)
        except Invalid:
            continue
        if hold is not None and hold.workload in objective.workloads:
            found.append(hold)
    return found
