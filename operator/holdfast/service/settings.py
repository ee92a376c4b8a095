"""The operator's configuration: one YAML file, every mistake in it told in a sentence before anything starts.

Where metrics come from is decided here, by whoever runs the operator, and never by an object in the cluster.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from holdfast.core.quantities import Seconds, parse_duration
from holdfast.prometheus.sources import Source


class SettingsError(Exception):
    """The configuration cannot be used; the text tells every reason, a line each."""


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _http(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is not an http(s) address; write it like http://prometheus.monitoring.svc:9090")
    return url.rstrip("/")


def _whole(seconds: Seconds) -> Seconds:
    if seconds < 1 or seconds != int(seconds):
        raise ValueError("must be whole seconds, 1s or more")
    return seconds


Duration = Annotated[float, BeforeValidator(_duration)]
Grid = Annotated[Duration, AfterValidator(_whole)]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_camel, populate_by_name=True)


class SourceSettings(_Strict):
    """One Prometheus, or something that answers like one."""

    name: str = "default"
    url: Annotated[str, AfterValidator(_http)]
    scrape_interval: Duration = 15.0
    delay: Duration = 2.0
    timeout: Duration = 10.0

    def source(self) -> Source:
        """The source as the measuring side knows it."""
        return Source(
            name=self.name,
            url=self.url,
            scrape_interval=self.scrape_interval,
            delay=self.delay,
            timeout=self.timeout,
        )


class LogSettings(_Strict):
    """How the operator speaks of itself."""

    format: Literal["json", "console"] = "json"
    level: Literal["debug", "info", "warning", "error"] = "info"


class HttpSettings(_Strict):
    """Where health and metrics are served."""

    host: str = "0.0.0.0"  # noqa: S104 - inside its pod, for the kubelet and Prometheus
    port: int = Field(default=8080, ge=0, le=65535)


class Settings(_Strict):
    """Everything the operator is told."""

    sources: tuple[SourceSettings, ...] = Field(min_length=1)
    interval: Grid = 15.0
    enforcement: bool = True
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
