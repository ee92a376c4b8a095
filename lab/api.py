"""Plain requests to the API server as the admin, for what kubectl would make slow or hide.

Rule: an answer of 400 or more is an error that carries the server's own message.
"""

from __future__ import annotations

from typing import Any

import requests

from lab.access import Access
from lab.errors import CommandError

PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


class Api:
    """One kept-alive connection to the API server. Not for use by several threads at once."""

    def __init__(self, access: Access) -> None:
        """Nothing is sent yet."""
        self._access = access
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy in the environment must not see loopback requests
        self._session.verify = str(access.ca)

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        patch: str = "merge",
        token: str | None = None,
        timeout: float = 30.0,
    ) -> Any:
        """Send one request and return the parsed answer; `patch` names the patch type. Raises CommandError."""
        headers = {"Authorization": f"Bearer {token or self._access.admin_token}"}
        if method.upper() == "PATCH":
            headers["Content-Type"] = PATCH_TYPES[patch]
        answer = self._session.request(
            method.upper(), self._access.server + path, json=body, headers=headers, timeout=timeout
        )
        if answer.status_code >= 400:
            raise CommandError(f"{method.upper()} {path} was refused with {answer.status_code}: {_message(answer)}")
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.text


def _message(answer: requests.Response) -> str:
    try:
        return str(answer.json().get("message", answer.text))
    except ValueError:
        return answer.text
