"""`holdfast validate --live`: what a source has of an objective, said of the shop in the lab, word for word where it matters."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner

import lab
from holdfast.cli.main import main
from holdfast.core.objective import Gauge, Indicator, Proportion
from holdfast.prometheus.poller import Poller
from holdfast.prometheus.probe import Found, probe
from holdfast.prometheus.sources import Source
from tests.prometheus.making import objective
from tests.prometheus.stories import Workload

pytestmark = pytest.mark.lab

HEAD = """\
apiVersion: holdfast.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: web, namespace: NAMESPACE}
spec:
  target: "99"
  window: {rolling: WINDOW}
  workloads: [{kind: Deployment, name: WORKLOAD}]
  indicator: """

RATIO = '{ratio: {bad: \'http_requests_total{namespace="NAMESPACE",code="500"}\', total: \'http_requests_total{namespace="NAMESPACE"}\'}}'


@dataclass
class Shop:
    """A workload of three pods that fails one request in five."""

    cluster: lab.Cluster
    namespace: str
    folder: Path
    native: str

    def validate(
        self, indicator: str = RATIO, *, window: str = "1m", workload: str = "web", url: str | None = None
    ) -> tuple[int, str, str]:
        """Exit code, output, errors about one objective."""
        path = self.folder / "slo.yaml"
        text = (HEAD + indicator).replace("WINDOW", window).replace("WORKLOAD", workload)
        path.write_text(text.replace("NAMESPACE", self.namespace), encoding="utf-8")
        where = ["--source-url", url or self.cluster.prometheus.url]
        done = CliRunner().invoke(main, ["validate", "--live", "-f", str(path), *where])
        return done.exit_code, *(
            text.replace(f"{path}: ServiceLevelObjective ", "") for text in (done.stdout, done.stderr)
        )


@pytest.fixture(scope="module")
def shop(lab_cluster: lab.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """It has been scraped for more than a minute."""
    namespace, native = lab_cluster.namespace(), lab_cluster.add_prometheus("live-native", "1s", native=True)
    workload = Workload(lab_cluster, namespace)
    workload.apply("shop:err-20", 3)
    lab_cluster.wait(workload.rolled, 60, "the rollout")
    lab_cluster.wait(workload.scraped, 60, "the first scrapes")
    lab_cluster.prometheus.set_rules("orphans", ORPHANS)
    time.sleep(90)  # looks are up to 20 s behind now
    yield Shop(lab_cluster, namespace, tmp_path_factory.mktemp("live"), native.url)
    lab_cluster.remove_prometheus("live-native")
    lab_cluster.raw("DELETE", f"/api/v1/namespaces/{namespace}")


ORPHANS = """\
groups:
- name: orphans
  rules:
  - {record: orphan_requests_total, expr: 'sum by (namespace, code) (http_requests_total)'}
