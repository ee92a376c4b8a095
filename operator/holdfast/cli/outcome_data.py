"""A backtest for programs: every moment, as CSV or JSON. What is not measured is empty, or null, never a number."""

from __future__ import annotations

import csv as tables
import json as texts
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction

import click

from holdfast.core.evidence import Fresh
from holdfast.core.quantities import Seconds, format_decimal, format_duration, format_instant
from holdfast.core.replay import Moment, worst

from .outcome import Outcome, action, condition, figures, verdict


def csv(outcomes: Sequence[Outcome]) -> None:
    """One line a moment, all objectives below each other."""
    windows = sorted({window for t in outcomes for window in t.windows})
    burns = [f"burn_{format_duration(window)}" for window in windows]
    head = ("namespace", "slo", "time", "remaining_percent", "bad", "total", "allowed", "coverage_percent")
    out = tables.writer(sys.stdout, lineterminator="\n")
    out.writerow((*head, *burns, "verdict", "rules"))
    for t in outcomes:
        for moment in t.moments:
            row = _row(moment)
            rates = [_burn(moment, window) for window in windows]
            said = [row[name] for name in ("remainingPercent", "bad", "total", "allowed", "coveragePercent")]
            key = t.objective.key
            names = " ".join(_names(moment))
            out.writerow((key.namespace, key.name, row["time"], *said, *rates, row["verdict"], names))


def json(outcomes: Sequence[Outcome]) -> None:
    """One document with everything."""
    click.echo(texts.dumps({"objectives": [_document(t) for t in outcomes]}, indent=1))


def _document(t: Outcome) -> Mapping[str, object]:
    least = worst(t.moments)
    return {
        "namespace": t.objective.key.namespace,
        "name": t.objective.key.name,
        "targetPercent": _number(t.objective.target * 100, 10),
        "window": str(t.objective.window),
        "step": format_duration(t.walk.step),
        "readEvery": format_duration(t.walk.pace),
        "from": format_instant(t.moments[0].at),
        "to": format_instant(t.moments[-1].at),
        "unmeasuredMoments": t.unmeasured,
        "lowest": None if least is None else {"time": format_instant(least.at), **_row(least)},
        "wouldHold": t.held,
        "rules": [
            {
                "policy": effect.rule.key.policy,
                "rule": effect.rule.key.rule,
                "when": condition(effect.rule),
                "action": action(effect.rule),
                "times": effect.times,
                "inForceSeconds": effect.lasted,
                "heldSeconds": effect.held,
            }
            for effect in t.effects
        ],
        "rulesNotTried": [f"{rule.key.policy}/{rule.key.rule}" for rule in t.untried],
        "moments": [
            {
                **_row(moment),
                "burnRates": [{"window": format_duration(w), "rate": _burn(moment, w)} for w in t.windows],
                "rules": _names(moment),
            }
            for moment in t.moments
        ],
    }


def _row(moment: Moment) -> dict[str, object]:
    budget = figures(moment)
    return {
        "time": format_instant(moment.at),
        "remainingPercent": _number(budget.remaining * 100) if budget is not None else None,
        "bad": _number(budget.bad) if budget is not None else None,
        "total": _number(budget.total) if budget is not None else None,
        "allowed": _number(budget.allowed) if budget is not None else None,
        "coveragePercent": _number(Fraction(budget.coverage) * 100) if budget is not None else None,
        "verdict": verdict(moment),
    }


def _burn(moment: Moment, window: Seconds) -> float | None:
    measured = moment.standing.measured
    burn = measured.burns.get(window) if isinstance(measured.evidence, Fresh) else None
    return None if burn is None or not burn.total else _number(burn.rate, 4)


def _names(moment: Moment) -> list[str]:
    return [f"{f.key.rule.policy}/{f.key.rule.rule}" for f in moment.standing.found]


def _number(value: Fraction, places: int = 3) -> float:
    text = format_decimal(value, places)
    return float(text) if "." in text else int(text)
