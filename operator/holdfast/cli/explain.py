"""`holdfast explain slo/NAME` and `holdfast explain KIND/NAME`: the figures behind a verdict, rule by rule, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from holdfast.api import Invalid, parse_objective
from holdfast.api.conditions import ConditionType
from holdfast.cluster.client import Client
from holdfast.cluster.errors import ClusterError, NotFound
from holdfast.cluster.resources import HOLDS, OBJECTIVES, POLICIES, RELEASES, WORKLOADS
from holdfast.core.explain import explain_measured, explain_rule
from holdfast.core.explain_release import called, explain_release
from holdfast.core.hold import HoldRecord
from holdfast.core.keeping import last_good, present
from holdfast.core.objective import Objective, Workload
from holdfast.core.policy import Policy, RuleKey
from holdfast.core.quantities import parse_instant, spell_instant
from holdfast.core.release import ReleaseRecord, ReleaseState

from .explain_reading import findings_of, holds_of, measured_of, policies_of, releases_of
from .talking import context_option, kubeconfig_option, with_client
from .undo import KINDS

DOUBTS = (ConditionType.EXACT, ConditionType.PLAUSIBLE, ConditionType.ATTRIBUTABLE)
SHORT = ("slo", "hslo", "servicelevelobjective", "servicelevelobjectives")

MOVING = (ReleaseState.QUEUED, ReleaseState.ROLLING_OUT, ReleaseState.ROLLED_BACK)
"""States of a release that explain something about an objective."""

Releases = Mapping[Workload, tuple[ReleaseRecord, ...]]


@click.command(short_help="Why an objective or a workload has its verdict.")
@click.argument("what", metavar="slo/NAME|KIND/NAME")
@click.option("-n", "--namespace", help="The namespace; otherwise the one of the context.")
@kubeconfig_option
@context_option
def explain(what: str, namespace: str | None, kubeconfig: Path | None, context: str | None) -> None:
    """Say why an objective has its verdict: its figures, every rule that covers it, and what is held. Or, of a workload
    (deployment/NAME, statefulset/NAME, daemonset/NAME): its hold, its release, and the rules that judge it.
    """
    kind, slash, name = what.partition("/")
    workload_kind = next((known for known, spelled in KINDS.items() if slash and kind.lower() in spelled), None)
    if slash and workload_kind is None and kind.lower() not in SHORT:
        raise click.UsageError(f"there is nothing to explain about a {kind}; give slo/NAME or deployment/NAME")

    async def work(client: Client, default: str) -> list[str]:
        here = namespace or default
        if workload_kind is not None:
            return await _explain_workload(client, Workload(here, workload_kind, name))
        return await _explain(client, here, name or what)

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
    policies = policies_of(await client.everything(POLICIES, namespace), objective)
    holds = holds_of(await client.everything(HOLDS, namespace), objective.workloads)
    bodies = await client.everything(RELEASES, namespace)
    releases = {workload: releases_of(bodies, workload) for workload in objective.workloads}
    return list(_lines(objective, body.get("status") or {}, policies, holds, releases))


async def _explain_workload(client: Client, workload: Workload) -> list[str]:
    namespace = workload.namespace
    try:
        await client.get(WORKLOADS[workload.kind], namespace, workload.name)
    except NotFound as error:
        raise ClusterError(f"There is no {workload.kind} {workload.name} in namespace {namespace}.") from error
    hold = holds_of(await client.everything(HOLDS, namespace), (workload,)).get(workload)
    releases = releases_of(await client.everything(RELEASES, namespace), workload)
    lines = [*of_hold(str(workload), hold), "Release", *(f"  {line}" for line in of_releases(releases, hold))]
    policies = await client.everything(POLICIES, namespace)
    for body in await client.everything(OBJECTIVES, namespace):
        try:
            objective = parse_objective(body)
        except Invalid:
            continue
        if workload in objective.workloads:
            status = body.get("status") or {}
            lines.append(f"Rules on {objective.key}: {_verdict(status)}")
            covering = policies_of(policies, objective)
            lines += _rules(objective, status, covering, present(releases))
    if not any(line.startswith("Rules on") for line in lines):
        lines.append("No ServiceLevelObjective names it, so nothing about it is judged.")
    return lines


def _lines(
    objective: Objective,
    status: dict[str, Any],
    policies: list[Policy],
    holds: Mapping[Workload, HoldRecord],
    releases: Releases,
) -> Iterator[str]:
    yield f"{objective.key}: {_verdict(status)}"
    measured = measured_of(objective, status)
    if measured is None:
        yield "  Holdfast has not measured this objective yet. Is the operator running?"
    else:
        yield from (f"  {line}" for line in (*explain_measured(measured), *beside(status)))
    yield "Rules"
    only = present(releases[objective.workloads[0]]) if len(objective.workloads) == 1 else None
    yield from _rules(objective, status, policies, only)
    yield "Workloads"
    for workload in objective.workloads:
        hold, declared = holds.get(workload), present(releases[workload])
        yield from (f"  {line}" for line in of_hold(str(workload), hold))
        if (declared is not None and declared.state in MOVING) or (hold is not None and hold.undo is not None):
            yield from (f"    {line}" for line in of_releases(releases[workload], hold))
    if not objective.workloads:
        yield "  It names none, so nothing can be held."


def _verdict(status: dict[str, Any]) -> str:
    return (status.get("summary") or {}).get("verdict") or "Unknown"


def _rules(
    objective: Objective, status: dict[str, Any], policies: list[Policy], release: ReleaseRecord | None
) -> Iterator[str]:
    """Every rule on an objective, and how it stands; `release` is the one that rules on releases are about."""
    measured = measured_of(objective, status)
    rules = [rule for policy in policies for rule in policy.rules]
    found = findings_of(measured, status, rules, release) if measured is not None else {}
    for rule in rules:
        finding, mode = found.get(rule.key, (None, rule.mode))
        yield f"  {explain_rule(rule, finding, enforcing=mode is rule.mode)}{_when(status, rule.key)}"
    if not rules:
        yield "  No policy covers this objective: it is measured only."


def of_releases(releases: tuple[ReleaseRecord, ...], hold: HoldRecord | None) -> Iterator[str]:
    """What is declared, and what could serve instead. That it is undone is in the sentence of its hold."""
    declared = present(releases)
    yield from explain_release(declared) if declared is not None else ("No release of it is on record yet.",)
    good = last_good(releases, [q.template.digest for q in hold.quarantined] if hold is not None else ())
    if good is not None:
        yield f"The last good release is {called(good)}, of {spell_instant(good.began)}."


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


def of_hold(name: str, hold: HoldRecord | None) -> Iterator[str]:
    """Whether a workload is free, held, or kept from rolling out a release that was undone; why, and what serves."""
    if hold is None:
        yield f"{name} is free."
        return
    what = "is held" if hold.denies else "does not roll out what it declares"
    yield f"{name} {what} since {spell_instant(hold.since)} ({hold.id}, {hold.state.value}): {hold.message}"
    if hold.serving is not None and hold.serving != hold.declared:
        yield f"  declared {', '.join(hold.declared.images)}; serving {', '.join(hold.serving.images)}"
    if hold.paused is not None:
        yield "  Holdfast paused its rollout, and resumes it at the lift."
