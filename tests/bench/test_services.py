"""The simulated services: their truth is the sum of what happened, and what is scraped of them agrees with it."""

from __future__ import annotations

import io
import itertools
import re
from collections import defaultdict
from dataclasses import replace

import pytest

from bench import services
from bench.services import CALM, CHURN, DAY, SLOT, Service, World

Samples = dict[str, list[tuple[float, float]]]

LINE = re.compile(r"(\S+)\{(.*)\} (\S+) (\S+)")
BUSY = Service("busy", CHURN, 5.0, 2, 0.01, announced=False)


def live(service: Service, days: int = 1, seed: str = "test") -> tuple[World, dict[str, Samples], str]:
    """A world of one service, its samples by metric or code and by pod, and the text they came from."""
    world, file = World(0, days, seed), io.StringIO()
    world.write(service, file)
    found: dict[str, Samples] = defaultdict(lambda: defaultdict(list))
    for line in file.getvalue().splitlines():
        metric, inner, value, at = LINE.fullmatch(line).groups()  # type: ignore[union-attr]
        labels = dict(part.split("=") for part in inner.replace('"', "").split(","))
        found[labels.get("code", metric)][labels["pod"]].append((float(at), float(value)))
    return world, found, file.getvalue()


def test_the_truth_of_a_window_is_the_sum_of_its_slots() -> None:
    """What lies on an edge counts once: at the end of a window, not at the beginning of the next."""
    truth = live(BUSY)[0].truths["busy"]
    whole, halves = truth.window(0, DAY), [truth.window(0, DAY / 2), truth.window(DAY / 2, DAY)]
    assert whole == (sum(truth.total), sum(truth.bad)) == tuple(map(sum, zip(*halves, strict=True)))
    assert truth.window(SLOT, 2 * SLOT) == (truth.total[1], truth.bad[1])
    assert 0 < whole[1] < whole[0]


def test_all_that_pods_counted_is_all_that_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every process is scraped once more after its last request, its last values add up to the truth."""
    monkeypatch.setattr(services, "LEAVING", (services.SCRAPE + 1.0, 45.0))
    seen_to_the_end = replace(CHURN, restarts=1e-9, missed=0, outages=0)
    world, found, _ = live(replace(BUSY, regime=seen_to_the_end))
    truth = world.truths["busy"]
    evening = DAY - 60  # pods that live on at the end of the world are not looked at again
    last = {code: sum(max(v for _, v in every) for every in found[code].values()) for code in ("200", "500")}
    assert len(found["200"]) > 8
    assert truth.window(0, evening)[0] <= last["200"] + last["500"] <= sum(truth.total)
    assert truth.window(0, evening)[1] <= last["500"] <= sum(truth.bad)


def test_a_counter_falls_only_where_the_process_is_another() -> None:
    """A restart in place keeps the name, begins at zero and says so by its start time, which is never in the future."""
    restless = replace(CHURN, deploys=0, surges=0, restarts=20)
    _, found, _ = live(replace(BUSY, regime=restless))
    lives = 0
    for pod, samples in found["200"].items():
        starts = dict(found["process_start_time_seconds"][pod])
        for (before, old), (at, new) in itertools.pairwise(samples):
            assert starts[before] <= before < at
            assert (new >= old) or starts[at] > starts[before]
            lives += starts[at] > starts[before]
    assert lives > 10


def test_counters_of_errors_appear_with_the_first_one_unless_announced() -> None:
    """A failure that is the first of its pod is a first sample; programs that show a zero beforehand have none such."""
    for announced, lowest in ((False, 1), (True, 0)):
        _, found, _ = live(replace(BUSY, announced=announced))
        assert min(every[0][1] for every in found["500"].values()) == lowest


def test_the_same_seed_is_the_same_world() -> None:
    """Two runs are about the same events, and another seed is about others."""
    assert live(BUSY)[2] == live(BUSY)[2]
    assert live(BUSY)[2] != live(BUSY, seed="other")[2]


def test_churn_has_many_pods_and_missed_scrapes_and_calm_has_neither() -> None:
    """The two regimes differ in what they are named after."""

    def pods_and_gaps(service: Service) -> tuple[int, int]:
        pods = live(service, days=2)[1]["200"]
        gaps = sum(b[0] - a[0] > 1.5 * services.SCRAPE for every in pods.values() for a, b in itertools.pairwise(every))
        return len(pods), gaps

    assert pods_and_gaps(replace(BUSY, regime=CALM))[0] == BUSY.pods
    pods, gaps = pods_and_gaps(BUSY)
    assert pods > 20
    assert gaps > 20 > pods_and_gaps(replace(BUSY, regime=CALM))[1]
