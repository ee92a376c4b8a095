"""What a held workload refuses, and what stays free, as tables."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.gate.asking import (
    HOLD,
    ID,
    OVERRIDE,
    RESTARTED,
    ROLLBACK,
    UNDONE,
    Change,
    container,
    drop,
    put,
    template,
    workload,
)
from tests.gate.conftest import Shop

pytestmark = pytest.mark.lab
NEW_IMAGE: Final[Change] = [put("shop:v2", *container(0, "image"))]
RESTART: Final[Change] = [put("2026-02-02T00:00:00Z", *template("metadata", "annotations", RESTARTED))]
MORE_CPU: Final[Change] = [put({"limits": {"cpu": "1"}}, *container(0, "resources"))]
OWNER: Final = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "5f0c8f6e-0000-4000-8000-000000000000"}]

# who may try is tried with everybody who has the right to edit: rights do not matter here, only the override does
EVERYBODY: Final = ("developer", "oncall", "admin", "gitops-user", "gitops")

FREE: Final[dict[str, Change]] = {
    "replicas": [put(3, "spec", "replicas")],
    "a label": [put("x", "metadata", "labels", "team")],
    "annotations": [put({"a": "b"}, "metadata", "annotations")],
    "a finalizer": [put(["example.com/x"], "metadata", "finalizers")],
    "a restart": RESTART,
    "a first restart removed": [drop(*template("metadata", "annotations", RESTARTED))],
    "resources": MORE_CPU,
    "resources of the second container": [put({"limits": {"cpu": "1"}}, *container(1, "resources"))],
    "resources removed": [drop(*container(0, "resources"))],
    "resources of an init container": [
        put({"limits": {"cpu": "1"}}, *container(0, "resources", kind="initContainers"))
    ],
    "resources of the pod": [put({"limits": {"cpu": "1"}}, *template("spec", "resources"))],
    "restart, resources and replicas": [*RESTART, *MORE_CPU, put(3, "spec", "replicas")],
    "a pause": [put(True, "spec", "paused")],
    "nothing at all": [],
}

REFUSED: Final[dict[str, Change]] = {
    "an image": NEW_IMAGE,
    "the image of an init container": [put("init:v2", *container(0, "image", kind="initContainers"))],
    "an environment variable": [put("2", *container(0, "env", "0", "value"))],
    "a command": [put(["sh"], *container(0, "command"))],
    "one more container": [put({"name": "more", "image": "more:v1"}, *container(0))],
    "one container less": [drop(*container(1))],
    "an init container removed": [drop(*template("spec", "initContainers"))],
    "containers in another order": [
        {"op": "move", "from": "/spec/template/spec/containers/0", "path": "/spec/template/spec/containers/1"}
    ],
    "another container name": [put("main", *container(0, "name"))],
    "a volume": [put([{"name": "v", "emptyDir": {}}], *template("spec", "volumes"))],
    "a template label": [put("x", *template("metadata", "labels", "version"))],
    "a template annotation": [put("x", *template("metadata", "annotations", "version"))],
    "a template annotation removed": [drop(*template("metadata", "annotations", "team"))],
    "all template annotations removed": [drop(*template("metadata", "annotations"))],
    "the service account": [put("other", *template("spec", "serviceAccountName"))],
    "the grace period": [put(5, *template("spec", "terminationGracePeriodSeconds"))],
    "a node selector": [put({"a": "b"}, *template("spec", "nodeSelector"))],
    "an image behind a restart": [*RESTART, *NEW_IMAGE],
    "an environment variable behind resources": [*MORE_CPU, put("2", *container(0, "env", "0", "value"))],
    "a template annotation behind a restart": [*RESTART, put("x", *template("metadata", "annotations", "version"))],
    "an image behind replicas": [put(3, "spec", "replicas"), *NEW_IMAGE],
    "an image behind a pause": [put(True, "spec", "paused"), *NEW_IMAGE],
    "the strategy": [put({"type": "Recreate"}, "spec", "strategy")],
    "the history limit": [put(1, "spec", "revisionHistoryLimit")],
    "minReadySeconds": [put(9, "spec", "minReadySeconds")],
    "minReadySeconds removed": [drop("spec", "minReadySeconds")],
    "the deadline": [put(99, "spec", "progressDeadlineSeconds")],
    "the hold label removed": [drop("metadata", "labels", HOLD)],
    "all labels removed": [drop("metadata", "labels")],
    "the hold label altered": [put("other", "metadata", "labels", HOLD)],
    "the hold label emptied": [put("", "metadata", "labels", HOLD)],
    "the hold label removed with an image": [drop("metadata", "labels", HOLD), *NEW_IMAGE],
    "an override without a right that counts": [put("free-text", "metadata", "labels", OVERRIDE), *NEW_IMAGE],
    "a rollback by annotation": [put({ROLLBACK: "1"}, "metadata", "annotations")],
    "new owners": [put(OWNER, "metadata", "ownerReferences")],
}


@pytest.mark.parametrize("change", FREE.values(), ids=FREE)
def test_a_held_deployment_lets_pass(shop: Shop, change: Change) -> None:
    """Scale, metadata, pause, restart and container resources are nobody's release."""
    answer = shop.change("developer", "Deployment", "held", change)
    assert answer.passed, str(answer)


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_a_held_deployment_refuses(shop: Shop, change: Change) -> None:
    """Everything else of spec, the hold label, rollback by annotation and new owners are refused to everybody alike."""
    for who in EVERYBODY:
        answer = shop.change(who, "Deployment", "held", change)
        assert (answer.code, answer.body.get("reason")) == (403, "Forbidden"), f"{who}: {answer}"
        assert answer.policy in ("hold.holdfast.dev", "override.holdfast.dev"), f"{who}: {answer}"


