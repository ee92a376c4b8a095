"""What the audience sees: the steps of the story as they happen, and the cluster as kubectl would show it now.

Rule: what was said stays, line by line. On a terminal a picture that is drawn anew stands below it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

INDENT = 11
"""Columns of the time before each step."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The state of the cluster in figures for the table."""

    rows: tuple[tuple[str, str, str], ...] = ()


class Screen:
    """The story and the live table. Use it as a context manager."""

    def __init__(self, look: Callable[[], Picture]) -> None:
        """`look` is asked several times a second; it must not fail."""
        self.began = time.monotonic()
        self.console = Console(highlight=False)
        self._look = look
        self._waiting = ""
        self._live = Live(get_renderable=self._draw, console=self.console, refresh_per_second=2, transient=True)

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
        self._waiting = title
        self._print(Text(f"{self.now():6.1f} s  {title} …", style="bold"))

    def say(self, sentence: str) -> None:
        """A line under the present step."""
        self._print(Padding(Text(sentence), (0, 0, 0, INDENT)) if self.console.is_terminal else " " * INDENT + sentence)

    def end(self) -> None:
        """The present step has happened."""
        self._waiting = ""

    def _print(self, line: RenderableType) -> None:
        """Elsewhere than on a terminal nothing is broken into lines: others do that better."""
        self.console.print(line, soft_wrap=not self.console.is_terminal, markup=False)

    def _draw(self) -> RenderableType:
        table = Table(show_header=False, box=None, padding=(0, 2))
        for name, value, style in self._look().rows:
            table.add_row(Text(name, style="bold"), Text(value, style=style))
        return Group(Text(""), Text(f"{self.now():6.1f} s  {self._waiting}", style="yellow"), table)
