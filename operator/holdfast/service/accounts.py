"""The ledgers of all objectives: opened, filled from the past, fed on the grid, and closed.

A ledger belongs to an objective's name, indicator, slices and source. Changing the target or the window re-reads the same
counts; changing what is counted starts another one, filled from Prometheus unless the shelf has it. A composite has none:
it reads those of its parts, which reach back as far as it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from holdfast.core.budget import UNADJUSTED, Adjusted, Measured, measure
from holdfast.core.composite import Mixed
from holdfast.core.effects import Declared
from holdfast.core.evidence import Missing, Why
from holdfast.core.identity import identity_of
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Composite, Objective, ObjectKey, Workload
from holdfast.core.pods import Candidate
from holdfast.core.quantities import Instant, Seconds
from holdfast.prometheus.sources import Source
from holdfast.prometheus.starts import StartsOf

from .account import Account
from .asking import Asking
from .memory import Open
from .metrics import Metrics
from .shelf import Shelf


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
        self._askings = {source.name: Asking(source, interval, metrics, starts_of) for source in sources}
        self._accounts: dict[ObjectKey, Account] = {}
        self._shelf = shelf

    @property
    def sources(self) -> dict[str, Source]:
        """The sources, by the names that objectives give."""
        return {name: asking.source for name, asking in self._askings.items()}

    def close(self) -> None:
        """Ask nothing more; queries under way end by their time-out."""
        for asking in self._askings.values():
            asking.close()

    def pause(self, source: str, now: Instant) -> Seconds:
        """How long until the scrapes of the next step of the grid have arrived at this source."""
        return self._askings[source].pause(now)

    @property
    def kept(self) -> list[tuple[Objective, Ledger]]:
        """The ledgers that are up to date, with their objectives."""
        mine = (a for a in self._accounts.values() if a.filled and a.asked and a.missing is None)
        return [(a.objective, a.ledger) for a in mine if self._unusable(a.objective) is None]

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
        for account in self._accounts.values():
            account.unpin(set(account.pins) - set(objectives))
        self._shelf.settled = True
        return opened

    @property
    def settled(self) -> bool:
        """Whether the past of every objective was read, or could not be."""
        return all(a.filled or a.missing is not None for a in self._accounts.values())

    def _open(self, objective: Objective, window: Seconds) -> Account:
        asking = self._askings.get(objective.source)
        reach = asking.reach if asking is not None else self.interval
        ledger, owed = self._shelf.open(objective, window, reach)
        return Account(objective, ledger, filled=ledger.at is not None, owed=owed)

    def _close(self, account: Account) -> None:
        self._shelf.close(account.objective, account.ledger, account.owed)

    def live(self, now: Instant) -> list[Open]:
        """Every ledger in use, and whether it is worth storing: its last look was good, and not long ago."""
        return [
            Open(a.objective, a.ledger, a.owed, a.filled and a.missing is None and a.is_recent(now))
            for a in self._accounts.values()
        ]

    def measured(
        self, objective: Objective, windows: tuple[Seconds, ...], now: Instant, adjusted: Adjusted = UNADJUSTED
    ) -> Measured:
        """How an objective stands now."""
        if isinstance(objective.indicator, Composite):
            mixed, missing = self._mixed(objective.indicator, now)
            parts = [self._accounts.get(part.key) for part in objective.indicator.parts]
            of_parts = [a.objective for a in parts if a is not None]
            slowest = max((part.pace(0) for part in of_parts), default=0.0)
            patient = replace(
                objective, stale_after=objective.stale_after + slowest
            )  # as old as those of its parts may be
            grain = max((part.grain(self.interval) for part in of_parts), default=self.interval)
            measured = measure(patient, mixed, missing, windows, now, grain, adjusted)
        else:
            account = self._accounts[objective.key]
            missing = self._missing(account, now)
            measured = measure(objective, account.book, missing, windows, now, self.interval, adjusted)
            parts = [account]
        provisional = any(part.is_provisional() for part in parts if part is not None)
        return replace(measured, provisional=True) if provisional else measured

    def declare(self, objective: Objective, declared: tuple[Declared, ...], pins: Sequence[Instant]) -> None:
        """These adjustments are in force: the points at `pins` stay, and their edges are looked for where it is coarse.

        The pins of a composite are those of the ledgers of its parts too.
        """
        parts = objective.indicator.parts if isinstance(objective.indicator, Composite) else ()
        for key in (objective.key, *(part.key for part in parts)):
            account = self._accounts.get(key)
            if account is None:
                continue
            if key == objective.key:
                account.declared = declared
            account.pin(objective.key, pins)

    def try_releases(self, candidates: Mapping[ObjectKey, Mapping[Workload, Candidate]]) -> None:
        """These releases are on trial, by the objectives whose events say something of them."""
        for key, account in self._accounts.items():
            account.try_releases(candidates.get(key, {}))

    def filled(self, key: ObjectKey) -> Account | None:
        """The account of an objective, once its past has been read; a composite has none."""
        account = self._accounts.get(key)
        return account if account is not None and account.filled else None

    def unattributable(self, key: ObjectKey) -> str | None:
        """Why nobody can tell whose the events of an objective are, when that was last looked for; None where one can."""
        account = self._accounts.get(key)
        doubt = account.doubts[1][2] if account is not None and account.doubts is not None else None
        return doubt.sentence if doubt is not None else None

    def waiting(self, objective: Objective) -> bool:
        """Whether nobody has been asked about it since the process began: what its status says is the newest there is."""
        parts = objective.indicator.parts if isinstance(objective.indicator, Composite) else ()
        accounts = [self._accounts.get(key) for key in (objective.key, *(part.key for part in parts))]
        return any(not a.asked and self._unusable(a.objective) is None for a in accounts if a is not None)

    def startless(self, account: Account) -> int:
        """How many of its targets have no known start: what a new one counts before it is first seen is not counted."""
        asking = self._askings.get(account.objective.source)
        return asking.startless(account) if asking is not None else 0

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
            books.append((account.book if account is not None else Ledger(0, 0), part.weight))
        return Mixed(tuple(books)), missing

    def _unusable(self, objective: Objective) -> str | None:
        """Why the source of an objective is never asked for it; None when it is."""
        asking = self._askings.get(objective.source)
        if asking is None:
            return f"no metrics source is called {objective.source}; there is {', '.join(sorted(self._askings))}"
        if not asking.source.allows(objective.key.namespace):
            return f"the metrics source {objective.source} may not be used from the namespace {objective.key.namespace}"
        return None

    async def look(self, source: str, now: Instant) -> None:
        """Bring every account of this source up to the newest time of its grid."""
        await self._askings[source].look([a for a in self._accounts.values() if a.objective.source == source], now)


def _reaches(objectives: Iterable[Objective]) -> dict[ObjectKey, Seconds]:
    """How far back the ledger of each objective must reach: as far as its own window, or that of a composite it is in."""
    found: dict[ObjectKey, Seconds] = {}
    for objective in objectives:
        keys = [part.key for part in objective.indicator.parts] if isinstance(objective.indicator, Composite) else []
        for key in (objective.key, *keys):
            found[key] = max(found.get(key, 0), objective.window.longest)
    return found