def test_scaling_by_the_subresource_passes(shop: Shop) -> None:
    """HPA, KEDA and `kubectl scale` write a Scale, which carries no label of ours."""
    answer = shop.ask(
        "developer", "PATCH", shop.path("Deployment", "held", "scale"), {"spec": {"replicas": 3}}, patch="merge"
    )
    assert answer.passed, str(answer)


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"])
def test_deletion_is_free(shop: Shop, kind: str) -> None:
    """A refused `helm uninstall` does more harm than a deletion."""
    assert shop.ask("developer", "DELETE", shop.path(kind, "held")).passed


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        ([drop("spec", "paused")], False),
        ([put(False, "spec", "paused")], False),
        ([put(False, "spec", "paused"), put(3, "spec", "replicas")], False),
        ([put(False, "spec", "paused"), *NEW_IMAGE], False),
        ([put(3, "spec", "replicas")], True),
        (RESTART, True),
        (MORE_CPU, True),
        (NEW_IMAGE, False),
    ],
)
def test_a_paused_held_deployment_stays_paused(shop: Shop, change: Change, passes: bool) -> None:
    """Resuming ships what is declared, so it is a release."""
    for who in EVERYBODY:
        answer = shop.change(who, "Deployment", "paused", change)
        assert answer.passed is passes, f"{who}: {answer}"


def test_status_is_no_side_door(shop: Shop) -> None:
    """Labels, spec and the annotation for a rollback are dropped by the server when they come through status."""
    change = [put({ROLLBACK: "1"}, "metadata", "annotations"), drop("metadata", "labels", HOLD), *NEW_IMAGE]
    after = shop.change("admin", "Deployment", "held", change, "status").body
    assert ROLLBACK not in after["metadata"].get("annotations", {})
    assert after["metadata"]["labels"][HOLD] == ID
    assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "shop:v1"


def test_a_replace_without_the_label_hears_about_its_release(shop: Shop) -> None:
    """`replace` and `helm upgrade --force` send no label of ours; the first thing to say is that the release waits."""
    document = shop.get("Deployment", "held")
    del document["metadata"]["labels"][HOLD]
    same = shop.ask("developer", "PUT", shop.path("Deployment", "held"), document)
    assert "label holdfast.dev/hold stays" in same.sentence
    document["spec"]["template"]["spec"]["containers"][0]["image"] = "shop:v2"
    other = shop.ask("developer", "PUT", shop.path("Deployment", "held"), document)
    assert "spec.template may not change" in other.sentence


