"""How far is a build? Visible on a terminal (one moving line) and in plain logs (a line now and then).

Rule: nobody waits in silence. A terminal line moves at least every half second, a log gets a line every 15 s.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

Say = Callable[[str], None]


def to_stderr(text: str) -> None:
    """Print one line for a person, at once."""
    print(text, file=sys.stderr, flush=True)


def silent(_text: str) -> None:
    """Say nothing."""


def clock(seconds: float) -> str:
    """Minutes and seconds, such as 01:32."""
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


@dataclass(slots=True)
class Progress:
    """The progress of one group. `say` receives whole lines; `terminal` gets the moving line if it is one."""

    name: str
    say: Say
    terminal: TextIO | None = None
    packages: int = 0
    every: float = 15.0  # seconds between two lines in a plain log
    began: float = field(default_factory=time.monotonic)
    _spoke: float = 0.0

    def start(self, what: str) -> None:
        """Announce the build."""
        self.say(f"{self.name}: building {what}")
        self._spoke = time.monotonic()

    def beat(self) -> None:
        """Show where the build is. Call it at least twice a second."""
        now = time.monotonic()
        line = f"{self.name}: {self.packages} packages, {clock(now - self.began)}"
        if self.terminal is not None and self.terminal.isatty():
            self.terminal.write(f"\r\x1b[2K{line}")
            self.terminal.flush()
        elif now - self._spoke >= self.every:
            self.say(line)
            self._spoke = now

    def end(self, outcome: str) -> None:
        """Announce the end with the seconds it took."""
        if self.terminal is not None and self.terminal.isatty():
            self.terminal.write("\r\x1b[2K")
            self.terminal.flush()
        self.say(f"{self.name}: {outcome} after {time.monotonic() - self.began:.0f} s")
