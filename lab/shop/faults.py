"""How does a release behave? Its image tag says so, until a test says otherwise.

Rule: a tag nobody knows is good. Of the settings made at run time the newest that matches a pod wins over its tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Fault:
    """Shares (0 to 1) of requests that fail with 500 or are slow, and the two latencies in seconds."""

    errors: float = 0.0
    slow: float = 0.0
    latency: float = 0.04
    slow_latency: float = 0.5

    def __post_init__(self) -> None:
        """Refuse shares outside 0 to 1."""
        if not (0 <= self.errors <= 1 and 0 <= self.slow <= 1):
            raise ValueError(f"A fault's shares lie between 0 and 1, got errors={self.errors} and slow={self.slow}.")


GOOD: Final = Fault()
_KNOWN: Final = {"v2": Fault(errors=0.05), "bad": Fault(errors=0.5), "slow": Fault(slow=0.3)}
_PERCENT: Final = re.compile(r"(err|slow)-(\d+(?:\.\d+)?)$")
_READY: Final = re.compile(r"-ready-[\d.]+m?s$")  # when it is ready is for the nodes to know


def tag_of(image: str) -> str:
    """The tag of an image reference; `latest` when it has none."""
    last = image.split("@", maxsplit=1)[0].rsplit("/", 1)[-1]
    return last.split(":", 1)[1] if ":" in last else "latest"


def fault_of(tag: str) -> Fault:
    """What a tag means: v2 5 % errors, bad 50 %, slow 30 % slow, err-5 and slow-20 in per cent, else good."""
    tag = _READY.sub("", tag)
    if found := _PERCENT.match(tag):
        share = float(found[2]) / 100
        return Fault(errors=share) if found[1] == "err" else Fault(slow=share)
    return _KNOWN.get(tag, GOOD)


@dataclass(frozen=True, slots=True)
class Setting:
    """A fault set at run time; None matches everything."""

    fault: Fault
    tag: str | None = None
    namespace: str | None = None
    app: str | None = None

    def matches(self, namespace: str, app: str, tag: str) -> bool:
        """Whether the setting speaks about this pod."""
        wanted = ((self.namespace, namespace), (self.app, app), (self.tag, tag))
        return all(mine is None or mine == its for mine, its in wanted)


@dataclass(slots=True)
class Faults:
    """All settings made at run time, oldest first."""

    settings: list[Setting] = field(default_factory=list)

    def set(self, setting: Setting) -> None:
        """Add a setting; an older one for exactly the same pods goes."""
        same = (setting.tag, setting.namespace, setting.app)
        self.settings = [s for s in self.settings if (s.tag, s.namespace, s.app) != same]
        self.settings.append(setting)

    def of(self, namespace: str, app: str, tag: str) -> Fault:
        """The fault that holds for a pod now."""
        for setting in reversed(self.settings):
            if setting.matches(namespace, app, tag):
                return setting.fault
        return fault_of(tag)
