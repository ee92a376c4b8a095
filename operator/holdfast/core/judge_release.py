"""Which rules on releases are in force: what its own pods say of the release on trial.

What was found against a release stays in force until another one is declared, however its figures go on: an undo must
not come and go. What cannot be put down to the release (an incident that others share, events of unknown pods, no other
pods left to compare with) is never more than a hold, and ends when the objective is calm. Without fresh evidence nothing
begins and nothing ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Final

from .attribution import is_on_trial
from .budget import Burn, Measured
from .evidence import Fresh
from .hold import CauseKey, HoldRecord, Reason
from .judge import AT_FAULT, Finding, little_known, severest
from .objective import Counted, ObjectKey
from .policy import ReleaseSpends, Rule, Verdict, calm_window
from .quantities import Instant
from .release import Cost, ReleaseFinding, ReleaseRecord, ReleaseState
from .trial import Trial, Weighed

INCIDENT: Final = Fraction(2)
"""A shared incident begins to hold above this burn rate, and ends when it is 1 again."""

FIRE: Final = Fraction(144, 10)
"""Where nobody can tell whose the failures are, only a fire begins to hold: this burn rate, on enough events."""


def release_findings(
    trial: Trial | None,
    measured: Collection[Measured],
    rules: Mapping[ObjectKey, tuple[Rule, ...]],
    before: Mapping[CauseKey, Reason],
    now: Instant,
) -> tuple[Finding, ...]:
    """The rules on releases that are in force on the objectives of one workload, the most severe first. Never raises.

    `trial` is the release that is declared now, however old it is; `before` what was in force at the last look, and why
    (`known_before`).
    """
    found = []
    for one, rule in _pairs(measured, rules):
        key = CauseKey(rule.key, one.objective.key)
        was = before.get(key)
        reason = _reason(rule, one, trial, was, now)
        if reason is not None:
            verdict, demoted = _asked(rule, one, trial, reason, was, now)
            found.append(Finding(key, rule, one, verdict, reason, demoted, trial))
    return severest(found)


def known_before(trial: Trial | None, found: Iterable[Finding], hold: HoldRecord | None) -> Mapping[CauseKey, Reason]:
    """What is in force before a look: from the findings of the last one and, for a restart, from what is on record.

    What was found against another release is over; an incident is not.
    """
    digest = trial.release.template.digest if trial is not None else None
    known: dict[CauseKey, Reason] = {}
    if hold is not None and hold.in_force:
        known |= {c.key: c.reason for c in hold.causes if c.reason is Reason.SHARED_INCIDENT}
    if hold is not None:
        undone = (q.cause for q in hold.quarantined if q.template.digest == digest)
        known |= {cause: Reason.BAD_RELEASE for cause in undone if cause is not None}
    for finding in found:
        ours = finding.trial is not None and finding.trial.release.template.digest == digest
        if finding.reason is Reason.SHARED_INCIDENT or (finding.blames and not finding.demoted and ours):
            known[finding.key] = finding.reason
    return known


def _pairs(
    measured: Iterable[Measured], rules: Mapping[ObjectKey, tuple[Rule, ...]]
) -> Iterator[tuple[Measured, Rule]]:
    return ((one, rule) for one in measured for rule in rules.get(one.objective.key, ()) if rule.on_releases)


def _reason(rule: Rule, measured: Measured, trial: Trial | None, was: Reason | None, now: Instant) -> Reason | None:
    """Why a rule is in force now; None when it is not."""
    if was in AT_FAULT:
        over = trial is None or trial.release.state is ReleaseState.SUPERSEDED
        return None if over else was
    if not isinstance(measured.evidence, Fresh):
        return was
    if trial is not None and is_on_trial(trial.release, rule.on_trial, now):
        begins = _begins(rule, measured, trial)
        if begins is not None:
            return begins
    return None if was is None or _is_calm(measured) else was


def _asked(
    rule: Rule, measured: Measured, trial: Trial | None, reason: Reason, was: Reason | None, now: Instant
) -> tuple[Verdict, str | None]:
    """What a rule in force asks for, and why that is less than its action, if it is."""
    if reason not in AT_FAULT:
        return min(rule.then.verdict, Verdict.HOLD), None
    lesser = None
    if was not in AT_FAULT:
        lesser = little_known(measured) if isinstance(rule.when, ReleaseSpends) else None
    elif trial is not None and not trial.release.attempted and _is_late(rule, trial.release, now):
        lesser = "the time in which it could be undone is over"
    if lesser is None or rule.then.verdict is Verdict.NOTIFY:
        return rule.then.verdict, None
    return Verdict.NOTIFY, lesser


def _is_late(rule: Rule, release: ReleaseRecord, now: Instant) -> bool:
    return release.completed is not None and now - release.completed > rule.on_trial


def _begins(rule: Rule, measured: Measured, trial: Trial) -> Reason | None:
    """What the evidence of this moment says by itself."""
    key = measured.objective.key
    weighed = next((w for w in trial.weighed if w.objective == key), None)
    cost = next((c for c in trial.release.costs if c.objective == key), None)
    shared = any(w.finding is ReleaseFinding.SHARED for w in trial.weighed)
    word = _word(measured, weighed, cost)
    if isinstance(rule.when, ReleaseSpends):
        if word is ReleaseFinding.NOT_ATTRIBUTABLE:
            return _fire(measured)
        spent = cost is not None and cost.spent > rule.when.above and word is not ReleaseFinding.SHARED
        return _blamed(Reason.RELEASE_COSTS, measured, trial, weighed) if spent else None
    if word is ReleaseFinding.BAD:
        return _blamed(Reason.BAD_RELEASE, measured, trial, weighed)
    if word is ReleaseFinding.SHARED:
        return _incident(measured)
    if trial.stall is not None and not shared:
        return _blamed(Reason.RELEASE_STALLED, measured, trial, weighed)
    return _fire(measured) if word is ReleaseFinding.NOT_ATTRIBUTABLE else None


def _word(measured: Measured, weighed: Weighed | None, cost: Cost | None) -> ReleaseFinding:
    if not isinstance(measured.objective.indicator, Counted):
        return ReleaseFinding.NOT_ATTRIBUTABLE
    if weighed is not None:
        return weighed.finding
    return cost.finding if cost is not None else ReleaseFinding.UNDECIDED


def _blamed(reason: Reason, measured: Measured, trial: Trial, weighed: Weighed | None) -> Reason | None:
    """The release is to blame while other pods serve beside it; later only on evidence that needs none beside it."""
    strong = weighed is not None and weighed.finding is ReleaseFinding.BAD and weighed.strong
    return reason if trial.release.completed is None or strong else _incident(measured)


def _incident(measured: Measured) -> Reason | None:
    burn = _short(measured)
    return Reason.SHARED_INCIDENT if burn is None or burn.rate > INCIDENT else None


def _fire(measured: Measured) -> Reason | None:
    burn, objective = _short(measured), measured.objective
    if burn is None or burn.total < objective.enough_events:
        return None
    return Reason.SHARED_INCIDENT if burn.rate > min(FIRE, objective.highest_burn / 2) else None


def _is_calm(measured: Measured) -> bool:
    burn = _short(measured)
    return burn is not None and burn.rate <= 1 and not measured.provisional


def _short(measured: Measured) -> Burn | None:
    return measured.burns.get(calm_window(measured.objective))
