"""`python -m bench [--only GROUP] [--list]`: measure, write to build/bench, show.

Ends with 0 when every goal is met, with 1 when one is missed or a figure could not be measured.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click
from rich.console import Console

from bench.frame import RESULTS, ROOT, BenchError, Figure, Group, Result, groups, measure
from bench.table import beside, of_groups, of_results
from lab import LabError
from lab.progress import to_stderr


@click.command(help=(__doc__ or "").splitlines()[0])
@click.option("--only", metavar="GROUP", help="Measure one group.")
@click.option("--list", "listing", is_flag=True, help="Show what can be measured, and end.")
def main(only: str | None, listing: bool) -> None:
    """Measure the chosen groups."""
    chosen = choose(only)
    console = Console()
    if listing:
        console.print(of_groups(chosen))
        return
    results, lost = run(figure for group in chosen for figure in group.figures)
    console.print(of_results(results))
    for result in results:
        console.print(beside(result), highlight=False)
    console.print(f"Written to {RESULTS.relative_to(ROOT)}, one file for each figure, with the method.")
    missed = [result.figure for result in results if not result.met]
    for where, at_least in (("Above", False), ("Below", True)):
        names = [figure.name for figure in missed if figure.at_least is at_least]
        if names:
            to_stderr(f"{where} the goal: {', '.join(names)}.")
    sys.exit(1 if missed or lost else 0)


def choose(only: str | None) -> list[Group]:
    """All groups, or the one of this name; a name nobody knows ends the command with 2."""
    known = groups()
    if only is not None and only not in known:
        raise click.BadParameter(f"there is no group {only}, only {' and '.join(known)}.", param_hint="--only")
    return [known[only]] if only is not None else list(known.values())


def run(figures: Iterable[Figure]) -> tuple[list[Result], list[str]]:
    """The results, and the names of figures that could not be measured; each failure is told at once."""
    results, lost = [], []
    for figure in figures:
        to_stderr(f"{figure.name}: measuring")
        try:
            results.append(measure(figure, to_stderr))
        except (BenchError, LabError) as error:
            to_stderr(f"{figure.name} could not be measured. {error}")
            lost.append(figure.name)
    return results, lost


if __name__ == "__main__":
    main()
