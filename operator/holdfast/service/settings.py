"""The operator's configuration: one YAML file, every mistake in it told in a sentence before anything starts.

Where metrics come from is decided here, by whoever runs the operator, and never by an object in the cluster.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from holdfast.core.restraint import PER_HOUR

from .fields import Grid, Strict
from .sources import SourceSettings


class SettingsError(Exception):
    """The configuration cannot be used; the text tells every reason, a line each."""


class LogSettings(Strict):
    """How the operator speaks of itself."""

    format: Literal["json", "console"] = "json"
    level: Literal["debug", "info", "warning", "error"] = "info"


class RollbackSettings(Strict):
    """Which rights the chart gave for undoing a release: to put pod templates back."""

    templates: bool = True


class RestraintSettings(Strict):
    """How much is undone by itself before it is left to people: releases of the whole cluster within an hour."""

    per_hour: int = Field(default=PER_HOUR, ge=0, le=1000)


class HttpSettings(Strict):
    """Where health and metrics are served."""

    host: str = "0.0.0.0"  # noqa: S104 - inside its pod, for the kubelet and Prometheus
    port: int = Field(default=8080, ge=0, le=65535)


class Settings(Strict):
    """Everything the operator is told."""

    sources: tuple[SourceSettings, ...] = Field(min_length=1)
    interval: Grid = 15.0
    enforcement: bool = True
    pod_starts: bool = False
    releases: bool = True
    rollback: RollbackSettings = RollbackSettings()
    restraint: RestraintSettings = RestraintSettings()
    log: LogSettings = LogSettings()
    http: HttpSettings = HttpSettings()

    @model_validator(mode="after")
    def _distinct(self) -> Settings:
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            raise ValueError("two sources have the same name; an objective would not know which one it means")
        return self


def load(path: Path) -> Settings:
    """The settings of a YAML file; `SettingsError` names the file and every mistake in it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Settings.model_validate(content if content is not None else {})
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {error}.") from error
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, e['loc'])) or 'the file'}: {_said(e['msg'])}." for e in error.errors()]
        raise SettingsError("\n".join(lines)) from error


def _said(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".")
