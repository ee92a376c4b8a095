"""What the API server does with our kinds: it refuses with our sentences, explains every field, and shows the columns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from holdfast.api import (
    Invalid,
    WorkloadState,
    adjustment_status,
    hold_status,
    invalid_status,
    objective_status,
    parse_adjustment,
    parse_hold,
    parse_objective,
    parse_policy,
    parse_release,
    policy_status,
    release_body,
    release_status,
)
from holdfast.api.crds import CHECKOUT
from holdfast.api.records import lifts
from holdfast.core.objective import Workload
from holdfast.core.policy import Mode, Verdict
from lab.errors import LabError
from tests.api.samples import (
    ACCEPTED,
    ONLY_PARSED,
    PARSERS,
    REFUSED,
    Json,
    adjustment,
    hold,
    objective,
    policy,
    recurring,
    renamed,
)
from tests.api.test_records import RECORD
from tests.api.test_releases import POD_TEMPLATE, RELEASE
from tests.api.test_status import MEASURED, NOW, OBJECTIVE, standing

if TYPE_CHECKING:
    from lab import Cluster
    from tests.fixtures_chart import InstalledChart

pytestmark = pytest.mark.lab

PLURAL: Final = {
    "ServiceLevelObjective": "servicelevelobjectives",
    "ErrorBudgetPolicy": "errorbudgetpolicies",
    "BudgetAdjustment": "budgetadjustments",
    "Hold": "holds",
    "WorkloadRelease": "workloadreleases",
}
EXAMPLES: Final = sorted((CHECKOUT / "examples").glob("*.yaml"))


class Server:
    """One namespace on an API server that has our kinds."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def path(self, kind: str, name: str = "") -> str:
        """The address of an object."""
        base = f"/apis/holdfast.dev/v1alpha1/namespaces/{self.namespace}/{PLURAL[kind]}"
        return f"{base}/{name}" if name else base

    def create(self, body: Json, *, dry: bool = False) -> Any:
        """Create it here, with strict decoding as kubectl asks for."""
        query = "?fieldValidation=Strict" + ("&dryRun=All" if dry else "")
        return self.cluster.raw("POST", self.path(body["kind"]) + query, renamed(body, self.namespace))

    def refusal(self, body: Json) -> str:
        """What the server says against it; empty when it has nothing to say."""
        try:
            self.create(body, dry=True)
        except LabError as error:
            return str(error)
        return ""

    def apply_status(self, body: Json, status: object) -> Any:
        """Server-side apply of the status, as the operator does it."""
        name = body["metadata"]["name"]
        patch = {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {"name": name}, "status": status}
        address = f"{self.path(body['kind'], name)}/status?fieldManager=holdfast&force=true"
        return self.cluster.raw("PATCH", address, patch, patch="apply")

    def shown(self, kind: str, *options: str) -> list[dict[str, str]]:
        """What kubectl get prints, a row for each object."""
        lines = self.cluster.kubectl("get", kind, "-n", self.namespace, *options).stdout.splitlines()
        head = lines[0]
        starts = [i for i, c in enumerate(head) if c != " " and (i == 0 or head[i - 1] == " ")]
        cut = [slice(a, b) for a, b in zip(starts, [*starts[1:], None], strict=True)]
        return [{head[c].strip(): line[c].strip() for c in cut} for line in lines[1:]]


@pytest.fixture
def server(installed_chart: InstalledChart, namespace: str) -> Server:
    """A fresh namespace where our kinds are served."""
    return Server(installed_chart.cluster, namespace)


def test_the_files_in_crds_are_what_the_chart_installs(installed_chart: InstalledChart) -> None:
    """Who installs crds/ without Helm gets the same schema, and the server has nothing to warn about."""
    for path in sorted((CHECKOUT / "crds").glob("*.yaml")):
        given = yaml.safe_load(path.read_text())
        address = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{given['metadata']['name']}"
        there = installed_chart.cluster.raw("GET", address)
        dry = installed_chart.cluster.raw(
            "PATCH", f"{address}?fieldManager=test&force=true&dryRun=All&fieldValidation=Strict", given, patch="apply"
        )
        assert dry["spec"] == there["spec"]
        conditions = {c["type"]: c["status"] for c in there["status"]["conditions"]}
        assert (conditions["Established"], conditions["NamesAccepted"]) == ("True", "True")
        assert conditions.get("NonStructuralSchema", "False") == "False"


