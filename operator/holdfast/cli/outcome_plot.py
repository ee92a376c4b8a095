"""A budget over time, drawn with characters: a curve with holes where nothing is known, and a strip of verdicts below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from holdfast.core.policy import BudgetRemaining, Verdict
from holdfast.core.quantities import Instant, spell_instant
from holdfast.core.replay import Moment

from .outcome import Outcome

HEIGHT: Final = 18

SIGNS: Final = {Verdict.OPEN: "·", Verdict.NOTIFY: "▒", Verdict.HOLD: "█"}  # a backtest rolls nothing back
COLOURS: Final = {Verdict.NOTIFY: "yellow", Verdict.HOLD: "red"}
LEGEND: Final = "verdict: · Open  ▒ Notify  █ Hold  (blank: unknown)"


def drawn(t: Outcome, width: int, *, coloured: bool) -> str:
    """The plot of an objective, so many columns wide."""
    import plotext  # noqa: PLC0415 - slow to import, and for one kind of output only

    figure: Any = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(width, HEIGHT)
    figure.title(f"{t.objective.key}: % of the error budget left")
    for piece in _pieces(t.moments):
        pen = plotext.marker("hd", "cyan")
        signal = figure.signal([m.at for m in piece], [_percent(m) for m in piece], marker=pen)
        figure.draw(signal.lines() if len(piece) > 1 else signal)
    first, last = t.moments[0].at, t.moments[-1].at
    _scale(figure, t, min([_percent(m) for m in t.moments if m.remaining is not None], default=0.0))
    times = [first, (first + last) / 2, last]
    figure.ruler("x").lim(first, last)
    figure.ruler("x").ticks(times, [spell_instant(at).removesuffix(" UTC") for at in times])
    built = figure.build()
    lines = built.string(colorless=not coloured).rstrip().splitlines()
    if t.rules:
        lines += _strip(t.moments, built.string(colorless=True).splitlines(), coloured)
    return "\n".join(line.rstrip() for line in lines)


def _pieces(moments: Sequence[Moment]) -> Iterator[list[Moment]]:
    """Stretches without a hole."""
    piece: list[Moment] = []
    for moment in moments:
        if moment.remaining is not None:
            piece.append(moment)
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _percent(moment: Moment) -> float:
    return float(moment.remaining or 0) * 100


def _scale(figure: Any, t: Outcome, low: float) -> None:
    """From the least to all of the budget, with the thresholds of the rules as lines."""
    low = min(0.0, low - (100 - low) / HEIGHT) if low < 0 else 0.0  # a line of air below the curve
    marks = {0.0} | {float(r.when.below) * 100 for r in t.rules if isinstance(r.when, BudgetRemaining)}
    lines = sorted(mark for mark in marks if low < mark < 100)
    for mark in lines:
        figure.line(mark)
    ticks = [*(mark for mark in lines if 100 - mark > (100 - low) / HEIGHT * 2), 100.0]
    figure.ruler("y").lim(low, 100)
    figure.ruler("y").ticks(ticks, [f"{tick:g} %" for tick in ticks])


def _strip(moments: Sequence[Moment], lines: Sequence[str], coloured: bool) -> list[str]:
    """The most severe verdict of each column, under the frame of the plot."""
    frame = next(line for line in lines if "┌" in line)
    left, right = frame.index("┌") + 1, frame.index("┐")
    first, last = moments[0].at, moments[-1].at
    columns: list[list[Verdict | None]] = [[] for _ in range(right - left)]
    for moment in moments:
        columns[_column(moment.at, first, last, len(columns))].append(moment.standing.verdict)
    shown: list[Verdict | None] = []
    for found in columns:  # where there are fewer moments than columns each lasts until the next
        known = [verdict for verdict in found if verdict is not None]
        shown.append(max(known, default=None) if found else shown[-1])
    signs = "".join(_sign(found, coloured) for found in shown)
    return [" " * left + signs, " " * left + LEGEND]


def _column(at: Instant, first: Instant, last: Instant, count: int) -> int:
    return min(count - 1, int((at - first) / (last - first) * count)) if last > first else 0


def _sign(found: Verdict | None, coloured: bool) -> str:
    if found is None:
        return " "
    return click.style(SIGNS[found], fg=COLOURS.get(found)) if coloured else SIGNS[found]
