"""Releases on trial: opened and closed, told of pods, and judged on what their own pods count. Nothing is asked of a source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import pytest
import structlog

from holdfast.cluster.errors import Unreachable
from holdfast.core.attribution import foreseen
from holdfast.core.budget import Measured
from holdfast.core.course import costs
from holdfast.core.evidence import Missing, Why
from holdfast.core.hold import Template
from holdfast.core.ledger import Ledger, Reading
from holdfast.core.objective import Gauge, Objective, TimeSlices, Workload
from holdfast.core.pods import Pod
from holdfast.core.release import Cost, ReleaseFinding, ReleaseRecord, ReleaseState
from holdfast.core.sequential import ALPHA
from holdfast.core.stall import PATIENCE, Rollout
from holdfast.core.trial import Trial, Weighed
from holdfast.prometheus.sources import Source
from holdfast.service import trials as service
from holdfast.service.accounts import Accounts
from holdfast.service.metrics import Metrics
from holdfast.service.shelf import Shelf, record_of
from holdfast.service.trials import Trials
from tests.core.making import DAY, ERRORS, LATENCY, SHOP, objective

START = 1_764_000_000.0
RELEASE = ReleaseRecord(SHOP, "uid", Template("digest"), START + 60, ReleaseState.ROLLING_OUT, hash="new")
PODS = (
    Pod("checkout-old-aaaaa", "1", "old", START - DAY, ready=True),
    Pod("checkout-new-aaaaa", "2", "new", START + 62, ready=True),
)
MINE, OTHER = objective(), objective(ERRORS)


@dataclass
class Scene:
    """Accounts, trials, and the pods that are there."""

    accounts: Accounts
    objectives: tuple[Objective, ...] = (MINE,)
    now: float = START
    pods: tuple[Pod, ...] | Exception | None = PODS
    asked: int = 0
    bad: int = 0
    trials: Trials = field(init=False)

    def __post_init__(self) -> None:
        self.trials = Trials(self.accounts, self.read, lambda: self.now)
        self.open()

    def open(self) -> None:
        """Accounts of the objectives, filled."""
        self.accounts.keep({o.key: o for o in self.objectives}, ())
        for account in self.accounts._accounts.values():
            account.filled = True

    async def read(self, workload: Workload) -> Rollout | None:
        """The pods, or why there are none."""
        assert workload == SHOP
        self.asked += 1
        if isinstance(self.pods, Exception):
            raise self.pods
        return None if self.pods is None else Rollout(self.pods)

    def keep(self, release: ReleaseRecord = RELEASE, within: float | None = None) -> None:
        """This release is declared."""
        self.trials.keep({SHOP: release}, {SHOP: self.objectives}, lambda _: within)

    def ledger(self, one: Objective = MINE) -> Ledger:
        """Its ledger."""
        account = self.accounts.filled(one.key)
        assert account is not None
        return account.ledger

    def look(self, new_bad: float = 0, at: float | None = None, new: float = 100) -> None:
        """A look 15 s later: 300 good events of the old pod since the last, and these of the new one, which is born at 65."""
        self.now = self.now + 15 if at is None else at
        steps = (self.now - START) / 15
        self.bad += int(new_bad)
        found = {("old",): Reading(300 * steps, 0, START - DAY, process=("shop", "checkout-old-aaaaa", "app"))}
        if self.now > START + 65:
            total = new * (steps - 4)
            found[("new",)] = Reading(total, self.bad, START + 65, process=("shop", "checkout-new-aaaaa", "app"))
        for one in self.objectives:
            self.ledger(one).feed(self.now, found)

    def measured(self, *, fresh: bool = True) -> tuple[Measured, ...]:
        """How the objectives stand."""
        found = tuple(self.accounts.measured(o, (), self.now) for o in self.objectives)
        silent = Missing(Why.UNREACHABLE, self.now, "the source refused the connection")
        return found if fresh else tuple(replace(m, evidence=silent) for m in found)

    def trial(self, *, fresh: bool = True) -> Trial:
        """What is to be judged now."""
        found = self.trials.trial(SHOP, self.measured(fresh=fresh))
        assert found is not None
        return found


@pytest.fixture
def accounts() -> Iterator[Accounts]:
    """None is open yet."""
    source = Source(name="default", url="http://127.0.0.1:9", scrape_interval=15, delay=2, timeout=1)
    found = Accounts([source], 15, Metrics(), Shelf(lambda: None, lambda: START + DAY))
    yield found
    found.close()


async def rolling(scene: Scene, looks: int, new_bad: float) -> None:
    """A rollout that has been looked at so often."""
    for _ in range(4):
        scene.look()
    scene.keep()
    for _ in range(looks):
        scene.look(new_bad)
        await scene.trials.look()


async def test_a_release_is_judged_by_its_own_pods(accounts: Accounts) -> None:
    """A bad one is found, with the figures of its pods alone; what it cost is a share of the budget."""
    scene = Scene(accounts)
    await rolling(scene, 6, 20)
    (weighed,) = scene.trial().weighed
    assert (weighed.finding, weighed.total, weighed.bad) == (ReleaseFinding.BAD, 600, 120)
    (cost,) = costs(scene.trial(), scene.measured())
    allowed = scene.measured()[0].budget.allowed
    assert cost == Cost(LATENCY, 600, 120, float(f"{float(120 / allowed):.6g}"), ReleaseFinding.BAD, weighed.seen_after)
    assert costs(scene.trial(), ()) == ()


async def test_a_good_release_is_not_found_bad(accounts: Accounts) -> None:
    """Whatever its neighbours have done."""
    scene = Scene(accounts)
    await rolling(scene, 60, 0)
    (weighed,) = scene.trial().weighed
    assert weighed.finding is ReleaseFinding.GOOD
    assert weighed.bad == 0


async def test_what_was_found_is_not_worked_out_again(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only when there are more events, or the release is complete now."""
    scene, worked = Scene(accounts), []
    weigh = service.weigh
    monkeypatch.setattr(service, "weigh", lambda *args, **more: worked.append(args) or weigh(*args, **more))
    await rolling(scene, 3, 0)
    assert scene.trial() == scene.trial()
    assert len(worked) == 1
    scene.keep(replace(RELEASE, state=ReleaseState.COMPLETE, completed=scene.now))
    scene.trial()
    scene.look()
    scene.trial()
    assert len(worked) == 3


