"""Services with an exact truth: traffic by day and night, incidents, pods that come and go, and what is scraped of them.

Rule: every event is counted once in the truth, at the end of its slot of 15 seconds, and once in the counter of the pod that
served it; what Prometheus may know is only what a scrape read from that counter.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final, TextIO

from bench.making import NAMESPACE

SLOT: Final = 15  # seconds; the grain of the truth
SCRAPE: Final = 30
DAY: Final = 86_400
WARM: Final = 30.0  # seconds in which a new process fails more often
WARM_ERRORS: Final = 0.01
DISCOVERY: Final = (3.0, 10.0)  # seconds from Ready until a pod can be scraped at all, as measured
LEAVING: Final = (1.0, 45.0)  # seconds between a pod's last request and its end
DOWN: Final = (2.0, 20.0)  # seconds of a restart in place


@dataclass(frozen=True, slots=True)
class Regime:
    """How restless a service lives. Rates are per day; `missed` is the share of scrapes that fail."""

    name: str
    deploys: float
    surges: float  # an autoscaler adds a pod for some hours
    restarts: float  # in place, per pod
    missed: float
    outages: float  # of Prometheus, of half a minute to five minutes


CALM: Final = Regime("calm", deploys=1 / 7, surges=0, restarts=1 / 60, missed=0.0005, outages=0)
CHURN: Final = Regime("churn", deploys=4, surges=4, restarts=0.5, missed=0.005, outages=0.1)


@dataclass(frozen=True, slots=True)
class Service:
    """One service; `rate` is requests/s at noon, `errors` the share that fails on a good day.

    `announced`: its programs show the counter of errors from the start, at 0; else it appears with the first error.
    """

    name: str
    regime: Regime
    rate: float
    pods: int
    errors: float
    announced: bool


@dataclass(frozen=True, slots=True)
class Span:
    """From `begin` to before `end`, in seconds since the beginning; `errors` is the share that fails in it."""

    begin: float
    end: float
    errors: float = 0.0


@dataclass(slots=True)
class Life:
    """One process: it serves from `begin` to `last`, and can be scraped until `end`."""

    pod: str
    instance: str
    begin: float
    last: float
    end: float
    errors: float = 0.0  # share of its requests that fail on top, since its release is bad
    found: float = 0.0  # not scraped before


@dataclass(frozen=True, slots=True)
class Truth:
    """Requests, and failed ones, in every slot."""

    total: array[int]
    bad: array[int]

    def window(self, begin: float, end: float) -> tuple[int, int]:
        """Requests and failures later than `begin`, up to `end`."""
        first, last = round(begin) // SLOT, round(end) // SLOT
        return sum(self.total[first:last]), sum(self.bad[first:last])


@dataclass(slots=True)
class World:
    """What is written while the services live: the past as text, and the truth of each."""

    epoch: int
    days: int
    seed: str = "1"
    truths: dict[str, Truth] = field(default_factory=dict)

    @property
    def length(self) -> float:
        """Seconds of it."""
        return float(self.days * DAY)

    def write(self, service: Service, file: TextIO) -> None:
        """The whole life of one service."""
        dice = Random(f"{self.seed}-{service.name}")  # noqa: S311 - a simulation
        outages = _spans(Random(f"{self.seed}-prometheus"), self.length, service.regime.outages, (30, 300))  # noqa: S311
        bads = list(_incidents(dice, self.length))
        lives = sorted(_lives(service, dice, self.length), key=lambda life: life.begin)
        serving = _serving(lives, self.length)
        slots = self.days * DAY // SLOT
        truth = self.truths[service.name] = Truth(array("q", bytes(8 * slots)), array("q", bytes(8 * slots)))
        weather = [_incident(bads, slot * SLOT) for slot in range(slots)]
        for life in lives:
            traffic = _Traffic(service, life, dice, serving, weather)
            _Scraped(self.epoch, service, life, dice, outages).write(file, traffic, truth)


def _spans(dice: Random, length: float, per_day: float, seconds: tuple[float, float]) -> list[Span]:
    """Spans of time, so many a day."""
    count = round(per_day * length / DAY)
    begins = sorted(dice.uniform(0, length) for _ in range(count))
    return [Span(begin, begin + dice.uniform(*seconds)) for begin in begins]


def _incidents(dice: Random, length: float) -> Iterator[Span]:
    """A short and hard, or a long and mild one, every four days."""
    for span in _spans(dice, length, 1 / 4, (0, 1)):
        hard = dice.random() < 0.5
        yield Span(
            span.begin,
            span.begin + 60 * dice.uniform(*((2, 15) if hard else (15, 90))),
            dice.uniform(*((0.05, 0.5) if hard else (0.005, 0.03))),
        )


def _incident(incidents: list[Span], at: float) -> float:
    return max((i.errors for i in incidents if i.begin <= at < i.end), default=0.0)


def _lives(service: Service, dice: Random, length: float) -> Iterator[Life]:
    """Deploys replace all pods one after the other; surges add one for a while; each pod may restart in place."""
    releases = [0.0]
    bad: set[float] = set()
    for span in _spans(dice, length, service.regime.deploys, (300, 900)):
        if dice.random() < 1 / 15:  # a bad release, rolled back some minutes later
            bad.add(span.begin)
            releases.append(span.end)
        releases.append(span.begin)
    releases.sort()
    names = iter(range(1_000_000))
    for release, until in zip(releases, [*releases[1:], length], strict=True):
        for place in range(service.pods):
            begin = release + 20.0 * place if release else 0.0
            end = min(until + 20.0 * place + 10.0, length) if until < length else length
            if end - begin > 2 * SLOT:
                yield from _pod(service, dice, next(names), Span(begin, end, 0.03 if release in bad else 0.0))
    for span in _spans(dice, length, service.regime.surges, (1_800, 14_400)):
        yield from _pod(service, dice, next(names), Span(span.begin, min(span.end, length)))


def _pod(service: Service, dice: Random, number: int, span: Span) -> Iterator[Life]:
    """A pod's lives: the first, and one after each restart in place, at once and without a word."""
    name, instance = f"{service.name}-{number}", f"10.{number // 200}.{number % 200}.1:80"
    begin = span.begin
    while (fails := begin + dice.expovariate(service.regime.restarts / DAY)) < span.end - 120:
        fails = max(fails, begin + 60)
        yield Life(name, instance, begin, fails, fails, span.errors, begin + dice.uniform(*DISCOVERY))
        begin = fails + dice.uniform(*DOWN)
    leaving = dice.uniform(*LEAVING)
    yield Life(name, instance, begin, span.end, span.end + leaving, span.errors, begin + dice.uniform(*DISCOVERY))


