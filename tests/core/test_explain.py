"""The sentences people read, word for word."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from holdfast.core.budget import Burn, Measured
from holdfast.core.decide import decide
from holdfast.core.explain import explain, explain_measured, explain_rule
from holdfast.core.hold import Cause, HoldState, Reason
from holdfast.core.objective import ObjectKey
from holdfast.core.policy import Mode, Rule
from tests.core.making import (
    DAY,
    HOUR,
    NOW,
    SILENT,
    burn_rule,
    burning,
    cause_key,
    held,
    measured,
    notify,
    observed,
    on_record,
    rule,
    spent_rule,
)


@pytest.mark.parametrize(
    ("figures", "made", "sentence"),
    [
        (
            measured("-3.1"),
            rule(at_most=7 * DAY),
            "Error budget of shop/checkout-latency is exhausted (-3.1 % left); "
            "lifts above 5 %, at the latest on 5 Dec 06:00 UTC.",
        ),
        (
            measured("-3.1"),
            rule(until=None),
            "Error budget of shop/checkout-latency is exhausted (-3.1 % left); lifts above 5 %.",
        ),
        (
            measured(12),
            rule(below=25, until=30),
            "Error budget of shop/checkout-latency is low (12 % left, the rule asks for 25 %); lifts above 30 %.",
        ),
        (
            measured(0),
            rule(below=25, until=30),
            "Error budget of shop/checkout-latency is exhausted (0 % left); lifts above 30 %.",
        ),
        (
            measured(burns=burning(20)),
            burn_rule(),
            "Error budget of shop/checkout-latency burns 20 times as fast as it may over 1h (the rule allows 14.4); "
            "lifts when it burns at most 14.4 over 1h.",
        ),
        (
            measured(burns=burning(20)),
            burn_rule(until=10, at_most=90 * 60),
            "Error budget of shop/checkout-latency burns 20 times as fast as it may over 1h (the rule allows 14.4); "
            "lifts when it burns at most 14.4 over 1h and more than 10 % is left, at the latest on 28 Nov 07:30 UTC.",
        ),
        (
            measured(burns=burning(1.5, over=7 * DAY)),
            spent_rule(),
            "35 % of the error budget of shop/checkout-latency was spent within 7d (the rule allows 20 %); "
            "lifts when at most 20 % of the budget was spent within 7d.",
        ),
        (
            measured(burns=burning(1.5, over=7 * DAY)),
            spent_rule(until=10),
            "35 % of the error budget of shop/checkout-latency was spent within 7d (the rule allows 20 %); "
            "lifts when at most 20 % of the budget was spent within 7d and more than 10 % is left.",
        ),
    ],
)
def test_why_a_workload_is_held(figures: Measured, made: Rule, sentence: str) -> None:
    """The figure, what lifts it, and when at the latest."""
    assert held(decide(observed(figures, rules=(made,)))).message == sentence


def test_a_hold_on_a_new_indicator_says_why_it_stays() -> None:
    """The figures of the new ledger are good, and that is not what keeps the hold."""
    figures = replace(measured(100), provisional=True)
    message = held(decide(observed(figures, rules=(rule("a"),), hold=on_record(rule("a"), rule("b"))))).message
    assert message == (
        "shop/checkout-latency counts something else now, and does not know as much of the past yet as before; "
        "lifts above 5 %."
    )


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (
            (rule("a", at_most=DAY), rule("b", at_most=2 * DAY)),
            "Error budget of shop/checkout-latency is exhausted (-5 % left) and 1 more cause; "
            "lifts above 5 %, at the latest on 30 Nov 06:00 UTC.",
        ),
        (
            (rule("a", at_most=DAY), rule("b"), rule("c")),
            "Error budget of shop/checkout-latency is exhausted (-5 % left) and 2 more causes; lifts above 5 %.",
        ),
    ],
)
def test_several_causes_are_counted(rules: tuple[Rule, ...], sentence: str) -> None:
    """The first is told, the others are counted; the end is told only when every cause has one, and it is the last."""
    assert held(decide(observed(measured(-5), rules=(*rules, notify())))).message == sentence


@pytest.mark.parametrize(("left", "state"), [("3", "recovering (3 % left)"), ("0", "exhausted (0 % left)")])
def test_a_message_that_is_written_on_the_way_back_does_not_say_exhausted(left: str, state: str) -> None:
    """When the causes change inside the band, the sentence says what is so."""
    both = on_record(rule("a"), rule("b"))
    message = held(decide(observed(measured(left), rules=(rule("a"),), hold=both))).message
    assert message == f"Error budget of shop/checkout-latency is {state}; lifts above 5 %."


@pytest.mark.parametrize(
    ("made", "beginning"),
    [
        (burn_rule(), "Error budget of shop/checkout-latency burns ? times as fast as it may over 1h"),
        (spent_rule(), "? % of the error budget of shop/checkout-latency was spent within 7d"),
    ],
)
def test_a_window_that_is_not_measured_has_no_figure(made: Rule, beginning: str) -> None:
    """An edited rule may be told before its window was measured: then there is a question mark and no error."""
    both = replace(on_record(rule("other"), rule()), causes=(Cause(cause_key(made), Reason.BURNING_FAST, NOW, None),))
    message = held(decide(observed(measured(-5), rules=(made,), hold=both))).message
    assert message.startswith(beginning)


def test_what_cannot_be_read_is_said_to_hold() -> None:
    """When the only causes left cannot be read, the record says that."""
    both = on_record(rule("a"), rule("b", policy="other"))
    seen = observed(measured(50), rules=(rule("a"),), hold=both, unreadable=frozenset({ObjectKey("shop", "other")}))
    decision = decide(seen)
    assert held(decision).message == (
        "Deployment shop/checkout is held by a rule whose objective cannot be read now; it stays held."
    )
    assert explain(decision) == (
        "Rule b of policy other on shop/checkout-latency cannot be read now: it stays in force, so Hold.",
    )


FIRST = "shop/checkout-latency promises 99.9 % good events over 30d."


@pytest.mark.parametrize(
    ("figures", "lines"),
    [
        (
            measured(62.1),
            [
                "The figures are fresh, of 28 Nov 05:59 UTC.",
                "379 of 1,000,000 events failed; the budget allows 1,000 in 30d, so 62.1 % of it is left.",
            ],
        ),
        (
            measured(62.1, SILENT, coverage=40),
            [
                "There has been no evidence since 28 Nov 05:45 UTC (Unreachable): the source refused the connection. "
                "Nothing new is concluded.",
                "379 of 1,000,000 events failed; the budget allows 1,000 in 30d, so 62.1 % of it is left.",
                "40 % of the window is measured; the traffic so far is projected onto the rest.",
            ],
        ),
        (
            measured(100, coverage=0),
            ["The figures are fresh, of 28 Nov 05:59 UTC.", "Nothing of the window has been measured yet."],
        ),
        (
            measured(50, coverage=5, allowed=2),
            [
                "The figures are fresh, of 28 Nov 05:59 UTC.",
                "1 of 2,000 events failed; the budget allows 2 in 30d, so 50 % of it is left.",
                "5 % of the window is measured; the traffic so far is projected onto the rest.",
                "The budget is young (under 10 % measured): budget rules only notify.",
            ],
        ),
        (
            measured(50, allowed=2, burns={21_600.0: Burn(Fraction("0.456"), Fraction(1)), **burning(2)}),
            [
                "The figures are fresh, of 28 Nov 05:59 UTC.",
                "1 of 2,000 events failed; the budget allows 2 in 30d, so 50 % of it is left.",
                "The budget is too small (fewer than 10 failures allowed): budget rules only notify.",
                "Over 5m it burns 2 times as fast as it may.",
                "Over 1h it burns 2 times as fast as it may.",
                "Over 6h it burns 0.46 times as fast as it may.",
            ],
        ),
    ],
)
def test_what_is_known_of_an_objective(figures: Measured, lines: list[str]) -> None:
    """The promise, the evidence, the figures, and how far they carry."""
    assert list(explain_measured(figures)) == [FIRST, *lines]


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (rule(), "Rule exhausted of policy default (Enforce): Hold when less than 0 % left. Not in force."),
        (notify(mode=Mode.AUDIT), "Rule low of policy default (Audit): Notify when less than 25 % left. Not in force."),
        (
            burn_rule(),
            "Rule burning of policy default (Enforce): Hold when burning more than 14.4 over 1h. Not in force.",
        ),
        (
            spent_rule(),
            "Rule incident of policy default (Enforce): Hold when more than 20 % of the budget spent within 7d. Not in force.",
        ),
    ],
)
def test_a_rule_that_is_not_in_force(made: Rule, line: str) -> None:
    """Its name, its mode, what it would do and when."""
    assert explain_rule(made, None) == line


@pytest.mark.parametrize(
    ("made", "more", "lines"),
    [
        (rule(), {}, ["(Enforce): in force (less than 0 % left), so Hold. It ends above 5 %."]),
        (notify("exhausted"), {}, ["(Enforce): in force (less than 25 % left), so Notify. It ends above 30 %."]),
        (
            rule(mode=Mode.AUDIT),
            {},
            ["(Audit): in force (less than 0 % left); it would hold, but its mode is Audit. It ends above 5 %."],
        ),
        (
            rule(),
            {"enforcing": False},
            [
                "(Enforce): in force (less than 0 % left); it would hold, but Holdfast is switched off. It ends above 5 %."
            ],
        ),
        (
            rule(),
            {"coverage": 5},
            ["(Enforce): in force (less than 0 % left), but it only notifies: the budget is young."],
        ),
    ],
)
def test_a_rule_that_is_in_force(made: Rule, more: dict[str, Any], lines: list[str]) -> None:
    """What it does, or why it only reports, and what ends it."""
    figures = measured(-5, coverage=more.pop("coverage", 100))
    assert list(explain(decide(observed(figures, rules=(made,), **more)))) == [
        f"Rule exhausted of policy default {line}" for line in lines
    ]


def test_a_cause_that_lasted_as_long_as_it_may_is_not_said_to_hold() -> None:
    """Of a worn cause people read that releases go through, also while another cause still holds."""
    worn = "Its hold has lasted as long as it may: releases go through."
    limited = rule("a", at_most=HOUR)
    (line,) = explain(decide(observed(measured(-5), rules=(limited,), hold=on_record(limited))))
    assert line.endswith(worn)
    first, second = explain(
        decide(observed(measured(-5), rules=(limited, rule("b")), hold=on_record(limited, rule("b"))))
    )
    assert first.endswith(worn)
    assert second.endswith("so Hold. It ends above 5 %.")
    lifted = on_record(limited, state=HoldState.LIFTED, worn=(cause_key(limited),))
    (later,) = explain(decide(observed(measured(-5), rules=(limited,), hold=lifted)))
    assert later.endswith(worn)


def test_the_most_severe_comes_first_and_reports_last() -> None:
    """What is done, by severity; then what would be done."""
    rules = (notify(), rule(), rule("audited", mode=Mode.AUDIT))
    names = [line.split()[1] for line in explain(decide(observed(measured(-5), rules=rules)))]
    assert names == ["exhausted", "low", "audited"]


def test_an_open_workload() -> None:
    """One sentence when nothing is in force."""
    assert explain(decide(observed(measured(50)))) == ("No rule is in force: releases go through.",)
