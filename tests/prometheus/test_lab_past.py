"""Rules of looking back, on a real Prometheus with a past of nine days whose every event is known."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import lab
from holdfast.api.conditions import ConditionReason
from holdfast.cli.main import main
from holdfast.core.ledger import Ledger
from holdfast.core.objective import BadOverTotal, Objective, ObjectKey
from holdfast.core.quantities import format_instant, parse_instant
from holdfast.core.window import Rolling
from holdfast.prometheus.connection import Connection
from holdfast.prometheus.poller import Poller
from holdfast.prometheus.refill import refill
from holdfast.prometheus.sources import Source
from holdfast.service.selfcheck import SelfCheck, compare, condition, due
from tests.prometheus.making import select
from tests.prometheus.past import DAY, EVERY, HOUR, Past, imported

pytestmark = pytest.mark.lab

WINDOW = 3 * DAY

OBJECTIVE = """\
apiVersion: holdfast.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: NAME}
spec:
  target: "99.8"
  window: {rolling: 3d}
  indicator:
    ratio: {bad: 'http_requests_total{job="JOB",code="500"}', total: 'http_requests_total{job="JOB"}'}
"""

POLICY = """\
apiVersion: holdfast.dev/v1alpha1
kind: ErrorBudgetPolicy
metadata: {name: default}
spec:
  rules:
  - {name: exhausted, when: {budgetRemaining: {below: "0"}}, then: {action: Hold, until: {above: "60"}}}
  - {name: burning, when: {burnRate: {above: "10", over: 1h}}, then: {action: Notify}}
"""


GAUGE = """\
apiVersion: holdfast.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: pods}
spec:
  target: "99"
  window: {rolling: 3d}
  indicator:
    gauge: {query: 'count(http_requests_total{job="web",code="200"})', good: {above: "2"}, every: 1h}
"""

COMPOSITE = """\
apiVersion: holdfast.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: both}
spec:
  target: "99.8"
  window: {rolling: 3d}
  indicator:
    composite: [{name: one, weight: "3"}, {name: two}]
"""

ADJUSTMENT = """\
apiVersion: holdfast.dev/v1alpha1
kind: BudgetAdjustment
metadata: {name: incident}
spec:
  exclude: {from: "FROM", to: "TO"}
  reason: the database of another team
  requestedBy: alice@example.com
"""


@dataclass
class Server:
    """A Prometheus and what it should know."""

    url: str
    past: Past
    folder: Path

    def file(self, text: str, name: str) -> str:
        """A file with this in it."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def objective(self, job: str = "web", name: str = "web-errors") -> str:
        """A file with an objective in it."""
        return self.file(OBJECTIVE.replace("JOB", job).replace("NAME", name), f"{name}.yaml")

    def backtest(self, *args: str) -> tuple[int, str, str]:
        """Exit code, output, errors."""
        done = CliRunner().invoke(main, ["backtest", "--source-url", self.url, "--since", "5d", *args])
        return done.exit_code, done.stdout, done.stderr

    def told(self, text: str = OBJECTIVE, name: str = "web-errors", *args: str) -> dict[str, Any]:
        """What it says of an objective, as JSON."""
        path = self.file(text.replace("JOB", "web").replace("NAME", name), f"{name}.yaml")
        code, said, errors = self.backtest("-f", path, "-o", "json", *args)
        assert code < 2, errors
        found: dict[str, Any] = json.loads(said)["objectives"][0]
        return found

    def tried(self, *args: str) -> dict[str, Any]:
        """The same of the ratio, with more options."""
        return self.told(OBJECTIVE, "web-errors", *args)


