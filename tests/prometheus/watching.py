"""A ledger that is fed as the operator feeds it, for tests on a real Prometheus."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from holdfast.core.evidence import Missing
from holdfast.core.ledger import Ledger
from holdfast.core.objective import Objective, ObjectKey
from holdfast.prometheus.poller import Poller, grid_time
from holdfast.prometheus.refill import refill


class Watch:
    """Polls on the grid in a thread of its own, from its start to the end of the `with` block."""

    def __init__(self, poller: Poller, objectives: Sequence[Objective], interval: float = 1.0) -> None:
        """Nothing is asked yet; `interval` is in seconds."""
        self.poller, self.objectives, self.interval = poller, list(objectives), interval
        self.ledgers = self.empty()
        self.missing: list[tuple[ObjectKey, Missing]] = []
        self.fault: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def empty(self) -> dict[ObjectKey, Ledger]:
        """A new ledger for each objective."""
        return {o.key: Ledger(o.window, self.poller.reach(self.interval)) for o in self.objectives}

    def __enter__(self) -> Watch:
        """Begin to poll."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and raise what went wrong in the thread."""
        self._stop.set()
        self._thread.join()
        if self.fault is not None:
            raise self.fault

    def counted(self) -> dict[ObjectKey, tuple[float, float]]:
        """(events, bad events) of everything so far, by objective."""
        return totals(self.ledgers)

    def fill(self, ledgers: dict[ObjectKey, Ledger], until: float) -> None:
        """Read into these ledgers what they do not have, as after a start of the operator."""
        assert refill(self.poller, ledgers, self.objectives, until, self.interval) == {}

    def _run(self) -> None:
        try:
            while not self._stop.wait(0.1):
                at = grid_time(time.time(), self.interval, self.poller.source.delay)
                if any((ledger.asked or 0) < at for ledger in self.ledgers.values()):
                    self._look(at)
        except BaseException as fault:
            self.fault = fault

    def _look(self, at: float) -> None:
        moment = self.poller.poll(self.objectives, at, self.interval)
        for key, sample in moment.samples.items():
            self.ledgers[key].asked = at
            if isinstance(sample, Missing):
                self.missing.append((key, sample))
            else:
                self.ledgers[key].feed(at, sample, self.poller.reach(self.interval))


def totals(ledgers: dict[ObjectKey, Ledger]) -> dict[ObjectKey, tuple[float, float]]:
    """(events, bad events) that these ledgers know of."""
    return {key: (ledger.counts(1e9).total, ledger.counts(1e9).bad) for key, ledger in ledgers.items()}
