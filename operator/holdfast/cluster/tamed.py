"""What Kopf would do by itself in a process that is not its own, and does not do here: end other tasks, talk, store things."""

# ruff: noqa: ARG002 - the methods are called by Kopf

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import kopf
import structlog

log = structlog.get_logger("holdfast.cluster")

_KOPF: Final = str(Path(kopf.__file__).parent)
ATTEMPTS: Final = 20


async def run(roots: Collection[asyncio.Task[Any]], older: Collection[asyncio.Task[Any]]) -> None:
    """Instead of `kopf.run_tasks`: until one of Kopf's tasks ends; then all of them end, and what it raised is raised.

    Kopf would end every task of the loop that is younger than itself, also those of the service; and it would wait for
    its own without limit, though one of them may lose its cancellation and wait for a login that nobody does any more.
    """
    try:
        done, _ = await asyncio.wait(roots, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(older)
    for task in done:
        if not task.cancelled():
            task.result()


async def _end(older: Collection[asyncio.Task[Any]]) -> None:
    """Cancel what is Kopf's, again and again. Who waits for a pause comes last: its end calls back into the others."""
    for attempt in range(ATTEMPTS):
        left = {task for task in asyncio.all_tasks() if task not in older and _is_kopfs(task)}
        if not left:
            return
        for task in left:
            if attempt > 1 or not task.get_name().startswith("pause-waiter"):
                task.cancel()
        await asyncio.wait(left, timeout=0.5 if attempt else 0.1)
    log.warning("some tasks of Kopf did not end", tasks=sorted(task.get_name() for task in left))


def _is_kopfs(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return str(getattr(code, "co_filename", "")).startswith(_KOPF)


class _Bridge(logging.Handler):
    """What Kopf says goes to our log for those who look for it: what matters is said by the supervisor in a sentence."""

    def emit(self, record: logging.LogRecord) -> None:
        log.debug("kopf", said=record.getMessage(), level=record.levelname)


def silence(logger: logging.Logger) -> None:
    """Let Kopf be heard at debug only, and only from its warnings upwards."""
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    logger.handlers[:] = [_Bridge()]
    logging.getLogger("asyncio").addFilter(_is_not_of_kopfs_tasks)


def _is_not_of_kopfs_tasks(record: logging.LogRecord) -> bool:
    """Kopf leaves watchers behind whose failure it has told in another way; asyncio would tell it with a traceback."""
    return not (record.levelno == logging.ERROR and _KOPF in record.getMessage())


class NoDiff(kopf.DiffBaseStorage):
    """Nothing is written on any object."""

    def fetch(self, *, body: kopf.Body) -> None:
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        return None


class NoProgress(kopf.ProgressStorage):
    """Nothing is written on any object."""

    def fetch(self, *, key: str, body: kopf.Body) -> None:
        return None

    def store(self, *, key: str, record: Any, body: kopf.Body, patch: kopf.Patch) -> None:
        return None

    def purge(self, *, key: str, body: kopf.Body, patch: kopf.Patch) -> None:
        return None

    def touch(self, *, body: kopf.Body, patch: kopf.Patch, value: Any) -> None:
        return None

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence
