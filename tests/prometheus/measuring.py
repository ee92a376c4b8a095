"""Objectives on the lab's shop, and a watch that measures them as the operator does: on the grid, healing by refill."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from holdfast.core.ledger import Ledger
from holdfast.core.objective import BadOverTotal, Counted, Latency, Match, Matcher, Objective, ObjectKey, Selector
from holdfast.core.window import Rolling
from holdfast.prometheus.poller import Poller, grid_time
from holdfast.prometheus.refill import advance, refill
from holdfast.prometheus.sources import Source

WINDOW = 900.0
DELAY = 3.0  # a busy machine scrapes late

RATIO, LATENCY = "ratio", "latency"


def conditions(namespace: str, app: str, *more: Matcher) -> tuple[Matcher, ...]:
    """One workload's series."""
    return Matcher("namespace", Match.EQUAL, namespace), Matcher("app", Match.EQUAL, app), *more


def ratio(namespace: str, app: str = "web", name: str = RATIO) -> Objective:
    """Requests that did not fail with 5xx."""
    total = Selector("http_requests_total", conditions(namespace, app))
    bad = Selector("http_requests_total", conditions(namespace, app, Matcher("code", Match.REGEX, "5..")))
    return _objective(namespace, name, BadOverTotal(bad, total))


def latency(namespace: str, app: str = "web", bound: str = "0.2", name: str = LATENCY) -> Objective:
    """Requests that were answered in time."""
    histogram = Selector("http_request_duration_seconds", conditions(namespace, app))
    return _objective(namespace, name, Latency(histogram, float(bound)))


def _objective(namespace: str, name: str, indicator: Counted) -> Objective:
    return Objective(ObjectKey(namespace, name), "uid", 1, Fraction(999, 1000), Rolling(WINDOW), indicator)


def source(url: str, name: str = "lab", timeout: float = 5.0) -> Source:
    """A Prometheus that scrapes every second."""
    return Source(name, url, scrape_interval=1, delay=DELAY, timeout=timeout)


def filled(url: str, objectives: Sequence[Objective], until: float, interval: float) -> dict[ObjectKey, Ledger]:
    """New ledgers that know everything a Prometheus still knows, read in steps of `interval` seconds."""
    poller = Poller(source(url))
    ledgers = {o.key: Ledger(WINDOW, poller.reach(interval)) for o in objectives}
    failed = refill(poller, ledgers, objectives, until, interval)
    assert not failed, failed
    return ledgers


class Watch:
    """Ledgers of some objectives, kept up to date by a thread of their own until `end`."""

    def __init__(self, url: str, objectives: Sequence[Objective], interval: float) -> None:
        """Begins to watch at once."""
        self.interval = interval
        self.looks: Counter[str] = Counter()
        self.errors: list[BaseException] = []
        self._objectives = objectives
        self._poller = Poller(source(url))
        self._forget = threading.Event()
        self._ended = threading.Event()
        self.ledgers = self._new()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def forget(self) -> None:
        """Throw all ledgers away before the next look, as a restart of the operator does."""
        self._forget.set()

    def end(self) -> None:
        """Stop looking; a failure of the thread is raised here."""
        self._ended.set()
        self._thread.join(60)
        if self.errors:
            raise self.errors[0]

    def _new(self) -> dict[ObjectKey, Ledger]:
        return {o.key: Ledger(WINDOW, self._poller.reach(self.interval)) for o in self._objectives}

    def _run(self) -> None:
        try:
            while not self._ended.wait(0.05):
                self._look()
        except BaseException as error:  # shown by end()
            self.errors.append(error)

    def _look(self) -> None:
        if self._forget.is_set():
            self._forget.clear()
            self.ledgers = self._new()
        at = grid_time(time.time(), self.interval, DELAY)
        ledgers = self.ledgers
        behind = [o for o in self._objectives if at - (ledgers[o.key].at or 0) > 1.5 * self.interval]
        if behind:
            failed = refill(self._poller, ledgers, behind, at, self.interval)
            self.looks.update(missing.why for missing in failed.values())
        due = [o for o in self._objectives if (ledgers[o.key].at or 0) < at]
        if not due:
            return
        failed = advance(self._poller, ledgers, due, at, self.interval)
        self.looks.update(missing.why for missing in failed.values())
