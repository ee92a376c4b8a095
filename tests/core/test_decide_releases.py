"""What is decided about a release: undone, stopped, let alone, let out again, and what people are told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from holdfast.core.decide import Decision, decide
from holdfast.core.hold import HoldRecord, HoldState, Quarantined, Reason, Undo, UndoState
from holdfast.core.kinds.deployment import Deployment
from holdfast.core.objective import Latency, ObjectKey, Selector
from holdfast.core.observed import Observed
from holdfast.core.policy import HoldReleases, Mode, Notify, Verdict
from holdfast.core.release import (
    Ask,
    Readiness,
    ReadinessReason,
    ReleaseFinding,
    ReleaseRecord,
    ReleaseState,
    Restrained,
    RestraintReason,
)
from holdfast.core.releases import Declared, Revision
from holdfast.core.request import OVERRIDE_LABEL
from holdfast.core.undoing import KEPT
from holdfast.core.wanted import Free, Held
from tests.core.making import (
    FIX,
    HOUR,
    LATENCY,
    NEW,
    NOW,
    OLD,
    SHOP,
    SILENT,
    cause_key,
    deployment,
    held,
    measured,
    observed,
    on_record,
    replica_set,
    rule,
)
from tests.core.releasing import on_trial, worse

ALICE = Ask("alice@example.com", "I know what I do")
RULE = worse()
GOOD = ReleaseRecord(
    SHOP, "uid-1", OLD, NOW - 9 * HOUR, ReleaseState.SUPERSEDED, 1, started=NOW - 9 * HOUR, completed=NOW - 8 * HOUR,
    ended=NOW - HOUR / 2, good=True,
)  # fmt: skip
UNDO = Undo("bad-release-x7k2p", NEW, OLD, NOW - 60)
QUARANTINED = Quarantined(UNDO.id, NEW, NOW - 60, cause_key(RULE))
UNDER_UNDO = HoldRecord(
    SHOP, UNDO.id, HoldState.ACTIVE, Reason.BAD_RELEASE, NOW - 60, (), "v2 is being undone.", NEW, OLD,
    enforced=True, undo=UNDO, quarantined=(QUARANTINED,),
)  # fmt: skip


def rolling(template: Any = NEW, **more: Any) -> Deployment:
    """A rollout in flight from v1 to this template."""
    values: dict[str, Any] = {"template": template, "generation": 2, "observed_generation": 2, **more}
    view = deployment(replica_set(OLD, 3), replica_set(template, 1, 2), **values)
    revisions = tuple(Revision(s.template, s.hash, s.revision, NOW - HOUR / 2, s.pods) for s in view.sets)
    return replace(view, declared=Declared(SHOP, "uid-1", template, view.paused, False, revisions))


def bad(release: dict[str, Any] | None = None, *figures: Any, **more: Any) -> Observed:
    """Version 2 rolls out, and its pods fail; version 1 is good."""
    trial = on_trial(ReleaseFinding.BAD, template=more.pop("template", NEW), **(release or {}))
    values: dict[str, Any] = {"view": rolling(trial.release.template), "rules": (RULE,), "followed": True, **more}
    values.setdefault("releases", (GOOD, trial.release))
    return observed(*(figures or (measured(),)), trial=trial, **values)


def undo_of(decision: Decision) -> Undo:
    """The undo that is wanted."""
    undo = held(decision).undo
    assert undo is not None
    return undo


def test_a_bad_release_is_undone() -> None:
    """Its template is quarantined, the last good one shall serve, and the verdict says so."""
    decision = decide(bad())
    record = held(decision)
    assert decision.verdict is Verdict.ROLL_BACK
    assert (record.id, record.reason, record.causes) == ("bad-release-abcde", Reason.BAD_RELEASE, ())
    assert (undo_of(decision).bad, undo_of(decision).serve) == (NEW, OLD)
    assert record.quarantined == (Quarantined("bad-release-abcde", NEW, NOW, cause_key(RULE)),)
    assert decision.told == decision.because
    newest = decision.releases[-1]
    assert (newest.found, newest.undone) == (NOW, None)


def test_that_it_was_tried_is_noted_once_it_is_on_record() -> None:
    """A crash between the two must not take it for done; undone it is when the good pods serve alone."""
    seen = bad({"found": NOW - 60}, hold=UNDER_UNDO)
    newest = decide(seen).releases[-1]
    assert (newest.undone, newest.state, newest.good) == (NOW, ReleaseState.ROLLING_OUT, False)
    done = replace(UNDER_UNDO, undo=replace(UNDO, state=UndoState.UNDONE))
    newest = decide(bad({"undone": NOW - 9}, hold=done)).releases[-1]
    assert (newest.undone, newest.state) == (NOW - 9, ReleaseState.ROLLED_BACK)


@pytest.mark.parametrize(
    ("then", "verdict", "serve"),
    [(None, Verdict.ROLL_BACK, OLD), (HoldReleases(), Verdict.HOLD, None), (Notify(), Verdict.NOTIFY, None)],
)
def test_the_action_of_the_rule_decides(then: Any, verdict: Verdict, serve: Any) -> None:
    """RollBack undoes, Hold stops, Notify tells."""
    decision = decide(bad(rules=(worse(then),)))
    assert (decision.verdict, decision.told[0].verdict) == (verdict, verdict)
    wanted = decision.wanted
    assert isinstance(wanted, Held) is (verdict is not Verdict.NOTIFY)
    if isinstance(wanted, Held):
        assert undo_of(decision).serve == serve


OTHERS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"allow": ALICE}, {}, "a person allowed the release"),
    ({"undone": NOW - HOUR}, {}, "undoing it was tried before"),
    (
        {},
        {"restrained": Restrained(RestraintReason.MANY_AT_ONCE, "Too many.")},
        "too many releases are found bad at once",
    ),
    ({}, {"restrained": Restrained(RestraintReason.HOURLY_LIMIT, "Too many.")}, "too many were undone within an hour"),
]


@pytest.mark.parametrize(("release", "more", "why"), OTHERS)
def test_what_stands_in_the_way_is_told(release: dict[str, Any], more: dict[str, Any], why: str) -> None:
    """Then nothing begins, the verdict is Notify, and the finding says why."""
    decision = decide(bad(release, **more))
    assert isinstance(decision.wanted, Free)
    assert decision.verdict is Verdict.NOTIFY
    assert [(f.verdict, f.demoted) for f in decision.told] == [(Verdict.NOTIFY, why)]


def test_a_release_that_is_out_with_nothing_to_go_back_to_is_let_alone() -> None:
    """There is nothing to stop either; in flight it is stopped."""
    out = replace(rolling(), sets=(replica_set(NEW, 4, 2),))
    decision = decide(bad(view=out, releases=(bad().releases[-1],)))
    assert isinstance(decision.wanted, Free)
    assert decision.told[0].demoted == "there is no release to go back to"
    decision = decide(bad(releases=(bad().releases[-1],)))
    assert (undo_of(decision).serve, undo_of(decision).state) == (None, UndoState.STOPPED)
    assert (decision.verdict, decision.told[0].verdict) == (Verdict.HOLD, Verdict.HOLD)


def test_a_release_whose_template_forbids_it_is_only_stopped() -> None:
    """However good the one before it is."""
    decision = decide(bad({"readiness": Readiness(False, ReadinessReason.ROLLBACK_FORBIDDEN, "Its template says so.")}))
    assert (undo_of(decision).serve, undo_of(decision).state) == (None, UndoState.STOPPED)
    assert decision.verdict is Verdict.HOLD


def test_where_undoing_does_not_help_the_release_is_only_stopped() -> None:
    """The fourth bad release in a row within an hour."""
    again = Restrained(RestraintReason.UNDONE_AGAIN_AND_AGAIN, "Undoing does not help.")
    decision = decide(bad(restrained=again))
    assert undo_of(decision).serve is None
    assert decision.verdict is Verdict.HOLD


def test_why_a_release_is_left_to_people_is_on_its_record() -> None:
    """For as long as a rule asks for it, it is not undone, and nobody allowed it."""
    many = Restrained(RestraintReason.MANY_AT_ONCE, "Too many.")
    assert decide(bad(restrained=many)).releases[-1].restrained == many
    assert decide(bad({"restrained": many})).releases[-1].restrained is None
    assert decide(bad({"restrained": many, "allow": ALICE}, restrained=many)).releases[-1].restrained is None
    assert decide(bad({"restrained": many}, restrained=many, rules=())).releases[-1].restrained is None


def test_a_release_that_is_only_stopped_keeps_why() -> None:
    """That it was tried is so from then on, and is not the reason."""
    again = Restrained(RestraintReason.UNDONE_AGAIN_AND_AGAIN, "Undoing does not help.")
    tried = Restrained(RestraintReason.ALREADY_TRIED, "It was tried before.")
    stopped = replace(UNDER_UNDO, undo=replace(UNDO, serve=None, state=UndoState.STOPPED))
    seen = bad({"undone": NOW - 60, "restrained": again}, hold=stopped, restrained=tried)
    assert decide(seen).releases[-1].restrained == again
    assert decide(replace(seen, hold=UNDER_UNDO)).releases[-1].restrained is None


def test_audit_tells_and_does_nothing() -> None:
    """The finding is among those that would."""
    decision = decide(bad(rules=(worse(mode=Mode.AUDIT),)))
    assert (decision.verdict, decision.because) == (Verdict.OPEN, ())
    assert decision.would[0].verdict is Verdict.ROLL_BACK
    assert decision.told == decision.would


def test_switched_off_nothing_is_undone_and_what_was_is_let_go() -> None:
    """Rules are told as those in Audit, the undo ends, and its template is free."""
    decision = decide(bad(enforcing=False))
    assert decision.wanted == Free()
    assert decision.told[0].rule.mode is Mode.AUDIT
    decision = decide(bad({"undone": NOW - 60}, hold=UNDER_UNDO, enforcing=False))
    assert isinstance(decision.wanted, Free)
    assert (decision.wanted.reason, decision.wanted.quarantined) == (Reason.LIFTED_BY_HAND, ())


def test_after_the_switch_a_release_that_was_undone_is_let_alone() -> None:
    """A person let everything go: no rule undoes it a second time, and its finding says so; another release it would."""
    off = decide(bad({"undone": NOW - 60}, hold=UNDER_UNDO, enforcing=False))
    assert isinstance(off.wanted, Free)
    lifted = replace(UNDER_UNDO, state=HoldState.LIFTED, undo=None, quarantined=off.wanted.quarantined or ())
    for hold in (lifted, None):  # `holdfast lift --all` deletes the Hold
        on = decide(bad({"undone": NOW - 60}, hold=hold, releases=(GOOD, off.releases[-1])))
        assert isinstance(on.wanted, Free)
        assert on.told[0].demoted == "undoing it was tried before"
        assert undo_of(decide(bad(template=FIX, hold=hold))).bad == FIX


def test_after_the_switch_what_a_person_asked_for_is_done() -> None:
    """The request is still on the release; while Holdfast is switched off it is not carried out."""
    asked = on_trial(undo=ALICE, undone=NOW - 60).release
    seen = replace(bad(releases=(GOOD, asked), enforcing=False), trial=None)
    assert isinstance(decide(seen).wanted, Free)
    assert undo_of(decide(replace(seen, enforcing=True))).serve == OLD


@pytest.mark.parametrize("figures", [measured(-1), measured(-1, SILENT)])
def test_switched_off_nothing_at_all_is_held(figures: Any) -> None:
    """Neither by a budget nor by a release, whatever was held before."""
    both = replace(on_record(rule()), undo=UNDO, quarantined=(QUARANTINED,))
    seen = bad({"undone": NOW - 60}, figures, rules=(RULE, rule()), hold=both, enforcing=False)
    wanted = decide(seen).wanted
    assert isinstance(wanted, Free)
    assert (wanted.reason, wanted.quarantined) == (Reason.LIFTED_BY_HAND, ())


def test_a_release_is_undone_beside_a_hold() -> None:
    """One record for both; what only undid a release and now holds too is held under an id of its own."""
    empty = measured(-1)
    decision = decide(bad(None, empty, rules=(RULE, rule())))
    record = held(decision)
    assert (record.id, undo_of(decision).id) == ("budget-exhausted-abcde", "bad-release-abcde")
    later = decide(bad({"undone": NOW - 60}, empty, rules=(RULE, rule()), hold=UNDER_UNDO))
    assert (held(later).id, undo_of(later).id) == ("budget-exhausted-abcde", UNDO.id)
    assert held(later).enforced is False


def test_a_hold_that_ends_leaves_the_undo_under_its_own_id() -> None:
    """So that the next hold begins under a new one: an id is never used again."""
    both = replace(on_record(rule()), undo=UNDO, quarantined=(QUARANTINED,))
    decision = decide(bad({"undone": NOW - 60}, measured(50), rules=(RULE, rule()), hold=both))
    alone = held(decision)
    assert (alone.id, alone.causes, alone.reason, alone.enforced) == (UNDO.id, (), Reason.BAD_RELEASE, True)
    later = decide(bad({"undone": NOW - 60}, measured(-1), rules=(RULE, rule()), hold=alone, new_id="fghjk"))
    assert held(later).id == "budget-exhausted-fghjk"


def test_an_undo_that_ends_leaves_the_hold() -> None:
    """A fix is declared while the budget is empty: it waits, and the bad release is no longer being undone."""
    both = replace(on_record(rule()), undo=UNDO, quarantined=(QUARANTINED,))
    fix = bad(None, measured(-1), rules=(RULE, rule()), hold=both, view=rolling(FIX))
    record = held(decide(replace(fix, trial=None)))
    assert (record.id, record.undo) == (both.id, None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"view": rolling(FIX), "trial": None}, Reason.TEMPLATE_CHANGED),
        ({"releases": (GOOD, replace(on_trial().release, undone=NOW, allow=ALICE))}, Reason.ALLOWED_BY_HAND),
        ({"rules": {LATENCY: (worse(mode=Mode.AUDIT),)}}, Reason.CAUSE_REMOVED),
        ({"rules": {LATENCY: ()}}, Reason.CAUSE_REMOVED),
        ({"view": rolling(labels={"holdfast.dev/override": UNDO.id})}, Reason.ALLOWED_BY_HAND),
    ],
)
def test_what_ends_an_undo(changes: dict[str, Any], reason: Reason) -> None:
    """Another template, a person, or the rule that asked being gone or only reporting."""
    decision = decide(replace(bad({"undone": NOW - 60}, hold=UNDER_UNDO), **changes))
    assert isinstance(decision.wanted, Free)
    assert decision.wanted.reason is reason


def test_an_undo_that_a_person_ended_says_so_until_all_of_it_is_let_go() -> None:
    """What ended it is on record by then, and its template is out of quarantine."""
    going = replace(UNDER_UNDO, reason=Reason.ALLOWED_BY_HAND, quarantined=())
    wanted = decide(bad({"undone": NOW - 60}, hold=going)).wanted
    assert isinstance(wanted, Free)
    assert wanted.reason is Reason.ALLOWED_BY_HAND


@pytest.mark.parametrize("of", [LATENCY, ObjectKey("shop", "default")])
def test_what_cannot_be_read_ends_no_undo(of: ObjectKey) -> None:
    """Neither the objective nor the policy being unreadable says that the rule is gone."""
    seen = replace(bad({"undone": NOW - 60}, hold=UNDER_UNDO), rules={}, measured=(), unreadable=frozenset({of}))
    assert undo_of(decide(seen)).id == UNDO.id


def test_silence_begins_no_undo_and_ends_none() -> None:
    """Without fresh evidence, whatever was found before: the restraint may end while nothing can be known."""
    assert isinstance(decide(bad(None, measured(50, SILENT))).wanted, Free)
    known = bad(None, measured(50, SILENT), blamed={cause_key(RULE): Reason.BAD_RELEASE})
    assert isinstance(decide(known).wanted, Free)
    assert decide(known).told[0].demoted == "there is no fresh evidence now"
    decision = decide(bad({"undone": NOW - 60}, measured(50, SILENT), hold=UNDER_UNDO))
    assert undo_of(decision).id == UNDO.id


def test_a_quarantined_template_is_undone_again_whenever_it_is_declared() -> None:
    """Under the id of that episode; for a month, and longer while it is declared."""
    lifted = replace(UNDER_UNDO, state=HoldState.LIFTED, undo=None, enforced=False)
    seen = bad({"undone": NOW - HOUR}, hold=lifted)
    assert (undo_of(decide(seen)).id, undo_of(decide(seen)).bad) == (UNDO.id, NEW)
    late = replace(lifted, quarantined=(replace(QUARANTINED, since=NOW - KEPT),))
    assert undo_of(decide(replace(seen, hold=late))).id == UNDO.id
    wanted = decide(replace(seen, hold=late, view=rolling(FIX), trial=None)).wanted
    assert isinstance(wanted, Free)
    assert wanted.quarantined == ()


def test_what_a_person_asks_for_is_done_without_any_finding() -> None:
    """Whatever the figures, the restraint and the mode say; and its quarantine needs no rule."""
    asked = on_trial(undo=ALICE, undone=NOW - HOUR)
    many = Restrained(RestraintReason.MANY_AT_ONCE, "Too many.")
    seen = replace(bad(rules=(), restrained=many, releases=(GOOD, asked.release)), trial=None)
    record = held(decide(seen))
    assert (record.reason, record.id) == (Reason.UNDONE_BY_HAND, "undone-by-hand-abcde")
    assert record.quarantined[0].cause is None
    again = decide(replace(seen, hold=record, rules={}))
    assert undo_of(again).serve == OLD


@pytest.mark.parametrize(
    ("total", "failed", "at_once"), [(40, 40, True), (40, 39, False), (19, 19, False), (0, 0, False)]
)
def test_pods_that_serve_nothing_need_not_be_kept(total: int, failed: int, at_once: bool) -> None:
    """Each of many requests failed: the bad pods go before the good ones are there; one that succeeded keeps them."""
    assert undo_of(decide(bad({"total": total, "bad": failed}))).at_once is at_once


def test_what_slow_pods_serve_is_worth_something() -> None:
    """All requests too slow is bad, and better than none; nor does an objective count that nobody can tell by release."""
    slow = Latency(Selector("http_request_duration_seconds"), 0.2)
    all_bad = bad({"total": 40, "bad": 40})
    figures = replace(all_bad.measured[0], objective=replace(all_bad.measured[0].objective, indicator=slow))
    assert not undo_of(decide(replace(all_bad, measured=(figures,)))).at_once


def test_what_a_person_opens_by_the_label_is_not_undone_again() -> None:
    """Although their word on the release still asks for it: the label came later."""
    asked = on_trial(undo=ALICE)
    seen = replace(bad(rules=(), releases=(GOOD, asked.release)), trial=None)
    record = held(decide(seen))
    opened = replace(rolling(), labels={OVERRIDE_LABEL: record.id})
    free = decide(replace(seen, hold=record, view=opened))
    assert isinstance(free.wanted, Free)
    assert (free.wanted.reason, free.wanted.quarantined) == (Reason.ALLOWED_BY_HAND, ())
    lifted = replace(record, state=HoldState.LIFTED, reason=Reason.ALLOWED_BY_HAND, undo=None, quarantined=())
    assert decide(replace(seen, hold=lifted)).wanted == Free()
    by_rule = replace(lifted, id="bad-release-zzzzz")
    assert held(decide(replace(seen, hold=by_rule))).reason is Reason.UNDONE_BY_HAND, "a rule had it undone, not they"
    other = replace(lifted, declared=OLD)
    assert held(decide(replace(seen, hold=other))).reason is Reason.UNDONE_BY_HAND


def test_a_workload_that_goes_is_forgotten_about() -> None:
    """What is being deleted is not undone; its quarantine stays on record."""
    seen = bad({"undone": NOW - 60}, hold=UNDER_UNDO)
    wanted = decide(replace(seen, view=None)).wanted
    assert isinstance(wanted, Free)
    assert (wanted.reason, wanted.quarantined) == (Reason.WORKLOAD_GONE, None)
    deleting = decide(replace(seen, view=replace(rolling(), deleting=True)))
    assert isinstance(deleting.wanted, Free)


def test_a_view_that_does_not_say_what_is_declared_leaves_the_records_as_they_are() -> None:
    """A release may look gone only to a reader who could not look."""
    seen = bad(view=deployment(template=NEW))
    assert [r.ended for r in decide(seen).releases] == [r.ended for r in seen.releases]
    assert decide(replace(seen, followed=False, rules={})).releases == seen.releases


def test_without_a_record_of_what_is_declared_there_is_no_trial() -> None:
    """Of a workload that is gone nothing is on trial, and its releases have ended."""
    decision = decide(bad(view=None))
    assert decision.told == ()
    assert all(r.ended is not None for r in decision.releases)
