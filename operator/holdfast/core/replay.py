"""What a policy would have done: the rules walked over the figures of the past, as the loop walks over those of today.

Every rule on the budget is taken as if it were enforced; those on releases are left out, since nobody knows any more
which pods were of which release. A rule keeps its memory from one moment to the next, so a threshold has its
hysteresis, silence changes nothing, and a hold ends when it has lasted as long as it may.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from .budget import Measured
from .evidence import Fresh
from .hold import CauseKey
from .judge import Finding, Standing, findings, tired
from .policy import HoldReleases, Mode, Rule, RuleKey, Verdict
from .quantities import Instant, Seconds, Share


@dataclass(frozen=True, slots=True)
class Moment:
    """How an objective stood at one time of the past."""

    at: Instant
    standing: Standing

    @property
    def remaining(self) -> Share | None:
        """The share of the budget that was left; None where nobody could know."""
        measured = self.standing.measured
        known = isinstance(measured.evidence, Fresh) and measured.budget.coverage > 0
        return measured.budget.remaining if known else None


@dataclass(frozen=True, slots=True)
class Effect:
    """One rule over all of the past: how often it began, how long it was in force, and how long of that it held."""

    rule: Rule
    times: int
    lasted: Seconds
    held: Seconds


def replay(looks: Iterable[tuple[Instant, Measured]], rules: Collection[Rule]) -> tuple[Moment, ...]:
    """How an objective would have stood at each of these times, in their order."""
    enforced = tuple(replace(rule, mode=Mode.ENFORCE) for rule in rules)
    moments: list[Moment] = []
    before: frozenset[CauseKey] = frozenset()
    holding: dict[CauseKey, Instant] = {}  # since when; also those whose hold has lasted as long as it may
    worn: set[CauseKey] = set()
    for at, measured in looks:
        found = findings(measured, enforced, before, holding)
        asking = [f for f in found if f.verdict is Verdict.HOLD]
        holding = {f.key: holding.get(f.key, at) for f in asking}
        worn = {f.key for f in asking if f.key in worn or _is_over(f, holding[f.key], at)}
        standing = Standing(measured, tired(found, worn))
        moments.append(Moment(at, standing))
        before = standing.in_force
    return tuple(moments)


def effects(moments: Sequence[Moment], rules: Iterable[Rule]) -> tuple[Effect, ...]:
    """What each rule on the budget would have done, in their order. A moment stands for the time up to the next one."""
    lengths = [later.at - moment.at for moment, later in pairwise(moments)]
    return tuple(_effect(moments, [*lengths, 0.0], rule) for rule in rules if not rule.on_releases)


def worst(moments: Iterable[Moment]) -> Moment | None:
    """The first moment with the least budget left; None when it was never known."""
    known = [(moment.remaining, moment.at, moment) for moment in moments if moment.remaining is not None]
    return min(known, key=lambda item: item[:2])[2] if known else None


def _effect(moments: Sequence[Moment], lengths: Sequence[Seconds], rule: Rule) -> Effect:
    times, lasted, held, before = 0, 0.0, 0.0, False
    for moment, length in zip(moments, lengths, strict=True):
        found = _finding(moment, rule.key)
        times += found is not None and not before
        lasted += length if found is not None else 0
        held += length if found is not None and found.verdict is Verdict.HOLD else 0
        before = found is not None
    return Effect(rule, times, lasted, held)


def _finding(moment: Moment, key: RuleKey) -> Finding | None:
    return next((f for f in moment.standing.found if f.key.rule == key), None)


def _is_over(finding: Finding, since: Instant, now: Instant) -> bool:
    then = finding.rule.then
    return isinstance(then, HoldReleases) and then.at_most is not None and now - since >= then.at_most