def test_refusals(server: Server) -> None:
    """Each object of the table is refused at its place, with the sentence that the parser says too."""
    wrong = [
        (str(r), said) for r in REFUSED if r.at_server not in (said := server.refusal(r.body)) or r.path not in said
    ]
    assert not wrong


def test_sound_objects_are_accepted(server: Server) -> None:
    """Nothing that the parser reads is refused, and what only the parser can see is not refused either."""
    assert [said for body in (*ACCEPTED, *(r.body for r in ONLY_PARSED)) if (said := server.refusal(body))] == []


def test_what_is_stored_reads_the_same(server: Server) -> None:
    """The server's defaults are the parser's."""
    for body in ACCEPTED:
        read = PARSERS[body["kind"]]
        stored, plain = read(server.create(body, dry=True)), read(renamed(body, server.namespace))
        assert stored.key == plain.key
        fields = (
            "target",
            "window",
            "indicator",
            "workloads",
            "source",
            "stale_after",
            "min_events",
            "slices",
            "pod_label",
            "selector",
            "rules",
            "change",
            "reason",
            "requested_by",
        )
        assert [getattr(stored, f, None) for f in fields] == [getattr(plain, f, None) for f in fields]


@pytest.mark.parametrize("options", [(), ("--server-side",)])
def test_a_window_can_be_changed_to_another_form(server: Server, options: tuple[str, ...]) -> None:
    """No default of the server is in the way of who applies a calendar window where there was none, or a rolling one."""
    for window in (None, {"calendar": "Month"}, {"rolling": "7d"}, {"calendar": "Week", "timeZone": "Asia/Tokyo"}):
        body = renamed(objective(**({} if window is None else {"window": window})), server.namespace)
        server.cluster.kubectl("apply", *options, "-f", "-", input=json.dumps(body))
        stored = server.cluster.raw("GET", server.path("ServiceLevelObjective", "checkout"))
        assert stored["spec"].get("window") == window


def test_a_hold_is_named_after_its_workload(server: Server) -> None:
    """There is one Hold for each workload, because its name leaves no choice."""
    assert server.refusal(hold()) == ""
    assert "a Hold is named after its workload, <kind>-<name> in lower case" in server.refusal(hold("checkout"))
    assert "may not be more than 241" in server.refusal(hold("deployment-x", "a" * 242))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_apply(server: Server, path: Path) -> None:
    """kubectl apply takes every example as it is, without a warning."""
    text = (
        path.read_text()
        .replace("namespace: shop", f"namespace: {server.namespace}")
        .replace("namespace: production", f"namespace: {server.namespace}")
    )
    text = text.replace("name: shop\n---", f"name: {server.namespace}\n---")
    text = text.replace("requestedBy: alice@example.com", "requestedBy: admin")  # who sends it
    options = ("--server-side", "--dry-run=server", "--force-conflicts", "--validate=strict")
    assert server.cluster.kubectl("apply", *options, "-f", "-", input=text).stderr == ""


def test_kubectl_refuses_unknown_fields(server: Server) -> None:
    """A misspelt field is an error for who applies it, not a field that silently does nothing."""
    body = renamed(objective(), server.namespace)
    body["spec"]["evidnce"] = {}
    done = server.cluster.kubectl("apply", "-f", "-", input=json.dumps(body), check=False)
    assert 'unknown field "spec.evidnce"' in done.stderr


def test_every_field_is_explained(server: Server) -> None:
    """The server's OpenAPI, which kubectl explain reads, has a description for every field of ours."""
    served = server.cluster.raw("GET", "/openapi/v3/apis/holdfast.dev/v1alpha1")["components"]["schemas"]
    for kind in PLURAL:
        schema = served[f"dev.holdfast.v1alpha1.{kind}"]
        assert schema["description"]
        nodes = [(kind, name, field) for name, field in schema["properties"].items() if name in ("spec", "status")]
        while nodes:
            at, name, field = nodes.pop()
            assert field.get("description"), f"{at}.{name}"
            inner = field.get("items", field)
            nodes += [(f"{at}.{name}", n, f) for n, f in inner.get("properties", {}).items()]


