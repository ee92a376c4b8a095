"""How does the shop know its pods? By list and watch, like any controller.

Rule: a broken watch starts again with a list; while the API server is away the shop goes on with the pods it knows.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

_PAUSE: Final = 0.2  # seconds before another try


@dataclass(frozen=True, slots=True)
class Gone:
    """A pod object that no longer exists."""

    uid: str


@dataclass(frozen=True, slots=True)
class Only:
    """The complete list of pods; every other one is gone."""

    items: list[dict[str, Any]]


Change = Gone | Only | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the API server is and how to be let in."""

    server: str
    authority: str
    token: str

    @classmethod
    def read(cls, kubeconfig: Path) -> Connection:
        """From a kubeconfig the lab wrote."""
        config = json.loads(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        return cls(cluster["server"], cluster["certificate-authority"], config["users"][0]["user"]["token"])


async def changes(connection: Connection, namespace: str = "") -> AsyncIterator[Change]:
    """All changes of pods that carry the label `app`, in one namespace or everywhere, for ever: first everything, then one by one."""
    headers = {"Authorization": f"Bearer {connection.token}"}
    url = f"{connection.server}/api/v1/{f'namespaces/{namespace}/' if namespace else ''}pods"
    while True:
        try:
            context = ssl.create_default_context(cafile=connection.authority)  # made when the API server first starts
            async with aiohttp.ClientSession(headers=headers, read_bufsize=2**20) as session:
                async for change in _once(session, url, context):
                    yield change
        except (aiohttp.ClientError, OSError, ValueError):  # ValueError: a line cut short
            await asyncio.sleep(_PAUSE)


async def _once(session: aiohttp.ClientSession, url: str, context: ssl.SSLContext) -> AsyncIterator[Change]:
    short = aiohttp.ClientTimeout(total=10)
    async with session.get(url, params={"labelSelector": "app"}, ssl=context, timeout=short) as answer:
        answer.raise_for_status()
        listed = await answer.json()
    yield Only(listed["items"])
    params = {
        "labelSelector": "app",
        "watch": "1",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "600",
        "resourceVersion": listed["metadata"]["resourceVersion"],
    }
    endless = aiohttp.ClientTimeout(total=None, sock_connect=10)
    async with session.get(url, params=params, ssl=context, timeout=endless) as answer:
        answer.raise_for_status()
        async for line in answer.content:
            event = json.loads(line)
            match event["type"]:
                case "ADDED" | "MODIFIED":
                    yield event["object"]
                case "DELETED":
                    yield Gone(event["object"]["metadata"]["uid"])
                case "ERROR":
                    return  # too old: list again
