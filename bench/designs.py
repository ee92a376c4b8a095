"""The recording rules with which budgets are measured today, written from their published formulas.

Rule: each design is as published in what it computes and how often, and where the publications differ, the cheaper way.

* **increase over the window**: the generic rules of Pyrra. `increase()` over the whole window every 2.5 minutes (its
  interval at 28 days), bad over total.
* **increases of 5 minutes, summed**: Pyrra with `performanceOverAccuracy`. The increase of 5 minutes is recorded every 30 s and
  summed over the window at steps of 5 minutes, every 2.5 minutes.
* **mean of ratios**: Sloth. The error ratio of 5 minutes is recorded at every evaluation, and its mean over the window is
  `sum_over_time / count_over_time`.

All three also evaluate the error ratio over seven windows for alerts on burn rates, from the raw counters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from holdfast.core.objective import BadOverTotal, Counted, Selector
from holdfast.prometheus.families import PART, TOTAL, selectors

OFTEN: Final = 30.0  # seconds between two evaluations, where a design does not say otherwise
SELDOM: Final = 150.0  # of an increase over 28 days
BURNS: Final = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")

INCREASE: Final = "increase over the window"
SUMMED: Final = "increases of 5 minutes, summed"
MEAN: Final = "mean of 5-minute ratios"
DESIGNS: Final = (INCREASE, SUMMED, MEAN)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of one objective: three series that bear its name."""

    slo: str

    total: ClassVar[str] = "slo:total:increase5m"
    bad: ClassVar[str] = "slo:bad:increase5m"
    ratio: ClassVar[str] = "slo:error:ratio_rate5m"

    def of(self, metric: str) -> str:
        """The selector of one of them."""
        return f'{metric}{{slo="{self.slo}"}}'


@dataclass(frozen=True, slots=True)
class Rule:
    """One expression, and the seconds between two evaluations of it."""

    expression: str
    every: float


def burn_rates(indicator: Counted) -> list[Rule]:
    """The error ratio over each window of the alerts; the first is also what the mean of ratios is made of."""
    return [Rule(ratio(indicator, window), OFTEN) for window in BURNS]


def rules(indicator: Counted, window: str, recorded: Recorded) -> Mapping[str, list[Rule]]:
    """What each design evaluates beside the burn rates, to know the ratio over the whole window."""
    by_role = dict(selectors(indicator))
    series, errors = (recorded.of(recorded.total), recorded.of(recorded.bad)), recorded.of(recorded.ratio)
    return {
        INCREASE: [Rule(e, SELDOM) for e in _increases(by_role, window)],
        SUMMED: [
            *(Rule(e, OFTEN) for e in _increases(by_role, "5m")),
            *(Rule(f"sum(sum_over_time({name}[{window}:5m]))", SELDOM) for name in series),
        ],
        MEAN: [Rule(f"sum_over_time({errors}[{window}]) / count_over_time({errors}[{window}])", OFTEN)],
    }


def ratio(indicator: Counted, window: str) -> str:
    """The share of bad events, in events per second over a window."""
    by_role = dict(selectors(indicator))
    total, part = (f"sum(rate({by_role[role]}[{window}]))" for role in (TOTAL, PART))
    return f"{part} / {total}" if isinstance(indicator, BadOverTotal) else f"1 - {part} / {total}"


def answers(indicator: BadOverTotal, window: str, step: str) -> Mapping[str, str]:
    """One expression per design for the share of bad events over the window, from the raw counters.

    What a rule would have recorded at every `step` is a subquery here: the same figures at the same times.
    """
    bad, total = indicator.bad, indicator.total
    bad_sum, total_sum = (f"sum_over_time(sum(increase({s}[5m]))[{window}:5m])" for s in (bad, total))
    mean = f"({ratio(indicator, '5m')})[{window}:{step}]"
    return {
        INCREASE: f"(sum(increase({bad}[{window}])) or vector(0)) / sum(increase({total}[{window}]))",
        SUMMED: f"({bad_sum} or vector(0)) / {total_sum}",
        MEAN: f"sum_over_time({mean}) / count_over_time({mean})",
    }


def _increases(by_role: Mapping[str, Selector], window: str) -> list[str]:
    """One query where both counters are of one metric and the bad one follows from a label; else two."""
    total, part = by_role[TOTAL], by_role[PART]
    if total.metric == part.metric and total.labels < part.labels:
        by = ", ".join(sorted(part.labels - total.labels))
        return [f"sum by ({by}) (increase({total}[{window}]))"]
    return [f"sum(increase({selector}[{window}]))" for selector in (total, part)]
