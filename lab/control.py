"""How does a test steer a program of the lab that runs as its own process? By small JSON requests.

Rule: a refused order raises with the program's own words; loopback requests never pass a proxy of the environment.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import requests

from lab.errors import CommandError

_ROOT: Final = Path(__file__).resolve().parent.parent


class Remote:
    """JSON over HTTP to one program. Not for use by several threads at once."""

    def __init__(self, url: str) -> None:
        """`url` has no slash at its end."""
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, path: str, **params: str) -> Any:
        """The parsed answer. Raises CommandError when refused."""
        return self._answer(self._session.get(self.url + path, params=params, timeout=30))

    def post(self, path: str, order: object) -> Any:
        """Send an order as JSON. Raises CommandError when refused."""
        return self._answer(self._session.post(self.url + path, json=order, timeout=30))

    def answers(self, path: str) -> bool:
        """Whether the path answers with 200."""
        return self._session.get(self.url + path, timeout=2).status_code == 200

    @staticmethod
    def _answer(answer: requests.Response) -> Any:
        if answer.status_code >= 400:
            raise CommandError(f"{answer.url} refused with {answer.status_code}: {answer.text}")
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.text


def python_module(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of the lab with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def python_environment() -> dict[str, str]:
    """What such a command needs in its environment."""
    return {"PYTHONPATH": str(_ROOT), "PYTHONUNBUFFERED": "1"}
