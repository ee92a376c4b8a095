"""Group `cost`: what it costs Prometheus to know five hundred error budgets, by recording rules and by Holdfast."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.archive import archive, idle, spent
from bench.designs import DESIGNS, Recorded, Rule, burn_rates, rules
from bench.fleet import (
    INDICATORS,
    NOW,
    SCRAPE,
    SERVICES,
    WHOLE,
    WINDOW_DAYS,
    recorded,
    service,
    write_past,
    write_recent,
)
from bench.frame import BenchError, Compared, Figure, Group, Outcome, Say
from bench.making import objective
from holdfast.core.evidence import Missing
from holdfast.core.objective import Counted, Objective
from holdfast.prometheus.poller import Poller
from holdfast.prometheus.sources import Source
from lab.prometheus import Prometheus

INTERVAL: Final = 15.0  # seconds between two looks, as the chart ships
LOOKS: Final = 120
REPEATED: Final = 2  # evaluations of every rule
QUIET: Final = 15.0  # seconds in which the idle rate is measured
MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Price:
    """What Prometheus spends per objective and minute: milliseconds of a core, and samples read."""

    cpu: float
    samples: float

    def __add__(self, other: Price) -> Price:
        return Price(self.cpu + other.cpu, self.samples + other.samples)

    def __str__(self) -> str:
        return f"{self.cpu:.3g} ms and {self.samples:,.0f} samples"


@dataclass(frozen=True, slots=True)
class Compare:
    """Everything that one run measured; `burns` is a part of each of the designs."""

    ours: Price
    burns: Price
    designs: Mapping[str, Price]
    idle: float
    load: float

    def best(self, of: Callable[[Price], float]) -> str:
        """The design that costs least."""
        return min(self.designs, key=lambda name: of(self.designs[name]))


@dataclass(frozen=True, slots=True)
class Meter:
    """Measures prices at one Prometheus, without what it spends anyway and what an HTTP request costs."""

    prometheus: Prometheus
    idle: float
    request: float = 0.0  # seconds of a core; rules are evaluated inside of Prometheus, without requests

    def rules(self, groups: Sequence[Sequence[Rule]]) -> Price:
        """The price of these rules; a group per objective."""
        total = Price(0, 0)
        for every in sorted({rule.every for group in groups for rule in group}):
            chosen = [rule for group in groups for rule in group if rule.every == every]
            used = spent(self.prometheus, lambda chosen=chosen: self._evaluate(chosen))  # type: ignore[misc]
            cpu = used.cpu - self.idle * used.wall - self.request * len(chosen) * REPEATED
            total += _price(cpu, used.samples, REPEATED * len(groups), every)
        return total

    def looks(self, poller: Poller, objectives: Sequence[Objective]) -> Price:
        """The price of Holdfast's looks, with their requests."""
        used = spent(self.prometheus, lambda: _looks(poller, objectives))
        return _price(used.cpu - self.idle * used.wall, used.samples, LOOKS * len(objectives), INTERVAL)

    def _evaluate(self, chosen: Sequence[Rule]) -> None:
        for turn in range(REPEATED):
            for rule in chosen:
                if not self.prometheus.query(rule.expression, NOW - turn * rule.every):
                    raise BenchError(f"{rule.expression} has no answer, so what it costs says nothing.")


def _price(cpu: float, samples: float, evaluations: int, every: float) -> Price:
    per_minute = MINUTE / every / evaluations
    return Price(1000 * cpu * per_minute, samples * per_minute)


def _looks(poller: Poller, objectives: Sequence[Objective]) -> None:
    for turn in range(LOOKS):
        _look(poller, objectives, turn)


def _look(poller: Poller, objectives: Sequence[Objective], turn: int) -> None:
    moment = poller.poll(objectives, NOW - turn * INTERVAL, INTERVAL)
    silent = next((sample for sample in moment.samples.values() if isinstance(sample, Missing)), None)
    if silent is not None:
        raise BenchError(f"Not every objective has an answer, so what it costs says nothing: {silent.note}.")


