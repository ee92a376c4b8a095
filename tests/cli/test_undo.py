"""`holdfast undo` and `holdfast lift KIND/NAME`, against a real API server with the chart, as people with and without rights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from holdfast.api import release_body, release_status
from holdfast.cli.main import main
from holdfast.cluster.templates import read_template
from holdfast.core.objective import Workload
from holdfast.core.release import Readiness, ReadinessReason, ReleaseRecord, ReleaseState
from lab import Cluster
from tests.fixtures_chart import InstalledChart, installed_chart

__all__ = ["installed_chart"]

READY = Readiness(True, ReadinessReason.CAN_GO_BACK, "Release checkout v1 is the last good one.")
NOT_READY = Readiness(False, ReadinessReason.NO_LAST_GOOD, "No release of it is known to be good.")


@dataclass(frozen=True)
class Shop:
    """A Deployment with a release on record, and the command line as a person on call."""

    cluster: Cluster
    namespace: str
    kubeconfig: Path
    token: str
    record: ReleaseRecord

    def run(self, *words: str, kubeconfig: Path | None = None) -> Result:
        return CliRunner().invoke(main, [*words, "--kubeconfig", str(kubeconfig or self.kubeconfig)])

    def path(self, record: ReleaseRecord | None = None) -> str:
        base = f"/apis/holdfast.dev/v1alpha1/namespaces/{self.namespace}/workloadreleases"
        return base if record is None else f"{base}/{record.name}"

    def write(self, record: ReleaseRecord) -> None:
        """The record as the operator writes it."""
        names = [item["metadata"]["name"] for item in self.cluster.raw("GET", self.path())["items"]]
        if record.name not in names:
            self.cluster.raw("POST", self.path(), dict(release_body(record)), token=self.token)
        status = {"status": release_status(record)}
        self.cluster.raw("PATCH", f"{self.path(record)}/status", status, token=self.token)

    def spec(self, record: ReleaseRecord | None = None) -> dict[str, object]:
        found: dict[str, object] = self.cluster.raw("GET", self.path(record or self.record))["spec"]
        return {key: value for key, value in found.items() if key in ("undo", "allow")}


@pytest.fixture
def shop(installed_chart: InstalledChart, namespace: str) -> Shop:
    """A Deployment whose declared release is on record and could be undone."""
    cluster = installed_chart.cluster
    cluster.deployment(namespace, "checkout", "shop:v2", 0)
    body = cluster.raw("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments/checkout")
    for role in ("view", "holdfast-override"):
        cluster.kubectl("-n", namespace, "create", "rolebinding", role, f"--clusterrole={role}", "--user=oncall")
    workload = Workload(namespace, "Deployment", "checkout")
    template = read_template(body["spec"]["template"])
    record = ReleaseRecord(
        workload, "uid", template, 1_795_000_000.0, ReleaseState.ROLLING_OUT, kept=False, readiness=READY
    )
    kubeconfig = cluster.kubeconfig_for(cluster.access.tokens["oncall"], f"oncall-{namespace}")
    shop = Shop(cluster, namespace, kubeconfig, installed_chart.token, record)
    shop.write(record)
    cluster.wait(lambda: "may" in _may(cluster, namespace), 10, "the roles to be joined")
    return shop


def _may(cluster: Cluster, namespace: str) -> str:
    asked = ("auth", "can-i", "list", "workloadreleases.holdfast.dev", "-n", namespace, "--as=oncall")
    return "may" if cluster.kubectl(*asked, check=False).returncode == 0 else ""


@pytest.mark.lab
def test_undo_asks_under_ones_own_name(shop: Shop) -> None:
    """It writes spec.undo with the sender's name, and says what happens, how to watch it and how to take it back."""
    done = shop.run("undo", "deploy/checkout", "-n", shop.namespace, "--reason", "errors at checkout")
    assert done.exit_code == 0, done.output
    assert shop.spec() == {"undo": {"requestedBy": "oncall", "reason": "errors at checkout"}}
    lines = done.output.splitlines()
    assert lines[0] == (
        f"Asked by oncall: undo release {shop.record.name} (shop:v2) of deployment/checkout in {shop.namespace}."
    )
    assert READY.why in lines
    assert f"Watch: kubectl get hold deployment-checkout -n {shop.namespace} -w" in lines
    assert lines[-1] == f'Take it back: holdfast lift deployment/checkout -n {shop.namespace} --reason "…"'
    again = shop.run("undo", "deployment/checkout", "-n", shop.namespace, "--reason", "x")
    assert again.exit_code == 1
    assert "oncall asked to undo" in again.output