def test_server_side_apply_is_no_way_around(shop: Shop) -> None:
    """Forcing conflicts changes neither the label nor the template; the held manifest itself applies."""
    document = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "held"},
        "spec": {"template": {"spec": {"containers": [{"name": "app", "image": "shop:v2"}]}}},
    }
    where = shop.path("Deployment", "held") + "?fieldManager=ci&force=true"
    assert shop.ask("developer", "PATCH", where, document, patch="apply").code == 403
    document["spec"]["template"]["spec"]["containers"][0]["image"] = "shop:v1"  # type: ignore[index]
    assert shop.ask("developer", "PATCH", where, document, patch="apply").passed


SETS: Final[list[tuple[str, Change, bool]]] = [
    ("an image", NEW_IMAGE, False),
    ("a restart, which is nobody's business on a ReplicaSet", RESTART, False),
    ("resources, likewise", MORE_CPU, False),
    ("minReadySeconds", [put(9, "spec", "minReadySeconds")], False),
    ("the hold label removed", [drop("metadata", "labels", HOLD)], False),
    ("new owners", [put(OWNER, "metadata", "ownerReferences")], False),
    ("replicas", [put(3, "spec", "replicas")], True),
    ("a label", [put("x", "metadata", "labels", "team")], True),
]


@pytest.mark.parametrize(("change", "passes"), [case[1:] for case in SETS], ids=[case[0] for case in SETS])
def test_a_held_replicaset(shop: Shop, change: Change, passes: bool) -> None:
    """In a paused Deployment an edited ReplicaSet would ship another image, so its spec is fixed; scaling is not."""
    for who in ("developer", "admin", "gitops"):
        answer = shop.change(who, "ReplicaSet", "held", change)
        assert answer.passed is passes, f"{who}: {answer}"


def test_the_deployment_controller_keeps_history_and_nothing_else(shop: Shop) -> None:
    """It may adopt and trim ReplicaSets, held or not; on a Deployment an old annotation makes it roll back by itself."""
    controller, rights = "system:serviceaccount:kube-system:deployment-controller", ("system:masters",)
    assert shop.change(
        controller, "ReplicaSet", "held", [put(OWNER, "metadata", "ownerReferences")], groups=rights
    ).passed
    assert shop.change(controller, "Deployment", "held", NEW_IMAGE, groups=rights).policy == "hold.holdfast.dev"
    revision = [put({"deployment.kubernetes.io/revision": "7"}, "metadata", "annotations")]
    assert shop.change(controller, "Deployment", "held", revision, groups=rights).passed
    other = "system:serviceaccount:kube-system:replicaset-controller"
    assert shop.change(other, "ReplicaSet", "held", NEW_IMAGE, groups=rights).policy == "hold.holdfast.dev"


SETTLED: Final[list[tuple[str, str, Change, bool]]] = [
    ("StatefulSet", "an image", NEW_IMAGE, False),
    ("StatefulSet", "the update strategy", [put({"type": "OnDelete"}, "spec", "updateStrategy")], False),
    ("StatefulSet", "the hold label", [drop("metadata", "labels", HOLD)], False),
    ("StatefulSet", "replicas", [put(3, "spec", "replicas")], True),
    ("StatefulSet", "a restart", RESTART, True),
    ("StatefulSet", "resources", MORE_CPU, True),
    ("DaemonSet", "an image", NEW_IMAGE, False),
    ("DaemonSet", "the update strategy", [put({"type": "OnDelete"}, "spec", "updateStrategy")], False),
    ("DaemonSet", "the hold label", [drop("metadata", "labels", HOLD)], False),
    ("DaemonSet", "a restart", RESTART, True),
    ("DaemonSet", "resources", MORE_CPU, True),
]