def _serving(lives: list[Life], length: float) -> list[int]:
    """How many processes share the traffic, slot by slot."""
    changes = [0] * (int(length) // SLOT + 2)
    for life in lives:
        first, last = _slots(life)
        changes[first] += 1
        changes[last] -= 1
    serving, now = [], 0
    for change in changes:
        now += change
        serving.append(now)
    return serving


def _slots(life: Life) -> tuple[int, int]:
    """The whole slots in which a process serves."""
    return math.ceil(life.begin / SLOT), max(math.ceil(life.begin / SLOT), int(life.last) // SLOT)


@dataclass(slots=True)
class _Traffic:
    """What one process serves, slot by slot."""

    service: Service
    life: Life
    dice: Random
    serving: list[int]
    weather: list[float]

    def slots(self) -> Iterator[tuple[int, int, int]]:
        """(slot, requests, failures)."""
        dice, rate, base = self.dice, self.service.rate * SLOT, self.service.errors
        begin, warm = self.life.begin, self.life.begin + WARM
        for slot in range(*_slots(self.life)):
            day = 0.55 - 0.45 * math.cos(2 * math.pi * (slot * SLOT % DAY) / DAY)
            served = _poisson(dice, rate * day / self.serving[slot])
            share = base + self.weather[slot] + self.life.errors
            if begin > 0 and slot * SLOT < warm:
                share += WARM_ERRORS
            yield slot, served, min(served, _poisson(dice, served * min(share, 1.0)))


def _poisson(dice: Random, mean: float) -> int:
    """By inversion, for large means by the normal approximation."""
    if mean > 30:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    drawn = dice.random()
    chance = reached = math.exp(-mean)
    count = 0
    while drawn > reached and count < 100:
        count += 1
        chance *= mean / count
        reached += chance
    return count


@dataclass(slots=True)
class _Scraped:
    """What is scraped of one process."""

    epoch: int
    service: Service
    life: Life
    dice: Random
    outages: list[Span]

    def write(self, file: TextIO, traffic: _Traffic, truth: Truth) -> None:
        """Count its traffic, and write what every scrape reads of the counters."""
        life, dice = self.life, self.dice
        labels = f'job="{self.service.name}",namespace="{NAMESPACE}",pod="{life.pod}",instance="{life.instance}"'
        good, bad = (f'http_requests_total{{{labels},code="{code}"}}' for code in ("200", "500"))
        start = f"process_start_time_seconds{{{labels}}}"
        started = f"{self.epoch + life.begin:.2f}"
        scrapes = self._scrapes()
        at = next(scrapes, math.inf)
        total = failed = 0

        def scrape() -> None:
            if dice.random() < self.service.regime.missed or _inside(self.outages, at):
                return
            when = f"{self.epoch + at:.3f}"
            lines = f"{good} {total - failed} {when}\n{start} {started} {when}\n"
            file.write(lines if not failed and not self.service.announced else f"{lines}{bad} {failed} {when}\n")

        for slot, served, failures in traffic.slots():
            while at < (slot + 1) * SLOT:
                scrape()
                at = next(scrapes, math.inf)
            total += served
            failed += failures
            truth.total[slot] += served
            truth.bad[slot] += failures
        while at < math.inf:
            scrape()
            at = next(scrapes, math.inf)

    def _scrapes(self) -> Iterator[float]:
        """The times at which Prometheus asks: every 30 s, at an offset of the target's own."""
        offset = Random(self.life.instance).uniform(0, SCRAPE)  # noqa: S311
        at = offset + math.ceil((self.life.found - offset) / SCRAPE) * SCRAPE
        while at < self.life.end:
            yield at
            at += SCRAPE


def _inside(spans: list[Span], at: float) -> bool:
    place = bisect_right(spans, at, key=lambda span: span.begin)
    return place > 0 and at < spans[place - 1].end
