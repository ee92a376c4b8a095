"""The ledgers of all objectives: opened, filled from the past, fed on the grid, and closed.

A ledger belongs to an objective's name, indicator, slices and source. Changing the target or the window re-reads the same
counts; changing what is counted starts another one, filled from Prometheus unless the shelf has it. A composite has none:
it reads those of its parts, which reach back as far as it does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeVar

import structlog

from holdfast.core.budget import UNADJUSTED, Adjusted, Measured, measure
from holdfast.core.composite import Mixed
from holdfast.core.doubts import Doubt
from holdfast.core.effects import Declared, coarse_edges
from holdfast.core.evidence import Missing, Why
from holdfast.core.identity import identity_of
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Composite, Objective, ObjectKey
from holdfast.core.quantities import Instant, Seconds, format_instant
from holdfast.prometheus.poller import Poller, grid_time
from holdfast.prometheus.refill import advance, refill, refine
from holdfast.prometheus.sources import Source
from holdfast.prometheus.starts import StartsOf

from .memory import Open
from .metrics import Metrics
from .shelf import Shelf

T = TypeVar("T")

log = structlog.get_logger("holdfast.accounts")


Doubts = tuple[Doubt | None, Doubt | None, Doubt | None]
"""Whether the figures are implausible, inexact, and nobody's in particular."""


@dataclass
class Account:
    """One objective, its ledger, and what the last look said where it brought nothing."""

    objective: Objective
    ledger: Ledger
    missing: Missing | None = None
    filled: bool = False
    owed: Seconds = 0.0  # what the ledger before this one covered, until this one does
    told: Why | None = field(default=None, repr=False)
    declared: tuple[Declared, ...] = ()
    doubts: tuple[Instant, Doubts] | None = None  # and when they were looked for
    cut: tuple[Declared, ...] = ()  # whose edges have been looked for in the coarse past


Work = Callable[[Poller, Sequence[Account], Instant], Mapping[ObjectKey, Missing]]
"""Asks a source for some accounts, and returns those that got nothing; blocks."""


