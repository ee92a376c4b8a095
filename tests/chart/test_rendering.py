"""What the chart renders, and which values it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from holdfast.core.restraint import PER_HOUR
from holdfast.service.settings import load
from lab import Cluster
from tests.chart.rendering import complaint, one, render
from tests.fixtures_chart import CHART, KEEP, POLICIES, InstalledChart

pytestmark = pytest.mark.lab
CRDS: Final = Path(__file__).parents[2] / "crds"


def test_lint(lab_cluster: Cluster) -> None:
    """`helm lint --strict` has nothing to say."""
    said = lab_cluster.helm("lint", "--strict", str(CHART), "--kube-version=1.36.3").stdout
    assert "0 chart(s) failed" in said
    assert "[WARNING]" not in said


BASIC: Final = {"username": "me", "passwordFile": "/p"}
WRONG: Final[list[tuple[dict[str, Any], str]]] = [
    ({"interval": "15"}, "/interval"),
    ({"interval": "0s"}, "/interval"),
    ({"interval": 15}, "/interval"),
    ({"interval": "500ms"}, "/interval"),
    ({"enforcement": "yes"}, "/enforcement"),
    ({"enforcment": True}, "enforcment"),
    ({"sources": []}, "/sources"),
    ({"sources": [{"name": "default"}]}, "url"),
    ({"sources": [{"name": "Default", "url": "http://p:9090"}]}, "/sources/0/name"),
    ({"sources": [{"name": "default", "url": "prometheus:9090"}]}, "/sources/0/url"),
    ({"sources": [{"name": "default", "url": "http://p", "scrape": "15s"}]}, "scrape"),
    ({"sources": [{"name": "default", "url": "http://p", "timeout": "ten"}]}, "/sources/0/timeout"),
    ({"sources": [{"name": "a", "url": "http://p"}, {"name": "a", "url": "http://q"}]}, "two sources are called a"),
    ({"sources": [{"name": "a", "url": "http://p", "caFile": "ca.crt"}]}, "/sources/0/caFile"),
    ({"sources": [{"name": "a", "url": "http://p", "clientCertFile": "/c"}]}, "clientKeyFile"),
    (
        {"sources": [{"name": "a", "url": "http://p", "bearerTokenFile": "/t", "basicAuth": BASIC}]},
        "/sources/0",
    ),
    ({"sources": [{"name": "a", "url": "http://p", "namespaceLabel": "a-b"}]}, "/sources/0/namespaceLabel"),
    ({"log__level": "loud"}, "/log/level"),
    ({"log__format": "xml"}, "/log/format"),
    ({"gate__denyDelete": "no"}, "/gate/denyDelete"),
    ({"gate__keep": "yes"}, "/gate/keep"),
    ({"gate__controllers": []}, "/gate/controllers"),
    ({"releases": {"enabled": "true"}}, "/releases/enabled"),
    ({"releases__on": True}, "releases"),
    ({"rollback__checkSecrets": 1}, "/rollback/checkSecrets"),
    ({"restraint__perHour": -1}, "/restraint/perHour"),
    ({"gate__automation": ["it's me"]}, "/gate/automation/0"),
    ({"gate__automation": ["x' || true || '"]}, "/gate/automation/0"),
    ({"image__digest": "sha256:abc"}, "/image/digest"),
    ({"service__port": 0}, "/service/port"),
    ({"serviceAccount__name": "Not A Name"}, "/serviceAccount/name"),
    ({"serviceAccount__create": False}, "serviceAccount.name is needed"),
]


@pytest.mark.parametrize(("values", "named"), WRONG, ids=[str(case[0]) for case in WRONG])
def test_wrong_values_are_named(lab_cluster: Cluster, values: dict[str, Any], named: str) -> None:
    """A wrong value is refused before anything is sent, and the message says where it is."""
    assert named in complaint(lab_cluster, **values)


def test_the_configuration_is_what_the_values_say(lab_cluster: Cluster) -> None:
    """The mounted file carries sources, interval, enforcement and log, and a change of it restarts the operator."""
    sources = [
        {"name": "default", "url": "http://p:9090", "delay": "5s"},
        {"name": "edge", "url": "https://edge.example"},
    ]
    documents = render(
        lab_cluster, sources=sources, interval="30s", enforcement=False, log={"format": "console", "level": "debug"}
    )
    config = yaml.safe_load(one(documents, "ConfigMap")["data"]["config.yaml"])
    assert config == {
        "sources": sources,
        "interval": "30s",
        "enforcement": False,
        "podStarts": False,
        "releases": True,
        "rollback": {"templates": True},
        "restraint": {"perHour": 10},
        "log": {"format": "console", "level": "debug"},
    }
    sums = {
        one(found, "Deployment")["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        for found in (documents, render(lab_cluster))
    }
    assert len(sums) == 2


def rights(cluster: Cluster, *resources: str, **values: Any) -> dict[str, set[str]]:
    """The verbs on each of these in the ClusterRole of the operator; what it has none on is left out."""
    found: dict[str, set[str]] = {}
    for rule in one(render(cluster, **values), "ClusterRole", "holdfast")["rules"]:
        for resource in set(rule["resources"]) & set(resources):
            found.setdefault(resource, set()).update(rule["verbs"])
    return found


def test_pods_are_listed_only_where_that_is_needed(lab_cluster: Cluster) -> None:
    """The right to list pods comes with releases on trial, with enforcement or with podStarts, and goes with all of them."""
    nothing: Final = {"enforcement": False, "releases": {"enabled": False}}
    assert rights(lab_cluster, "pods", **nothing) == {}
    assert rights(lab_cluster, "pods", **nothing, podStarts=True) == {"pods": {"list"}}
    assert rights(lab_cluster, "pods", enforcement=False) == {"pods": {"list"}}
    assert rights(lab_cluster, "pods", releases={"enabled": False}) == {"pods": {"list"}}
    assert rights(lab_cluster, "pods") == {"pods": {"list", "delete"}}


def test_rights_for_undoing_follow_the_values(lab_cluster: Cluster) -> None:
    """Each right to look for what a release names, and to put templates back, can be withheld; Secrets are asked for."""
    looked = ("configmaps", "secrets", "resourcequotas")
    assert rights(lab_cluster, *looked) == {"configmaps": {"get"}, "resourcequotas": {"list"}}
    asked = {"templates": True, "checkConfigMaps": False, "checkSecrets": True}
    assert rights(lab_cluster, *looked, rollback=asked) == {"secrets": {"get"}, "resourcequotas": {"list"}}
    assert rights(lab_cluster, *looked, releases={"enabled": False}) == {}
    assert "create" in rights(lab_cluster, "replicasets")["replicasets"]
    for values in ({"rollback__templates": False}, {"enforcement": False}, {"releases": {"enabled": False}}):
        assert "create" not in rights(lab_cluster, "replicasets", **values)["replicasets"]


def test_templates_are_put_back_only_where_that_is_allowed(lab_cluster: Cluster) -> None:
    """`rollback.templates: false` closes it in the policy as well, whatever other roles the account has."""

    def allowed(**values: Any) -> str:
        variables = one(render(lab_cluster, **values), "ValidatingAdmissionPolicy", "self.holdfast.dev")["spec"][
            "variables"
        ]
        return next(str(v["expression"]) for v in variables if v["name"] == "mayPutBack")

    assert allowed() == ("!(request.namespace in ['kube-system', 'kube-public', 'kube-node-lease', 'holdfast-system'])")
    assert allowed(rollback__templates=False) == "false"


def test_keep_is_there_where_the_cluster_has_it(lab_cluster: Cluster, installed_chart: InstalledChart) -> None:
    """`auto` asks the cluster, true and false decide, and without enforcement nothing is mutated."""

    def keeps(**values: Any) -> bool:
        kinds = [document["kind"] for document in render(lab_cluster, **values)]
        assert kinds.count("MutatingAdmissionPolicy") == kinds.count("MutatingAdmissionPolicyBinding")
        return "MutatingAdmissionPolicy" in kinds

    assert not keeps()  # rendered without a cluster
    assert keeps(gate__keep=True)
    assert not keeps(gate__keep=True, enforcement=False)
    assert not keeps(gate__keep=False)
    installed = installed_chart.cluster.helm("get", "manifest", "holdfast", "-n", "holdfast-system").stdout
    assert "kind: MutatingAdmissionPolicy\n" in installed


def test_the_operator_takes_the_configuration(lab_cluster: Cluster, tmp_path: Path) -> None:
    """The shipped values are a configuration that the operator starts with."""
    file = tmp_path / "config.yaml"
    file.write_text(one(render(lab_cluster), "ConfigMap")["data"]["config.yaml"])
    settings = load(file)
    assert [source.name for source in settings.sources] == ["default"]
    assert settings.enforcement is True
    assert (settings.releases, settings.rollback.templates) == (True, True)
    assert settings.restraint.per_hour == PER_HOUR


def test_secrets_of_sources_are_mounted(lab_cluster: Cluster, tmp_path: Path) -> None:
    """Each Secret is mounted read-only under the name of its source and need not be there; its name is no part of the
    configuration, which the operator takes with every setting."""
    secret = "/run/secrets/holdfast/mimir"
    mimir = {
        "name": "mimir",
        "url": "https://mimir.example/prometheus",
        "secretName": "mimir-credentials",
        "basicAuth": {"username": "holdfast", "passwordFile": f"{secret}/password"},
        "caFile": f"{secret}/ca.crt",
        "clientCertFile": f"{secret}/tls.crt",
        "clientKeyFile": f"{secret}/tls.key",
        "concurrency": 4,
        "headers": {"X-Scope-OrgID": "team-a"},
        "headerFiles": {"X-Api-Key": f"{secret}/key"},
        "params": {"partial_response": "false", "nocache": 1},
        "targetLabels": ["instance"],
        "replicaLabels": ["replica"],
        "startMetric": "start",
        "namespaces": ["shop"],
        "namespaceLabel": "namespace",
    }
    documents = render(lab_cluster, sources=[{"name": "default", "url": "http://p:9090"}, mimir])
    file = tmp_path / "config.yaml"
    file.write_text(one(documents, "ConfigMap")["data"]["config.yaml"])
    assert "mimir-credentials" not in file.read_text()
    assert load(file).sources[1].source().credentials.password == Path(f"{secret}/password")
    pod = one(documents, "Deployment")["spec"]["template"]["spec"]
    assert pod["containers"][0]["volumeMounts"][2:] == [{"name": "source-1", "mountPath": secret, "readOnly": True}]
    shown = {"secretName": "mimir-credentials", "defaultMode": 0o440, "optional": True}
    assert pod["volumes"][2:] == [{"name": "source-1", "secret": shown}]


def test_the_pod_is_hardened(lab_cluster: Cluster) -> None:
    """Not root, nothing writable but /tmp, no capabilities; one replica, never two at once."""
    deployment = one(render(lab_cluster), "Deployment")["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["requests"]
    assert container["resources"]["limits"]["memory"]
    assert container["command"] == ["holdfast", "run", "--config", "/etc/holdfast/config.yaml"]
    assert {variable["name"] for variable in container["env"]} == {"POD_NAMESPACE", "POD_NAME"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}


def test_names_of_policies_never_change(lab_cluster: Cluster) -> None:
    """They are printed in refusals, and a renamed policy would be deleted and created: never by release or version."""
    for documents in (
        render(lab_cluster, gate__keep=True),
        render(lab_cluster, release="other", namespace="elsewhere", gate__keep=True),
    ):
        for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"):
            found = [document for document in documents if document["kind"] == kind]
            assert tuple(sorted(document["metadata"]["name"] for document in found)) == POLICIES
            assert one(documents, kind.replace("Validating", "Mutating"))["metadata"]["name"] == KEEP
            assert not [document for document in found if "annotations" in document["metadata"]]  # no hooks


def test_the_operator_is_known_by_its_name(lab_cluster: Cluster) -> None:
    """Whatever release, namespace and ServiceAccount are called, policies, bindings and pod speak of the same account."""
    documents = render(
        lab_cluster,
        release="other",
        namespace="elsewhere",
        serviceAccount={"create": True, "name": "budget-keeper"},
        gate__keep=True,
    )
    user = "system:serviceaccount:elsewhere:budget-keeper"
    for name in set(POLICIES) - {"author.holdfast.dev"}:  # that one knows no exception
        spec = one(documents, "ValidatingAdmissionPolicy", name)["spec"]
        named = spec["validations"] if name == "release.holdfast.dev" else spec["matchConditions"]
        assert f"'{user}'" in named[0]["expression"]
    assert f"'{user}'" in one(documents, "MutatingAdmissionPolicy")["spec"]["matchConditions"][0]["expression"]
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        assert one(documents, kind)["subjects"] == [
            {"kind": "ServiceAccount", "name": "budget-keeper", "namespace": "elsewhere"}
        ]
    assert one(documents, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == "budget-keeper"
    assert one(documents, "ServiceAccount")["metadata"]["name"] == "budget-keeper"


def test_a_control_plane_with_one_account_for_all_controllers(lab_cluster: Cluster) -> None:
    """Names of controllers are exempt on ReplicaSets, and on nothing else."""
    users = ["system:serviceaccount:kube-system:deployment-controller", "system:kube-controller-manager"]
    documents = render(lab_cluster, gate__controllers=users)
    for name in ("hold.holdfast.dev", "override.holdfast.dev", "queue.holdfast.dev"):
        conditions = one(documents, "ValidatingAdmissionPolicy", name)["spec"]["matchConditions"]
        assert {condition["name"]: condition["expression"] for condition in conditions}["not-keeping-history"] == (
            "!(request.resource.resource == 'replicasets' && request.userInfo.username in "
            f"['{users[0]}', '{users[1]}'])"
        )


def test_without_enforcement_there_is_no_right_to_change_workloads(lab_cluster: Cluster) -> None:
    """`enforcement: false` takes the right to patch, and the gate records instead of refusing."""
    documents = render(lab_cluster, enforcement=False)
    rules = one(documents, "ClusterRole", "holdfast")["rules"]
    assert {verb for rule in rules if rule["apiGroups"] == ["apps"] for verb in rule["verbs"]} == {
        "get",
        "list",
        "watch",
    }
    for name in ("hold.holdfast.dev", "override.holdfast.dev", "queue.holdfast.dev"):
        assert one(documents, "ValidatingAdmissionPolicyBinding", name)["spec"]["validationActions"] == ["Audit"]
    for name in ("author.holdfast.dev", "release.holdfast.dev"):  # they guard no workload
        assert "Deny" in one(documents, "ValidatingAdmissionPolicyBinding", name)["spec"]["validationActions"]


def test_the_notes_say_how_to_leave(installed_chart: InstalledChart) -> None:
    """The notes name `holdfast lift --all`, before the uninstall, and how to remove what is kept."""
    notes = installed_chart.cluster.helm("get", "notes", "holdfast", "-n", "holdfast-system").stdout
    assert notes.index("holdfast lift --all   ") < notes.index("helm uninstall holdfast -n holdfast-system")
    kinds = ("servicelevelobjectives", "errorbudgetpolicies", "budgetadjustments", "holds", "workloadreleases")
    definitions = " ".join(f"{kind}.holdfast.dev" for kind in kinds)
    assert f"kubectl delete crd {definitions}" in notes


def test_the_chart_ships_the_definitions_of_this_checkout(lab_cluster: Cluster) -> None:
    """What is rendered is crds/, with the annotation that keeps them (and every objective) at an uninstall."""
    sources = [yaml.safe_load(path.read_text()) for path in sorted(CRDS.glob("*.yaml"))]
    shipped = [document for document in render(lab_cluster) if document["kind"] == "CustomResourceDefinition"]
    assert [d["metadata"].pop("annotations") for d in shipped] == [{"helm.sh/resource-policy": "keep"}] * len(sources)
    assert shipped == sorted(sources, key=lambda document: str(document["metadata"]["name"]))
    assert len(shipped) == 5
