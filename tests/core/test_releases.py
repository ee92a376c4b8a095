"""Which releases a workload has had, told look by look from what it declares."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.hold import Template
from holdfast.core.keeping import MOST, OLDEST, PROVEN, abandoned, last_good, outdated, present
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.release import Ask, Cost, ReleaseFinding, ReleaseRecord, ReleaseState
from holdfast.core.releases import Declared, Revision, follow

WEB: Final = Workload("shop", "Deployment", "web")
T0: Final = 1_000_000.0
SLO: Final = ObjectKey("shop", "availability")
GOOD, BAD, UNDECIDED, SHARED = (
    ReleaseFinding.GOOD,
    ReleaseFinding.BAD,
    ReleaseFinding.UNDECIDED,
    ReleaseFinding.SHARED,
)


@dataclass
class World:
    """A workload, the controller behind it, and the truth about its rollouts."""

    now: float = T0
    digest: str = "a"
    uid: str = "u1"
    paused: bool = False
    away: bool = False  # the controller
    complete: bool = False
    revisions: dict[str, Revision] = field(default_factory=dict)
    rollouts: list[list[Any]] = field(default_factory=list)  # digest, uid, completed
    records: tuple[ReleaseRecord, ...] = ()
    ever: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.declare(self.digest)

    def declare(self, digest: str) -> World:
        """Another template, or the same again."""
        self.digest = digest
        self.ever.add(digest)
        return self._settle()

    def pause(self, paused: bool = True) -> World:
        self.paused = paused
        return self._settle()

    def leave(self, away: bool = True) -> World:
        """The controller stops, or comes back."""
        self.away = away
        return self._settle()

    def finish(self) -> World:
        """All pods are there, if anything rolls out."""
        if not self.paused and not self.away:
            self.complete = True
            self.rollouts[-1][2] = True
            self._count()
        return self

    def restart(self) -> World:
        """kubectl rollout restart: another ReplicaSet of the same template."""
        if not self.paused and not self.away:
            self._revise(self.digest, f"{self.digest}{self.now:.0f}")
            self.complete = False
        return self

    def recreate(self) -> World:
        self.uid, self.revisions, self.complete = self.uid + "x", {}, False
        return self._settle()

    def wait(self, seconds: float) -> World:
        self.now += seconds
        return self

    def look(self) -> World:
        """As the operator does it."""
        self.records = follow(self.declared, self.records, self.now)
        assert follow(self.declared, self.records, self.now) == self.records  # looking again changes nothing
        return self

    @property
    def declared(self) -> Declared:
        revisions = tuple(self.revisions.values())
        return Declared(WEB, self.uid, Template(self.digest), self.paused, self.complete, revisions, "kubectl")

    @property
    def last(self) -> tuple[str, str] | None:
        return (self.rollouts[-1][0], self.rollouts[-1][1]) if self.rollouts else None

    def _settle(self) -> World:
        if self.last != (self.digest, self.uid):
            self.complete = False
            if not self.paused:
                self.rollouts.append([self.digest, self.uid, False])
        elif self.rollouts[-1][2]:
            self.complete = not self.away
        newest = max(self.revisions.values(), key=lambda r: r.number, default=None)
        if not self.paused and not self.away and (newest is None or newest.template.digest != self.digest):
            self._revise(self.digest, self.digest)
        return self

    def _revise(self, digest: str, name: str) -> None:
        number = 1 + max((r.number for r in self.revisions.values()), default=0)
        created = self.revisions[name].created if name in self.revisions else float(int(self.now))
        self.revisions[name] = Revision(Template(digest), name, number, created)
        self._count()

    def _count(self) -> None:
        """Pods of the newest revision; of all once it has none of the others left."""
        newest = max(self.revisions.values(), key=lambda r: r.number).hash
        self.revisions = {h: replace(r, pods=4 if h == newest else 0) for h, r in self.revisions.items()}

    @property
    def shown(self) -> dict[str, str]:
        """The state of each record."""
        return {r.template.digest: r.state.value for r in self.records}


def record(world: World, digest: str) -> ReleaseRecord:
    return next(r for r in world.records if r.template.digest == digest)


def found(world: World, digest: str, *costs: Cost, **fields: Any) -> World:
    """What the trial, an undo or a person wrote on a record."""
    world.records = tuple(
        replace(r, costs=costs or r.costs, **fields) if r.template.digest == digest else r for r in world.records
    )
    return world


def test_a_release_begins_and_is_complete() -> None:
    """A new template is a release from the first look on, and complete when its pods are all there is."""
    world = World().look()
    assert [(r.state, r.again, r.completed) for r in world.records] == [(ReleaseState.ROLLING_OUT, False, None)]
    world.wait(30).finish().look()
    (only,) = world.records
    assert (only.state, only.started, only.completed) == (ReleaseState.COMPLETE, T0, T0 + 30)
    assert (only.revision, only.hash, only.changed_by) == (1, "a", "kubectl")


def test_a_restart_and_scaling_are_no_releases() -> None:
    """The same template in another ReplicaSet changes neither state nor trial; the newest hash is what pods carry."""
    world = World().finish().look()
    before = record(world, "a")
    world.wait(60).restart().look()
    assert world.records == (replace(before, revision=2, hash="a1000060"),)
    world.complete = True
    assert replace(world.look().records[0], revision=1, hash="a") == before


def test_a_change_ends_the_release_before() -> None:
    """What was complete stays known as such, and has an end."""
    world = World().finish().look().wait(60).declare("b").look()
    a, b = world.records
    assert (a.state, a.completed, a.ended) == (ReleaseState.SUPERSEDED, T0, T0 + 60)
    assert (b.state, b.began, b.ended, b.again) == (ReleaseState.ROLLING_OUT, T0 + 60, None, False)


def test_changes_in_quick_succession() -> None:
    """Each is a release; what was replaced before it was complete says so by having no completion."""
    world = World().finish().look()
    for digest in "bcd":
        world.wait(0.2).declare(digest).look()
    assert world.shown == {"a": "Superseded", "b": "Superseded", "c": "Superseded", "d": "RollingOut"}
    assert [r.completed for r in world.records] == [T0, None, None, None]
    assert not any(r.again for r in world.records)


def test_the_return_to_an_older_template_is_recognised() -> None:
    """By the record; its trial begins anew, while what it was worth before is not forgotten."""
    world = World().finish().look()
    found(world, "a", Cost(SLO, 100, 1, 0.5, GOOD)).wait(60).declare("b").look().wait(60).declare("a").look()
    a = record(world, "a")
    assert (a.state, a.again, a.began, a.started, a.completed) == (
        ReleaseState.ROLLING_OUT,
        True,
        T0 + 120,
        T0 + 120,
        None,
    )
    assert (a.costs, a.ended, a.good) == ((), None, True)
    assert record(world, "b").state is ReleaseState.SUPERSEDED


def test_an_older_template_without_a_record_is_recognised_by_its_revision() -> None:
    """A ReplicaSet older than the present release had rolled out before anybody looked."""
    world = World().finish().wait(60).declare("b").finish().look()
    assert world.shown == {"b": "Complete"}
    world.wait(60).declare("a").look()
    assert record(world, "a").again
    assert record(world, "a").began == world.now


def test_a_queued_template_has_not_started() -> None:
    """While the workload is paused nothing of it runs; it starts when the pause ends."""
    world = World().finish().look().pause().wait(60).declare("b").look()
    assert world.shown == {"a": "Superseded", "b": "Queued"}
    assert record(world, "b").started is None
    world.wait(3600).pause(False).look()
    b = record(world, "b")
    assert (b.state, b.began, b.started, b.again) == (ReleaseState.ROLLING_OUT, T0 + 60, T0 + 3660, False)


@pytest.mark.parametrize("digest", ["b", "a"])
def test_a_start_between_two_pauses_is_not_missed(digest: str) -> None:
    """A queued template, new or known, that started and was complete while nobody looked, and is paused again."""
    world = World().finish().look().wait(60).declare("c").finish().look().pause().declare(digest).look()
    assert record(world, digest).state is ReleaseState.QUEUED
    world.wait(60).pause(False).finish().pause().look()
    assert (record(world, digest).state, record(world, digest).started) == (ReleaseState.COMPLETE, world.now)


def test_a_pause_in_the_middle_queues_nothing() -> None:
    """What has begun to roll out is not queued by a later pause."""
    world = World().finish().look().wait(60).declare("b").look().pause().look()
    assert record(world, "b").state is ReleaseState.ROLLING_OUT


def test_back_from_the_queue_nothing_has_happened() -> None:
    """Templates that were only ever queued leave the running release as it was."""
    world = World().finish().look()
    before = record(world, "a")
    world.pause().wait(60).declare("b").look().wait(60).declare("c").look().wait(60).declare("a").look()
    assert record(world, "a") == before
    assert (record(world, "b").state, record(world, "b").started) == (ReleaseState.SUPERSEDED, None)


def test_a_template_that_was_queued_twice_and_never_ran() -> None:
    """Being declared again is not rolling out again."""
    world = World().finish().look().pause().declare("b").look().wait(5).declare("a").look().wait(5).declare("b").look()
    assert (record(world, "b").state, record(world, "b").again) == (ReleaseState.QUEUED, False)


def test_what_nobody_saw_is_told_from_what_it_left() -> None:
    """A release that came and went while the operator was down is recorded from its revision, the next as new."""
    world = World().finish().look().wait(60).declare("b").finish().wait(60).declare("c").wait(60).look()
    assert world.shown == {"a": "Superseded", "b": "Superseded", "c": "RollingOut"}
    b, c = record(world, "b"), record(world, "c")
    assert (b.began, b.ended, b.completed, b.kept) == (T0 + 60, T0 + 120, None, False)
    assert (c.began, c.started, c.again) == (T0 + 120, T0 + 120, False)
    assert record(world, "a").ended == T0 + 120


def test_there_and_back_while_nobody_looked() -> None:
    """The revision in between shows that the template rolled out again."""
    world = World().finish().look().wait(60).declare("b").wait(60).declare("a").wait(60).look()
    assert world.shown == {"b": "Superseded", "a": "RollingOut"}
    assert record(world, "a").again


def test_a_revision_newer_than_the_declared_one_was_not_missed() -> None:
    """The workload is read before its revisions: a change in between is seen at the next look."""
    world = World().finish().look()
    seen = world.declared
    world.wait(60).declare("b")
    early = replace(seen, revisions=world.declared.revisions)
    assert follow(early, world.records, world.now) == world.records


def test_a_controller_that_is_away_says_nothing() -> None:
    """Without a revision a release is known by its template alone, and not complete."""
    world = World().finish().look().leave().wait(60).declare("b").look()
    b = record(world, "b")
    assert (b.state, b.revision, b.hash, b.completed) == (ReleaseState.ROLLING_OUT, 0, "", None)
    world.wait(60).leave(False).look()
    assert (record(world, "b").revision, record(world, "b").started) == (2, T0 + 60)


def test_deleted_and_created_again() -> None:
    """Records are kept by name: the same template rolls out again, another one is a new release."""
    world = World().finish().look()
    world.records = follow(None, world.records, world.now + 5)
    assert (record(world, "a").state, record(world, "a").ended) == (ReleaseState.COMPLETE, T0 + 5)
    world.wait(60).recreate().look()
    a = record(world, "a")
    assert (a.state, a.again, a.uid, a.good) == (ReleaseState.ROLLING_OUT, True, "u1x", True)
    world.finish().look().wait(60).recreate().declare("b").look()
    assert world.shown == {"a": "Superseded", "b": "RollingOut"}


def test_the_first_look_at_an_old_workload() -> None:
    """What serves when Holdfast comes is the first release on record, as old as its ReplicaSet, and good."""
    world = World().finish().wait(86_400).look()
    (only,) = world.records
    assert (only.began, only.started, only.completed, only.good) == (T0, T0, T0 + 86_400, True)


def test_the_first_look_in_the_middle_of_a_paused_rollout() -> None:
    """Pods of the declared template are there: it is not queued."""
    world = World().pause().look()
    assert world.shown == {"a": "RollingOut"}


# --- which one is good


def complete_b(world: World) -> World:
    """The first release is good, the second one complete."""
    return world.finish().look().wait(60).declare("b").finish().look()


@pytest.mark.parametrize(
    ("stayed", "costs", "good"),
    [
        (60, (), False),
        (PROVEN, (), True),
        (60, (Cost(SLO, 10, 0, 0, GOOD),), True),
        (60, (Cost(SLO, 10, 0, 0, GOOD), Cost(SLO, 10, 0, 0, UNDECIDED, 100)), False),
        (60, (Cost(SLO, 10, 0, 0, GOOD), Cost(SLO, 100, 0, 0, UNDECIDED, 100)), True),
        (60, (Cost(SLO, 10, 0, 0, GOOD), Cost(SLO, 1, 0, 0, ReleaseFinding.NOT_ATTRIBUTABLE)), True),
        (60, (Cost(SLO, 1, 0, 0, ReleaseFinding.NOT_ATTRIBUTABLE),), False),
        (60, (Cost(SLO, 1000, 9, 0, SHARED, 100),), False),
        (PROVEN, (Cost(SLO, 1000, 9, 0, SHARED, 100),), True),
        (PROVEN, (Cost(SLO, 1000, 90, 0, BAD, 100), Cost(SLO, 10, 0, 0, GOOD)), False),
    ],
)
def test_what_makes_a_second_release_good(stayed: float, costs: tuple[Cost, ...], good: bool) -> None:
    """Acquitted by all that can tell, or there for an hour without being found bad; until then the first one is."""
    world = complete_b(World())
    found(world, "b", *costs).wait(stayed).look()
    assert record(world, "b").good is good
    world.wait(1).declare("c").look()
    assert last_good(world.records) == record(world, "b" if good else "a")


def test_an_hour_counts_though_nobody_looked() -> None:
    """How long it stayed is told by when the next one was declared."""
    world = complete_b(World()).wait(PROVEN).declare("c").wait(60).look()
    assert record(world, "b").good


def test_a_release_that_was_never_complete_is_not_good() -> None:
    """However long it hung there."""
    world = World().finish().look().wait(60).declare("b").look().wait(2 * PROVEN).look().declare("c").look()
    assert last_good(world.records) == record(world, "a")


def test_bad_is_bad_for_good() -> None:
    """A good release that is found bad later is none to go back to, and when it was found is on record once."""
    world = complete_b(World()).wait(PROVEN).look()
    found(world, "b", Cost(SLO, 1, 1, 9, BAD)).wait(60).look().wait(60).look()
    assert (record(world, "b").good, record(world, "b").found) == (False, T0 + 60 + PROVEN + 60)
    world.declare("c").look()
    assert last_good(world.records) == record(world, "a")


def test_what_was_undone_is_not_good_before_a_person_allows_it() -> None:
    """Undone by a person, nothing was found against it; it may be good again once it was allowed and stayed."""
    world = complete_b(World())
    found(world, "b", undone=world.now).wait(2 * PROVEN).look()
    assert not record(world, "b").good
    found(world, "b", allow=Ask("alice", "it was the database")).look()
    assert record(world, "b").good


def test_the_declared_and_the_quarantined_are_not_to_go_back_to() -> None:
    """The newest good one before the present one, without those that were undone."""
    world = complete_b(World()).wait(PROVEN).look()
    assert last_good(world.records) == record(world, "a")
    world.declare("c").look()
    assert last_good(world.records) == record(world, "b")
    assert last_good(world.records, {"b"}) == record(world, "a")
    assert last_good(world.records, {"a", "b"}) is None
    assert last_good(()) is None


# --- undone


def undone(world: World) -> World:
    """The second release was undone: paused, and still declared."""
    world.finish().look().wait(60).declare("b").look().pause().wait(5)
    return found(world, "b", state=ReleaseState.ROLLED_BACK, undone=world.now).look()


def test_an_undone_release_stays_undone() -> None:
    """It is still declared, and stays what it is while the pause stands, and when the next one is queued."""
    world = undone(World())
    assert world.shown == {"a": "Superseded", "b": "RolledBack"}
    world.wait(60).declare("c").look()
    assert world.shown == {"a": "Superseded", "b": "RolledBack", "c": "Queued"}
    world.declare("b").look()
    assert (record(world, "b").state, record(world, "b").ended) == (ReleaseState.ROLLED_BACK, None)


def test_an_undone_release_that_is_let_go_rolls_out_again() -> None:
    """Whoever ends the pause: its pods come, so it is on trial again, and that undoing it was tried is remembered."""
    world = undone(World()).wait(60).pause(False).look()
    b = record(world, "b")
    assert (b.state, b.again, b.started) == (ReleaseState.ROLLING_OUT, True, world.now)
    assert b.attempted


def test_a_quarantined_template_that_is_declared_again() -> None:
    """After a fix went out: queued or rolling, and that undoing it was tried is remembered."""
    world = undone(World()).wait(60).declare("c").pause(False).finish().look().wait(60).declare("b").look()
    b = record(world, "b")
    assert (b.state, b.again, b.attempted, b.good) == (ReleaseState.ROLLING_OUT, True, True, False)


def test_of_a_workload_that_nobody_asks_about_all_records_grow_old() -> None:
    """Counted from the last thing that happened to each; what is quarantined stays."""
    record_ = ReleaseRecord(Workload("shop", "Deployment", "web"), "u1", Template("b"), 0.0, ReleaseState.COMPLETE)
    complete = replace(record_, completed=100.0)
    assert abandoned([record_, complete], OLDEST + 1) == (record_,)
    assert abandoned([record_, complete], OLDEST + 101) == (record_, complete)
    assert abandoned([record_], OLDEST + 1, {"b"}) == ()


def test_undone_by_putting_the_template_back() -> None:
    """Where the last good template is declared again (a StatefulSet), what it replaced was rolled back."""
    world = World().finish().look().wait(60).declare("b").look()
    found(world, "b", undone=world.now).wait(5).declare("a").look()
    assert world.shown == {"b": "RolledBack", "a": "RollingOut"}


# --- what is kept


def test_whole_templates_are_kept_of_few() -> None:
    """The present one, the last two good ones, and those in quarantine."""
    world = World().finish().look()
    for digest in "bcde":
        world.wait(60).declare(digest).finish().look().wait(PROVEN).look()
    assert {r.template.digest for r in world.records if r.kept} == {"c", "d", "e"}
    world.records = follow(world.declared, world.records, world.now, quarantined={"d", "a"})
    assert {r.template.digest for r in world.records if r.kept} == {"c", "d", "e"}  # what is gone does not come back
    world.wait(60).declare("a").look()
    assert record(world, "a").kept


def test_ten_are_kept_for_thirty_days() -> None:
    """The oldest go first; never the present one, the last good ones, or one in quarantine."""
    world = World().finish().look()
    for number in range(14):
        world.wait(60).declare(f"x{number}").look()
    gone = {r.template.digest for r in outdated(world.records, world.now, {"x1"})}
    assert gone == {"x0", "x2", "x3"}  # and a is the last good one
    assert len(world.records) - len(gone) == MOST + 2
    world.wait(OLDEST + 1).look()
    assert {r.template.digest for r in world.records} - {
        r.template.digest for r in outdated(world.records, world.now, {"x1"})
    } == {"a", "x1", "x13"}


def test_a_workload_that_is_gone_leaves_nothing_for_ever() -> None:
    """Thirty days after its end even the last good release is forgotten; not before."""
    world = World().finish().look().wait(90 * 86_400)
    world.records = follow(None, world.records, world.now)
    assert present(world.records) is None
    assert outdated(world.records, world.now + OLDEST) == ()
    assert outdated(world.records, world.now + OLDEST + 1) == world.records


# --- any history


EVENTS = st.one_of(
    st.sampled_from("abcd").map(lambda digest: ("declare", digest)),
    st.sampled_from(["pause", "resume", "finish", "finish", "restart", "leave", "return", "recreate"]).map(
        lambda what: (what, "")
    ),
)


def happen(world: World, what: str, digest: str) -> None:
    match what:
        case "declare":
            world.declare(digest)
        case "pause" | "resume":
            world.pause(what == "pause")
        case "leave" | "return":
            world.leave(what == "leave")
        case _:
            getattr(world, what)()


def truth(world: World) -> dict[str, tuple[str, bool]]:
    """State of each template that was ever declared, and whether the present one has rolled out before."""
    runs = [digest for digest, _, _ in world.rollouts]
    states = dict.fromkeys(world.ever, ("Superseded", False))
    if world.last == (world.digest, world.uid):
        state = "Complete" if world.rollouts[-1][2] else "RollingOut"
        return states | {world.digest: (state, runs.count(world.digest) > 1)}
    return states | {world.digest: ("Queued", world.digest in runs)}


@given(st.lists(EVENTS, max_size=40), st.data())
@settings(max_examples=400)
def test_who_sees_everything_knows_everything(events: list[tuple[str, str]], data: st.DataObject) -> None:
    """Whatever order changes, pauses, restarts and absences of the controller come in: the records are the truth."""
    world = World().look()
    for what, digest in events:
        world.wait(data.draw(st.sampled_from([0.01, 0.4, 2, 5000])))
        happen(world, what, digest)
        world.look()
        expected = truth(world)
        assert world.shown == {d: state for d, (state, _) in expected.items()}
        now = present(world.records)
        assert now is not None
        assert (now.template.digest, now.again) == (world.digest, expected[world.digest][1])
        completed = {d for d, _, done in world.rollouts if done}
        assert {r.template.digest for r in world.records if r.good} <= completed


@given(st.lists(st.tuples(EVENTS, st.booleans()), max_size=40))
@settings(max_examples=400)
def test_who_was_away_learns_what_is_to_be_learned(events: list[tuple[tuple[str, str], bool]]) -> None:
    """With looks now and then: one present release, the declared one; never better than it is; all others are over."""
    world = World().look()
    for (what, digest), looks in events:
        world.wait(2)
        happen(world, what, digest)
        if not looks:
            continue
        world.look()
        (now,) = [r for r in world.records if r.ended is None]
        assert now.template.digest == world.digest
        assert {r.template.digest for r in world.records} <= world.ever
        if now.state is ReleaseState.COMPLETE:  # it was, of this workload
            assert any(d == world.digest and done for d, _, done in world.rollouts)
        assert all(r.state is ReleaseState.SUPERSEDED for r in world.records if r.ended is not None)
        good = last_good(world.records)
        assert good is None or any(d == good.template.digest and done for d, _, done in world.rollouts)


@given(st.lists(st.tuples(EVENTS, st.integers(0, 3)), max_size=40))
@settings(max_examples=300)
def test_killed_between_two_writes(events: list[tuple[tuple[str, str], int]]) -> None:
    """Whoever is killed after some of the writes of a look finds the truth at the next one."""
    world = World().look()
    for (what, digest), written in events:
        world.wait(2)
        happen(world, what, digest)
        before = {r.template.digest: r for r in world.records}
        differing = [r for r in world.look().records if before.get(r.template.digest) != r]
        before |= {r.template.digest: r for r in differing[:written]}
        world.records = tuple(before.values())
        world.wait(0.1).look()
        expected = truth(world)
        assert world.shown == {d: state for d, (state, _) in expected.items()}
        now = present(world.records)
        assert now is not None
        assert now.again is expected[world.digest][1]