async def test_without_fresh_evidence_nothing_is_found(accounts: Accounts) -> None:
    """What was found before stays; after a restart that is what is on record, else nothing."""
    scene = Scene(accounts)
    await rolling(scene, 6, 20)
    assert scene.trial(fresh=False).weighed == (Weighed(LATENCY, ReleaseFinding.UNDECIDED),)
    found = scene.trial()
    assert found.weighed[0].finding is ReleaseFinding.BAD
    scene.look(new_bad=0)
    assert scene.trial(fresh=False) == found
    again = Trials(accounts, scene.read, lambda: scene.now)
    again.keep({SHOP: replace(RELEASE, costs=costs(found, scene.measured()))}, {SHOP: (MINE,)})
    recorded = again.trial(SHOP, scene.measured(fresh=False))
    assert recorded is not None
    assert (recorded.weighed[0].finding, recorded.weighed[0].bad) == (ReleaseFinding.BAD, 120)


async def test_events_that_are_not_its_pods_are_not_attributable(accounts: Accounts) -> None:
    """A query, and an ingress: the policy falls back, and the objectives that can tell share the false stops."""
    gauge = objective(ERRORS, indicator=Gauge("up", Fraction(1), True, 60))
    scene = Scene(accounts, (MINE, gauge))
    for _ in range(4):
        scene.look()
    scene.keep()
    assert [w.finding for w in scene.trial().weighed] == [ReleaseFinding.UNDECIDED, ReleaseFinding.NOT_ATTRIBUTABLE]
    assert scene.trials.not_attributable(gauge) is not None
    found = {("x",): Reading(9, 0, START - DAY, process=("ingress", "nginx-1", "app"))}
    scene.ledger().feed(scene.now + 15, found)
    assert scene.trial().weighed[0].finding is ReleaseFinding.NOT_ATTRIBUTABLE
    assert "nginx-1" in str(scene.trials.not_attributable(MINE))


