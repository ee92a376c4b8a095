"""Whose events were counted, against worlds in which that is known."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.docket import MOST_LIVES, MOST_WAITS, PATIENCE, Docket
from holdfast.core.ledger import Ledger, Reading
from holdfast.core.lines import MOST_LINES, Lines
from holdfast.core.objective import Workload
from holdfast.core.pods import Candidate, Pod
from holdfast.core.targets import Gain
from holdfast.core.trial import Row

WEB = Workload("shop", "Deployment", "web")
ADMIN = Workload("shop", "Deployment", "web-admin")
BEGAN = 1_000.0
NEW = Candidate(WEB, "uid", "digest", BEGAN, ("new",))


def docket(*candidates: Candidate) -> Docket:
    """One with these on trial."""
    made = Docket()
    made.keep({one.workload: one for one in candidates or (NEW,)})
    return made


def take(one: Docket, at: float, gains: dict[str, Gain], since: float | None = 1_001.0, step: float = 10) -> None:
    """One look: what each pod counted."""
    one.take(at - step, at, [(("shop", pod, since), gain) for pod, gain in gains.items()])


def pod(name: str, created: float = 1_001.0) -> Pod:
    """A pod whose revision is the second last part of its name."""
    return Pod(name, f"uid of {name}", name.split("-")[-2], created)


def test_events_are_of_the_release_or_of_the_others() -> None:
    """Look by look, from the first event of the release on."""
    one = docket()
    one.learn(WEB, [pod("web-new-aaaaa"), pod("web-old-aaaaa", 10)], 1_005)
    take(one, 1_005, {"web-old-aaaaa": (7, 1)})
    take(one, 1_010, {"web-new-aaaaa": (3, 2), "web-old-aaaaa": (5, 0)})
    take(one, 1_020, {})
    take(one, 1_030, {"web-old-aaaaa": (4, 1)})
    assert one.rows(WEB) == (Row(1_010, (3, 2), (5, 0)), Row(1_030, (0, 0), (4, 1)))
    assert one.cost(WEB) == (3, 2)
    assert one.candidates == {WEB: NEW}


def test_events_wait_until_somebody_tells_whose_they_are() -> None:
    """Then they are in the intervals in which they were counted."""
    told, untold = docket(replace(NEW, hashes=())), docket(replace(NEW, hashes=()))
    for at in (1_010, 1_020):
        take(told, at, {"web-x-aaaaa": (3, 2)})
        take(untold, at, {"web-x-aaaaa": (3, 2)})
    assert told.rows(WEB) == ()
    before = told.changes
    told.learn(WEB, [pod("web-x-aaaaa")], 1_021)
    assert told.rows(WEB) == ()
    told.keep({WEB: replace(NEW, hashes=("x",))})
    assert told.rows(WEB) == (Row(1_010, (3, 2), (0, 0)), Row(1_020, (3, 2), (0, 0)))
    assert told.changes > before
    before = told.changes
    told.keep({WEB: replace(NEW, hashes=("x",))})
    assert told.changes == before
    assert untold.rows(WEB) == ()


def test_what_nobody_can_tell_is_nobodys() -> None:
    """When pods were listed ten minutes later, neither of the release nor of the others; one that is older than the release
    is of the others.
    """
    one = docket()
    take(one, 1_010, {"web-lost": (3, 2)})
    take(one, 1_020, {"web-old": (5, 1)}, since=10)
    take(one, 1_030, {"web-new-bbbbb": (2, 0)}, since=1_002)
    take(one, 1_031 + PATIENCE, {})
    assert one.nobodys(WEB) == (0, 0)
    one.learn(WEB, [], 1_021 + PATIENCE)
    take(one, 1_032 + PATIENCE, {})
    assert one.nobodys(WEB) == (3, 2)
    assert one.cost(WEB) == (2, 0)
    assert sum(line[3] for line in one.state.cases[0].lines) == 5
    assert one.state.waiting == {}


def test_a_long_gap_that_is_filled_at_once_loses_nobody() -> None:
    """After a restart hours are read before anybody can list a pod: what counted in them waits for the first list, and for
    the hash of the release.
    """
    daemons = Workload("shop", "DaemonSet", "web")
    one = docket(replace(NEW, workload=daemons, hashes=()))
    one.learn(daemons, [Pod("web-aaaaa", "1", "old", 500)], 1_005)
    for n in range(MOST_WAITS):
        take(one, 1_010 + 15 * n, {"web-aaaaa": (3, 0), "web-bbbbb": (2, 1)}, since=1_002)
    one.learn(daemons, [Pod("web-bbbbb", "2", "new", 1_001)], 1_010 + 15 * MOST_WAITS)
    take(one, 1_010 + 15 * MOST_WAITS, {})
    assert one.nobodys(daemons) == (0, 0)
    one.keep({daemons: replace(NEW, workload=daemons)})
    assert one.rows(daemons) == tuple(Row(1_010 + 15 * n, (2, 1), (3, 0)) for n in range(MOST_WAITS))


def test_where_no_start_is_known_the_look_before_stands_in() -> None:
    """A process was there by then, or nobody knows: what counted before the release began is of the others."""
    one = docket()
    take(one, BEGAN + 5, {"web-x": (4, 1)}, since=None)
    take(one, 1_100, {"web-x": (2, 1)}, since=None)
    one.learn(WEB, [], 1_101 + PATIENCE)
    take(one, 1_102 + PATIENCE, {})
    assert sum(line[3] for line in one.state.cases[0].lines) == 4
    assert one.nobodys(WEB) == (2, 1)


def test_other_pods_are_nobodys_business() -> None:
    """Those of other namespaces, or of other names, are neither counted nor remembered."""
    one = docket()
    one.take(
        1_000, 1_010, [(("elsewhere", "web-new-aaaaa", 1_001.0), (3, 1)), (("shop", "api-new-aaaaa", 1.0), (3, 1))]
    )
    assert one.rows(WEB) == ()
    assert one.state.waiting == {}


def test_two_workloads_of_one_objective_are_told_apart() -> None:
    """A name may begin with that of another workload: its pods are those that were listed for it, else the longest name's."""
    one = docket(NEW, Candidate(ADMIN, "uid 2", "digest 2", BEGAN, ("next",)))
    one.learn(ADMIN, [pod("web-admin-next-aaaaa")], 1_005)
    take(one, 1_010, {"web-admin-next-aaaaa": (3, 1), "web-new-aaaaa": (2, 2), "web-admin-lost": (9, 9)})
    assert (one.cost(WEB), one.cost(ADMIN)) == ((2, 2), (3, 1))
    for workload in (WEB, ADMIN):
        one.learn(workload, [], 1_011 + PATIENCE)
    take(one, 1_012 + PATIENCE, {})
    assert (one.nobodys(WEB), one.nobodys(ADMIN)) == ((0, 0), (9, 9))


