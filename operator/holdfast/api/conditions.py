"""Conditions of our objects: a closed set of types and of reasons, and the one place where they are rendered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from holdfast.core.quantities import Instant, format_instant


class ConditionType(StrEnum):
    """What a condition says."""

    READY = "Ready"
    EVIDENCE_FRESH = "EvidenceFresh"
    BUDGET_EXHAUSTED = "BudgetExhausted"
    BUDGET_YOUNG = "BudgetYoung"
    BUDGET_TOO_SMALL = "BudgetTooSmall"
    DEMONSTRATION = "Demonstration"
    EXACT = "Exact"
    PLAUSIBLE = "Plausible"
    ATTRIBUTABLE = "Attributable"
    RULES_CAN_FIRE = "RulesCanFire"
    ENFORCED = "Enforced"
    LEDGER_CHECKED = "LedgerChecked"
    ROLLBACK_READY = "RollbackReady"
    RESTRAINED = "Restrained"
    UNDONE = "Undone"
    ROLLBACK_STUCK = "RollbackStuck"


class ConditionReason(StrEnum):
    """Why a condition is as it is. One closed set; the reasons of actions are `holdfast.core.hold.Reason`."""

    ACCEPTED = "Accepted"  # Ready: the object is understood and in use
    INVALID = "Invalid"  # Ready: it is not; the message says how to mend it
    SOURCE_UNKNOWN = "SourceUnknown"  # Ready: the configuration has no such metrics source
    SOURCE_FORBIDDEN = "SourceForbidden"  # Ready: this namespace may not use that metrics source
    WORKLOAD_MISSING = "WorkloadMissing"  # Ready: a listed workload does not exist
    PART_MISSING = "PartMissing"  # Ready: a part of a composite does not exist or cannot be used
    PART_NESTED = "PartNested"  # Ready: a part of a composite is one itself
    SLICE_TOO_SHORT = "SliceTooShort"  # Ready: figures do not come often enough for slices of this length
    SLICE_UNEVEN = "SliceUneven"  # Ready: slices end in the middle of a measuring interval
    FRESH = "Fresh"  # EvidenceFresh
    STALE = "Stale"
    ABSENT = "Absent"
    UNREACHABLE = "Unreachable"
    CONTRADICTORY = "Contradictory"
    BUDGET_LEFT = "BudgetLeft"  # BudgetExhausted
    NOTHING_LEFT = "NothingLeft"
    WINDOW_COVERED = "WindowCovered"  # BudgetYoung
    WINDOW_HARDLY_COVERED = "WindowHardlyCovered"
    ENOUGH_EVENTS = "EnoughEvents"  # BudgetTooSmall
    FEW_EVENTS = "FewEvents"
    SHORT_WINDOW = "ShortWindow"  # Demonstration
    EVERYTHING_COUNTED = "EverythingCounted"  # Exact
    GAP_WITH_CHURN = "GapWithChurn"
    UNMEASURED = "Unmeasured"
    STARTS_UNKNOWN = "StartsUnknown"
    NOTHING_ODD = "NothingOdd"  # Plausible
    TRAFFIC_GONE = "TrafficGone"
    NO_BURN_FOR_LONG = "NoBurnForLong"
    CONSTANT_BURN = "ConstantBurn"
    PODS_OF_THE_WORKLOADS = "PodsOfTheWorkloads"  # Attributable
    OTHER_PODS = "OtherPods"
    NO_POD_LABEL = "NoPodLabel"
    ALL_RULES_CAN_FIRE = "AllRulesCanFire"  # RulesCanFire
    BURN_RATE_IMPOSSIBLE = "BurnRateImpossible"
    RULE_WINDOW_TOO_LONG = "RuleWindowTooLong"
    RULE_WINDOW_TOO_SHORT = "RuleWindowTooShort"
    NOT_ATTRIBUTABLE = "NotAttributable"
    NO_WORKLOAD = "NoWorkload"
    SEEN_IN_FORCE = "SeenInForce"  # Enforced
    NOT_SEEN_IN_FORCE = "NotSeenInForce"
    LIFTED = "Lifted"
    AGREES = "Agrees"  # LedgerChecked
    DRIFTS = "Drifts"
    CAN_GO_BACK = "CanGoBack"  # RollbackReady
    RIGHT_MISSING = "RightMissing"
    NO_LAST_GOOD = "NoLastGood"
    ROLLBACK_FORBIDDEN = "RollbackForbidden"
    CONFIG_MISSING = "ConfigMissing"
    QUOTA_TOO_SMALL = "QuotaTooSmall"
    NOT_JUDGED = "NotJudged"
    ACTION_UNDER_WAY = "ActionUnderWay"  # Restrained
    ALREADY_TRIED = "AlreadyTried"
    UNDONE_AGAIN_AND_AGAIN = "UndoneAgainAndAgain"
    MANY_AT_ONCE = "ManyAtOnce"
    HOURLY_LIMIT = "HourlyLimit"
    UNDER_WAY = "UnderWay"  # Undone, RollbackStuck
    LAST_GOOD_SERVES = "LastGoodServes"
    NOT_IN_TIME = "NotInTime"
    NO_WAY_BACK = "NoWayBack"


STATUS: Final = {True: "True", False: "False", None: "Unknown"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition as it is now. A message with figures in it is made when it is rendered, since most never are."""

    type: ConditionType
    status: bool | None
    reason: ConditionReason
    message: str | Callable[[], str]


def render(
    conditions: Iterable[Condition], generation: int | None, before: object, now: Instant
) -> list[dict[str, object]]:
    """The conditions as Kubernetes writes them.

    `before` is the status so far, whatever it holds: a condition that did not change keeps the time of its last
    transition. `generation` is None for a kind whose spec never changes; kubectl wait ignores a condition about an
    older generation.
    """
    times = _times(before)
    about = {} if generation is None else {"observedGeneration": generation}
    rendered: list[dict[str, object]] = []
    for condition in conditions:
        status = STATUS[condition.status]
        rendered.append(
            {
                "type": condition.type.value,
                "status": status,
                "reason": condition.reason.value,
                "message": (condition.message if isinstance(condition.message, str) else condition.message())[:32768],
                "lastTransitionTime": times.get((condition.type.value, status)) or format_instant(now),
                **about,
            }
        )
    return rendered


def kept(before: object, kind: ConditionType) -> Condition | None:
    """A condition as the status so far has it: one that is seldom looked at outlives a restart. None when it is not there."""
    listed = before.get("conditions") if isinstance(before, Mapping) else None
    for said in listed if isinstance(listed, list) else ():
        if isinstance(said, Mapping) and said.get("type") == kind.value:
            status = {"True": True, "False": False}.get(str(said.get("status")))
            reason = str(said.get("reason"))
            if reason in set(ConditionReason):
                return Condition(kind, status, ConditionReason(reason), str(said.get("message") or ""))
    return None


def outline(conditions: Iterable[Condition]) -> list[dict[str, object]]:
    """The same without messages and times."""
    return [{"type": c.type.value, "status": STATUS[c.status], "reason": c.reason.value} for c in conditions]


def _times(before: object) -> dict[tuple[str, str], str]:
    listed = before.get("conditions") if isinstance(before, Mapping) else None
    if not isinstance(listed, list):
        return {}
    found = [c for c in listed if isinstance(c, Mapping)]
    return {
        (str(c.get("type")), str(c.get("status"))): c["lastTransitionTime"]
        for c in found
        if isinstance(c.get("lastTransitionTime"), str)
    }
