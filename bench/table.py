"""How are figures shown? One row each with the goal and what it stands beside; what that is, below."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from bench.frame import Figure, Group, Result

COLUMNS = ("figure", "value", "goal", "ratio", "beside", "ratio")


def of_results(results: Iterable[Result]) -> Table:
    """Values with their goals; a ratio up to 1 is green. Fits a terminal of 80 columns."""
    table = Table(title="Less is better, except where the goal says ≥", title_justify="left")
    for place, name in enumerate(COLUMNS):
        table.add_column(name, justify="right" if place else "left", no_wrap=True)
    for result in results:
        figure, value, beside = result.figure, result.outcome.value, result.outcome.compared_with.value
        table.add_row(
            figure.name,
            f"{value:.3g} {figure.unit}",
            goal(figure),
            f"[{'green' if result.met else 'bold red'}]{result.ratio:.2f}[/]",
            f"{beside:.3g} {figure.unit}",
            f"{value / beside:.2f}" if beside else "–",
        )
    return table


def goal(figure: Figure) -> str:
    """The goal with its unit."""
    return f"{'≥ ' if figure.at_least else ''}{figure.goal:g} {figure.unit}"


def beside(result: Result) -> str:
    """What a figure stands beside, as a line."""
    return f"{result.figure.name} stands beside {result.outcome.compared_with.what}."


def of_groups(groups: Iterable[Group]) -> Table:
    """What can be measured."""
    table = Table("group", "figure", "goal", "about")
    for group in groups:
        for place, figure in enumerate(group.figures):
            first = (group.name, group.about) if place == 0 else ("", "")
            table.add_row(first[0], figure.name, goal(figure), first[1])
    return table
