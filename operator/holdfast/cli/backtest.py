"""`holdfast backtest`: how an objective would have stood in the past, and what a policy would have done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

import click

from holdfast.core.objective import Composite, ObjectKey
from holdfast.core.quantities import Seconds, parse_duration, parse_percent

from .files import Checked, files_option, read_files
from .looking_back import look_back
from .outcome import Outcome
from .source import Asked, Unanswered, source_options

STEPS: Final = (1, 5, 10, 15, 30, 60, 300, 600, 900, 1_800, 3_600)
"""Steps that are taken where none is given: the longest one that makes two dozen."""

MOST_MOMENTS: Final = 20_000


class Duration(click.ParamType[Seconds]):
    """A Prometheus duration, in seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Seconds:
        """Seconds of it, or a usage error that says how to write it."""
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Percent(click.ParamType[Fraction]):
    """A share, written as per cent."""

    name = "percent"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """The share, or a usage error that says how to write it."""
        try:
            return parse_percent(str(value).removesuffix("%"))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(short_help="What the past of an objective would have looked like.")
@files_option
@click.option("--policy", "policies", multiple=True, metavar="FILE", help="Policies to try; those in -f are tried too.")
@click.option("--since", type=Duration(), default="30d", show_default=True, help="How much of the past to walk over.")
@click.option("--step", type=Duration(), help="From one moment to the next. Default 1h, less where --since is short.")
@source_options
@click.option(
    "-o",
    "--output",
    type=click.Choice(("table", "plot", "csv", "json")),
    default="table",
    show_default=True,
    help="For people (table, plot) or for programs (csv, json: every moment).",
)
@click.option("--fail-below", type=Percent(), metavar="PERCENT", help="End with 1 when less was left at any time.")
def backtest(
    files: tuple[str, ...],
    policies: tuple[str, ...],
    since: Seconds,
    step: Seconds | None,
    asked: Asked,
    output: str,
    fail_below: Fraction | None,
) -> None:
    """Show how much of a budget was left over the past, from what the metrics source still has.

    With policies, in --policy or beside the objectives, their rules are walked over the same figures as if all of them
    were enforced: when each would have been in force, and when releases would have been held. What the source has no
    data of is shown as unmeasured, never as good.

    \b
    Ends with 0 when all is fine,
      1 when less than --fail-below was left at any time, or a rule would have held,
      2 when options or files are wrong,
      3 when the source could not answer, or had nothing.
    """  # noqa: D301 - click wants the character itself
    sources = asked.sources()
    step = step if step is not None else float(max(s for s in STEPS if s <= max(1, since / 24)))
    if since < step or since / step > MOST_MOMENTS:
        raise click.UsageError(f"--since must be 1 to {MOST_MOMENTS} steps long; give another --step")
    checked = _read((*files, *policies))
    for sentence in _idle(checked):
        click.secho(sentence, fg="yellow", err=True)
    outcomes, unknown = look_back(checked, sources, since, step)
    if outcomes:
        _show(output, outcomes)
    for sentence in unknown:
        click.secho(sentence, fg="red", err=True)
    if unknown:
        raise SystemExit(Unanswered.exit_code)
    if any(t.held or (fail_below is not None and t.lowest is not None and t.lowest < fail_below) for t in outcomes):
        raise SystemExit(1)


def _read(names: Iterable[str]) -> Checked:
    """Objectives and policies that can be tried; a usage error for those that cannot."""
    checked = read_files(dict.fromkeys(names))
    problems = list(checked.errors)
    keys = [objective.key for _, objective in checked.objectives]
    if not keys and not problems:
        problems.append("There is no ServiceLevelObjective in these files.")
    problems += [f"{key} is there more than once; give each objective once." for key in sorted(_repeated(keys))]
    for path, objective in checked.objectives:
        if isinstance(objective.indicator, Composite):
            lacking = [part.key.name for part in objective.indicator.parts if part.key not in keys]
            if lacking:
                problems.append(f"{path}: {objective.key} is made of {', '.join(lacking)}; give those objectives too.")
    if problems:
        raise click.UsageError("\n".join(problems))
    return checked


def _repeated(keys: Sequence[ObjectKey]) -> set[ObjectKey]:
    return {key for key in keys if keys.count(key) > 1}


def _idle(checked: Checked) -> Iterable[str]:
    """Policies and adjustments that would do nothing here."""
    for path, adjustment in checked.adjustments:
        if not any(adjustment.covers(o.key.namespace, o.labels) for _, o in checked.objectives):
            yield f"{path}: the adjustment {adjustment.key} covers none of these objectives."
    for path, policy in checked.policies:
        if not any(policy.covers(o.key.namespace, o.labels) for _, o in checked.objectives):
            yield f"{path}: the policy {policy.key} covers none of these objectives: it is for its own namespace and selector."


def _show(output: str, outcomes: Sequence[Outcome]) -> None:
    from . import outcome_data, outcome_text  # noqa: PLC0415 - rich and the plot are slow to import

    ways: Mapping[str, Callable[[Sequence[Outcome]], None]] = {
        "table": outcome_text.table,
        "plot": outcome_text.plot,
        "csv": outcome_data.csv,
        "json": outcome_data.json,
    }
    ways[output](outcomes)