def test_a_release_that_is_over_is_forgotten() -> None:
    """With what waited for it; nothing is known of one that is not on trial."""
    one = docket()
    take(one, 1_010, {"web-lost": (3, 2), "web-new-aaaaa": (1, 0)})
    one.learn(ADMIN, [pod("web-admin-x-aaaaa")], 1_011)
    one.keep({})
    assert one.state.waiting == {}
    assert (one.rows(WEB), one.cost(WEB), one.nobodys(WEB)) == ((), (0, 0), (0, 0))
    take(one, 1_020, {"web-new-aaaaa": (1, 0)})
    assert one.state.cases == ()


def test_what_waits_is_limited() -> None:
    """Many looks at one process become fewer, and no event is lost; of too many processes the first are given up."""
    one = docket(replace(NEW, hashes=()))
    for n in range(2 * MOST_WAITS):
        take(one, 1_010 + n, {"web-x-aaaaa": (2, 1)})
    (waits,) = one.state.waiting.values()
    assert len(waits) == MOST_WAITS
    assert sum(wait[2] for wait in waits) == 4 * MOST_WAITS
    many = docket(replace(NEW, hashes=()))
    take(many, 1_010, {f"web-{n}": (1, 0) for n in range(MOST_LIVES + 7)})
    assert len(many.state.waiting) == MOST_LIVES
    assert many.nobodys(WEB) == (7, 0)


