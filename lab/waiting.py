"""How does a test wait? By asking until the answer is there, never by sleeping a guessed time.

Rule: a wait that fails says what was awaited, how long, and what was seen last.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import requests

from lab.errors import CommandError, WaitError

T = TypeVar("T")


def wait(probe: Callable[[], T], timeout: float = 30.0, what: str = "the awaited state", every: float = 0.1) -> T:
    """The first truthy answer of `probe`, asked every `every` seconds. Raises WaitError after `timeout` seconds.

    A refused command or request counts as "not yet"; any other error is raised at once.
    """
    end = time.monotonic() + timeout
    while True:
        try:
            seen: object = (answer := probe())
            if answer:
                return answer
        except (CommandError, requests.RequestException) as error:
            seen = f"{type(error).__name__}: {error}"
        if time.monotonic() >= end:
            raise WaitError(f"Waited {timeout:g} s for {what}. Last seen: {seen!r}")
        time.sleep(every)
