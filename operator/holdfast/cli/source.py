"""Which metrics source a command asks: an address, or the operator's own configuration with its secrets and certificates."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
import structlog

from holdfast.core.objective import Objective
from holdfast.core.quantities import Seconds
from holdfast.prometheus.sources import Source
from holdfast.service.settings import Settings, SettingsError, load

GIVEN: Final = "of --source-url"
"""What an address from the command line is called in messages; it may hold a password, so it is not shown."""

INTERVAL: Final[Seconds] = 15
"""How often an operator without another setting measures."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the past and present of objectives is asked for, and how often the operator measures."""

    sources: tuple[Source, ...]
    interval: Seconds = INTERVAL
    every: Source | None = None  # this one for all of them, whatever they name

    def of(self, objective: Objective) -> Source | None:
        """The source of an objective; None where the configuration has no such source."""
        return self.every or next((s for s in self.sources if s.name == objective.source), None)

    def unknown(self, objective: Objective) -> str:
        """Why there is none."""
        known = ", ".join(sorted(s.name for s in self.sources))
        return f"no metrics source is called {objective.source}; there is {known}"


class Unanswered(click.ClickException):
    """The source could not answer, or had nothing: nothing can be said about the objectives."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What was said on the command line about where to ask."""

    url: str | None
    config: Path | None
    name: str | None

    @property
    def given(self) -> bool:
        """Whether anything was said."""
        return any((self.url, self.config, self.name))

    def sources(self) -> Sources:
        """What it means; raises UsageError with a sentence. What is logged on the way goes to standard error."""
        if not structlog.is_configured():
            structlog.configure(
                wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
                logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
            )
        if (self.url is None) == (self.config is None):
            raise click.UsageError("say where the metrics are: either --source-url URL or --config FILE")
        if self.url is not None:
            if self.name is not None:
                raise click.UsageError("--source chooses a source of --config; --source-url is one already")
            return _at(self.url)
        assert self.config is not None  # noqa: S101 - one of the two is given
        settings = _settings(self.config)
        found = tuple(s.source() for s in settings.sources)
        every = next((s for s in found if s.name == self.name), None)
        if self.name is not None and every is None:
            known = ", ".join(sorted(s.name for s in found))
            raise click.UsageError(f"{self.config} has no metrics source called {self.name}; there is {known}")
        return Sources(found, settings.interval, every)


def source_options(command: Callable[..., None]) -> Callable[..., None]:
    """--source-url, --config and --source, which the command gets together as `asked`."""

    @click.option("--source-url", metavar="URL", help="Ask the Prometheus at this address.")
    @click.option(
        "--config",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Ask the sources of this configuration of the operator, with its tokens and certificates.",
    )
    @click.option(
        "--source", "source_name", metavar="NAME", help="Ask this source of --config, whatever the objectives name."
    )
    @wraps(command)
    def asking(source_url: str | None, config: Path | None, source_name: str | None, **others: object) -> None:
        command(asked=Asked(source_url, config, source_name), **others)

    return asking


def _at(url: str) -> Sources:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise click.UsageError("--source-url is not an http(s) address; write it like http://localhost:9090")
    source = Source(GIVEN, url.rstrip("/"), timeout=60, check_pace=False)
    return Sources((source,), every=source)


def _settings(config: Path) -> Settings:
    try:
        return load(config)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
