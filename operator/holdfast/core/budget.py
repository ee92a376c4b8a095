"""How much of an error budget is left, and how fast it burns: arithmetic on a ledger.

Allowed events are `(1 - target) x events of the window`. While the window is not covered yet, or a calendar period has
not passed, the traffic so far is projected onto all of it, so that one bad minute on the first day does not look like a
catastrophe. Excluded time is no part of the window; a reset forgives what failed before it, and keeps the traffic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from .composite import Book
from .evidence import Evidence, Fresh, Missing, Why
from .ledger import Counts
from .objective import Objective
from .quantities import Instant, Seconds, Share, Span, format_duration
from .window import Rolling

YOUNG: Final = Fraction(1, 10)
"""Below this coverage of its window a budget is young: budget rules only notify."""

SMALL: Final = 10
"""With fewer allowed bad events than this a budget is too small: budget rules only notify."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Events of the window, and what they leave of the budget."""

    total: Fraction
    bad: Fraction
    allowed: Fraction  # bad events the whole window may have, at the traffic seen
    coverage: Share  # the part that was measured, of the window so far
    passed: Share = Fraction(1)  # the part of the window that has passed; of a rolling one all has

    @property
    def remaining(self) -> Share:
        """The share that is left; below zero when overdrawn. With no events nothing is spent."""
        return 1 - self.bad / self.allowed if self.allowed else Fraction(1)

    @property
    def young(self) -> bool:
        """Too little of the window was measured to act on it."""
        return self.coverage * self.passed < YOUNG

    @property
    def small(self) -> bool:
        """So few failures are allowed that one or two decide everything."""
        return self.allowed < SMALL


@dataclass(frozen=True, slots=True)
class Burn:
    """The burn rate of one window, and how many events it rests on."""

    rate: Fraction
    total: Fraction


@dataclass(frozen=True, slots=True)
class Measured:
    """One objective at one time. `at` is the time of the evidence, not of the look.

    `provisional` says that its ledger was begun anew, because what it counts was changed, and covers less than the one
    before did.
    """

    objective: Objective
    evidence: Evidence
    budget: Budget
    burns: Mapping[Seconds, Burn] = field(default_factory=dict, hash=False)
    interval: Seconds = 15  # how long it takes to count once
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What people decided about the past of an objective: time that does not count, and since when failures do.

    The spans are in order and do not overlap.
    """

    excluded: tuple[Span, ...] = ()
    reset: Instant | None = None


UNADJUSTED: Final = Adjusted()


class Burns(Mapping[Seconds, Burn]):
    """Burn rates by window, each counted when it is asked for: rules ask for few, and statuses are seldom written.

    All windows end at the same time, whatever the book learns later.
    """

    __slots__ = ("_adjusted", "_at", "_book", "_objective", "_windows")

    def __init__(
        self, objective: Objective, book: Book, windows: tuple[Seconds, ...], at: Instant, adjusted: Adjusted
    ) -> None:
        self._objective, self._book, self._windows, self._at, self._adjusted = objective, book, windows, at, adjusted

    def __getitem__(self, window: Seconds) -> Burn:
        if window not in self._windows:
            raise KeyError(window)
        return burn_of(self._objective, counts_of(self._book, Span(self._at - window, self._at), self._adjusted))

    def rates(self) -> Iterator[tuple[Seconds, float]]:
        """Windows and rates as floats, for graphs: all of them are asked for at every scrape."""
        allowance = float(self._objective.allowance)
        for window in self._windows:
            counts = counts_of(self._book, Span(self._at - window, self._at), self._adjusted)
            yield window, counts.bad / counts.total / allowance if counts.total else 0.0

    def __iter__(self) -> Iterator[Seconds]:
        return iter(self._windows)

    def __len__(self) -> int:
        return len(self._windows)


def measure(
    objective: Objective,
    book: Book,
    missing: Missing | None,
    windows: tuple[Seconds, ...],
    now: Instant,
    interval: Seconds = 15,
    adjusted: Adjusted = UNADJUSTED,
) -> Measured:
    """The budget and burn rates of an objective as its book knows them.

    `missing` is what the last look said when it brought nothing. One failed look is no news; only when the newest
    evidence is older than the objective's `stale_after` is the evidence missing.
    """
    at = book.at if book.at is not None else now
    return Measured(
        objective,
        judge_evidence(objective, book.at, missing, now),
        budget_now(objective, book, now, adjusted),
        Burns(objective, book, windows, at, adjusted),
        objective.grain(interval),
    )


def judge_evidence(objective: Objective, at: Instant | None, missing: Missing | None, now: Instant) -> Evidence:
    """Fresh while the newest evidence is young enough; else Missing, with the reason of the last look if it had one."""
    if at is not None and abs(now - at) <= objective.oldest:
        return Fresh(at)
    if missing is not None:
        return missing
    since = at if at is not None else now
    waited = (
        "nothing has been read yet" if at is None else f"the newest figures are {format_duration(abs(now - at))} old"
    )
    return Missing(Why.STALE, since, waited)


def counts_of(book: Book, span: Span, adjusted: Adjusted) -> Counts:
    """What counts of a stretch of time: without what is excluded, and without failures from before a reset."""
    found = book.between(span, adjusted.excluded)
    if adjusted.reset is None or adjusted.reset <= span.begin:
        return found
    since = book.between(Span(min(adjusted.reset, span.end), span.end), adjusted.excluded)
    return replace(found, bad=since.bad)


def budget_now(objective: Objective, book: Book, now: Instant, adjusted: Adjusted = UNADJUSTED) -> Budget:
    """The budget of the window that a book is in now. A rolling one is counted back from the newest evidence."""
    at = book.at if book.at is not None else now
    if isinstance(objective.window, Rolling):
        whole = so_far = objective.window.span(at)
    else:
        whole = objective.window.span(now)
        so_far = Span(whole.begin, min(max(at, whole.begin), whole.end))
    length = whole.length - overlap(whole, adjusted.excluded)
    passed = so_far.length - overlap(so_far, adjusted.excluded)
    return budget_of(objective, counts_of(book, so_far, adjusted), length, passed)


def budget_of(
    objective: Objective, counts: Counts, length: Seconds | None = None, passed: Seconds | None = None
) -> Budget:
    """The budget of a full window of this length, of which so much has passed; projected where it is only partly covered."""
    length = objective.window.longest if length is None else length
    passed = length if passed is None else passed
    total, bad = Fraction(counts.total), Fraction(counts.bad)
    part = Fraction(passed) / Fraction(length) if length else Fraction(1)
    covered = Fraction(min(counts.covered, passed))
    if not covered:
        return Budget(total, bad, Fraction(0), Fraction(0), part)
    allowed = objective.allowance * total * Fraction(length) / covered
    return Budget(total, bad, allowed, covered / Fraction(passed), part)


def overlap(span: Span, cuts: Sequence[Span]) -> Seconds:
    """How much of a stretch these cover; they do not overlap each other."""
    return sum(max(0.0, min(cut.end, span.end) - max(cut.begin, span.begin)) for cut in cuts)


def burn_of(objective: Objective, counts: Counts) -> Burn:
    """Bad ratio of the window over the allowed ratio; 0 without events."""
    total = Fraction(counts.total)
    return Burn(Fraction(counts.bad) / total / objective.allowance if total else Fraction(0), total)
