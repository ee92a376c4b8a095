"""Releases on trial: whose events are counted for them, and what those say.

Rule: a finding needs fresh evidence. Without it the finding stays what it was. The pods are listed once a look; while they cannot
be, their events wait, and nothing is said of how far the release gets.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from holdfast.cluster.errors import ClusterError
from holdfast.core.attribution import allowance_for_trial, history_before, is_on_trial, not_attributable
from holdfast.core.budget import Measured
from holdfast.core.evidence import Fresh
from holdfast.core.objective import Objective, ObjectKey, Workload
from holdfast.core.pods import Candidate
from holdfast.core.quantities import Instant, Seconds, Share
from holdfast.core.release import ReleaseFinding, ReleaseRecord, ReleaseState
from holdfast.core.sequential import ALPHA, weigh
from holdfast.core.stall import Rollout, stall
from holdfast.core.trial import Trial, Weighed

from .account import Account
from .accounts import Accounts

AGAIN: Final[Seconds] = 15
"""Without a new look the pods are listed this often."""

SIDE_BY_SIDE: Final = 8
"""Workloads whose pods are listed at once."""

log = structlog.get_logger("holdfast.trials")

Mark = tuple[float, tuple[Instant | None, ...]]
"""When pods were listed, and of when the newest figures were then."""


@dataclass
class OnTrial:
    """One release on trial, the objectives it may spend, and what is remembered of it while the process lives."""

    release: ReleaseRecord
    candidate: Candidate
    objectives: tuple[Objective, ...]
    rollout: Rollout | None = None
    mark: Mark | None = None
    found: dict[ObjectKey, tuple[object, Weighed]] = field(default_factory=dict)  # made of what, and what came out

    def weigh(self, measured: Measured, account: Account | None, alpha: float) -> Weighed:
        """What the events of one objective say. Worked out anew when there are more of them."""
        key, allowance = measured.objective.key, allowance_for_trial(measured.objective)
        docket = account.ledger.docket if account is not None else None
        known = self.found.get(key)
        if account is None or docket is None or allowance is None or not isinstance(measured.evidence, Fresh):
            return known[1] if known is not None else self._recorded(key)
        of = id(docket), docket.changes, allowance, alpha, self.release.completed
        if known is None or known[0] != of:
            workload, began = self.release.workload, self.release.began
            found = weigh(
                key,
                docket.rows(workload),
                float(allowance),
                alpha=alpha,
                history=history_before(measured.objective, account.ledger, began),
                completed=self.release.completed,
            )
            known = self.found[key] = of, replace(found, nobodys=docket.nobodys(workload)[0])
        return known[1]

    def _recorded(self, key: ObjectKey) -> Weighed:
        """What is on record, while nothing was heard since the process began."""
        cost = next((cost for cost in self.release.costs if cost.objective == key), None)
        if cost is None:
            return Weighed(key, ReleaseFinding.UNDECIDED)
        return Weighed(key, cost.finding, cost.total, cost.bad, seen_after=cost.seen_after)


@dataclass
class Trials:
    """All of them. `read` lists the pods of a workload."""

    accounts: Accounts
    read: Callable[[Workload], Awaitable[Rollout | None]]
    clock: Callable[[], Instant] = time.time
    _declared: Mapping[Workload, ReleaseRecord] = field(default_factory=dict)
    _foreseen: Mapping[Workload, ReleaseRecord] = field(default_factory=dict)
    _on_trial: dict[Workload, OnTrial] = field(default_factory=dict)
    _blind: set[Workload] = field(default_factory=set)

    def keep(
        self,
        declared: Mapping[Workload, ReleaseRecord],
        objectives: Mapping[Workload, tuple[Objective, ...]],
        within: Callable[[Workload], Seconds | None] = lambda _: None,
        foreseen: Mapping[Workload, ReleaseRecord] | None = None,
    ) -> None:
        """These releases are declared now: count for those that are on trial, and no longer for others.

        `within` says how long a workload's release is judged after it is complete, where rules do. To be called before
        a look, so that nothing of it is missed, and not before all records of releases were read. Those `foreseen` are
        counted for instead, and not judged yet.
        """
        now, before, self._declared = self.clock(), self._on_trial, declared
        self._foreseen = foreseen or {}
        self._on_trial = {
            workload: _opened(release, objectives.get(workload, ()), before.get(workload))
            for workload, release in {**declared, **self._foreseen}.items()
            if is_on_trial(release, within(workload), now)
        }
        self._blind &= self._on_trial.keys()
        candidates: defaultdict[ObjectKey, dict[Workload, Candidate]] = defaultdict(dict)
        for workload, one in self._on_trial.items():
            for objective in one.objectives:
                candidates[objective.key][workload] = one.candidate
        self.accounts.try_releases(candidates)

    @property
    def count(self) -> int:
        """How many releases are on trial."""
        return len(self._on_trial)

    async def look(self) -> None:
        """List the pods of every workload with a release on trial, where there are new figures."""
        lanes = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(workload: Workload, seen: OnTrial) -> None:
            async with lanes:
                await self._look(workload, seen)

        await asyncio.gather(*(one(workload, seen) for workload, seen in self._on_trial.items()))

    def trial(
        self, workload: Workload, measured: Sequence[Measured], alphas: Mapping[ObjectKey, Share] | None = None
    ) -> Trial | None:
        """What is to be judged of a workload now; None when no release of it is on record.

        `alphas` say how probable a false stop may be at each objective; without them they share what one release may have.
        """
        release, one = self._declared.get(workload), self._on_trial.get(workload)
        if release is None:
            return None
        if one is None or workload in self._foreseen:
            return Trial(release)
        told = {m.objective.key for m in measured if self.not_attributable(m.objective) is None}
        share = ALPHA / max(1, len(told))
        weighed = []
        for each in measured:
            key = each.objective.key
            alpha = float(alphas[key]) if alphas is not None and key in alphas else share
            account = self.accounts.filled(key)
            said = one.weigh(each, account, alpha) if key in told else Weighed(key, ReleaseFinding.NOT_ATTRIBUTABLE)
            weighed.append(said)
        stalled = None
        if one.rollout is not None and release.state is ReleaseState.ROLLING_OUT:
            stalled = stall(one.candidate, one.rollout, self.clock())
        return Trial(release, tuple(weighed), stalled)

    def not_attributable(self, objective: Objective) -> str | None:
        """Why nobody can tell by release what this objective counts; None where that can be told, or nothing counts yet."""
        account = self.accounts.filled(objective.key)
        return not_attributable(objective, account.ledger.pods if account is not None else ())

    async def _look(self, workload: Workload, one: OnTrial) -> None:
        accounts = [self.accounts.filled(o.key) for o in one.objectives]
        newest = tuple(a.ledger.at if a is not None else None for a in accounts)
        if one.mark is not None and one.mark[1] == newest and time.monotonic() - one.mark[0] < AGAIN:
            return
        one.mark = time.monotonic(), newest
        began = self.clock()
        try:
            one.rollout = await self.read(workload)
        except ClusterError as error:
            one.rollout = None
            if workload not in self._blind:
                self._blind.add(workload)
                log.warning("the pods of a release on trial cannot be listed", workload=str(workload), why=str(error))
            return
        self._blind.discard(workload)
        pods = one.rollout.pods if one.rollout is not None else ()
        for account in accounts:
            if account is not None and account.ledger.docket is not None:
                account.ledger.docket.learn(workload, pods, began)


def _opened(release: ReleaseRecord, objectives: tuple[Objective, ...], before: OnTrial | None) -> OnTrial:
    """A release on trial, with what is remembered of it if it was on trial before."""
    candidate = Candidate.of(release)
    known = candidate.after(before.candidate) if before is not None else None
    if before is None or known is None:
        return OnTrial(release, candidate, objectives)
    return replace(before, release=release, candidate=known, objectives=objectives)