async def test_false_stops_are_shared(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evenly among those that can tell, unless the rules say how much each may have."""
    scene, alphas = Scene(accounts, (MINE, OTHER)), []
    weigh = service.weigh
    monkeypatch.setattr(service, "weigh", lambda *args, **more: alphas.append(more["alpha"]) or weigh(*args, **more))
    await rolling(scene, 1, 0)
    scene.trial()
    scene.trials.trial(SHOP, scene.measured(), {LATENCY: Fraction(1, 100)})
    assert alphas == [ALPHA / 2, ALPHA / 2, 0.01]


async def test_of_slices_events_are_weighed_and_no_cost_is_told(accounts: Accounts) -> None:
    """The budget is made of slices, the trial of events: as many may fail as in a slice that is a good one."""
    sliced = objective(slices=TimeSlices(60, Fraction(8, 10)))
    scene = Scene(accounts, (sliced,))
    await rolling(scene, 6, 10)
    (weighed,) = scene.trial().weighed
    assert (weighed.total, weighed.bad) == (600, 60)
    assert weighed.finding is not ReleaseFinding.BAD
    assert costs(scene.trial(), scene.measured())[0].spent == 0


async def test_only_releases_on_trial_are_counted_for(accounts: Accounts) -> None:
    """One that rolls out, and one that is complete as long as a rule says; then its account is as it was before."""
    scene = Scene(accounts)
    assert scene.trials.trial(SHOP, ()) is None
    scene.look()
    complete = replace(RELEASE, state=ReleaseState.COMPLETE, completed=scene.now - 600)
    scene.keep(complete)
    assert scene.ledger().docket is not None
    docket = scene.ledger().docket
    scene.keep(complete, within=700)
    assert scene.ledger().docket is docket
    scene.keep(complete, within=60)
    assert scene.ledger().docket is None
    assert scene.trial() == Trial(complete)
    await scene.trials.look()
    assert scene.asked == 0


async def test_another_release_is_another_trial(accounts: Accounts) -> None:
    """Nothing of what was found against the one before is said of it."""
    scene = Scene(accounts)
    await rolling(scene, 6, 20)
    assert scene.trial().weighed[0].finding is ReleaseFinding.BAD
    scene.keep(replace(RELEASE, template=Template("next"), began=scene.now, hash="next"))
    (weighed,) = scene.trial().weighed
    assert (weighed.finding, weighed.total) == (ReleaseFinding.UNDECIDED, 0)


async def test_pods_are_listed_once_a_look(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """And every 15 s without one, since pods that do not become ready count nothing."""
    scene = Scene(accounts)
    await rolling(scene, 2, 0)
    assert scene.asked == 2
    await scene.trials.look()
    assert scene.asked == 2
    monkeypatch.setattr(service, "AGAIN", 0)
    await scene.trials.look()
    assert scene.asked == 3


async def test_pods_that_cannot_be_listed_are_told_once(accounts: Accounts) -> None:
    """Their events wait, no stall is seen, and it goes on when they can."""
    scene = Scene(accounts, pods=Unreachable("list pods: the API server cannot be reached"))
    hashless = replace(RELEASE, hash="")
    for _ in range(4):
        scene.look()
    scene.keep(hashless)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            scene.look(20)
            await scene.trials.look()
    assert [(line["event"], line["workload"]) for line in logs] == [
        ("the pods of a release on trial cannot be listed", str(SHOP))
    ]
    assert scene.trial().weighed[0].total == 0
    assert scene.trial().stall is None
    scene.pods = PODS
    scene.keep()
    scene.look(20)
    await scene.trials.look()
    assert scene.trial().weighed[0].total == 400


async def test_a_workload_that_is_gone_has_no_pods(accounts: Accounts) -> None:
    """Nothing more is said of its release than what was counted."""
    scene = Scene(accounts, pods=None)
    await rolling(scene, 2, 0)
    assert scene.trial().stall is None
    assert scene.trial().weighed[0].total == 200  # told by the names of its pods


async def test_a_release_that_gets_nowhere_is_told_while_it_rolls_out(accounts: Accounts) -> None:
    """Not afterwards: a pod that fails later is no rollout that does not move."""
    scene = Scene(accounts, pods=(PODS[0], replace(PODS[1], ready=False)))
    await rolling(scene, 1, 0)
    assert scene.trial().stall is None
    scene.now += PATIENCE
    stall = scene.trial().stall
    assert stall is not None
    assert "1 of 1" in stall.why
    scene.keep(replace(RELEASE, state=ReleaseState.COMPLETE, completed=scene.now))
    assert scene.trial().stall is None


async def test_events_of_nobody_are_told(accounts: Accounts) -> None:
    """Those of pods that came and went unseen, and whose names tell nothing."""
    scene = Scene(accounts)
    await rolling(scene, 1, 0)
    lost = {("lost",): Reading(50, 9, START + 70, process=("shop", "checkout-x", "app"))}
    scene.ledger().feed(scene.now + 1, lost)
    for _ in range(2):
        scene.look(at=scene.now + 1_000)
        await scene.trials.look()
    assert scene.trial().weighed[0].nobodys == 50


async def test_what_nobody_has_looked_at_is_counted_and_not_judged(accounts: Accounts) -> None:
    """A template that was declared while the operator was down: its events wait until its record says when it began."""
    scene = Scene(accounts)
    for _ in range(4):
        scene.look()
    before = replace(RELEASE, template=Template("before"), began=START - DAY, state=ReleaseState.COMPLETE, hash="old")
    next_one = foreseen(before, "uid", "digest")
    scene.trials.keep({SHOP: before}, {SHOP: (MINE,)}, foreseen={SHOP: next_one})
    for _ in range(6):
        scene.look(20)
        await scene.trials.look()
    assert scene.trial() == Trial(before)
    scene.keep()
    (weighed,) = scene.trial().weighed
    assert (weighed.finding, weighed.total, weighed.bad) == (ReleaseFinding.BAD, 600, 120)


async def test_a_trial_goes_on_after_a_restart(accounts: Accounts) -> None:
    """From the checkpoint of its ledger and what came since, also with a listing of pods in between that is lost."""
    scene = Scene(accounts)
    await rolling(scene, 2, 20)
    record = record_of(MINE, scene.ledger(), 0)
    bad, now = scene.bad, scene.now
    scene.look(20)
    await scene.trials.look()
    scene.look(20)
    before = scene.trial()

    shelf = Shelf(lambda: None, lambda: START + DAY)
    shelf.put([record])
    source = Source(name="default", url="http://127.0.0.1:9", scrape_interval=15, delay=2, timeout=1)
    other = Accounts([source], 15, Metrics(), shelf)
    again = Scene(other, now=now, bad=bad)
    again.keep()
    for _ in range(2):
        again.look(20)
    await again.trials.look()
    assert again.trial() == before
    assert before.weighed[0].finding is ReleaseFinding.BAD
    other.close()