class Accounts:
    """All accounts, and the only place that asks metrics sources."""

    def __init__(
        self,
        sources: Iterable[Source],
        interval: Seconds,
        metrics: Metrics,
        shelf: Shelf,
        starts_of: StartsOf | None = None,
    ) -> None:
        """No account is open yet. `starts_of` tells when pods started, for those of which no metric does."""
        self.interval = interval
        self._pollers = {source.name: Poller(source, starts_of) for source in sources}
        self._accounts: dict[ObjectKey, Account] = {}
        self._threads = {name: ThreadPoolExecutor(1, thread_name_prefix=f"look-{name}") for name in self._pollers}
        self._metrics = metrics
        self._shelf = shelf

    @property
    def sources(self) -> dict[str, Source]:
        """The sources, by the names that objectives give."""
        return {name: poller.source for name, poller in self._pollers.items()}

    def close(self) -> None:
        """Ask nothing more; queries under way end by their time-out."""
        for name, poller in self._pollers.items():
            poller.close()
            self._threads[name].shutdown(wait=False, cancel_futures=True)

    def pause(self, source: str, now: Instant) -> Seconds:
        """How long until the scrapes of the next step of the grid have arrived at this source."""
        delay = self._pollers[source].source.delay
        return max(0.01, grid_time(now, self.interval, delay) + self.interval + delay - now)

    @property
    def kept(self) -> list[tuple[Objective, Ledger]]:
        """The ledgers that are up to date, with their objectives."""
        return [(a.objective, a.ledger) for a in self._accounts.values() if a.filled and a.missing is None]

    def keep(self, objectives: Mapping[ObjectKey, Objective], unreadable: Iterable[ObjectKey]) -> bool:
        """Have an account for each of these, and no others; one that cannot be read now keeps its ledger.

        Returns whether there is a new one.
        """
        opened = False
        reaches = _reaches(objectives.values())
        own = {k: o for k, o in objectives.items() if not isinstance(o.indicator, Composite)}
        for key, objective in own.items():
            account = self._accounts.get(key)
            if account is not None and identity_of(account.objective) == identity_of(objective):
                account.objective = objective
                account.ledger.window = max(account.ledger.window, reaches[key])
                continue
            if account is not None:
                self._close(account)
            self._accounts[key] = self._open(objective, reaches[key])
            opened = True
        for key in set(self._accounts) - set(own) - set(unreadable):
            self._close(self._accounts.pop(key))
        self._shelf.settled = True
        return opened

    def _open(self, objective: Objective, window: Seconds) -> Account:
        poller = self._pollers.get(objective.source)
        reach = poller.reach(self.interval) if poller is not None else self.interval
        ledger, owed = self._shelf.open(objective, window, reach)
        return Account(objective, ledger, filled=ledger.at is not None, owed=owed)

    def _close(self, account: Account) -> None:
        self._shelf.close(account.objective, account.ledger, account.owed)

    def live(self, now: Instant) -> list[Open]:
        """Every ledger in use, and whether it is worth storing: its last look was good, and not long ago."""
        return [
            Open(a.objective, a.ledger, a.owed, a.filled and a.missing is None and _is_recent(a, now))
            for a in self._accounts.values()
        ]

    def measured(
        self, objective: Objective, windows: tuple[Seconds, ...], now: Instant, adjusted: Adjusted = UNADJUSTED
    ) -> Measured:
        """How an objective stands now."""
        if isinstance(objective.indicator, Composite):
            mixed, missing = self._mixed(objective.indicator, now)
            measured = measure(objective, mixed, missing, windows, now, self.interval, adjusted)
            parts = [self._accounts.get(part.key) for part in objective.indicator.parts]
        else:
            account = self._accounts[objective.key]
            missing = self._missing(account, now)
            measured = measure(objective, _book(account), missing, windows, now, self.interval, adjusted)
            parts = [account]
        return replace(measured, provisional=any(_is_provisional(part) for part in parts if part is not None))

    def declare(self, key: ObjectKey, declared: tuple[Declared, ...], pins: Sequence[Instant]) -> None:
        """These adjustments are in force: the points at `pins` stay, and their edges are looked for where it is coarse."""
        account = self._accounts.get(key)
        if account is not None:
            account.declared, account.ledger.pins = declared, pins

    def filled(self, key: ObjectKey) -> Account | None:
        """The account of an objective, once its past has been read; a composite has none."""
        account = self._accounts.get(key)
        return account if account is not None and account.filled else None

    def startless(self, account: Account) -> int:
        """How many of its targets have no known start: what a new one counts before it is first seen is not counted."""
        poller = self._pollers.get(account.objective.source)
        return poller.startless.get(account.objective.key, 0) if poller is not None else 0

    def _missing(self, account: Account, now: Instant) -> Missing | None:
        """Why there are no new figures of one objective; None when there are."""
        unusable = self._unusable(account.objective)
        if unusable is not None:
            return Missing(Why.UNREACHABLE, now, unusable)
        if not account.filled and account.missing is None:
            return Missing(Why.STALE, now, "its past is being read")
        return account.missing

    def _mixed(self, indicator: Composite, now: Instant) -> tuple[Mixed, Missing | None]:
        """The books of the parts of a composite, and why one of them has no figures."""
        books: list[tuple[Ledger, Fraction]] = []
        missing: Missing | None = None
        for part in indicator.parts:
            account = self._accounts.get(part.key)
            if account is None:
                why: Missing | None = Missing(Why.ABSENT, now, "it is no objective that is measured")
            else:
                why = self._missing(account, now)
            if missing is None and why is not None:
                missing = replace(why, note=f"its part {part.key.name}: {why.note}")
            books.append((_book(account) if account is not None else Ledger(0, 0), part.weight))
        return Mixed(tuple(books)), missing

    def _unusable(self, objective: Objective) -> str | None:
        """Why the source of an objective is never asked for it; None when it is."""
        poller = self._pollers.get(objective.source)
        if poller is None:
            return f"no metrics source is called {objective.source}; there is {', '.join(sorted(self._pollers))}"
        if not poller.source.allows(objective.key.namespace):
            return f"the metrics source {objective.source} may not be used from the namespace {objective.key.namespace}"
        return None

    async def look(self, source: str, now: Instant) -> None:
        """Bring every account of this source up to the newest time of its grid."""
        poller = self._pollers[source]
        at = grid_time(now, self.interval, poller.source.delay)
        mine = [a for a in self._accounts.values() if a.objective.source == source]
        due = [a for a in mine if (a.ledger.at or 0) < at and poller.source.allows(a.objective.key.namespace)]
        began = time.monotonic()
        behind = [a for a in due if not a.filled or a.ledger.at is None or at - a.ledger.at > 1.5 * self.interval]
        failed = await self._rounds(self._refill, poller, behind, at)
        # a look past a gap that was not read would close it: what happened in it could never be counted
        abreast = [a for a in due if a.filled and (a.ledger.at or 0) < at and a.objective.key not in failed]
        await self._rounds(self._poll, poller, abreast, at)
        uncut = [a for a in due if a.filled and a.cut is not a.declared]
        if uncut:
            await self._run(self._cut, poller, uncut, at)
        if due:
            self._metrics.look_seconds.labels(source).observe(time.monotonic() - began)
            self._metrics.clock_skew.labels(source).set(poller.clocks.skew)
            if poller.pace.seen is not None:
                self._metrics.scrape_interval.labels(source).set(poller.pace.seen)

    async def _run(
        self,
        work: Callable[[Poller, Sequence[Account], Instant], T],
        poller: Poller,
        accounts: Sequence[Account],
        at: Instant,
    ) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads[poller.source.name], work, poller, accounts, at
        )

    async def _rounds(
        self, work: Work, poller: Poller, accounts: Sequence[Account], at: Instant
    ) -> Mapping[ObjectKey, Missing]:
        """Do this for all of them, part by part; returns those that got nothing. A source that did not answer anything
        for one part is not asked for the next: each would wait as long, for nothing.
        """
        failed: dict[ObjectKey, Missing] = {}
        down: Missing | None = None
        for some in poller.rounds(accounts):
            if down is None:
                said = await self._run(work, poller, some, at)
                failed |= said
                down = _silence(said, len(some))
                continue
            for account in some:
                failed[account.objective.key] = down
                self._note(account, down)
        return failed

    def _refill(self, poller: Poller, accounts: Sequence[Account], until: Instant) -> Mapping[ObjectKey, Missing]:
        """The past of new accounts, and the gaps of those that lag behind; returns those it could not be read for."""
        ledgers = {a.objective.key: a.ledger for a in accounts}
        failed = refill(poller, ledgers, [a.objective for a in accounts], until, self.interval)
        for account in accounts:
            missing = failed.get(account.objective.key)
            if missing is None:
                account.filled = True
            else:
                self._note(account, missing)
        return failed

    def _poll(self, poller: Poller, accounts: Sequence[Account], at: Instant) -> Mapping[ObjectKey, Missing]:
        """One more look for the accounts that are up to date."""
        ledgers = {a.objective.key: a.ledger for a in accounts}
        failed = advance(poller, ledgers, [a.objective for a in accounts], at, self.interval)
        for account in accounts:
            self._note(account, failed.get(account.objective.key))
        return failed

    def _cut(self, poller: Poller, accounts: Sequence[Account], at: Instant) -> None:
        """Give the edges of new adjustments their points, where the past has grown coarse; each is tried once."""
        for account in accounts:
            for edge in coarse_edges(account.ledger, account.declared, self.interval):
                if edge < at and refine(poller, account.ledger, account.objective, edge, self.interval):
                    log.info("past read again", objective=str(account.objective.key), at=format_instant(edge))
            account.cut = account.declared

    def _note(self, account: Account, missing: Missing | None) -> None:
        """Remember why nothing came, since when it has not, and say so once."""
        if missing is None:
            if account.told is not None:
                log.info("evidence is back", objective=str(account.objective.key))
            account.missing = account.told = None
            return
        self._metrics.misses.labels(missing.why).inc()
        since = account.missing.since if account.missing is not None else missing.since
        account.missing = Missing(missing.why, since, missing.note)
        if account.told is not missing.why:
            log.warning("no evidence", objective=str(account.objective.key), reason=missing.why, note=missing.note)
            account.told = missing.why


