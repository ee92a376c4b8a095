"""`holdfast validate -f FILE`: what the API server would refuse, and what it cannot see, before anything is applied."""

from __future__ import annotations

import click

from holdfast.api import findings

from .files import files_option, read_files


@click.command()
@files_option
@click.option("--interval", default=15, show_default=True, help="How often the operator measures, in seconds.")
def validate(files: tuple[str, ...], interval: int) -> None:
    """Check objectives, policies and adjustments without a cluster. Ends with 1 when something is wrong, warnings aside."""
    checked = read_files(files)
    policies = [policy for _, policy in checked.policies]
    warnings = 0
    for path, objective in checked.objectives:
        click.echo(f"{path}: ServiceLevelObjective {objective.key}: ok")
        for finding in findings(objective, policies, interval):
            click.echo(f"  warning: {finding.sentence}")
            warnings += 1
    for path, policy in checked.policies:
        click.echo(f"{path}: ErrorBudgetPolicy {policy.key}: ok")
    for path, adjustment in checked.adjustments:
        click.echo(f"{path}: BudgetAdjustment {adjustment.key}: ok")
    for error in checked.errors:
        click.secho(error, fg="red", err=True)
    good = len(checked.objectives) + len(checked.policies) + len(checked.adjustments)
    skipped = f", {checked.skipped} of other kinds skipped" if checked.skipped else ""
    click.echo(f"{good} ok, {len(checked.errors)} wrong, {warnings} warnings{skipped}")
    if checked.errors:
        raise SystemExit(1)
