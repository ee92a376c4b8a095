"""What a backtest found out about one objective, and which moments of it are worth a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final, assert_never

from holdfast.core.budget import Budget
from holdfast.core.evidence import Fresh
from holdfast.core.explain_release import condition_on_release
from holdfast.core.objective import Objective
from holdfast.core.policy import BudgetRemaining, BudgetSpent, BurnRate, ReleaseSpends, ReleaseWorse, Rule, Verdict
from holdfast.core.quantities import Seconds, Share, format_decimal, format_duration, format_percent, spell_instant
from holdfast.core.replay import Effect, Moment, worst
from holdfast.prometheus.history import Walk

LINES: Final = 36
"""A table of moments has about so many lines at most."""

STRETCHES: Final = 3
"""So many unmeasured stretches are named."""

NICE: Final = (60, 300, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800)
"""Stretches of time that people read easily, in seconds."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One objective over the past: every moment, and what each rule would have done."""

    objective: Objective
    rules: tuple[Rule, ...]
    windows: tuple[Seconds, ...]
    walk: Walk
    moments: tuple[Moment, ...]
    effects: tuple[Effect, ...]

    @property
    def untried(self) -> tuple[Rule, ...]:
        """The rules on releases: which pods were of which release is no longer known."""
        return tuple(rule for rule in self.rules if rule.on_releases)

    @property
    def unmeasured(self) -> int:
        """Moments of which nothing is known."""
        return sum(moment.remaining is None for moment in self.moments)

    @property
    def lowest(self) -> Share | None:
        """The least that was ever left."""
        moment = worst(self.moments)
        return moment.remaining if moment is not None else None

    @property
    def held(self) -> bool:
        """Whether a rule would have held releases at any time."""
        return any(f.verdict is Verdict.HOLD for moment in self.moments for f in moment.standing.found)

    def sentences(self) -> Iterator[str]:
        """The outcome in words."""
        objective, walk = self.objective, self.walk
        target = format_percent(objective.target, 12)
        first, last = spell_instant(self.moments[0].at), spell_instant(self.moments[-1].at)
        yield f"{objective.key} promises {target} % over {objective.window}."
        every = format_duration(walk.step)
        finer = "" if walk.pace == walk.step else f", read every {format_duration(walk.pace)}"
        yield f"From {first} to {last}: {len(self.moments)} moments, one every {every}{finer}."
        least, now = worst(self.moments), self.moments[-1]
        if least is not None and least.remaining is not None:
            end = "" if now.remaining is None else f" At the end {format_percent(now.remaining)} % is left."
            yield f"The least that was left is {format_percent(least.remaining)} %, on {spell_instant(least.at)}.{end}"
        if self.unmeasured:
            yield (
                f"Nothing is known of {self.unmeasured} of these moments, which are not measured: {_spans(self.moments)}."
            )
        if any(m.standing.measured.budget.young for m in self.moments if m.remaining is not None):
            yield "Where less than 10 % of the window was measured the budget is young, and rules on it only notify."
        if self.untried:
            names = ", ".join(rule.key.rule for rule in self.untried)
            one = "This rule judges releases and is" if len(self.untried) == 1 else "These rules judge releases and are"
            yield f"{one} not tried, since the past says nothing of pods that are gone: {names}."

    def lines(self) -> tuple[Seconds, list[Moment]]:
        """The worst moment of each stretch of the past, and how long a stretch is (a step: every moment is there)."""
        length = self.walk.step
        if len(self.moments) > LINES:
            wanted = self.walk.since / LINES
            length = next((float(n) for n in NICE if n >= max(wanted, length)), float(NICE[-1]))
        groups = groupby(self.moments, key=lambda moment: moment.at // length)
        return length, [_worst(list(group)) for _, group in groups]


def condition(rule: Rule) -> str:
    """When a rule begins, in a few words."""
    match rule.when:
        case BudgetRemaining(below):
            return f"under {format_percent(below)} % left"
        case BurnRate(above, over):
            return f"burns over {format_decimal(above, 2)} in {format_duration(over)}"
        case BudgetSpent(above, within):
            return f"over {format_percent(above)} % spent in {format_duration(within)}"
        case ReleaseWorse() | ReleaseSpends():
            return condition_on_release(rule.when)
        case _:
            assert_never(rule.when)


def action(rule: Rule) -> str:
    """What a rule asks for."""
    return rule.then.verdict.label


def verdict(moment: Moment) -> str:
    """The word for how an objective stood."""
    found = moment.standing.verdict
    return "Unknown" if found is None else found.label


def figures(moment: Moment) -> Budget | None:
    """The figures of a moment, where they are known."""
    return moment.standing.measured.budget if moment.remaining is not None else None


def burns(moment: Moment, window: Seconds) -> str:
    """How fast the budget burned, or a dash."""
    measured = moment.standing.measured
    burn = measured.burns.get(window) if isinstance(measured.evidence, Fresh) else None
    return "-" if burn is None or not burn.total else format_decimal(burn.rate, 2)


def _spans(moments: tuple[Moment, ...]) -> str:
    """When nothing is known, the longest stretches first."""
    groups = (list(group) for unknown, group in groupby(moments, key=lambda m: m.remaining is None) if unknown)
    found = sorted(groups, key=lambda group: (-len(group), group[0].at))
    said = [
        spell_instant(group[0].at) if len(group) == 1 else f"{_short(group[0])} to {spell_instant(group[-1].at)}"
        for group in found[:STRETCHES]
    ]
    more = [f"{len(found) - STRETCHES} shorter stretches"] if len(found) > STRETCHES else []
    return ", ".join(said + more)


def _short(moment: Moment) -> str:
    return spell_instant(moment.at).removesuffix(" UTC")


def _worst(moments: list[Moment]) -> Moment:
    """The one with the most severe verdict, of those the one with the least left; unmeasured ones last."""
    return min(
        moments,
        key=lambda m: (-(m.standing.verdict or Verdict.OPEN), m.remaining is None, m.remaining or Share(0), m.at),
    )
