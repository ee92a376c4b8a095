"""What Kopf would do by itself in a process that is not its own, and does not do here: end other tasks, talk, store things."""

# ruff: noqa: ARG002 - the methods are called by Kopf

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

import kopf
import structlog

log = structlog.get_logger("holdfast.cluster")

_KOPF: Final = str(Path(kopf.__file__).parent)


class Foreign(Collection[Any]):
    """All tasks that are not Kopf's. At its end Kopf cancels every task of the loop that is younger than itself and not
    in here, without it also those of the service.
    """

    def __contains__(self, task: object) -> bool:
        code = getattr(getattr(task, "get_coro", lambda: None)(), "cr_code", None)
        return not str(getattr(code, "co_filename", "")).startswith(_KOPF)

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Bridge(logging.Handler):
    """What Kopf says goes to our log for those who look for it: what matters is said by the supervisor in a sentence."""

    def emit(self, record: logging.LogRecord) -> None:
        log.debug("kopf", said=record.getMessage(), level=record.levelname)


def silence(logger: logging.Logger) -> None:
    """Let Kopf be heard at debug only, and only from its warnings upwards."""
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    logger.handlers[:] = [_Bridge()]


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