@pytest.mark.lab
def test_lift_takes_the_word_back(shop: Shop) -> None:
    """The one word replaces the other, and says that the release is not undone a second time."""
    shop.run("undo", "deployment/checkout", "-n", shop.namespace, "--reason", "errors")
    done = shop.run("lift", "deployment/checkout", "-n", shop.namespace, "--reason", "it was the database")
    assert done.exit_code == 0, done.output
    assert shop.spec() == {"allow": {"requestedBy": "oncall", "reason": "it was the database"}}
    assert "not undone a second time" in done.output
    again = shop.run("lift", "deployment/checkout", "-n", shop.namespace, "--reason", "x")
    assert (again.exit_code, "oncall let" in again.output) == (1, True)


@pytest.mark.lab
def test_lift_means_the_release_that_was_undone(shop: Shop) -> None:
    """Of several the declared one if it was undone, else the one that was undone last."""
    undone = replace(shop.record, state=ReleaseState.ROLLED_BACK, undone=1_795_000_100.0)
    earlier = replace(undone, template=replace(undone.template, digest="aaaa000000000000"), undone=1_795_000_050.0)
    later = replace(undone, template=replace(undone.template, digest="bbbb000000000000"), undone=1_795_000_200.0)
    for record in (earlier, later):
        shop.write(record)
    words = ("-n", shop.namespace, "--reason", "it was the database")
    assert shop.run("lift", "deployment/checkout", *words).exit_code == 0
    assert (list(shop.spec(later)), list(shop.spec(earlier)), shop.spec()) == (["allow"], [], {})
    shop.write(undone)
    assert shop.run("lift", "deployment/checkout", *words).exit_code == 0
    assert (list(shop.spec()), list(shop.spec(earlier))) == (["allow"], [])


@pytest.mark.lab
def test_what_cannot_be_done_is_said(shop: Shop) -> None:
    """No such workload, no record, not ready, undone before, nothing undone, no right: a sentence each, and nothing is written."""
    words = ("-n", shop.namespace, "--reason", "errors")

    def said(*command: str, kubeconfig: Path | None = None) -> str:
        done = shop.run(*command, *words, kubeconfig=kubeconfig)
        assert done.exit_code == 1, done.output
        assert "Traceback" not in done.output
        return done.output

    assert f"There is no StatefulSet checkout in namespace {shop.namespace}." in said("undo", "sts/checkout")
    assert f"No release of Deployment {shop.namespace}/checkout was undone" in said("lift", "deployment/checkout")
    shop.write(replace(shop.record, readiness=NOT_READY))
    assert "cannot be undone: RollbackReady is False (NoLastGood). No release" in said("undo", "deployment/checkout")
    shop.write(replace(shop.record, undone=1_795_000_100.0))
    assert "Nothing to undo" in said("undo", "deployment/checkout")
    shop.cluster.deployment(shop.namespace, "unmeasured", "shop:v2", 0)
    assert "Holdfast has no record of the release" in said("undo", "deployment/unmeasured")
    tokens = shop.cluster.access.tokens
    shop.cluster.kubectl("-n", shop.namespace, "create", "rolebinding", "d", "--clusterrole=view", "--user=developer")
    developer = shop.cluster.kubeconfig_for(tokens["developer"], f"developer-{shop.namespace}")
    assert "forbids patch workloadreleases.holdfast.dev" in said("lift", "deployment/checkout", kubeconfig=developer)
    assert shop.spec() == {}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("undo",), "KIND/NAME"),
        (("undo", "checkout", "--reason", "x"), "KIND/NAME"),
        (("undo", "job/checkout", "--reason", "x"), "KIND/NAME"),
        (("undo", "deployment/", "--reason", "x"), "KIND/NAME"),
        (("undo", "deployment/checkout"), "--reason"),
        (("undo", "deployment/checkout", "--reason", "  "), "--reason"),
        (("undo", "deployment/checkout", "--reason", "x" * 1025), "1024"),
        (("lift",), "--all"),
        (("lift", "deployment/checkout"), "--reason"),
        (("lift", "deployment/checkout", "--all", "--reason", "x"), "--all"),
        (("lift", "deployment/checkout", "--dry-run", "--reason", "x"), "--dry-run"),
    ],
)
def test_wrong_words_are_told_before_anything_is_asked(words: tuple[str, ...], named: str) -> None:
    """A command that cannot be meant ends with 2 and says how to write it, without a cluster."""
    done = CliRunner().invoke(main, [*words, "--kubeconfig", "/nowhere"])
    assert done.exit_code == 2
    assert named in done.output