@functools.cache
def compare(say: Say) -> Compare:
    """Both figures come from one run."""
    every = [
        (service(n), name, indicator(service(n))) for n in range(SERVICES) for name, indicator in INDICATORS.items()
    ]
    objectives = [objective(f"{job}-{name}", indicator, WINDOW_DAYS * 86_400) for job, name, indicator in every]
    ruled = [(i, recorded(job, name)) for job, name, i in every[: WHOLE * len(INDICATORS)]]
    with archive(write_past, say) as prometheus:
        write_recent(prometheus)
        poller = Poller(Source("bench", prometheus.url, scrape_interval=SCRAPE, timeout=60))
        _look(poller, objectives, 0)  # the first one opens a connection
        meter = Meter(prometheus, idle(prometheus, QUIET))
        say(f"Holdfast: {LOOKS} looks at {len(objectives)} objectives")
        ours = meter.looks(poller, objectives)
        return _of_rules(meter, ours, ruled, say)


def _of_rules(meter: Meter, ours: Price, ruled: Sequence[tuple[Counted, Recorded]], say: Say) -> Compare:
    say("requests that ask for nothing, to take off what a request costs")
    nothing = spent(meter.prometheus, lambda: [meter.prometheus.query("vector(1)") for _ in range(1000)])
    meter = Meter(meter.prometheus, meter.idle, (nothing.cpu - meter.idle * nothing.wall) / 1000)
    say(f"recording rules of {len(ruled)} objectives")
    burns = meter.rules([burn_rates(indicator) for indicator, _ in ruled])
    own = [rules(indicator, f"{WINDOW_DAYS}d", names) for indicator, names in ruled]
    designs = {name: burns + meter.rules([each[name] for each in own]) for name in DESIGNS}
    return Compare(ours, burns, designs, meter.idle, os.getloadavg()[0])


def outcome(found: Compare, of: Callable[[Price], float]) -> Outcome:
    """The best of the designs over ours, in one currency."""
    best = found.best(of)
    others = [of(price) for name, price in found.designs.items() if name != best]
    return Outcome(
        of(found.designs[best]) / of(found.ours),
        Compared("the same ratio for the dearest of the designs", max(others) / of(found.ours)),
        METHOD.format(
            best=best,
            ours=found.ours,
            burns=found.burns,
            designs="; ".join(f"{name}: {price}" for name, price in found.designs.items()),
            idle=f"{found.idle:.2%}",
            load=f"{found.load:.1f} on {os.cpu_count()} cores",
        ),
    )


METHOD: Final = (
    "What Prometheus spends per objective and minute on recording rules as published (the best of three designs: {best}) over what it spends on Holdfast. "
    f"Holdfast: {{ours}}; the queries of its own poller for {SERVICES * len(INDICATORS)} objectives every {INTERVAL:g} s, {LOOKS} looks. "
    "Rules, the burn rates of seven windows included: {designs}. "
    "Burn rates alone: {burns}. "
    f"{SERVICES} services of 3 pods with 10 series each and {len(INDICATORS)} objectives over {WINDOW_DAYS} days, scraped every {SCRAPE} s. The rules are "
    f"evaluated for the {WHOLE * len(INDICATORS)} objectives of {WHOLE} services, which have the whole past (the others have two hours): each rule is "
    "evaluated for itself, so one objective costs what it costs among five hundred. All of it on one Prometheus with one past, the newest "
    "two hours in memory, the rest in blocks. CPU: user and system time of its process, without its idle rate ({idle} of a core), and for the rules without what an HTTP "
    "request costs and without storing their results. Samples: its own count (totalQueryableSamples). Load {load}."
)


GROUP: Final = Group(
    "cost",
    "what Prometheus spends on 500 objectives: recording rules as published, over Holdfast",
    (
        Figure("prometheus-cpu-ratio", "×", 400, lambda say: outcome(compare(say), lambda p: p.cpu), at_least=True),
        Figure(
            "prometheus-samples-ratio",
            "×",
            10_000,
            lambda say: outcome(compare(say), lambda p: p.samples),
            at_least=True,
        ),
    ),
)
