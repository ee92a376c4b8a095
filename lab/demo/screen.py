"""What the audience sees: the steps of the story as they happen, and the cluster as kubectl would show it now.

Rule: on a terminal one picture that is drawn anew; elsewhere a line for each step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


@dataclass
class Step:
    """One thing that has to happen; seconds since the demo began."""

    title: str
    began: float
    ended: float | None = None
    said: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Picture:
    """The state of the cluster in figures for the table."""

    rows: tuple[tuple[str, str, str], ...] = ()


class Screen:
    """The checklist and the live table. Use it as a context manager."""

    def __init__(self, look: Callable[[], Picture]) -> None:
        """`look` is asked several times a second; it must not fail."""
        self.began = time.monotonic()
        self.steps: list[Step] = []
        self.console = Console(highlight=False)
        self._look = look
        self._live = Live(get_renderable=self._draw, console=self.console, refresh_per_second=2, transient=False)

    def __enter__(self) -> Screen:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def now(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self.began

    def begin(self, title: str) -> None:
        """The next step has begun."""
        self.steps.append(Step(title, self.now()))
        if not self.console.is_terminal:
            self.console.print(f"{self.now():6.1f} s  {title} …", soft_wrap=True)

    def say(self, sentence: str) -> None:
        """A line under the present step."""
        self.steps[-1].said.append(sentence)
        if not self.console.is_terminal:
            self.console.print(f"           {sentence}", soft_wrap=True)

    def end(self) -> None:
        """The present step has happened."""
        self.steps[-1].ended = self.now()

    def _draw(self) -> RenderableType:
        parts: list[RenderableType] = [Text("Holdfast: ship fast; hold when the budget is gone", style="bold")]
        for step in self.steps:
            mark, style = ("✓", "green") if step.ended is not None else ("…", "yellow")
            parts.append(Text(f"{step.began:6.1f} s  {mark} {step.title}", style=style))
            parts.extend(Padding(Text(said, style="dim"), (0, 0, 0, 11)) for said in step.said)
        table = Table(show_header=False, box=None, padding=(0, 2))
        for name, value, style in self._look().rows:
            table.add_row(Text(name, style="bold"), Text(value, style=style))
        return Group(*parts, Text(""), table)
