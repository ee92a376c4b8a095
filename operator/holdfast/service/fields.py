"""What fields of the configuration may hold, each mistake told in a sentence."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from holdfast.core.quantities import Seconds, parse_duration

_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _http(url: str) -> str:
    try:
        parts = urlsplit(url)
        well = parts.scheme in {"http", "https"} and parts.hostname is not None and (parts.port or 1) > 0
    except ValueError:
        well = False
    if not well:  # not shown: it may hold a password
        raise ValueError("this is not an http(s) address; write it like http://prometheus.monitoring.svc:9090")
    return url.rstrip("/")


def _whole(seconds: Seconds) -> Seconds:
    if not math.isfinite(seconds) or seconds < 1 or seconds != int(seconds):
        raise ValueError("must be whole seconds, 1s or more")
    return seconds


def _some_time(seconds: Seconds) -> Seconds:
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError("must be a duration such as 500ms, 15s or 1m")
    return seconds


def _positive(seconds: Seconds) -> Seconds:
    if not seconds:
        raise ValueError("must be above zero")
    return seconds


def _label(name: str) -> str:
    if not _LABEL.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a label; use letters, digits and underscores")
    return name


def _metric(name: str) -> str:
    if not _METRIC.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a metric; use letters, digits, underscores and colons")
    return name


def _header(name: str) -> str:
    if not _HEADER.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of an HTTP header")
    return name


def _value(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line of text")
    return value


def _text(value: object) -> object:
    """YAML makes a truth value or a number of `false` and `1`; in an address they are text."""
    return str(value).lower() if isinstance(value, bool | int) else value


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError(f"{path} must be an absolute path, such as /run/secrets/holdfast/default/token")
    return path


Span = Annotated[float, BeforeValidator(_duration), AfterValidator(_some_time)]
Duration = Annotated[Span, AfterValidator(_positive)]
Grid = Annotated[float, BeforeValidator(_duration), AfterValidator(_whole)]
Address = Annotated[str, AfterValidator(_http)]
LabelName = Annotated[str, AfterValidator(_label)]
MetricName = Annotated[str, AfterValidator(_metric)]
HeaderName = Annotated[str, AfterValidator(_header)]
Line = Annotated[str, AfterValidator(_value)]
Text = Annotated[str, BeforeValidator(_text)]
File = Annotated[Path, AfterValidator(_absolute)]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


class Strict(BaseModel):
    """A part of the configuration; a key that it does not have is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_camel, populate_by_name=True)