@pytest.mark.parametrize(
    ("kind", "change", "passes"), [(c[0], c[2], c[3]) for c in SETTLED], ids=[f"{c[0]}, {c[1]}" for c in SETTLED]
)
def test_held_sets(shop: Shop, kind: str, change: Change, passes: bool) -> None:
    """StatefulSets and DaemonSets follow the same rule."""
    answer = shop.change("developer", kind, "held", change)
    assert answer.passed is passes, str(answer)


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"])
def test_only_the_operator_sets_the_label(shop: Shop, kind: str) -> None:
    """A label that anybody could set would be a way to stop other people's releases."""
    for who in EVERYBODY:
        adding = shop.change(who, kind, "free", [put("x", "metadata", "labels", HOLD)])
        document = {**shop.get(kind, "held"), "status": {}}
        document["metadata"] = {"name": "copy", "namespace": shop.namespace, "labels": document["metadata"]["labels"]}
        creating = shop.ask(who, "POST", shop.path(kind), document)
        for answer in (adding, creating):
            assert (answer.code, answer.policy) == (403, "hold.holdfast.dev"), f"{who}: {answer}"
            assert "set by Holdfast alone" in answer.sentence
            assert ID not in answer.sentence  # what is attempted is the user's text
    if kind in ("Deployment", "ReplicaSet"):
        assert shop.change("operator", kind, "free", [put("x", "metadata", "labels", HOLD)]).passed


def test_without_our_labels_nothing_is_judged(shop: Shop) -> None:
    """An unheld workload is as free as without Holdfast."""
    for who in ("developer", "gitops", "admin"):
        for change in (
            NEW_IMAGE,
            [put({ROLLBACK: "1"}, "metadata", "annotations")],
            [put({"type": "Recreate"}, "spec", "strategy")],
        ):
            assert shop.change(who, "Deployment", "free", change).passed


def test_the_sentence(shop: Shop) -> None:
    """It stands alone: object first, what is refused, what is still allowed, where the figures are, the way out last."""
    answer = shop.change("developer", "Deployment", "held", [*NEW_IMAGE, put(1, "spec", "revisionHistoryLimit")])
    start, _, rest = answer.sentence.partition("so ")
    fields, _, rest = rest.partition(" may not change. ")
    assert start == f"Deployment gate/held is on hold ({ID}): no new release until its error budget recovers, "
    assert sorted(fields.split(", ")) == ["spec.revisionHistoryLimit", "spec.template"]
    assert rest == (
        "Still allowed: scale, restart, resources, delete. Why and until when: kubectl get hold deployment-held -n gate. "
        "Way out: kubectl label deployment held -n gate --field-manager=holdfast-override --overwrite "
        f"holdfast.dev/override={ID} and send the change again (needs the right to override holds)."
    )
    assert re.search(r"[\r\n]", answer.sentence) is None


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_the_sentence_where_a_release_was_undone(shop: Shop, kind: str) -> None:
    """StatefulSets and DaemonSets have no queue: they are held with the id of the undo, and no budget ends that."""
    shop.create(kind, "undone")
    label = {"metadata": {"labels": {HOLD: UNDONE}}}
    shop.must("operator", "PATCH", shop.path(kind, "undone"), label, patch="merge")
    said, name = shop.change("gitops", kind, "undone", NEW_IMAGE).sentence, f"{kind.lower()}"
    assert said.startswith(
        f"{kind} gate/undone is on hold ({UNDONE}): its last release was undone, and no other one goes out before a person "
        "lets it, so spec.template may not change. "
    )
    assert (
        f"Way out: holdfast lift {name}/undone -n gate --reason WHY; or, if Holdfast is down, kubectl label {name} undone -n gate "
        in said
    )


def test_a_huge_workload_is_judged(shop: Shop) -> None:
    """40 containers with 250 variables each (1 MB) stay within the cost limits of the server: refused and admitted alike."""
    variables = [{"name": f"VARIABLE_{n}", "value": "x" * 60} for n in range(250)]
    containers = [{"name": f"c{n}", "image": "shop:v1", "env": variables} for n in range(40)]
    document = workload("Deployment", shop.namespace, "huge", paused=True)  # no controller need work on it
    document["spec"]["template"]["spec"]["containers"] = containers
    shop.must("admin", "POST", shop.path("Deployment"), document)
    shop.hold("Deployment", "huge")
    assert (
        shop.change("developer", "Deployment", "huge", [put("shop:v2", *container(39, "image"))]).policy
        == "hold.holdfast.dev"
    )
    answer = shop.change(
        "developer", "Deployment", "huge", [put({"limits": {"cpu": "1"}}, *container(39, "resources"))]
    )
    assert answer.passed, str(answer)