def _silence(said: Mapping[ObjectKey, Missing], asked: int) -> Missing | None:
    """What a source that answered nothing at all said last; None when it answered something."""
    silent = len(said) == asked and all(missing.why is Why.UNREACHABLE for missing in said.values())
    return list(said.values())[-1] if silent else None


def _book(account: Account) -> Ledger:
    """The ledger of an account, an empty one while its past is being read."""
    return account.ledger if account.filled else Ledger(account.ledger.window, 0)


def _reaches(objectives: Iterable[Objective]) -> dict[ObjectKey, Seconds]:
    """How far back the ledger of each objective must reach: as far as its own window, or that of a composite it is in."""
    found: dict[ObjectKey, Seconds] = {}
    for objective in objectives:
        keys = [part.key for part in objective.indicator.parts] if isinstance(objective.indicator, Composite) else []
        for key in (objective.key, *keys):
            found[key] = max(found.get(key, 0), objective.window.longest)
    return found


def _is_provisional(account: Account) -> bool:
    """Whether its ledger was begun anew and does not know yet what the one before did. Once it does, a gap is a gap."""
    if not account.owed:
        return False
    window = account.objective.window.longest
    if _book(account).counts(window).covered >= min(account.owed, window):
        account.owed = 0.0
    return account.owed > 0


def _is_recent(account: Account, now: Instant) -> bool:
    return account.ledger.at is not None and now - account.ledger.at <= account.objective.stale_after