@pytest.mark.parametrize(
    "field",
    [
        "slo.spec.target",
        "hslo.spec.indicator.latency.threshold",
        "ebp.spec.rules.then.until",
        "hold.status.lifts",
        "wrel.status.costs.spent",
        "wrel.spec.undo.reason",
        "adj.spec.exclude.schedule",
    ],
)
def test_kubectl_explain(server: Server, field: str) -> None:
    """People find the fields by the short names."""
    assert "DESCRIPTION:" in server.cluster.kubectl("explain", field).stdout
    assert "<empty>" not in server.cluster.kubectl("explain", field).stdout


def test_kubectl_get_objectives(server: Server) -> None:
    """At a glance: what is promised, what is left, how fast it goes, whether the data is fresh, and what follows."""
    generation = server.create(objective())["metadata"]["generation"]
    (row,) = server.shown("slo")
    assert {k: v for k, v in row.items() if k != "AGE"} == {
        "NAME": "checkout", "TARGET": "", "WINDOW": "", "LEFT": "", "BURN": "", "EMPTY-IN": "", "DATA": "", "VERDICT": "", "HELD": "",
    }  # fmt: skip
    measured = replace(MEASURED, objective=replace(OBJECTIVE, generation=generation))
    status = objective_status(
        standing(measured, Verdict.HOLD, Mode.AUDIT), {Workload("shop", "Deployment", "x"): WorkloadState.FREE}, now=NOW
    )
    server.apply_status(objective(), status)
    (row,) = server.shown("hslo")
    assert {k: v for k, v in row.items() if k != "AGE"} == {
        "NAME": "checkout", "TARGET": "99.9%", "WINDOW": "30d", "LEFT": "62.1%", "BURN": "0.4 (1h)", "EMPTY-IN": "-", "DATA": "Fresh", "VERDICT": "Hold (audit)", "HELD": "0",
    }  # fmt: skip
    assert server.shown("slo", "-o", "wide")[0]["READY"] == "True"
    server.cluster.kubectl(
        "wait", "slo/checkout", "-n", server.namespace, "--for=condition=EvidenceFresh", "--timeout=5s"
    )


def test_kubectl_get_policies(server: Server) -> None:
    """Whether it acts, and on how many objectives."""
    made = parse_policy(renamed(policy(), server.namespace))
    server.create(policy())
    server.apply_status(policy(), policy_status(made, [parse_objective(objective())], now=NOW))
    (row,) = server.shown("ebp")
    assert {k: v for k, v in row.items() if k != "AGE"} == {
        "NAME": "default",
        "MODE": "Audit",
        "OBJECTIVES": "1",
        "ENFORCEABLE": "0",
    }


def test_kubectl_get_adjustments(server: Server) -> None:
    """What it does and when, for how many objectives, on whose word and why."""
    made = parse_adjustment(server.create(recurring(timeZone="Europe/Berlin")))
    server.apply_status(recurring(), adjustment_status(made, [parse_objective(objective())], now=NOW))
    (row,) = server.shown("adj", "-o", "wide")
    assert {k: v for k, v in row.items() if k != "AGE"} == {
        "NAME": "maintenance",
        "DOES": "Excludes",
        "WHEN": "FREQ=WEEKLY;BYDAY=SU at 02:00:00 Europe/Berlin for 1h",
        "NEXT": "2026-11-22T01:00:00Z",
        "OBJECTIVES": "1",
        "BY": "admin",
        "REASON": "database maintenance",
        "READY": "True",
    }
    server.cluster.kubectl("wait", "adj/maintenance", "-n", server.namespace, "--for=condition=Ready", "--timeout=5s")


