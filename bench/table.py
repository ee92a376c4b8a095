"""How are figures shown? One row each: the value, its goal, and what it stands beside."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from bench.frame import Group, Result


def of_results(results: Iterable[Result]) -> Table:
    """Values with their goals; a ratio up to 1 is green."""
    table = Table(title="Less is better", title_justify="left", show_lines=True)
    for name, right in (("figure", False), ("value", True), ("goal", True), ("value / goal", True)):
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    table.add_column("compared with", overflow="fold")
    table.add_column("value / that", justify="right")
    for result in results:
        beside, value = result.outcome.compared_with, result.outcome.value
        table.add_row(
            result.figure.name,
            f"{value:.3g} {result.figure.unit}",
            f"{result.figure.goal:g} {result.figure.unit}",
            f"[{'green' if result.met else 'bold red'}]{result.ratio:.2f}[/]",
            f"{beside.what}: {beside.value:.3g} {result.figure.unit}",
            f"{value / beside.value:.2f}" if beside.value else "–",
        )
    return table


def of_groups(groups: Iterable[Group]) -> Table:
    """What can be measured."""
    table = Table("group", "figure", "goal", "about")
    for group in groups:
        for place, figure in enumerate(group.figures):
            first = (group.name, group.about) if place == 0 else ("", "")
            table.add_row(first[0], figure.name, f"{figure.goal:g} {figure.unit}", first[1])
    return table
