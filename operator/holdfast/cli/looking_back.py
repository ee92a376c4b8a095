"""From files to outcomes: every objective walked over the past that its source still has, under the rules that cover it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from holdfast.api.recurrence import adjusted
from holdfast.core.adjustment import Adjustment, Reset
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Composite, Objective, ObjectKey
from holdfast.core.policy import Policy, Rule, compared
from holdfast.core.quantities import Instant, Seconds, Span
from holdfast.core.replay import effects, replay
from holdfast.prometheus.history import History, Walk, Wanted, history, plan
from holdfast.prometheus.poller import Poller
from holdfast.prometheus.refill import advance

from .files import Checked
from .outcome import Outcome
from .source import Sources


def look_back(checked: Checked, asked: Sources, since: Seconds, step: Seconds) -> tuple[list[Outcome], list[str]]:
    """Every objective that the sources know of, and a sentence for each of the others."""
    objectives = [objective for _, objective in checked.objectives]
    rules = {o.key: _rules(o, [policy for _, policy in checked.policies]) for o in objectives}
    windows = {
        o.key: tuple(sorted(compared((r for r in rules[o.key] if not r.on_releases), o, asked.interval)))
        for o in objectives
    }
    pollers, unknown = _pollers(objectives, asked)
    shortest = min((w for key in pollers for w in windows[key]), default=step)
    scrape = max((p.source.scrape_interval for p in pollers.values()), default=0.0)
    now, delay = time.time(), max((p.source.delay for p in pollers.values()), default=0.0)
    slices = sorted({o.slices.length for o in objectives if o.slices is not None})
    walk = plan(now, delay, since, step, max(shortest, scrape), slices)
    known = [o for o in objectives if o.key not in unknown]
    longest = max(objective.window.longest for objective in objectives)
    around = Span(walk.times[0] - longest, now + longest)
    adjustments = [adjustment for _, adjustment in checked.adjustments]
    wanted = {o.key: _wanted(o, windows[o.key], adjustments, around) for o in known}
    found = history(known, pollers, walk, wanted, asked.interval)
    unknown |= _without(known, found, pollers, walk)
    outcomes = []
    for objective in known:
        if objective.key not in unknown:
            own = rules[objective.key]
            moments = replay(found.looks[objective.key], own)
            outcomes.append(Outcome(objective, own, windows[objective.key], walk, moments, effects(moments, own)))
    return outcomes, [f"{key}: {why}." for key, why in sorted(unknown.items())]


def _rules(objective: Objective, policies: Iterable[Policy]) -> tuple[Rule, ...]:
    covering = sorted((p for p in policies if p.covers(objective.key.namespace, objective.labels)), key=lambda p: p.key)
    return tuple(rule for policy in covering for rule in policy.rules)


def _wanted(
    objective: Objective, windows: tuple[Seconds, ...], adjustments: Iterable[Adjustment], around: Span
) -> Wanted:
    """The windows of its rules, and what its adjustments come to in all of this time."""
    own = [a for a in adjustments if a.covers(objective.key.namespace, objective.labels)]
    resets = tuple(a.change.at for a in own if isinstance(a.change, Reset))
    return Wanted(windows, adjusted(own, around.begin, around.end, around.end).excluded, resets)


def _pollers(objectives: Iterable[Objective], asked: Sources) -> tuple[dict[ObjectKey, Poller], dict[ObjectKey, str]]:
    """Who asks for each objective, one poller a source, and why nobody can."""
    by_source: dict[str, Poller] = {}
    pollers: dict[ObjectKey, Poller] = {}
    unknown: dict[ObjectKey, str] = {}
    for objective in objectives:
        if isinstance(objective.indicator, Composite):
            continue
        source = asked.of(objective)
        if source is None:
            unknown[objective.key] = asked.unknown(objective)
        else:
            pollers[objective.key] = by_source.setdefault(source.name, Poller(source))
    for objective in objectives:
        parts = objective.indicator.parts if isinstance(objective.indicator, Composite) else ()
        lacking = [part.key.name for part in parts if part.key not in pollers]
        if lacking:
            unknown[objective.key] = f"of its parts nothing is asked about {', '.join(lacking)}"
    return pollers, unknown


def _without(
    objectives: Sequence[Objective], found: History, pollers: Mapping[ObjectKey, Poller], walk: Walk
) -> dict[ObjectKey, str]:
    """Why nothing, or not all, is known of some objectives."""
    unknown = {key: missing.note for key, missing in found.failed.items()}
    for objective in objectives:
        looks = found.looks.get(objective.key, ())
        if objective.key in unknown or any(measured.budget.coverage for _, measured in looks):
            continue
        poller = pollers.get(objective.key)
        unknown[objective.key] = (
            _why(poller, objective, walk.until) if poller is not None else "one of its parts has no data"
        )
    return unknown


def _why(poller: Poller, objective: Objective, at: Instant) -> str:
    """Why the source has nothing of an objective: what it says now."""
    missing = advance(poller, {objective.key: Ledger(300, 300)}, [objective], at, 300).get(objective.key)
    if missing is not None:
        return missing.note
    return "its series begin only now, so there is no past to look at"
