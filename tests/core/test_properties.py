"""What is true of every decision, for every combination of evidence, budget, policy, mode, record and workload."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.budget import Budget, Burn, Measured
from holdfast.core.decide import decide
from holdfast.core.evidence import Fresh, Missing, Why
from holdfast.core.explain import explain, explain_measured
from holdfast.core.hold import Cause, CauseKey, HoldRecord, HoldState, Reason, Transition
from holdfast.core.kinds.deployment import Deployment, step
from holdfast.core.objective import ObjectKey
from holdfast.core.observed import Observed
from holdfast.core.policy import (
    BudgetRemaining,
    BudgetSpent,
    BurnRate,
    HoldReleases,
    Mode,
    Notify,
    Rule,
    RuleKey,
    Verdict,
)
from holdfast.core.request import HOLD_LABEL, OVERRIDE_LABEL, Done, PatchReplicaSet, PatchWorkload, Wait, WriteRecord
from holdfast.core.wanted import Free, Held
from tests.core.making import (
    DAY,
    ERRORS,
    FIX,
    HOUR,
    LATENCY,
    NEW,
    NOW,
    OLD,
    SHOP,
    measured,
    objective,
    observed,
    replica_set,
    rule,
)

KEYS = st.sampled_from([LATENCY, ERRORS])
NAMES = st.sampled_from([RuleKey(p, r) for p in ("default", "other") for r in ("a", "b")])
CAUSE_KEYS = st.builds(CauseKey, NAMES, KEYS)
IDS = st.sampled_from(["budget-exhausted-00000", "burning-fast-11111", ""])
TIMES = st.one_of(st.floats(NOW - 60 * DAY, NOW + DAY), st.sampled_from([0.0, NOW, 1e12]))
SHARES = st.integers(-200, 110).map(lambda n: Fraction(n, 100))
RATES = st.integers(0, 300).map(lambda n: Fraction(n, 7))
LENGTHS = st.sampled_from([60.0, HOUR, 7 * DAY, 1e10])

MISSING = st.builds(Missing, st.sampled_from(Why), TIMES, st.just("a note"))
EVIDENCE = st.builds(Fresh, TIMES) | MISSING
COUNTS = st.integers(0, 10**9).map(lambda n: Fraction(n, 3)) | st.integers(0, 20).map(Fraction)
BUDGETS = st.builds(Budget, COUNTS, COUNTS, COUNTS, st.integers(0, 20).map(lambda n: Fraction(n, 20)))
BURNS = st.dictionaries(st.sampled_from([HOUR, HOUR / 12, 60.0, 30.0, DAY]), st.builds(Burn, RATES, COUNTS), max_size=4)
MEASURED = st.builds(Measured, KEYS.map(objective), EVIDENCE, BUDGETS, BURNS)
RULES = st.builds(
    Rule,
    NAMES,
    st.sampled_from(Mode),
    st.builds(BudgetRemaining, SHARES)
    | st.builds(BurnRate, RATES, st.sampled_from([HOUR, 60.0]))
    | st.builds(BudgetSpent, SHARES.filter(lambda share: share > 0), st.sampled_from([HOUR, 60.0])),
    st.builds(Notify) | st.builds(HoldReleases, st.none() | SHARES, st.none() | LENGTHS),
)
TEMPLATES = st.sampled_from([OLD, NEW, FIX])
LABELS = st.dictionaries(st.sampled_from([HOLD_LABEL, OVERRIDE_LABEL, "app"]), IDS)
SETS = st.lists(
    st.builds(replica_set, TEMPLATES, st.integers(0, 4), st.integers(1, 5), LABELS),
    max_size=3,
    unique_by=lambda s: s.name,
).map(tuple)
VIEWS = st.builds(
    Deployment,
    st.just(SHOP),
    st.just("uid"),
    st.just("1"),
    st.integers(1, 3),
    st.integers(1, 3),
    TEMPLATES,
    st.booleans(),
    st.integers(0, 5),
    LABELS,
    SETS,
    st.booleans(),
)
HOLDS = st.builds(
    HoldRecord,
    st.just(SHOP),
    IDS,
    st.sampled_from(HoldState),
    st.sampled_from(Reason),
    TIMES,
    st.lists(
        st.builds(Cause, CAUSE_KEYS, st.sampled_from(Reason), TIMES, st.none() | LENGTHS),
        max_size=3,
        unique_by=lambda c: c.key,
    ).map(tuple),
    st.sampled_from(["", "lifts above 5 %."]),
    TEMPLATES,
    st.none() | TEMPLATES,
    st.none() | TEMPLATES,
    st.booleans(),
    st.lists(CAUSE_KEYS, max_size=2, unique=True).map(tuple),
    st.lists(st.builds(Transition, TIMES, st.sampled_from(HoldState), st.sampled_from(Reason)), max_size=2).map(tuple),
)
WORLDS = st.builds(
    Observed,
    TIMES,
    st.just(SHOP),
    st.none() | VIEWS,
    st.lists(MEASURED, max_size=2, unique_by=lambda m: m.objective.key).map(tuple),
    st.dictionaries(KEYS, st.lists(RULES, max_size=4, unique_by=lambda r: r.key).map(tuple)),
    st.none() | HOLDS,
    st.frozensets(CAUSE_KEYS, max_size=4),
    st.frozensets(st.sampled_from([LATENCY, ERRORS, ObjectKey("shop", "default")]), max_size=2),
    st.sampled_from(["abcde", "vwxyz"]),
    st.booleans(),
)
FEW = settings(max_examples=200, deadline=None)


def severity(seen: Observed) -> tuple[int, bool]:
    """How strict a decision is."""
    decision = decide(seen)
    return decision.verdict, isinstance(decision.wanted, Held)


@FEW
@given(WORLDS)
def test_every_combination_has_an_answer(seen: Observed) -> None:
    """`decide`, `step` and `explain` never raise, and the same input has the same answer."""
    decision = decide(seen)
    assert decision == decide(seen)
    assert isinstance(
        step(decision.wanted, seen.view, seen.hold, seen.now),
        (WriteRecord, PatchWorkload, PatchReplicaSet, Wait, Done),
    )
    assert explain(decision)
    assert all(line for m in seen.measured for line in explain_measured(m))
    assert isinstance(decision.wanted, Held) is (decision.verdict is Verdict.HOLD)
    assert all(f.enforced for f in decision.because)


@FEW
@given(WORLDS)
def test_what_was_decided_decides_the_same_again(seen: Observed) -> None:
    """With its own record stored and its findings remembered, the next decision is the same."""
    first = decide(seen)
    remembered = frozenset(f.key for f in (*first.because, *first.would))
    record = first.wanted.record if isinstance(first.wanted, Held) else seen.hold
    again = decide(replace(seen, hold=record, in_force=remembered, new_id="later"))
    assert again == first


@FEW
@given(WORLDS, RATES)
def test_less_budget_is_never_laxer(seen: Observed, more_bad: Fraction) -> None:
    """More failures under the same traffic never yield a laxer verdict, nor do higher burn rates."""

    def worse(m: Measured) -> Measured:
        burns = {w: replace(b, rate=b.rate + more_bad) for w, b in m.burns.items()}
        return replace(m, budget=replace(m.budget, bad=m.budget.bad + more_bad), burns=burns)

    assert severity(replace(seen, measured=tuple(map(worse, seen.measured)))) >= severity(seen)


@FEW
@given(WORLDS, RATES)
def test_stricter_rules_are_never_laxer(seen: Observed, by: Fraction) -> None:
    """To ask for more budget, or to allow less burning, never yields a laxer verdict."""

    def stricter(made: Rule) -> Rule:
        then: Any = made.then
        if isinstance(then, HoldReleases) and then.until is not None:
            then = replace(then, until=then.until + by)
        if isinstance(made.when, BudgetRemaining):
            return replace(made, when=BudgetRemaining(made.when.below + by), then=then)
        return replace(made, when=replace(made.when, above=made.when.above - by), then=then)

    rules = {key: tuple(map(stricter, rules)) for key, rules in seen.rules.items()}
    assert severity(replace(seen, rules=rules)) >= severity(seen)


@FEW
@given(WORLDS, st.lists(MISSING, min_size=2, max_size=2))
def test_silence_starts_nothing_and_lifts_nothing(seen: Observed, silence: list[Missing]) -> None:
    """Without evidence the causes of a hold are those on record, but for what people removed and time ended."""
    blind = replace(seen, measured=tuple(replace(m, evidence=s) for m, s in zip(seen.measured, silence, strict=False)))
    wanted = decide(blind).wanted
    in_force = seen.hold is not None and seen.hold.in_force
    if isinstance(wanted, Held):
        assert seen.hold is not None
        assert in_force
        assert {c.key for c in wanted.record.causes} <= {c.key for c in seen.hold.causes}
    if isinstance(wanted, Free) and in_force:
        assert wanted.reason is not Reason.BUDGET_RECOVERED


@FEW
@given(VIEWS.filter(lambda v: not v.deleting), st.booleans(), st.lists(st.integers(0, 50), min_size=2, max_size=6))
def test_inside_the_band_nothing_flaps(view: Deployment, before: bool, path: list[int]) -> None:
    """However the budget wanders between a rule's threshold and its end, the first decision stands."""
    made, hold, answers = rule(below=0, until=5), None, set()
    memory = frozenset({CauseKey(made.key, LATENCY)} if before else ())
    for tenths in path:
        now = observed(measured(tenths / 10), rules=(made,), view=view, in_force=memory, hold=hold)
        decision = decide(now)
        memory = frozenset(f.key for f in decision.because)
        hold = decision.wanted.record if isinstance(decision.wanted, Held) else None
        answers.add(decision.verdict)
    assert answers == {Verdict.HOLD if before else Verdict.OPEN}


@FEW
@given(WORLDS)
def test_nothing_but_records_labels_and_pauses_is_asked_for(seen: Observed) -> None:
    """No request touches another label, pauses what is paused, or resumes what our record does not name."""
    request = step(decide(seen).wanted, seen.view, seen.hold, seen.now)
    if isinstance(request, PatchWorkload):
        assert seen.view is not None
        assert seen.hold is not None
        assert set(request.labels) <= {HOLD_LABEL, OVERRIDE_LABEL}
        assert request.paused is None or request.paused is not seen.view.paused
        assert request.paused is not False or seen.hold.paused is not None
        assert request.labels.get(HOLD_LABEL) in {None, seen.hold.id}
    if isinstance(request, PatchReplicaSet):
        assert set(request.labels) == {HOLD_LABEL}