@pytest.fixture(scope="module")
def server(lab_cluster: lab.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all."""
    folder = tmp_path_factory.mktemp("past")
    prometheus = lab_cluster.add_prometheus("past", "15s")
    yield Server(prometheus.url, imported(prometheus, folder), folder)
    lab_cluster.remove_prometheus("past")


@pytest.mark.parametrize("policy", [False, True], ids=["each hour", "finer, for a burn rate"])
def test_every_moment_of_the_past_is_exact(server: Server, policy: bool) -> None:
    """Bad and total events of each window are those that happened, over pods that come and go."""
    found = server.tried(*(["--policy", server.file(POLICY, "policy.yaml")] if policy else []))
    assert len(found["moments"]) == 5 * 24 + 1
    measured = [moment for moment in found["moments"] if moment["total"] is not None]
    assert len(measured) > 100
    for moment in measured:
        at = parse_instant(moment["time"])
        assert (moment["total"], moment["bad"]) == server.past.counts(at - WINDOW, at), moment["time"]
    whole = [moment for moment in measured if moment["coveragePercent"] == 100]
    assert len(whole) > 60
    for moment in whole:
        left = 100 * (1 - moment["bad"] / (moment["total"] * 0.002))
        assert moment["remainingPercent"] == pytest.approx(left, abs=0.001)


def test_what_was_not_measured_is_not_good(server: Server) -> None:
    """In the hole, and after the end, nothing is known; a window with the hole in it is covered in part only."""
    moments = server.told()["moments"]
    assert any(server.past.in_hole(parse_instant(moment["time"])) for moment in moments)
    for moment in moments:
        at = parse_instant(moment["time"])
        unknown = server.past.in_hole(at) or at > server.past.end
        assert (moment["remainingPercent"] is None) is unknown, moment["time"]
        assert (moment["verdict"] == "Unknown") is unknown
    after = [m for m in moments if server.past.end - 1.4 * DAY < parse_instant(m["time"]) <= server.past.end]
    hole = 0.2 * DAY / WINDOW * 100
    assert all(m["coveragePercent"] == pytest.approx(100 - hole, abs=100 * 2 * EVERY / WINDOW) for m in after)


def test_rules_are_in_force_when_they_should_have_been(server: Server) -> None:
    """The hold begins below its threshold and ends above its `until`, found by a second and simpler walk."""
    found = server.tried("--policy", server.file(POLICY, "policy.yaml"))
    holding, held, times = False, 0, 0
    for moment in found["moments"]:
        left = moment["remainingPercent"]
        if left is not None:
            before, holding = holding, left < 0 or (holding and left <= 60)
            times += holding and not before
        assert ("default/exhausted" in moment["rules"]) is holding, moment["time"]
        held += HOUR * (holding and moment is not found["moments"][-1])
    rule = found["rules"][0]
    assert (rule["times"], rule["inForceSeconds"], rule["heldSeconds"]) == (times, held, held)
    assert times == 1
    burning = [parse_instant(m["time"]) for m in found["moments"] if "default/burning" in m["rules"]]
    incident = server.past.end - 3.2 * DAY, server.past.end - 3.0 * DAY
    assert burning
    assert all(incident[0] < at <= incident[1] + HOUR for at in burning)


def test_the_exit_code_is_for_pipelines(server: Server) -> None:
    """1 when less was left than allowed or a rule would have held, 0 otherwise; 3 without anything to look at."""
    objective, policy = server.objective(), server.file(POLICY, "policy.yaml")
    low = server.told()["lowest"]["remainingPercent"]
    assert low < 0
    assert server.backtest("-f", objective)[0] == 0
    assert server.backtest("-f", objective, "--fail-below", str(int(low - 1)))[0] == 0
    assert server.backtest("-f", objective, "--fail-below", "0")[0] == 1
    assert server.backtest("-f", objective, "--policy", policy)[0] == 1
    quiet = server.file(POLICY.replace('Hold, until: {above: "60"}', "Notify"), "quiet.yaml")
    assert server.backtest("-f", objective, "--policy", quiet)[0] == 0
    code, said, errors = server.backtest("-f", objective, "-f", server.objective("nobody", "other"), "-o", "csv")
    assert code == 3
    assert "shop" not in said.splitlines()[1]
    assert said.splitlines()[1].startswith("default,web-errors,")  # what is known is shown all the same
    assert errors == (
        'default/other: http_requests_total{job="nobody"} matches no series; check its metric name and labels.\n'
    )


def test_slices_of_the_past_are_exact(server: Server) -> None:
    """Hours are good or bad as their events say, and only those that were measured from edge to edge count."""
    sliced = OBJECTIVE.replace("JOB", "web").replace("NAME", "hours") + '  timeSlices: {slice: 1h, good: "99.5"}\n'
    found = server.told(sliced, "hours")
    whole = [moment for moment in found["moments"] if moment["coveragePercent"] == 100]
    assert len(whole) > 50
    for moment in whole:
        at = parse_instant(moment["time"])
        hours = [server.past.counts(at - n * HOUR - HOUR, at - n * HOUR) for n in range(WINDOW // HOUR)]
        assert moment["total"] == len(hours)
        assert moment["bad"] == sum(bad > 0.005 * total for total, bad in hours), moment["time"]
    assert found["lowest"]["bad"] > 3


def test_values_of_the_past_are_exact(server: Server) -> None:
    """A gauge is looked at every hour; what had no value is not measured. A slice under way is no lack of evidence, so it
    is blind an hour later than a counter.
    """
    found = server.told(GAUGE, "pods")
    for moment in found["moments"]:
        at = parse_instant(moment["time"])
        if moment["total"] is None or server.past.in_hole(at):
            continue
        ends = [at - n * HOUR for n in range(WINDOW // HOUR)]
        assert moment["total"] == sum(not server.past.in_hole(end) for end in ends), moment["time"]
        assert moment["bad"] == 0
    blind = server.told(OBJECTIVE, "web-errors")["unmeasuredMoments"]
    assert blind - 2 <= found["unmeasuredMoments"] < blind


def test_a_composite_is_walked_by_its_parts(server: Server) -> None:
    """Of two parts alike it is what each of them is, with the events of both."""
    parts = [OBJECTIVE.replace("JOB", "web").replace("NAME", name) for name in ("one", "two")]
    code, said, _ = server.backtest("-f", server.file("---\n".join([*parts, COMPOSITE]), "parts.yaml"), "-o", "json")
    assert code == 0
    one, _, both = json.loads(said)["objectives"]
    assert both["name"] == "both"
    for single, mixed in zip(one["moments"], both["moments"], strict=True):
        assert mixed["remainingPercent"] == pytest.approx(single["remainingPercent"], abs=0.002)
        assert single["total"] is None or mixed["total"] == 2 * single["total"]
    code, _, errors = server.backtest("-f", server.file(COMPOSITE, "alone.yaml"))
    assert code == 2
    assert "default/both is made of one, two; give those objectives too." in errors


def test_excluded_time_does_not_count(server: Server) -> None:
    """Without the incident, the events of every window are those that happened outside of it."""
    begin, end = server.past.end - 3.25 * DAY, server.past.end - 2.95 * DAY
    begin, end = begin // HOUR * HOUR, end // HOUR * HOUR
    text = ADJUSTMENT.replace("FROM", format_instant(begin)).replace("TO", format_instant(end))
    found = server.tried("-f", server.file(text, "adjustment.yaml"))
    assert found["lowest"]["remainingPercent"] > 50
    measured = [moment for moment in found["moments"] if moment["total"] is not None]
    assert len(measured) > 100
    for moment in measured:
        at = parse_instant(moment["time"])
        whole, cut = server.past.counts(at - WINDOW, at), server.past.counts(max(begin, at - WINDOW), min(end, at))
        assert (moment["total"], moment["bad"]) == (whole[0] - cut[0], whole[1] - cut[1]), moment["time"]


def test_programs_get_every_moment(server: Server) -> None:
    """CSV has a line for each moment of each objective, and nothing where nothing is known."""
    second = server.objective("web", "second")
    _, said, _ = server.backtest("-f", server.objective(), "-f", second, "-o", "csv", "--step", "2h")
    rows = list(csv.DictReader(io.StringIO(said)))
    assert len(rows) == 2 * (5 * 12 + 1)
    assert {row["slo"] for row in rows} == {"web-errors", "second"}
    unknown = [row for row in rows if row["verdict"] == "Unknown"]
    assert unknown
    assert all(row["remaining_percent"] == row["bad"] == row["total"] == "" for row in unknown)


def ledger_of(server: Server, until: float) -> tuple[Objective, Ledger]:
    """A ledger that was filled up to this time."""
    total, bad = select("http_requests_total", job="web"), select("http_requests_total", job="web", code="500")
    objective = Objective(
        ObjectKey("shop", "web"),
        "uid",
        1,
        Fraction(998, 1000),
        Rolling(WINDOW),
        BadOverTotal(bad, total),
        source="past",
    )
    poller = Poller(source(server))
    ledger = Ledger(WINDOW, poller.reach(EVERY))
    assert not refill(poller, {objective.key: ledger}, [objective], until, EVERY)
    return objective, ledger


def source(server: Server) -> Source:
    """As the operator's configuration would have it."""
    return Source("past", server.url, scrape_interval=EVERY)


def test_a_ledger_agrees_with_the_source(server: Server) -> None:
    """What an exact ledger has of a day is close to what increase() makes of it, and the sentence has both figures."""
    objective, ledger = ledger_of(server, server.past.end)
    result = compare(Connection(source(server)), [(objective, ledger)])[objective.key]
    assert result.counted == server.past.counts(server.past.end - DAY, server.past.end)[0]
    assert result.agrees
    assert result.drift == pytest.approx(0, abs=0.15)
    assert not result.few
    assert f"{result.counted:,.0f} events" in condition(result).message


def test_a_ledger_that_has_gone_astray_is_found(server: Server) -> None:
    """Events that the source never had make a drift, which is told and acted on by nobody."""
    objective, ledger = ledger_of(server, server.past.end)
    ledger.add(server.past.end + EVERY, 0.5 * server.past.counts(server.past.end - DAY, server.past.end)[0], 0, EVERY)
    result = compare(Connection(source(server)), [(objective, ledger)])[objective.key]
    said = condition(result)
    assert (said.status, said.reason) == (False, ConditionReason.DRIFTS)
    assert said.message.endswith("Nothing is done about it.")


def test_a_ledger_that_does_not_know_the_day_is_not_compared(server: Server) -> None:
    """Neither a new one nor one with a hole in the day says anything about the source."""
    hole = server.past.end - 1.5 * DAY
    objective, ledger = ledger_of(server, hole // HOUR * HOUR + HOUR)
    assert compare(Connection(source(server)), [(objective, ledger)]) == {}
    assert compare(Connection(source(server)), [(objective, Ledger(WINDOW, EVERY))]) == {}


async def test_the_check_is_made_once_a_day(server: Server) -> None:
    """Nothing before the source's time of the day, then one comparison beside the loop, then nothing for a day."""
    kept = [ledger_of(server, server.past.end)]
    key, began = kept[0][0].key, time.time()
    check = SelfCheck([source(server)], began)
    at = due("past", began)
    check.wake(kept, at - 1)
    assert check.results == {}
    check.wake(kept, at)
    for _ in range(100):
        await asyncio.sleep(0.05)
        if check.results:
            break
    assert check.results[key].agrees
    first = check.results[key]
    check.wake(kept, at + DAY - 1)
    assert check.results[key] is first
    check.wake([], at + DAY - 1)
    assert check.results == {}  # an objective that has gone leaves nothing behind
    await check.close()
