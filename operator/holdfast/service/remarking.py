"""What is said of an objective beside its figures. What is odd about them is looked for every few minutes only."""

from __future__ import annotations

from typing import Final

from holdfast.core.budget import budget_now
from holdfast.core.doubts import Odd, implausible, inexact, unattributable
from holdfast.core.effects import effects
from holdfast.core.forecast import forecast
from holdfast.core.quantities import Instant, Seconds
from holdfast.core.remarks import Remarks

from .account import Account, Doubts
from .accounts import Accounts
from .adjusting import Declaration

EVERY: Final[Seconds] = 300
"""How often doubts are looked for; they are about hours and days. The first failure ends at once what it belies."""


def remarks(accounts: Accounts, account: Account, declaration: Declaration, now: Instant, foresee: bool) -> Remarks:
    """Everything that is to be said now; the forecast goes through all failures of the window, so it is made on request."""
    objective, ledger = account.objective, account.ledger
    return Remarks(
        forecast(objective, ledger, now, declaration.adjusted) if foresee else None,
        *_doubts(account, declaration, now, accounts.startless(account)),
        effects(objective, ledger, declaration.declared, now, accounts.interval),
    )


def _doubts(account: Account, declaration: Declaration, now: Instant, startless: int) -> Doubts:
    known = account.doubts
    objective, ledger = account.objective, account.ledger
    if known is None or not 0 <= now - known[0] < EVERY or _never_failed(known[1]):
        found = (
            implausible(objective, ledger, budget_now(objective, ledger, now, declaration.adjusted)),
            inexact(objective, ledger, now, startless),
            unattributable(objective, ledger.pods),
        )
        known = account.doubts = now, found
    return known[1]


def _never_failed(doubts: Doubts) -> bool:
    return doubts[0] is not None and doubts[0].what is Odd.NO_BURN_FOR_LONG