"""


def test_what_matches_is_counted_and_rated(shop: Shop) -> None:
    """Series, pods, history, and the share of good requests, which is near the truth."""
    code, said, errors = shop.validate()
    assert (code, errors) == (0, "")
    line = said.splitlines()[0]
    found = re.fullmatch(
        rf"{shop.namespace}/web: ok, matches 6 series of 3 pods, 1m of history, (\S+) % at present", line
    )
    assert found, said
    truth = shop.cluster.shop.truth(shop.namespace, "web").total
    assert float(found[1]) == pytest.approx(100 * (1 - truth.bad / truth.requests), abs=3)
    assert said.splitlines()[-1] == "1 ok, 0 wrong, 1 warning"  # the window is a minute


def test_a_short_history_and_pods_of_others_are_warnings(shop: Shop) -> None:
    """They may be meant so: an objective on a new service, or on what stands before one."""
    code, said, _ = shop.validate(window="6h", workload="checkout")
    assert code == 0
    assert "its history is shorter than the window of 6h: the rest of it will be unmeasured" in said
    assert "Events are counted by pods that are not those of checkout (web-" in said


def test_series_without_processes_are_told(shop: Shop) -> None:
    """Recorded series have neither pods nor starts: no birth credit, and nobody knows whose they are."""
    code, said, _ = shop.validate(RATIO.replace("http_requests", "orphan_requests"))
    assert code == 0
    assert "1 of 1 targets have no process_start_time_seconds under the same labels" in said
    assert "The series have no pod label" in said


def test_a_selector_that_matches_nothing_is_wrong(shop: Shop) -> None:
    """Most mistakes are typing errors."""
    code, said, errors = shop.validate(RATIO.replace("total: 'http", "total: 'htp"))
    assert code == 1
    assert "matches no series; check its metric name and labels" in errors
    assert said.splitlines()[-1] == "0 ok, 1 wrong, 1 warning"


def test_a_bound_that_is_not_there_is_wrong_and_those_that_are_are_listed(shop: Shop) -> None:
    """The nearest one first."""
    histogram = "{latency: {histogram: 'http_request_duration_seconds{namespace=\"NAMESPACE\"}', threshold: 300ms}}"
    code, _, errors = shop.validate(histogram)
    assert code == 1
    assert "no bucket of http_request_duration_seconds_bucket ends at 0.3 s" in errors
    assert re.search(r"; it has 0\.2\d* s, .*\(nearest first\)", errors), errors
    assert shop.validate(histogram.replace("300ms", "200ms"))[0] == 0


def test_a_native_histogram_is_found(shop: Shop) -> None:
    """The same objective on a server that keeps histograms in their native form alone."""
    histogram = "{latency: {histogram: 'http_request_duration_seconds{namespace=\"NAMESPACE\"}', threshold: 200ms}}"
    code, said, errors = shop.validate(histogram, url=shop.native)
    assert (code, errors) == (0, "")
    assert "ok, matches 3 series of 3 pods, " in said
    assert "history, 100 % at present" in said


def test_more_good_events_than_events_are_wrong(shop: Shop) -> None:
    """The two selectors were mixed up."""
    swapped = '{ratio: {good: \'http_requests_total{namespace="NAMESPACE"}\', total: \'http_requests_total{namespace="NAMESPACE",code="500"}\'}}'
    code, _, errors = shop.validate(swapped)
    assert code == 1
    assert "counts more events than" in errors


def test_a_source_that_does_not_answer_is_not_a_wrong_objective(shop: Shop) -> None:
    """Nothing can be said then, and the exit code is another one."""
    code, _, errors = shop.validate(url="http://127.0.0.1:9")
    assert code == 3
    assert "the metrics source of --source-url could not be reached" in errors


def values(shop: Shop, indicator: Indicator) -> Found:
    """What the source has of an objective that is the value of a query."""
    source = Source("lab", shop.cluster.prometheus.url, scrape_interval=1, delay=2)
    return probe(Poller(source), objective("values", indicator, 60), time.time() // 1 - 3)


def test_the_value_of_a_query_is_told_with_its_side(shop: Shop) -> None:
    """A gauge is good or bad now; a share is a share."""
    mine = f'namespace="{shop.namespace}"'
    up = values(shop, Gauge(f"process_start_time_seconds{{{mine}}}", Fraction(1), good_above=True, every=15))
    assert up.matches is not None
    assert re.match(r"gives 3 values from \S+ to \S+, good above 1: good at present, 1m of history$", up.matches)
    low = values(shop, Gauge(f"count(process_start_time_seconds{{{mine}}})", Fraction(2), good_above=False, every=15))
    assert low.matches == "gives the value 3, good below 2: bad at present, 1m of history"
    rate = "sum(rate(http_requests_total{{{0}{1}}}[30s]))"
    share = " / ".join(rate.format(mine, code) for code in (',code="500"', ""))
    found = values(shop, Proportion(share, is_good=False, weight=rate.format(mine, ""), every=15))
    assert found.matches is not None
    told = re.match(r"gives one value, (\S+) % good at present, ", found.matches)
    assert told
    assert float(told[1]) == pytest.approx(80, abs=5)


def test_values_that_cannot_be_used_are_wrong(shop: Shop) -> None:
    """None at all, several where one is needed, and what is no share."""
    mine = f'{{namespace="{shop.namespace}"}}'
    for query, said in (
        ("nowhere", "nowhere gives no value; check its metric names and labels"),
        (f"http_requests_total{mine}", "gives 6 series where one is needed"),
        (f"sum(http_requests_total{mine})", "which is no share: it must be from 0 to 1"),
        ("sum(", "refused the query"),
    ):
        found = values(shop, Proportion(query, is_good=True, weight=None, every=15))
        assert found.matches is None
        assert said in found.faults[0]
