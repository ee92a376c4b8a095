"""What is true of every decision about a release, for every combination of findings, asks, restraint, record and workload."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.api import hold_status, parse_hold
from holdfast.core.course import course
from holdfast.core.decide import Decision, decide
from holdfast.core.evidence import Fresh
from holdfast.core.explain import explain
from holdfast.core.explain_release import explain_release
from holdfast.core.hold import Cause, CauseKey, HoldRecord, HoldState, Quarantined, Reason, Undo, UndoState
from holdfast.core.judge import AT_FAULT
from holdfast.core.keeping import present
from holdfast.core.kinds.deployment import Deployment, step
from holdfast.core.objective import ObjectKey
from holdfast.core.observed import Observed
from holdfast.core.policy import (
    HoldReleases,
    Mode,
    Notify,
    ReleaseSpends,
    ReleaseWorse,
    RollBack,
    Rule,
    RuleKey,
    Verdict,
)
from holdfast.core.release import (
    Ask,
    Cost,
    Readiness,
    ReadinessReason,
    ReleaseFinding,
    ReleaseRecord,
    ReleaseState,
    Restrained,
    RestraintReason,
)
from holdfast.core.releases import Declared, Revision
from holdfast.core.trial import Stall, Trial, Weighed
from holdfast.core.wanted import Free, Held
from tests.core.making import (
    ERRORS,
    FIX,
    FRESH,
    HOUR,
    LATENCY,
    NEW,
    NOW,
    OLD,
    SHOP,
    SILENT,
    cause_key,
    measured,
    percent,
    replica_set,
    rule,
)

KEYS = st.sampled_from([LATENCY, ERRORS])
NAMES = st.sampled_from([RuleKey("default", "bad-release"), RuleKey("default", "costly"), RuleKey("other", "a")])
ON_RELEASES = st.builds(
    Rule,
    NAMES,
    st.sampled_from([Mode.ENFORCE, Mode.ENFORCE, Mode.AUDIT]),
    st.sampled_from([ReleaseWorse(), ReleaseSpends(percent(5))]),
    st.sampled_from([RollBack(), RollBack(), HoldReleases(), Notify()]),
)
RULES = st.lists(st.just(rule()) | ON_RELEASES, max_size=3, unique_by=lambda r: r.key).map(tuple)
CAUSE_KEYS = st.builds(CauseKey, NAMES, KEYS)
TEMPLATES = st.sampled_from([OLD, NEW, FIX])
PAST = st.sampled_from([NOW - 40 * 24 * HOUR, NOW - HOUR, NOW - 60])
ASKS = st.sampled_from([Ask("alice@example.com", "I know"), None])
MEASURED = st.builds(measured, st.sampled_from([-5, 2, 50]), st.sampled_from([FRESH, FRESH, SILENT]), key=KEYS)
COSTS = st.builds(
    Cost, KEYS, st.just(1204.0), st.just(61.0), st.sampled_from([0.01, 0.9]), st.sampled_from(ReleaseFinding)
)
FOUND = st.sampled_from([*ReleaseFinding, ReleaseFinding.BAD, ReleaseFinding.BAD])
WEIGHED = st.builds(Weighed, KEYS, FOUND, st.just(1204.0), st.just(61.0), strong=st.booleans())
STALLS = st.sampled_from([None, Stall(NOW - 600, "its pods crash")])
READINESS = st.none() | st.builds(Readiness, st.booleans(), st.sampled_from(ReadinessReason), st.just("So it is."))
RESTRAINED = st.none() | st.builds(Restrained, st.sampled_from(RestraintReason), st.just("Look at it."))
IDS = st.sampled_from(["bad-release-x7k2p", "undone-by-hand-vwxyz"])
QUARANTINED = st.builds(Quarantined, IDS, TEMPLATES, PAST, st.none() | CAUSE_KEYS)
LABELS = st.dictionaries(st.sampled_from(["holdfast.dev/override", "holdfast.dev/queue"]), IDS)
RECORDS = st.lists(
    st.builds(
        ReleaseRecord,
        st.just(SHOP),
        st.just("uid"),
        TEMPLATES,
        st.just(NOW - 2 * HOUR),
        st.sampled_from(ReleaseState),
        completed=st.none() | PAST,
        ended=st.just(NOW - HOUR),
        good=st.booleans(),
        undone=st.none() | PAST,
        readiness=READINESS,
        restrained=RESTRAINED,
        undo=ASKS,
        allow=ASKS,
        costs=st.lists(COSTS, max_size=1).map(tuple),
    ),
    max_size=3,
    unique_by=lambda r: r.template,
)


CHANGES = (
    "records", "ask", "weighed", "trial", "view", "followed", "enforcing", "restrained", "measured", "rules",
    "unreadable", "blamed",
)  # fmt: skip


@st.composite
def views(draw: st.DrawFn) -> Deployment:
    """A Deployment that may be in flight, paused, labelled or about to go."""
    template, paused = draw(TEMPLATES), draw(st.booleans())
    sets = {s.name: s for s in (replica_set(draw(TEMPLATES), 3), replica_set(template, 1, 2))}
    revisions = tuple(Revision(s.template, s.hash, s.revision, NOW - HOUR, s.pods) for s in sets.values())
    return Deployment(
        SHOP,
        "uid",
        "1",
        generation=2,
        observed_generation=draw(st.integers(1, 2)),
        template=template,
        paused=paused,
        replicas=4,
        labels=draw(LABELS),
        sets=tuple(sets.values()),
        deleting=draw(st.sampled_from([False, False, False, True])),
        declared=Declared(SHOP, "uid", template, paused, False, revisions),
    )


@st.composite
def holds(draw: st.DrawFn) -> HoldRecord:
    """An undo, a hold, both, or one that is over; what is undone is in quarantine."""
    least = draw(st.integers(0, 1))
    quarantined = draw(
        st.lists(QUARANTINED, min_size=least, max_size=2, unique_by=(lambda q: q.template, lambda q: q.id))
    )
    state, undo = draw(st.sampled_from([HoldState.ACTIVE, HoldState.LIFTED])), None
    if state is HoldState.ACTIVE and quarantined:
        first = quarantined[0]
        undo = Undo(first.id, first.template, draw(st.none() | TEMPLATES), NOW - 60, draw(st.sampled_from(UndoState)))
    held = undo is None or draw(st.booleans())
    return HoldRecord(
        SHOP,
        "budget-exhausted-00000" if held or undo is None else undo.id,
        state,
        Reason.BUDGET_EXHAUSTED if held else Reason.BAD_RELEASE,
        NOW - 60,
        (Cause(cause_key(rule()), Reason.BUDGET_EXHAUSTED, NOW - 60),) if held else (),
        "It is so.",
        NEW,
        OLD,
        enforced=draw(st.booleans()),
        undo=undo,
        quarantined=tuple(quarantined),
    )


@st.composite
def worlds(draw: st.DrawFn) -> Observed:
    """A world in which a bad release would be undone, with a few things changed: most of them something stands in the way."""
    view = draw(views())
    mine = ReleaseRecord(SHOP, "uid", view.template, NOW - HOUR / 2, ReleaseState.ROLLING_OUT)
    good = ReleaseRecord(SHOP, "uid", FIX if view.template == OLD else OLD, NOW - 9 * HOUR, ReleaseState.SUPERSEDED)
    known = [replace(good, good=True, ended=mine.began, completed=NOW - 8 * HOUR), mine]
    changed = draw(st.sets(st.sampled_from(CHANGES), max_size=3))
    if "records" in changed:
        known = draw(RECORDS)
        known = [*known[:-1], *(replace(r, ended=None) for r in known[-1:])]
    if "ask" in changed:
        known = [
            *known[:-1],
            *(replace(r, undo=draw(ASKS), allow=draw(ASKS), undone=draw(st.none() | PAST)) for r in known[-1:]),
        ]
    release = present(known)
    weighed = (Weighed(LATENCY, ReleaseFinding.BAD, 1204.0, 61.0),)
    if "weighed" in changed:
        weighed = tuple(draw(st.lists(WEIGHED, max_size=2, unique_by=lambda w: w.objective)))
    trial = Trial(release, weighed, draw(STALLS)) if release is not None and "trial" not in changed else None
    seen = Observed(
        now=NOW,
        workload=SHOP,
        view=None if "view" in changed else view,
        measured=(measured(draw(st.sampled_from([-5, 50])), key=LATENCY),),
        rules={
            LATENCY: (
                Rule(RuleKey("default", "bad-release"), Mode.ENFORCE, ReleaseWorse(), RollBack()),
                *(r for r in draw(RULES) if r.key.rule != "bad-release"),
            )
        },
        new_id=draw(st.sampled_from(["abcde", "fghjk"])),
        trial=trial,
        releases=tuple(known),
        followed="followed" not in changed,
        enforcing="enforcing" not in changed,
        restrained=draw(RESTRAINED) if "restrained" in changed else None,
        hold=draw(holds() | st.none()),
    )
    if "measured" in changed:
        seen = replace(seen, measured=tuple(draw(st.lists(MEASURED, max_size=2, unique_by=lambda m: m.objective.key))))
    if "rules" in changed:
        seen = replace(seen, rules=draw(st.dictionaries(KEYS, RULES)))
    if "unreadable" in changed:
        seen = replace(seen, unreadable=frozenset({draw(st.sampled_from([LATENCY, ObjectKey("shop", "default")]))}))
    if "blamed" in changed:
        reasons = st.sampled_from([*AT_FAULT, Reason.SHARED_INCIDENT])
        seen = replace(seen, blamed=draw(st.dictionaries(CAUSE_KEYS, reasons, max_size=2)))
    return seen


FEW = settings(max_examples=150, deadline=None)


def undo_of(decision: Decision) -> Undo | None:
    """The undo that is wanted, if one is."""
    return decision.wanted.record.undo if isinstance(decision.wanted, Held) else None


def begins(seen: Observed) -> Undo | None:
    """The undo of a template that was not in quarantine before, if one begins."""
    undo = undo_of(decide(seen))
    known = () if seen.hold is None else (*seen.hold.quarantined, *((seen.hold.undo,) if seen.hold.undo else ()))
    return undo if undo is not None and undo.id not in {one.id for one in known} else None


def declared(seen: Observed) -> ReleaseRecord:
    """The record of the release that is declared."""
    found = present(seen.releases)
    assert found is not None
    return found


@FEW
@given(worlds())
def test_every_combination_has_an_answer(seen: Observed) -> None:
    """Deciding, acting and explaining never raise, and the same world has the same answer."""
    decision = decide(seen)
    assert decide(seen) == decision
    step(decision.wanted, seen.view, seen.hold, NOW)
    assert explain(decision)
    for record in decision.releases:
        assert all(explain_release(record))


@FEW
@given(worlds())
def test_nothing_is_undone_while_it_is_switched_off(seen: Observed) -> None:
    """Neither held, nor kept in quarantine, whoever asks; what is found is told as in Audit."""
    decision = decide(replace(seen, enforcing=False))
    assert isinstance(decision.wanted, Free)
    if seen.view is not None and not seen.view.deleting:
        known = seen.hold.quarantined if seen.hold is not None else ()
        assert decision.wanted.quarantined == (() if known else None)
    assert not any(f.enforced for f in decision.told)


@FEW
@given(worlds())
def test_an_undo_begins_for_a_rule_in_enforce_on_fresh_evidence_or_for_a_person(seen: Observed) -> None:
    """And never for a release that a person allowed, for one that was tried before, or under restraint."""
    undo = begins(seen)
    if undo is None:
        return
    assert seen.enforcing
    assert seen.view is not None
    assert undo.bad == seen.view.template
    assert undo.id.endswith(f"-{seen.new_id}")
    release = declared(course(seen))
    assert release.allow is None
    if release.undo is not None:
        return
    assert not release.attempted
    blaming = [f for f in decide(seen).because if f.blames and f.verdict > Verdict.NOTIFY]
    assert any(f.enforced and isinstance(f.measured.evidence, Fresh) for f in blaming)
    if seen.restrained is not None:
        assert seen.restrained.reason is RestraintReason.UNDONE_AGAIN_AND_AGAIN
        assert undo.serve is None


@FEW
@given(worlds())
def test_what_serves_instead_is_good_and_not_in_quarantine(seen: Observed) -> None:
    """Nor is it the template that is undone; where a release may not be undone it is only stopped."""
    undo, decision = begins(seen), decide(seen)
    if undo is None or undo.serve is None:
        return
    assert isinstance(decision.wanted, Held)
    assert any(r.good and r.template == undo.serve for r in decision.releases)
    assert undo.serve.digest not in {q.template.digest for q in decision.wanted.record.quarantined}
    release = next(r for r in decision.releases if r.ended is None)
    assert release.readiness is None or release.readiness.ready


@FEW
@given(worlds(), st.sampled_from(["abcde", "fghjk"]))
def test_a_decision_stands(seen: Observed, new_id: str) -> None:
    """Once it is on record the same world has the same undo, under the same ids."""
    first = decide(seen)
    if not isinstance(first.wanted, Held):
        return
    record = first.wanted.record
    again = decide(replace(seen, hold=record, releases=first.releases, new_id=new_id))
    assert isinstance(again.wanted, Held)
    then = again.wanted.record
    assert (then.id, then.causes, then.quarantined) == (record.id, record.causes, record.quarantined)
    assert (then.undo is None) == (record.undo is None)
    if then.undo is not None and record.undo is not None:
        assert (then.undo.id, then.undo.bad, then.undo.serve) == (record.undo.id, record.undo.bad, record.undo.serve)


@FEW
@given(worlds())
def test_ids_are_never_used_again(seen: Observed) -> None:
    """What begins now has the new one; what goes on keeps its own; a hold beside an undo never shares one with it."""
    decision = decide(seen)
    if not isinstance(decision.wanted, Held):
        return
    record, before = decision.wanted.record, seen.hold
    if record.undo is not None:
        assert (record.id == record.undo.id) is (not record.causes)
    goes_on = before is not None and before.in_force and before.id == record.id
    assert goes_on or record.id.endswith(f"-{seen.new_id}") or (record.undo is not None and record.id == record.undo.id)


@FEW
@given(worlds())
def test_another_template_ends_an_undo(seen: Observed) -> None:
    """One that is not in quarantine and that nothing is found against."""
    if seen.view is None or seen.hold is None or seen.hold.undo is None:
        return
    quarantined = {q.template.digest for q in seen.hold.quarantined}
    if seen.view.template.digest in quarantined or begins(seen) is not None:
        return
    assert undo_of(decide(seen)) is None


@FEW
@given(worlds())
def test_a_person_who_allows_a_release_ends_its_undo(seen: Observed) -> None:
    """And nothing begins it again."""
    release = present(seen.releases)
    if seen.view is None or release is None or release.template != seen.view.template:
        return
    allowed = replace(release, allow=Ask("bob@example.com", "It was the database."), undo=None)
    releases = tuple(allowed if r is release else r for r in seen.releases)
    assert undo_of(decide(replace(seen, releases=releases, trial=None))) is None


@FEW
@given(worlds())
def test_silence_ends_no_undo(seen: Observed) -> None:
    """Nothing that metrics say, or do not say, lets out what was undone."""
    dark = tuple(replace(m, evidence=SILENT) for m in seen.measured)
    light = tuple(replace(m, evidence=FRESH) for m in seen.measured)
    if seen.hold is None or seen.hold.undo is None:
        assert begins(replace(seen, measured=dark)) is None or declared(seen).undo is not None
        return
    ended = undo_of(decide(replace(seen, measured=light))) is None
    if not ended and begins(replace(seen, measured=light)) is None:
        assert undo_of(decide(replace(seen, measured=dark))) is not None


@FEW
@given(worlds())
def test_the_record_of_a_decision_is_read_as_it_was_written(seen: Observed) -> None:
    """A restart knows all that was decided: undo and hold side by side, and what is in quarantine."""
    wanted = decide(seen).wanted
    if isinstance(wanted, Held):
        record = wanted.record
        meta = {"name": SHOP.hold_name, "namespace": SHOP.namespace}
        spec = {"workload": {"kind": SHOP.kind, "name": SHOP.name}}
        assert parse_hold({"metadata": meta, "spec": spec, "status": hold_status(record)}) == record


@FEW
@given(worlds())
def test_people_are_told_what_is_carried_out(seen: Observed) -> None:
    """A verdict of RollBack is told only while a release is undone, and whatever is less says why."""
    decision = decide(seen)
    undo = undo_of(decision)
    for told in decision.told:
        if told.enforced and told.blames and told.verdict is Verdict.ROLL_BACK:
            assert undo is not None
            assert undo.serve is not None
        if told.enforced and told.blames and told.verdict is Verdict.NOTIFY:
            assert told.demoted is not None or told.rule.then.verdict is Verdict.NOTIFY
