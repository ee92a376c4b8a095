"""What the adjustments of an objective take out of its window, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .ledger import Ledger
from .objective import Objective, ObjectKey
from .quantities import Instant, Seconds, Span
from .remarks import Effect
from .window import Rolling


@dataclass(frozen=True, slots=True)
class Declared:
    """One adjustment of an objective: its excluded stretches around the window, or the time of its reset."""

    key: ObjectKey
    spans: tuple[Span, ...] = ()
    reset: Instant | None = None


def effects(
    objective: Objective, ledger: Ledger, declared: Sequence[Declared], now: Instant, interval: Seconds
) -> tuple[Effect, ...]:
    """The effect of each adjustment that touches the window. Where they overlap, each is told by itself."""
    if ledger.at is None or not declared:
        return ()
    window = objective.window.span(ledger.at if isinstance(objective.window, Rolling) else now)
    window = Span(window.begin, min(window.end, ledger.at))
    return tuple(_effects(ledger, declared, window, interval))


def _effects(ledger: Ledger, declared: Sequence[Declared], window: Span, interval: Seconds) -> Iterator[Effect]:
    everything = ledger.between(window)
    for adjustment in declared:
        if adjustment.reset is not None and window.begin < adjustment.reset <= window.end:
            forgiven = everything.bad - ledger.between(Span(adjustment.reset, window.end)).bad
            yield Effect(adjustment.key, reset=adjustment.reset, bad=forgiven)
        spans = tuple(s for s in adjustment.spans if s.begin < window.end and s.end > window.begin)
        if spans:
            taken = everything - ledger.between(window, spans)
            coarse = any(_is_coarse(ledger, edge, interval) for span in spans for edge in (span.begin, span.end))
            yield Effect(adjustment.key, spans, None, taken.total, taken.bad, coarse)


def edges(declared: Sequence[Declared]) -> tuple[Instant, ...]:
    """The times at which the past must keep its points."""
    spans = [span for adjustment in declared for span in adjustment.spans]
    resets = [adjustment.reset for adjustment in declared if adjustment.reset is not None]
    return tuple(sorted({edge for span in spans for edge in (span.begin, span.end)} | set(resets)))


def coarse_edges(ledger: Ledger, times: Iterable[Instant], interval: Seconds) -> tuple[Instant, ...]:
    """Those of these times that lie between points that are further apart than two looks."""
    return tuple(edge for edge in times if _is_coarse(ledger, edge, interval))


def _is_coarse(ledger: Ledger, edge: Instant, interval: Seconds) -> bool:
    around = ledger.around(edge)
    return around is not None and around.length > max(1.5 * interval, 2.0)
