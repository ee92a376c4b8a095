"""`holdfast backtest`: how an objective would have stood in the past, and what a policy would have done about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

import click

from holdfast.core.evidence import Missing
from holdfast.core.objective import Composite, Objective, ObjectKey
from holdfast.core.policy import BurnRate, Policy, Rule
from holdfast.core.quantities import Instant, Seconds, parse_duration, parse_percent
from holdfast.core.replay import effects, replay
from holdfast.prometheus.history import History, Walk, history, plan
from holdfast.prometheus.poller import Poller

from .files import Checked, files_option, read_files
from .outcome import Outcome
from .source import Asked, Sources, Unanswered, source_options

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
    r"""Show how much of a budget was left over the past, from what the metrics source still has.

    With policies, in --policy or beside the objectives, their rules are walked over the same figures as if all of them
    were enforced: when each would have been in force, and when releases would have been held. What the source has no
    data of is shown as unmeasured, never as good.

    \b
    Ends with 0 when all is fine,
      1 when less than --fail-below was left at any time, or a rule would have held,
      2 when options or files are wrong,
      3 when the source could not answer, or had nothing.
    """
    sources = asked.sources()
    step = step if step is not None else float(max(s for s in STEPS if s <= max(1, since / 24)))
    if since < step or since / step > MOST_MOMENTS:
        raise click.UsageError(f"--since must be 1 to {MOST_MOMENTS} steps long; give another --step")
    checked = _read((*files, *policies))
    outcomes, unknown = _test(checked, sources, since, step)
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


def _test(checked: Checked, asked: Sources, since: Seconds, step: Seconds) -> tuple[list[Outcome], list[str]]:
    """Every objective that the sources know of, and a sentence for each of the others."""
    objectives = [objective for _, objective in checked.objectives]
    rules = {o.key: _rules(o, [policy for _, policy in checked.policies]) for o in objectives}
    windows = {key: _windows(found, asked.interval) for key, found in rules.items()}
    for sentence in _idle(checked, objectives):
        click.secho(sentence, fg="yellow", err=True)
    pollers, unknown = _pollers(objectives, asked)
    shortest = min((w for key in pollers for w in windows[key]), default=step)
    scrape = max((p.source.scrape_interval for p in pollers.values()), default=0.0)
    now, delay = time.time(), max((p.source.delay for p in pollers.values()), default=0.0)
    walk = plan(now, delay, since, step, max(shortest, scrape))
    known = [o for o in objectives if o.key not in unknown]
    found = history(known, pollers, walk, windows, asked.interval)
    unknown |= _without(known, found, pollers, walk)
    outcomes = []
    for objective in known:
        if objective.key not in unknown:
            own = rules[objective.key]
            moments = replay(found.looks[objective.key], own)
            outcomes.append(Outcome(objective, own, windows[objective.key], walk, moments, effects(moments, own)))
    return outcomes, [f"{key}: {why}." for key, why in sorted(unknown.items())]


def _rules(objective: Objective, policies: Iterable[Policy]) -> tuple[Rule, ...]:
    covering = sorted((p for p in policies if p.covers(objective.key.namespace, objective.labels)), key=lambda p: p.key)
    return tuple(rule for policy in covering for rule in policy.rules)


def _windows(rules: Iterable[Rule], interval: Seconds) -> tuple[Seconds, ...]:
    """The windows that the rules compare."""
    found = {w for r in rules if isinstance(r.when, BurnRate) for w in (r.when.over, r.when.short(interval))}
    return tuple(sorted(found))


def _idle(checked: Checked, objectives: Iterable[Objective]) -> Iterable[str]:
    """Policies that would do nothing here."""
    for path, policy in checked.policies:
        if not any(policy.covers(o.key.namespace, o.labels) for o in objectives):
            yield f"{path}: the policy {policy.key} covers none of these objectives: it is for its own namespace and selector."


def _pollers(objectives: Iterable[Objective], asked: Sources) -> tuple[dict[ObjectKey, Poller], dict[ObjectKey, str]]:
    """Who asks for each objective, one poller a source, and why nobody can."""
    by_source: dict[str, Poller] = {}
    pollers: dict[ObjectKey, Poller] = {}
    unknown: dict[ObjectKey, str] = {}
    for objective in objectives:
        if isinstance(objective.indicator, Composite):
            continue
        source = asked.of(objective)
        if source is None:
            unknown[objective.key] = asked.unknown(objective)
        else:
            pollers[objective.key] = by_source.setdefault(source.name, Poller(source))
    return pollers, unknown


def _without(
    objectives: Sequence[Objective], found: History, pollers: Mapping[ObjectKey, Poller], walk: Walk
) -> dict[ObjectKey, str]:
    """Why nothing, or not all, is known of some objectives."""
    unknown = {key: missing.note for key, missing in found.failed.items()}
    for objective in objectives:
        looks = found.looks.get(objective.key, ())
        if objective.key in unknown or any(measured.budget.coverage for _, measured in looks):
            continue
        poller = pollers.get(objective.key)
        unknown[objective.key] = (
            _why(poller, objective, walk.until) if poller is not None else "one of its parts has no data"
        )
    return unknown


def _why(poller: Poller, objective: Objective, at: Instant) -> str:
    """Why the source has nothing of an objective: what it says now."""
    sample = poller.poll([objective], at, 300).samples[objective.key]
    if isinstance(sample, Missing):
        return sample.note
    return "its series begin only now, so there is no past to look at"


def _show(output: str, outcomes: Sequence[Outcome]) -> None:
    from . import outcome_data, outcome_text  # noqa: PLC0415 - rich and the plot are slow to import

    ways: Mapping[str, Callable[[Sequence[Outcome]], None]] = {
        "table": outcome_text.table,
        "plot": outcome_text.plot,
        "csv": outcome_data.csv,
        "json": outcome_data.json,
    }
    ways[output](outcomes)