def test_kubectl_get_holds(server: Server) -> None:
    """What is held and why, what is declared and what serves, and when it ends."""
    server.create(hold())
    server.apply_status(hold(), hold_status(RECORD))
    (row,) = server.shown("holds")
    assert {k: v for k, v in row.items() if k != "SINCE"} == {
        "NAME": "deployment-checkout",
        "STATE": "Active",
        "REASON": "BudgetExhausted",
        "SLO": "checkout-latency",
        "DECLARED": "v2.3.1",
        "SERVING": "v2.3.0",
        "GATE": "Deny",
        "LIFTS": lifts(RECORD),
    }
    server.apply_status(hold(), hold_status(replace(RECORD, enforced=True)))
    server.cluster.kubectl(
        "wait", "hold/deployment-checkout", "-n", server.namespace, "--for=condition=Enforced", "--timeout=5s"
    )
    assert row["SINCE"] not in ("", "<invalid>", "<unknown>")


def test_kubectl_get_releases(server: Server, installed_chart: InstalledChart) -> None:
    """What was released, how far it got, what its own pods say of it, and what it cost; nobody but us may write that."""
    body = renamed(dict(release_body(RELEASE)), server.namespace)
    assert "only Holdfast itself writes what a release was" in server.refusal(body)
    status = release_status(replace(RELEASE, began=NOW), POD_TEMPLATE)
    address, token = server.path("WorkloadRelease"), installed_chart.token
    server.cluster.raw("POST", address, body, token=token)
    server.cluster.raw("PATCH", f"{address}/{RELEASE.name}/status", {"status": status}, token=token)
    (row,) = server.shown("wrel", "-o", "wide")
    assert {k: v for k, v in row.items() if k != "AGE"} == {
        "NAME": "deployment-checkout-9f2c41aa07",
        "WORKLOAD": "deployment/checkout",
        "REV": "42",
        "IMAGE": "v2.3.1",
        "STATE": "RolledBack",
        "VERDICT": "Bad",
        "REQUESTS": "1204",
        "BAD": "61",
        "COST": "3.2%",
        "BY": "argocd-controller",
        "UNDOABLE": "True",
    }
    assert row["AGE"] not in ("", "<invalid>", "<unknown>")
    server.cluster.kubectl(
        "wait", f"wrel/{RELEASE.name}", "-n", server.namespace, "--for=condition=RollbackReady", "--timeout=5s"
    )
    stored = server.cluster.raw("GET", server.path("WorkloadRelease", RELEASE.name))
    assert parse_release(renamed(stored, "shop")) == replace(RELEASE, began=NOW)
    assert stored["status"]["template"] == POD_TEMPLATE


def test_a_record_survives_the_server(server: Server) -> None:
    """What is read back after server-side apply is the record that was written; applying it again changes nothing."""
    server.create(hold())
    server.apply_status(hold(), hold_status(RECORD))
    first = server.cluster.raw("GET", server.path("Hold", "deployment-checkout"))
    found = parse_hold(renamed(first, "shop"))
    assert found == RECORD
    again = server.apply_status(hold(), hold_status(found, before=first["status"]))
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_an_objective_becomes_invalid(server: Server) -> None:
    """The status of an invalid object replaces all figures, so that nobody takes old ones for new."""
    server.create(objective())
    server.apply_status(objective(), objective_status(standing(), now=NOW))
    with pytest.raises(Invalid) as caught:
        parse_objective(objective(target="100"))
    stored = server.apply_status(objective(), invalid_status(caught.value, 1, now=NOW))
    assert stored["status"].keys() == {"observedGeneration", "conditions"}


def test_the_category(server: Server) -> None:
    """kubectl get holdfast shows everything of ours."""
    for body in (objective(), policy(), adjustment(), hold()):
        server.create(body)
    said = server.cluster.kubectl("get", "holdfast", "-n", server.namespace, "-o", "name").stdout.split()
    assert sorted(said) == [
        "budgetadjustment.holdfast.dev/maintenance",
        "errorbudgetpolicy.holdfast.dev/default",
        "hold.holdfast.dev/deployment-checkout",
        "servicelevelobjective.holdfast.dev/checkout",
    ]