def test_many_looks_take_no_more_room() -> None:
    """The older intervals are joined in pairs, and no event is lost, whenever it became known whose it was."""
    lines, late = Lines(), Lines()
    for n in range(3 * MOST_LINES):
        lines.look(n)
        late.look(n)
        lines.count(n, n % 3 == 0, (2, 1))
    for n in range(3 * MOST_LINES):
        late.count(n, n % 3 == 0, (2, 1))
    assert lines.state == late.state
    assert len(lines.state) <= MOST_LINES
    assert sum(line[1] for line in lines.state) == 2 * MOST_LINES
    assert sum(line[4] for line in lines.state) == 2 * MOST_LINES
    assert [line[0] for line in lines.state[-MOST_LINES // 2 :]] == list(range(3 * MOST_LINES))[-MOST_LINES // 2 :]


def test_events_of_before_the_first_interval_have_one_of_their_own() -> None:
    """When a release gets its proper beginning while some wait."""
    lines = Lines()
    lines.count(5, True, (2, 1))
    lines.look(10)
    lines.count(7, False, (3, 0))
    assert lines.rows() == (Row(5, (2, 1), (0, 0)), Row(10, (0, 0), (3, 0)))


@dataclass(frozen=True)
class Story:
    """Pods with their release and the looks from and to which they live, and what each counts at each of those."""

    pods: tuple[tuple[str, bool, int, int], ...]
    counted: tuple[dict[str, Gain], ...]

    def alive(self, look: int) -> list[Pod]:
        """The pods at a look."""
        return [self.pod(one) for one in self.pods if one[2] <= look <= one[3]]

    @staticmethod
    def pod(one: tuple[str, bool, int, int]) -> Pod:
        """One of them as its object says."""
        name, new, first, _ = one
        return Pod(name, name, "new" if new else "old", time(first) - 5)

    def truth(self) -> tuple[Row, ...]:
        """The rows that should come out."""
        kinds = {name: new for name, new, _, _ in self.pods}
        rows = []
        for look, gains in enumerate(self.counted):
            sums: dict[bool, list[float]] = defaultdict(lambda: [0.0, 0.0])
            for name, gain in gains.items():
                sums[kinds[name]][0] += gain[0]
                sums[kinds[name]][1] += gain[1]
            rows.append(Row(time(look), (sums[True][0], sums[True][1]), (sums[False][0], sums[False][1])))
        while rows and rows[0].new == (0, 0):
            rows.pop(0)
        return tuple(row for row in rows if row.new != (0, 0) or row.old != (0, 0))


def time(look: int) -> float:
    """When a look is."""
    return BEGAN + 20 + 15 * look


@st.composite
def stories(draw: Any, looks: int = 20) -> Story:
    """Up to a dozen pods of the two releases, which come and go."""
    pods = []
    for n in range(draw(st.integers(1, 12))):
        new, first = draw(st.booleans()), draw(st.integers(0, looks - 1))
        pods.append((f"web-{'new' if new else 'old'}-aaa{n:02}", new, first, draw(st.integers(first, looks))))
    gain = st.tuples(st.integers(1, 9), st.integers(0, 1))
    counted = [
        {name: draw(gain) for name, _, first, last in pods if first <= look <= last and draw(st.booleans())}
        for look in range(looks)
    ]
    return Story(tuple(pods), tuple(counted))


@settings(deadline=None)
@given(stories(), st.lists(st.tuples(st.integers(0, 19), st.integers(0, 10)), max_size=3), st.data())
def test_restarts_change_nothing(story: Story, restarts: list[tuple[int, int]], data: st.DataObject) -> None:
    """At any look the process dies, and goes on from a checkpoint some looks older with all looks since, at once and
    before anybody lists a pod: the rows are those of the truth. Lists that fail now and then only delay them.
    """
    one, listed = docket(), Pod("web-old-zzzzz", "", "old", 1.0)
    one.learn(WEB, [listed], BEGAN)
    states = [one.state]
    for look, gains in enumerate(story.counted):
        take(one, time(look), gains, time(look) - 4, 15)
        if data.draw(st.booleans()):
            one.learn(WEB, story.alive(look), time(look))
        states.append(one.state)
        for at, back in restarts:
            if at == look:
                begin = max(0, look + 1 - back)
                one = Docket.restored(states[begin])
                for again in range(begin, look + 1):
                    take(one, time(again), story.counted[again], time(again) - 4, 15)
    assert one.rows(WEB) == story.truth()
    assert one.nobodys(WEB) == (0, 0)


def fed(ledger: Ledger, at: float, **pods: tuple[float, float, float | None]) -> None:
    """One look at pods of the database: total, bad and start of each."""
    found = {
        (name,): Reading(total, bad, start, process=("shop", name.replace("_", "-"), "app"))
        for name, (total, bad, start) in pods.items()
    }
    ledger.feed(at, found)


def test_a_ledger_tells_its_docket_what_it_counts_itself() -> None:
    """Births, differences and restarts, each with the start of the process; what has no pod is not told."""
    ledger, plain = Ledger(3_600, 45), Ledger(3_600, 45)
    ledger.docket = docket()
    looks = [
        {"web_old_aaaaa": (100, 1, 10.0)},
        {"web_old_aaaaa": (110, 2, 10.0), "web_new_aaaaa": (5, 5, 1_020.0)},
        {"web_old_aaaaa": (115, 2, 10.0), "web_new_aaaaa": (9, 7, 1_020.0)},
    ]
    for n, look in enumerate(looks):
        fed(ledger, 1_010.0 + 15 * n, **look)
        fed(plain, 1_010.0 + 15 * n, **look)
    assert ledger.docket is not None
    ledger.docket.learn(WEB, [pod("web-old-aaaaa", 5)], 1_050)
    assert ledger.docket.rows(WEB) == (Row(1_025, (5, 5), (10, 1)), Row(1_040, (4, 2), (5, 0)))
    assert ledger.counts(3_600) == plain.counts(3_600)
    ledger.feed(1_055, {("x",): Reading(50, 0, 1_050)})
    assert ledger.docket.cost(WEB) == (9, 7)


def test_a_pod_that_takes_over_a_name_takes_over_no_events() -> None:
    """What the old process counted last is of the old revision, though it is read after the new pod was created."""
    database = Workload("shop", "StatefulSet", "db")
    ledger = Ledger(3_600, 45)
    ledger.docket = docket(Candidate(database, "uid", "digest", BEGAN, ("db-new",)))
    ledger.docket.learn(database, [Pod("db-0", "1", "db-old", 10)], 1_000)
    fed(ledger, 1_010, db_0=(100, 0, 11.0))
    fed(ledger, 1_020, db_0=(120, 3, 11.0))
    ledger.docket.learn(database, [Pod("db-0", "2", "db-new", 1_018)], 1_030)
    fed(ledger, 1_022, db_0=(125, 4, 11.0))
    for n in range(5):
        fed(ledger, 1_035 + 15 * n, db_0=(8 + n, 2, 1_021.0))
    assert ledger.docket.cost(database) == (12, 2)
    assert sum(line[3] for line in ledger.docket.state.cases[0].lines) == 25


def test_a_docket_is_stored_with_its_ledger() -> None:
    """A ledger that was restored goes on with its trials; one without a trial has none."""
    ledger = Ledger(3_600, 45)
    assert Ledger.restored(ledger.state(), 3_600, 45).docket is None
    ledger.docket = docket()
    fed(ledger, 1_010, web_new_aaaaa=(1, 0, 1_005.0))
    fed(ledger, 1_025, web_new_aaaaa=(4, 1, 1_005.0))
    restored = Ledger.restored(ledger.state(), 3_600, 45)
    fed(restored, 1_040, web_new_aaaaa=(6, 1, 1_005.0))
    assert restored.docket is not None
    assert restored.docket.cost(WEB) == (5, 1)
    assert ledger.docket.cost(WEB) == (3, 1)
