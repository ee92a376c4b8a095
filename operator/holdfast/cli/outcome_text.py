"""A backtest for people: what came out in words, what each rule would have done, and the moments as a table or a plot."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from holdfast.core.policy import BudgetSpent, BurnRate, Verdict, burn_rate
from holdfast.core.quantities import format_duration, format_percent, spell_instant
from holdfast.core.replay import Moment

from .outcome import Outcome, action, burns, condition, figures, verdict
from .outcome_plot import drawn

WIDE: Final = 200
"""Columns where there is no terminal: nothing is cut off in a file."""

WIDEST_PLOT: Final = 120

COLOURS: Final = {Verdict.NOTIFY: "yellow", Verdict.HOLD: "bold red"}


def table(outcomes: Sequence[Outcome]) -> None:
    """Words, rules, and the worst moments."""
    console = _console()
    for place, t in enumerate(outcomes):
        _head(console, t, place)
        length, moments = t.lines()
        if len(moments) < len(t.moments):
            console.print(
                f"Each line is the worst moment of {format_duration(length)}; -o csv has all of them.", style="dim"
            )
        console.print(_moments(t, moments))
    _end(console, outcomes)


def plot(outcomes: Sequence[Outcome]) -> None:
    """Words, rules, and a curve."""
    console = _console()
    width = min(WIDEST_PLOT, console.width if sys.stdout.isatty() else 80)
    for place, t in enumerate(outcomes):
        _head(console, t, place)
        click.echo(drawn(t, width, coloured=console.color_system is not None))
    _end(console, outcomes)


def _console() -> Console:
    terminal = sys.stdout.isatty()
    return Console(file=sys.stdout, width=None if terminal else WIDE, highlight=False, soft_wrap=not terminal)


def _head(console: Console, t: Outcome, place: int) -> None:
    if place:
        console.print()
    first, *rest = t.sentences()
    console.print(Text(first, style="bold"))
    for sentence in rest:
        console.print(Text(sentence))
    console.print()
    if t.effects:
        console.print(_rules(t))
        console.print()


def _end(console: Console, outcomes: Sequence[Outcome]) -> None:
    if not any(t.rules for t in outcomes):
        console.print()
        console.print("No policy was tried: --policy FILE shows what one would have done.", style="dim")


def _rules(t: Outcome) -> Table:
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1), pad_edge=False)
    for name in ("rule", "when", "asks for"):
        made.add_column(name)
    for name in ("times", "in force", "held"):
        made.add_column(name, justify="right")
    for effect in t.effects:
        held = effect.held > 0
        made.add_row(
            Text(effect.rule.key.rule),
            condition(effect.rule),
            action(effect.rule),
            str(effect.times),
            format_duration(effect.lasted) if effect.times else "never",
            Text(format_duration(effect.held) if held else "-", style="bold red" if held else ""),
        )
    return made


def _moments(t: Outcome, moments: Sequence[Moment]) -> Table:
    burning = [r.when for r in t.rules if isinstance(r.when, BurnRate | BudgetSpent)]
    windows = sorted({burn_rate(when, t.objective.window).over for when in burning})
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1), pad_edge=False)
    made.add_column("time", no_wrap=True)
    for name in ("left", "bad", "events", *(f"burn {format_duration(w)}" for w in windows), "covered"):
        made.add_column(name, justify="right")
    if t.rules:
        made.add_column("verdict")
    for moment in moments:
        budget = figures(moment)
        said: list[Text | str] = ["-", "-", "-"]
        if budget is not None:
            left = Text(f"{format_percent(budget.remaining)} %", style="bold red" if budget.remaining < 0 else "")
            said = [left, f"{round(budget.bad):,}", f"{round(budget.total):,}"]
        rates = [burns(moment, window) for window in windows]
        covered = f"{format_percent(budget.coverage)} %" if budget is not None else "unmeasured"
        colour = COLOURS.get(moment.standing.verdict or Verdict.OPEN, "")
        ends = [Text(verdict(moment), style=colour)] if t.rules else []
        made.add_row(spell_instant(moment.at).removesuffix(" UTC"), *said, *rates, covered, *ends)
    return made
