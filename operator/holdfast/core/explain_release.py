"""The same of a release in sentences: what its own pods say of it, what follows, and what ends it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import exp
from typing import Final

from .hold import Reason, Undo, UndoState, puts_back
from .judge import Finding
from .objective import ObjectKey, Workload
from .policy import ReleaseWorse, Releasing, calm_window
from .quantities import format_duration, format_percent, spell_instant
from .release import ReleaseFinding, ReleaseRecord, ReleaseState
from .trial import Trial, Weighed

MOST: Final = 1_000_000
"""Odds beyond a million say nothing more to anybody."""

BOUNDS: Final = 10
"""On so many objectives it is said when a fault would be seen."""

STATES: Final = {
    ReleaseState.QUEUED: "is declared, and does not start while the workload is paused",
    ReleaseState.ROLLING_OUT: "rolls out",
    ReleaseState.COMPLETE: "is complete",
    ReleaseState.SUPERSEDED: "gave way to another release",
    ReleaseState.ROLLED_BACK: "was undone",
}

SAYS: Final = {
    ReleaseFinding.UNDECIDED: "nothing is decided yet",
    ReleaseFinding.GOOD: "it keeps the promise",
    ReleaseFinding.BAD: "it is at fault",
    ReleaseFinding.SHARED: "pods of other releases fail as well, so it is an incident and not this release",
}


def called(release: ReleaseRecord) -> str:
    """What people call a release: its images, else the number of its revision."""
    return ", ".join(release.template.images) or (f"revision {release.revision}" if release.revision else "the release")


def condition_on_release(when: Releasing) -> str:
    """When such a rule begins, in a few words."""
    if isinstance(when, ReleaseWorse):
        return f"a release fails more often than promised ({format_percent(when.confidence, 4)} % sure)"
    return f"a release spends more than {format_percent(when.above)} % of the budget"


def state_of_release(finding: Finding) -> str:
    """What is so, for a rule on releases that is in force; without a full stop."""
    trial, key = finding.trial, finding.key.objective
    name = called(trial.release) if trial is not None else "the release"
    weighed = _weighed(trial, key)
    match finding.reason:
        case Reason.BAD_RELEASE if weighed is not None and weighed.bad:
            return f"{failed_of(weighed)} of {name} failed{improbable(weighed)}"
        case Reason.RELEASE_COSTS:
            cost = next((c for c in trial.release.costs if c.objective == key), None) if trial is not None else None
            spent = f"{_percent(cost.spent)} %" if cost is not None else "more than it is granted"
            return f"{name} has spent {spent} of the error budget of {key}"
        case Reason.RELEASE_STALLED:
            return f"{name} gets nowhere" + (f": {trial.stall.why}" if trial is not None and trial.stall else "")
        case Reason.SHARED_INCIDENT:
            return f"{key} burns its error budget, and {_why_shared(trial, weighed, name)}"
        case _:
            return f"{name} fails more often than {key} promises"


def clears_release(finding: Finding) -> str:
    """What ends such a rule."""
    if finding.blames:
        return "when another release is declared"
    return f"when it burns at most 1 over {format_duration(calm_window(finding.measured.objective))}"


def _why_shared(trial: Trial | None, weighed: Weighed | None, name: str) -> str:
    if weighed is not None and weighed.finding is ReleaseFinding.NOT_ATTRIBUTABLE:
        return "nobody can tell which release's pods fail"
    if trial is not None and trial.release.completed is not None:
        return f"no pods of another release serve any more that would show whether {name} is at fault"
    return f"pods of other releases fail as well as those of {name}: an incident"


def failed_of(weighed: Weighed) -> str:
    """How many of its requests failed."""
    return f"{weighed.bad:,.0f} of {weighed.total:,.0f} requests"


def improbable(weighed: Weighed) -> str:
    """How seldom a release that keeps its promise shows such figures; empty where it often does.

    An e-value of E or more is ever seen of such a release with a probability of at most 1 / E (Ville).
    """
    odds = min(MOST, exp(min(weighed.against_target, 99)))
    if odds < 2:
        return ""
    round_odds = int(odds) // (step := 10 ** (len(str(int(odds))) - 1)) * step
    return f", which a release that keeps its promise would show less than once in {round_odds:,} times"


def said_of(trial: Trial) -> str:
    """What there is to know about a release on trial, in a sentence, for its record; empty while there is nothing."""
    if trial.stall is not None:
        return f"It gets nowhere since {spell_instant(trial.stall.since)}: {trial.stall.why}."
    bad = [w for w in trial.weighed if w.finding is ReleaseFinding.BAD]
    if not bad:
        return ""
    worst = max(bad, key=lambda w: w.against_target)
    return f"On {worst.objective.name} {failed_of(worst)} of its pods failed{improbable(worst)}."


def bound_of(trial: Trial) -> str:
    """After how many requests a fault would be seen on each objective on which nothing is decided yet, for its record."""
    waiting = [w for w in trial.weighed if w.finding is ReleaseFinding.UNDECIDED and w.seen_after is not None]
    return " ".join(_bound(weighed) for weighed in waiting[:BOUNDS])


def _bound(weighed: Weighed) -> str:
    soon = f", at the present rate in {format_duration(weighed.seen_in)}" if weighed.seen_in is not None else ""
    seen = f"a fault of ten times the budget would be seen after about {weighed.seen_after:,} requests"
    return f"On {weighed.objective.name} {seen}{soon}."


def explain_release(release: ReleaseRecord) -> Iterator[str]:
    """What is on record of a release: which it is, what its pods say, what it cost, and whether it can be undone."""
    revision = f" (revision {release.revision})" if release.revision else ""
    since = f", and was complete on {spell_instant(release.completed)}" if release.completed is not None else ""
    by = f", declared by {release.changed_by}" if release.changed_by else ""
    yield f"{called(release)}{revision} {STATES[release.state]}; it began on {spell_instant(release.began)}{by}{since}."
    for cost in release.costs:
        if cost.finding is ReleaseFinding.NOT_ATTRIBUTABLE:
            yield f"{cost.objective}: nobody can tell which events are of its pods, so it is not judged by them."
        else:
            counted = f"{cost.bad:,.0f} of {cost.total:,.0f} requests of its pods failed"
            yield f"{cost.objective}: {counted}, {_percent(cost.spent)} % of the budget; {SAYS[cost.finding]}."
    yield from (said for said in (release.message, release.bound) if said)
    for ask, what in ((release.undo, "undo it"), (release.allow, "let it out although it was undone")):
        if ask is not None:
            yield f"{ask.requested_by} asked to {what}: {ask.reason.strip()}"
    if release.restrained is not None:
        yield f"A rule asks to undo it, and it is not undone by itself. {release.restrained.why}"
    if release.readiness is not None and not release.attempted:
        can = "It can be undone" if release.readiness.ready else "It cannot be undone"
        yield f"{can} ({release.readiness.reason.value}). {release.readiness.why}"


def undo_message(workload: Workload, undo: Undo, finding: Finding | None = None) -> str:
    """Why a release is undone, how far that is, and what ends it; `finding` is the rule that asked, where it is known."""
    bad, good = _both(undo)
    why = f"{_capital(state_of_release(finding))}. " if finding is not None else ""
    ends, declared = _ends(workload, undo, bad), f"while {bad} is still declared"
    if puts_back(workload, undo):
        declared = "and is declared again"
    match undo.state:
        case UndoState.UNDER_WAY if undo.serve is not None:
            return f"{why}{bad} is being undone, so that {good} serves again. {ends}"
        case UndoState.UNDONE:
            return f"{why}{bad} was undone: {good} serves, {declared}. {ends}"
        case UndoState.STUCK:
            return f"{why}{bad} is undone in part: the pods of {good} did not become available in time, so both serve. {ends}"
        case _:
            return f"{why}{bad} is stopped where it is: there is nothing to go back to, so what serves goes on serving. {ends}"


def _both(undo: Undo) -> tuple[str, str]:
    """The images of what is undone and of what serves; with their digests where a change of the configuration has none."""
    bad = ", ".join(undo.bad.images) or "the release"
    good = ", ".join(undo.serve.images) or "the last good release" if undo.serve is not None else ""
    if undo.serve is not None and undo.serve.images == undo.bad.images:
        return f"{bad} (template {undo.bad.digest[:10]})", f"{good} (template {undo.serve.digest[:10]})"
    return bad, good


def _ends(workload: Workload, undo: Undo, bad: str) -> str:
    allows = f"holdfast lift {workload.kind.lower()}/{workload.name} -n {workload.namespace} --reason WHY"
    if not puts_back(workload, undo):
        return f"Any other release goes out; {bad} does not, until a person allows it: {allows}."
    return (
        f"Its pod template is put back, so every other one is refused; a tool that applies {bad} is told so at every turn. "
        f"Once a fix is declared there, a person lets it in: {allows}."
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _weighed(trial: Trial | None, key: ObjectKey) -> Weighed | None:
    return next((w for w in trial.weighed if w.objective == key), None) if trial is not None else None


def _percent(spent: float) -> str:
    return format_percent(Fraction(min(spent, 1e9)))
