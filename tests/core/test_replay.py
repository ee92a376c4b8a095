"""What a policy would have done: the same rules as the loop's, walked over the past."""

from __future__ import annotations

import random

import pytest

from holdfast.core.decide import decide
from holdfast.core.hold import CauseKey, HoldRecord
from holdfast.core.observed import Observed
from holdfast.core.policy import Mode, Rule, Verdict
from holdfast.core.replay import Moment, effects, replay, worst
from holdfast.core.wanted import Held
from tests.core.making import HOUR, NOW, SHOP, SILENT, deployment, measured, notify, percent, rule
from tests.core.releasing import spends, worse

Left = float | None  # None: no evidence

LOW, HOLD = notify(), rule(below=0, until=5)


def walked(*left: Left, rules: tuple[Rule, ...] = (HOLD, LOW), coverage: int = 100) -> tuple[Moment, ...]:
    """An objective with so much left, an hour apart."""
    looks = [
        (NOW + n * HOUR, measured(50 if x is None else x, *((SILENT,) if x is None else ()), coverage=coverage))
        for n, x in enumerate(left)
    ]
    return replay(looks, rules)


def verdicts(moments: tuple[Moment, ...]) -> str:
    """O, N or H for each; - where nothing is known and nothing is in force."""
    return "".join("-" if m.standing.verdict is None else m.standing.verdict.label[0] for m in moments)


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ((80, 20, 20, 40), "ONNO"),
        ((80, -1, 3, 5, 6, 31), "OHHHNO"),  # the hold ends above 5, the other rule above 30
        ((None, None, 80), "--O"),
        ((-1, None, None, 40), "HHHO"),  # silence lifts nothing
        ((80, None, -1), "O-H"),
    ],
)
def test_rules_remember_from_moment_to_moment(left: tuple[Left, ...], said: str) -> None:
    """Thresholds have their hysteresis, and silence keeps what was in force."""
    assert verdicts(walked(*left)) == said


def test_rules_in_audit_are_tried_as_if_enforced() -> None:
    """A backtest is there to see what a policy would do."""
    assert verdicts(walked(-1, rules=(rule(mode=Mode.AUDIT),))) == "H"


def test_a_hold_ends_when_it_has_lasted_as_long_as_it_may() -> None:
    """After `atMost` the rule only notifies, until it has ceased once."""
    short = rule(below=0, until=5, at_most=2 * HOUR)
    assert verdicts(walked(-1, -1, -1, -1, 50, -1, rules=(short,))) == "HHNNOH"


def test_a_young_budget_holds_nothing() -> None:
    """As in the loop, a rule on a budget that is hardly measured only notifies."""
    assert verdicts(walked(-1, coverage=5)) == "N"


def test_what_each_rule_would_have_done_adds_up() -> None:
    """How often a rule began, how long it was in force, and for how long it held; a moment lasts until the next."""
    hold, low = effects(walked(80, -1, -1, 40, -1, None, 80), (HOLD, LOW))
    assert (hold.times, hold.lasted, hold.held) == (2, 4 * HOUR, 4 * HOUR)
    assert (low.times, low.lasted, low.held) == (2, 4 * HOUR, 0)


def test_the_worst_moment_is_one_that_was_measured() -> None:
    """What is not known is neither the best nor the worst."""
    assert worst(walked(None, None)) is None
    least = worst(walked(None, 30, -4, -4, None, 80))
    assert least is not None
    assert (least.remaining, least.at) == (percent(-4), NOW + 2 * HOUR)
    assert walked(None)[0].remaining is None
    assert walked(80, coverage=0)[0].remaining is None


@pytest.mark.parametrize("seed", range(30))
def test_a_replay_says_what_the_decisions_say(seed: int) -> None:
    """Over any past the verdicts are those that `decide` gives from look to look, with the record of the hold."""
    chance = random.Random(seed)
    rules = (rule(below=0, until=chance.choice([0, 5, 20])), notify(below=25))
    left = [chance.choice([None, -10, -1, 0, 3, 5, 6, 20, 24, 26, 29, 31, 80]) for _ in range(60)]
    hold: HoldRecord | None = None
    before: frozenset[CauseKey] = frozenset()
    for moment in walked(*left, rules=rules):
        figures = moment.standing.measured
        decision = decide(
            Observed(
                moment.at, SHOP, deployment(), (figures,), {figures.objective.key: rules}, hold, before, new_id="abcde"
            )
        )
        assert (moment.standing.verdict or Verdict.OPEN) is decision.verdict
        hold = decision.wanted.record if isinstance(decision.wanted, Held) else None
        before = frozenset(f.key for f in decision.because)


def test_rules_on_releases_are_left_out() -> None:
    """Nobody knows any more which pods were of which release: such a rule is neither in force nor counted."""
    moments = walked(80, -1, rules=(worse(), HOLD, spends()))
    assert verdicts(moments) == "OH"
    assert [effect.rule for effect in effects(moments, (worse(), HOLD, spends()))] == [HOLD]
