"""Whether a release could be undone, judged when it starts: before anybody needs it.

Rule: what is not known is said, and is no reason against it. What stands in the way is one reason, the first of the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from .objective import Workload
from .quantities import format_decimal
from .release import Readiness, ReadinessReason, ReleaseRecord

ROLLBACK_LABEL: Final = "holdfast.dev/rollback"
"""On a pod template."""

NEVER: Final = "never"
"""Its value where the release is only to be stopped."""


@dataclass(frozen=True, slots=True)
class Room:
    """What one quota has left of one resource, and how much more of it both releases side by side would need."""

    quota: str
    resource: str
    hard: Fraction
    used: Fraction
    more: Fraction

    @property
    def short(self) -> bool:
        """Whether that does not fit in."""
        return self.more > 0 and self.used + self.more > self.hard


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an undo of the present release would find. `good` is the last good release, `kept` says that its pod template
    is still to be had. `missing` names ConfigMaps and Secrets that it reads and that are gone, `unchecked` what could not
    be looked at, each as `Secret a`. `templates` says that Holdfast may put pod templates back.
    """

    workload: Workload
    good: ReleaseRecord | None = None
    kept: bool = True
    forbidden: bool = False
    missing: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    rooms: tuple[Room, ...] = ()
    templates: bool = True


def readiness(seen: Surroundings) -> Readiness:
    """The verdict, and why in sentences for people."""
    for check in CHECKS:
        if (found := check(seen)) is not None:
            reason, why = found
            return Readiness(False, reason, why)
    images = ", ".join(seen.good.template.images) if seen.good is not None else ""
    said = f"The last good release ({images or 'without images'}) would serve again."
    if seen.unchecked:
        said += f" Not checked, because Holdfast may not look: {', '.join(seen.unchecked)}."
    return Readiness(True, ReadinessReason.CAN_GO_BACK, said)


Found = tuple[ReadinessReason, str] | None


def _forbidden(seen: Surroundings) -> Found:
    if not seen.forbidden:
        return None
    return (
        ReadinessReason.ROLLBACK_FORBIDDEN,
        f"The pod template of {seen.workload} has the label {ROLLBACK_LABEL}: {NEVER}, so a bad release is stopped, and not undone.",
    )


def _right(seen: Surroundings) -> Found:
    """Only Deployments go back without another template."""
    if seen.templates or seen.workload.kind == "Deployment":
        return None
    return (
        ReadinessReason.RIGHT_MISSING,
        f"Holdfast may not put pod templates back here (rollback.templates is false), so a bad release of {seen.workload} is "
        "stopped at most.",
    )


def _no_way_back(seen: Surroundings) -> Found:
    if seen.good is None:
        why = f"No release of {seen.workload} before this one is known to be good, so a bad one is stopped, and not undone."
    elif not seen.kept:
        why = (
            f"The last good release of {seen.workload} is known, but its pod template is neither on record nor in a revision, "
            "so a bad release is stopped, and not undone."
        )
    else:
        return None
    return ReadinessReason.NO_LAST_GOOD, why


def _config(seen: Surroundings) -> Found:
    if not seen.missing:
        return None
    return (
        ReadinessReason.CONFIG_MISSING,
        f"The last good release of {seen.workload} reads what is gone: {', '.join(seen.missing)}. Its new pods would not "
        "start; create it again.",
    )


def _quota(seen: Surroundings) -> Found:
    short = [room for room in seen.rooms if room.short]
    if not short:
        return None
    rooms = "; ".join(
        f"quota {r.quota} has {_figure(r.hard - r.used)} of {r.resource} left, and {_figure(r.more)} more are needed"
        for r in short
    )
    return (
        ReadinessReason.QUOTA_TOO_SMALL,
        f"The pods of two releases of {seen.workload} do not fit in side by side: {rooms}. Raise the quota.",
    )


def _figure(value: Fraction) -> str:
    return format_decimal(value, 3)


CHECKS: Final[tuple[Callable[[Surroundings], Found], ...]] = (_forbidden, _right, _no_way_back, _config, _quota)
