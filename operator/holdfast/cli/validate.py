"""`holdfast validate -f FILE`: what the API server would refuse, and what it cannot see, before anything is applied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from holdfast.api import findings
from holdfast.core.objective import Objective
from holdfast.core.quantities import Seconds
from holdfast.prometheus.probe import Found

from .files import Checked, files_option, read_files
from .live import look
from .source import Asked, Unanswered, source_options


@click.command(short_help="Check objectives and policies in files.")
@files_option
@click.option("--interval", default=15, show_default=True, help="How often the operator measures, in seconds.")
@click.option("--live", is_flag=True, help="Also ask the metrics source what it has of each objective.")
@source_options
def validate(files: tuple[str, ...], interval: int, live: bool, asked: Asked) -> None:
    """Check objectives, policies and adjustments without a cluster. Ends with 1 when something is wrong, warnings aside.

    With --live the metrics source is asked about each objective: how many series match, how far back they go, and how
    it stands at present. Ends with 3 when it does not answer.
    """
    if asked.given and not live:
        raise click.UsageError("--source-url, --config and --source say where to look; add --live to look")
    sources = asked.sources() if live else None
    checked = read_files(files)
    seen = look([objective for _, objective in checked.objectives], sources) if sources is not None else {}
    warnings = wrong = 0
    for path, objective in checked.objectives:
        found = seen.get(objective.key, Found())
        wrong += bool(found.faults)
        _objective(path, objective, found)
        for warning in (*_warnings(checked, objective, interval), *found.warnings):
            click.echo(f"  warning: {warning}")
            warnings += 1
    for path, policy in checked.policies:
        click.echo(f"{path}: ErrorBudgetPolicy {policy.key}: ok")
    for path, adjustment in checked.adjustments:
        click.echo(f"{path}: BudgetAdjustment {adjustment.key}: ok")
    for error in checked.errors:
        click.secho(error, fg="red", err=True)
    good = len(checked.objectives) + len(checked.policies) + len(checked.adjustments) - wrong
    skipped = f", {checked.skipped} of other kinds skipped" if checked.skipped else ""
    click.echo(
        f"{good} ok, {len(checked.errors) + wrong} wrong, {warnings} {'warning' if warnings == 1 else 'warnings'}{skipped}"
    )
    if checked.errors or any(found.faults and not found.unanswered for found in seen.values()):
        raise SystemExit(1)
    if wrong:
        raise SystemExit(Unanswered.exit_code)


def _objective(path: Path, objective: Objective, found: Found) -> None:
    said = f"{path}: ServiceLevelObjective {objective.key}: "
    for fault in found.faults:
        click.secho(f"{said}{fault}", fg="red", err=True)
    if not found.faults:
        click.echo(said + (f"ok, {found.matches}" if found.matches else "ok"))


def _warnings(checked: Checked, objective: Objective, interval: Seconds) -> Iterator[str]:
    """What does not fit, seen from the files alone."""
    for finding in findings(objective, [policy for _, policy in checked.policies], interval):
        yield finding.sentence
