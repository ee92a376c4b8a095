"""All that decides what a ledger will count, as plain values: what is stored of it, and what it goes on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .docket import DocketState
from .points import Columns
from .quantities import Instant, Seconds
from .slices import Slice
from .targets import Seen, Target


@dataclass(frozen=True, slots=True)
class LedgerState:
    """One ledger at one moment. Its processes are listed once, since several targets may show the same one.

    `targets`, `named` and `gone` give places in that list; `gone` adds when the missed process had started. `looks` is
    the turn of the ledger in thinning its past. `docket` is there while a release is on trial.
    """

    window: Seconds
    epoch: Instant | None
    newest: Instant | None
    asked: Instant | None
    gap: tuple[Instant, Instant] | None
    forgotten: Instant | None
    looks: int
    processes: Sequence[Seen]
    targets: Mapping[Target, int]
    named: Mapping[tuple[str, ...], int]
    gone: Sequence[tuple[int, Instant | None]]
    slice: Slice | None
    points: Columns
    pins: Sequence[Instant] = ()
    docket: DocketState | None = None
