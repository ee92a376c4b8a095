"""What a Deployment refuses whose release was undone, and what stays free, as tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.fixtures_chart import InstalledChart
from tests.gate.asking import (
    DETACHED,
    HOLD,
    ID,
    OVERRIDE,
    QUEUE,
    RESTARTED,
    ROLLBACK,
    UNDONE,
    Change,
    Json,
    container,
    drop,
    put,
    template,
    workload,
)
from tests.gate.conftest import Shop

pytestmark = pytest.mark.lab
EVERYBODY: Final = ("developer", "oncall", "admin", "gitops-user", "gitops")
NEW_IMAGE: Final[Change] = [put("shop:v2", *container(0, "image"))]
RESUME: Final[Change] = [put(False, "spec", "paused")]
NO_LABEL: Final[Change] = [drop("metadata", "labels", QUEUE)]
ANOTHER_LABEL: Final[Change] = [put("other", "metadata", "labels", QUEUE)]
OWNER: Final = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "5f0c8f6e-0000-4000-8000-000000000000"}]
GATE: Final = "queue.holdfast.dev"

FREE: Final[dict[str, Change]] = {
    "another image": NEW_IMAGE,
    "another variable": [put("2", *container(0, "env", "0", "value"))],
    "a restart": [put("2026-02-02T00:00:00Z", *template("metadata", "annotations", RESTARTED))],
    "resources": [put({"limits": {"cpu": "1"}}, *container(0, "resources"))],
    "replicas": [put(3, "spec", "replicas")],
    "the strategy": [put({"type": "Recreate"}, "spec", "strategy")],
    "no history": [put(0, "spec", "revisionHistoryLimit")],
    "minReadySeconds": [put(9, "spec", "minReadySeconds")],
    "a label": [put("x", "metadata", "labels", "team")],
    "an annotation": [put({"a": "b"}, "metadata", "annotations")],
    "a finalizer": [put(["example.com/x"], "metadata", "finalizers")],
    "a pause that is there": [put(True, "spec", "paused")],
    "nothing at all": [],
}
REFUSED: Final[dict[str, Change]] = {
    "resuming": RESUME,
    "resuming by leaving it out": [drop("spec", "paused")],
    "resuming behind replicas": [*RESUME, put(3, "spec", "replicas")],
    "resuming behind a strategy": [*RESUME, put({"type": "Recreate"}, "spec", "strategy")],
    "the label removed": NO_LABEL,
    "all labels removed": [drop("metadata", "labels")],
    "the label removed and resumed": [*NO_LABEL, *RESUME],
    "the label altered": ANOTHER_LABEL,
    "the label emptied": [put("", "metadata", "labels", QUEUE)],
    "an override without a right that counts": [put("free-text", "metadata", "labels", OVERRIDE), *RESUME],
    "a rollback by annotation": [put({ROLLBACK: "1"}, "metadata", "annotations")],
}
# the fix, in a request that would also resume or take the label off
KEPT: Final[dict[str, Change]] = {
    "resumed": [*NEW_IMAGE, *RESUME],
    "without a pause": [*NEW_IMAGE, drop("spec", "paused")],
    "without the label": [*NEW_IMAGE, *NO_LABEL],
    "with another label": [*NEW_IMAGE, *ANOTHER_LABEL],
    "without anything of ours": [*NEW_IMAGE, *RESUME, drop("metadata", "labels")],
}


@pytest.mark.parametrize("change", FREE.values(), ids=FREE)
def test_lets_pass(shop: Shop, change: Change) -> None:
    """A fix, scale, strategy and metadata pass, by people and by GitOps; pause and label stay as they are."""
    for who in ("developer", "gitops", "admin"):
        answer = shop.change(who, "Deployment", "queued", change)
        assert answer.passed, f"{who}: {answer}"
        assert answer.body["spec"]["paused"] is True
        assert answer.body["metadata"]["labels"][QUEUE] == UNDONE


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_refuses(shop: Shop, change: Change) -> None:
    """Nobody resumes the release that was undone, takes the label off or rolls back by annotation."""
    for who in EVERYBODY:
        answer = shop.change(who, "Deployment", "queued", change)
        assert (answer.code, answer.body.get("reason")) == (403, "Forbidden"), f"{who}: {answer}"
        assert answer.policy in (GATE, "override.holdfast.dev"), f"{who}: {answer}"


def test_scaling_and_deletion_pass(shop: Shop) -> None:
    """Autoscalers write a Scale; a refused uninstall does more harm than a deletion."""
    scale: Json = {"spec": {"replicas": 3}}
    assert shop.ask("developer", "PATCH", shop.path("Deployment", "queued", "scale"), scale, patch="merge").passed
    assert shop.ask("developer", "DELETE", shop.path("Deployment", "queued")).passed


@pytest.mark.parametrize("change", KEPT.values(), ids=KEPT)
def test_a_fix_is_let_in_and_stays_paused(shop: Shop, change: Change) -> None:
    """Whatever else the request says, another template is stored paused and labelled, and the operator takes over."""
    for who in EVERYBODY:
        answer = shop.change(who, "Deployment", "queued", change)
        assert answer.passed, f"{who}: {answer}"
        assert answer.body["spec"]["paused"] is True
        assert answer.body["metadata"]["labels"][QUEUE] == UNDONE
        assert answer.body["spec"]["template"]["spec"]["containers"][0]["image"] == "shop:v2"


def test_gitops_that_declares_no_pause(shop: Shop) -> None:
    """Server-side apply by force and a replacement: the fix passes and stays paused, the undone release is refused."""
    where = shop.path("Deployment", "queued")
    document = shop.get("Deployment", "queued")
    labels, spec = document["metadata"]["labels"], document["spec"]
    del labels[QUEUE], spec["paused"]
    applied: Json = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "queued"},
        "spec": {"paused": False, "template": {"spec": {"containers": [{"name": "app", "image": "shop:v1"}]}}},
    }
    force = where + "?fieldManager=kustomize-controller&force=true"
    for who in ("gitops", "admin"):
        for refused in (
            shop.ask(who, "PUT", where, document),
            shop.ask(who, "PATCH", force, applied, patch="apply"),
        ):
            assert (refused.code, refused.policy) == (403, GATE), str(refused)
    spec["template"]["spec"]["containers"][0]["image"] = "shop:v2"
    applied["spec"]["template"]["spec"]["containers"][0]["image"] = "shop:v2"
    for who in ("gitops", "admin"):
        for passed in (shop.ask(who, "PUT", where, document), shop.ask(who, "PATCH", force, applied, patch="apply")):
            assert passed.passed, str(passed)
            assert passed.body["spec"]["paused"] is True
            assert passed.body["metadata"]["labels"][QUEUE] == UNDONE


def test_what_keep_writes_is_owned_by_nobody(own_shop: Shop) -> None:
    """The pause that the mutating policy put back belongs to no manager, so no later apply takes it away."""
    shop = own_shop
    shop.queued("Deployment", "checkout")
    where = shop.path("Deployment", "checkout")
    document = shop.get("Deployment", "checkout")
    del document["metadata"]["labels"][QUEUE], document["spec"]["paused"], document["metadata"]["resourceVersion"]
    document["spec"]["template"]["spec"]["containers"][0]["image"] = "shop:v2"
    after = shop.must("developer", "PUT", where, document)
    assert after["spec"]["paused"] is True
    owners = [
        entry["manager"]
        for entry in after["metadata"]["managedFields"]
        if "f:paused" in entry["fieldsV1"].get("f:spec", {})
    ]
    assert owners == []


SETS: Final[list[tuple[str, Change, bool]]] = [
    ("an image", NEW_IMAGE, False),
    ("replicas", [put(3, "spec", "replicas")], False),
    ("to nothing", [put(9, "spec", "minReadySeconds")], False),
    ("a label more", [put("x", "metadata", "labels", "team")], False),
    ("a label less", [drop("metadata", "labels", "app")], False),
    ("the mark removed", NO_LABEL, False),
    ("the mark altered", ANOTHER_LABEL, False),
    ("taken from its Deployment", [put("x", "metadata", "labels", DETACHED)], False),
    ("new owners", [put(OWNER, "metadata", "ownerReferences")], False),
    ("an annotation", [put({"a": "b"}, "metadata", "annotations")], True),
    ("a finalizer", [put(["example.com/x"], "metadata", "finalizers")], True),
]


@pytest.mark.parametrize(("change", "passes"), [case[1:] for case in SETS], ids=[case[0] for case in SETS])
def test_a_queued_replicaset(shop: Shop, change: Change, passes: bool) -> None:
    """The ReplicaSets serve while their Deployment does not look after them: nobody edits, scales or deletes one."""
    for who in EVERYBODY:
        answer = shop.change(who, "ReplicaSet", "queued", change)
        assert answer.passed is passes, f"{who}: {answer}"
        assert passes or (answer.policy, answer.body["reason"]) == (GATE, "Forbidden")


def test_a_queued_replicaset_is_not_deleted(shop: Shop) -> None:
    """Without it the release that was undone would come back under another hash."""
    for who in EVERYBODY:
        assert shop.ask(who, "DELETE", shop.path("ReplicaSet", "queued")).policy == GATE
    for cleaning in ("generic-garbage-collector", "namespace-controller", "deployment-controller"):
        user = f"system:serviceaccount:kube-system:{cleaning}"
        assert shop.ask(user, "DELETE", shop.path("ReplicaSet", "queued"), groups=("system:masters",)).passed


def test_the_scale_of_a_replicaset_is_not_seen(shop: Shop) -> None:
    """A Scale carries no labels, so this is open: the deployment controller or the operator sets it back."""
    scale: Json = {"spec": {"replicas": 3}}
    assert shop.ask("developer", "PATCH", shop.path("ReplicaSet", "queued", "scale"), scale, patch="merge").passed


def test_the_deployment_controller_is_judged_on_deployments(shop: Shop) -> None:
    """An annotation makes it roll back by itself, so only ReplicaSets are its own."""
    controller, rights = "system:serviceaccount:kube-system:deployment-controller", ("system:masters",)
    assert shop.change(controller, "Deployment", "queued", RESUME, groups=rights).policy == GATE
    assert shop.change(controller, "ReplicaSet", "queued", [put(3, "spec", "replicas")], groups=rights).passed


KEY: Final[Change] = [put(UNDONE, "metadata", "labels", OVERRIDE)]
HOLD_KEY: Final[Change] = [put(ID, "metadata", "labels", OVERRIDE)]

#   who           on which      what               which policy refuses
OVERRIDES: Final[list[tuple[str, str, Change, str]]] = [
    ("oncall", "queuedopen", RESUME, ""),
    ("oncall", "queuedopen", [*RESUME, *NO_LABEL], ""),
    ("oncall", "queuedopen", [*RESUME, *NO_LABEL, drop("metadata", "labels", OVERRIDE)], ""),
    ("oncall", "queued", [*KEY, *RESUME], ""),
    ("oncall", "queued", KEY, ""),
    ("admin", "queuedopen", RESUME, ""),  # by wildcard
    ("developer", "queuedopen", RESUME, GATE),
    ("developer", "queuedopen", NO_LABEL, GATE),
    ("otherday", "queuedopen", RESUME, GATE),  # the right for another Hold
    ("gitops", "queuedopen", RESUME, GATE),
    ("oncall", "queued", RESUME, GATE),
    ("oncall", "queued", [put("bad-release-aaaaa", "metadata", "labels", OVERRIDE), *RESUME], GATE),
    ("oncall", "queued", [put("", "metadata", "labels", OVERRIDE), *RESUME], GATE),
    ("developer", "queued", [*KEY, *RESUME], "override.holdfast.dev or " + GATE),
    ("gitops", "queued", KEY, "override.holdfast.dev"),
    ("admin", "queuedopen", ANOTHER_LABEL, GATE),  # no right to make another one
    ("developer", "queuedopen", [drop("metadata", "labels", OVERRIDE)], ""),
    # beside a hold
    ("oncall", "queuedheld", [*HOLD_KEY, *RESUME], ""),
    ("oncall", "queuedheld", [*HOLD_KEY, *NEW_IMAGE], ""),
    ("oncall", "queuedheld", [*KEY, *RESUME], "hold.holdfast.dev"),
    ("developer", "queuedheld", RESUME, "hold.holdfast.dev or " + GATE),
    ("developer", "queuedheld", NEW_IMAGE, "hold.holdfast.dev"),
    ("developer", "queuedheld", [*NEW_IMAGE, *RESUME], "hold.holdfast.dev"),
]


@pytest.mark.parametrize(
    ("who", "name", "change", "outcome"), OVERRIDES, ids=[f"{n}-{c[0]}-{c[1]}" for n, c in enumerate(OVERRIDES)]
)
def test_two_keys(shop: Shop, who: str, name: str, change: Change, outcome: str) -> None:
    """Letting the undone release out takes the label with its id, the right to override this Hold, and a person."""
    answer = shop.change(who, "Deployment", name, change)
    assert answer.passed is (outcome == ""), str(answer)
    assert answer.policy in outcome.split(" or "), str(answer)


def test_an_override_opens_a_replicaset_too(shop: Shop) -> None:
    """The label counts on the ReplicaSet it stands on, for who has the right."""
    change = [put(3, "spec", "replicas")]
    assert shop.change("admin", "ReplicaSet", "queuedopen", change).passed
    assert shop.change("developer", "ReplicaSet", "queuedopen", change).policy == GATE


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"])
def test_only_the_operator_sets_the_label(shop: Shop, kind: str) -> None:
    """Neither on something that is there nor in a manifest, and what is attempted is not repeated."""
    document = workload(kind, shop.namespace, "new")
    document["metadata"]["labels"][QUEUE] = "is-immutable"
    for who in EVERYBODY:
        adding = shop.change(who, kind, "free", [put("is-immutable", "metadata", "labels", QUEUE)])
        for answer in (adding, shop.ask(who, "POST", shop.path(kind), document)):
            assert (answer.code, answer.policy) == (403, GATE), f"{who}: {answer}"
            assert "set by Holdfast alone" in answer.sentence
            assert "is-immutable" not in answer.sentence


def test_the_sentence(shop: Shop) -> None:
    """It stands alone: object first, what is refused, what goes by itself, where to look, the way out last, in one line."""
    said = shop.change("developer", "Deployment", "queued", RESUME).sentence
    assert said == (
        f"Deployment gate/queued is quarantined ({UNDONE}): the release that it declares was stopped, so it stays paused. Another "
        "template goes out by itself once it is applied, with spec.paused and the label holdfast.dev/queue left alone. Still "
        "allowed: scale, apply, delete. Why and what ends it: kubectl get hold deployment-queued -n gate. Way out: holdfast lift "
        "deployment/queued -n gate --reason WHY, and the release that was stopped goes out again; or, if Holdfast is down, kubectl "
        "label deployment queued -n gate --field-manager=holdfast-override --overwrite "
        f"holdfast.dev/override={UNDONE} and send the change again (both need the right to override holds)."
    )
    assert re.search(r"[\r\n]", said) is None


def test_the_sentence_beside_a_hold_promises_nothing(shop: Shop) -> None:
    """Where a hold keeps another template waiting, both policies refuse, and neither says that a fix passes."""
    said = shop.change("developer", "Deployment", "queuedheld", NO_LABEL).sentence
    assert f"It is on hold too ({ID}), so another template waits as well." in said
    assert "goes out by itself once" not in said
    assert shop.get("Deployment", "queuedheld")["metadata"]["labels"][HOLD] == ID


def test_a_huge_workload_is_judged(shop: Shop) -> None:
    """1 MB of template stays within the cost limits of the server: a fix and a resumption, a ReplicaSet, what the operator puts back."""
    variables = [{"name": f"VARIABLE_{n}", "value": "x" * 60} for n in range(250)]
    containers = [{"name": f"c{n}", "image": "shop:v1", "env": variables} for n in range(40)]
    for kind in ("Deployment", "ReplicaSet", "StatefulSet"):
        document = workload(kind, shop.namespace, "huge-queued")
        document["spec"]["template"]["spec"]["containers"] = containers
        shop.must("admin", "POST", shop.path(kind), document)
    for kind in ("Deployment", "ReplicaSet"):
        shop.queue(kind, "huge-queued")
    shop.hold("StatefulSet", "huge-queued")
    image = [put("shop:v2", *container(39, "image"))]
    kept = shop.change("gitops", "Deployment", "huge-queued", [*image, *RESUME])
    assert kept.passed, str(kept)
    assert kept.body["spec"]["paused"] is True
    assert shop.change("gitops", "Deployment", "huge-queued", RESUME).policy == GATE
    assert shop.change("gitops", "ReplicaSet", "huge-queued", image).policy == GATE
    assert shop.change("gitops", "ReplicaSet", "huge-queued", [put({"a": "b"}, "metadata", "annotations")]).passed
    put_back = shop.change("operator", "StatefulSet", "huge-queued", image)
    assert put_back.passed, str(put_back)
    assert shop.change("operator", "StatefulSet", "huge-queued", [*image, put(3, "spec", "replicas")]).code == 403


@pytest.fixture
def without_keep(shop: Shop, installed_chart: InstalledChart) -> Iterator[Shop]:
    """The same gate without the mutating policy, as before Kubernetes 1.36."""
    installed_chart.upgrade(gate__keep=False)
    yield shop
    installed_chart.restore()


def test_without_keep_a_fix_that_resumes_is_refused(without_keep: Shop) -> None:
    """Then a Git that declares `paused: false` is told to leave it alone, and a fix that does so passes."""
    shop = without_keep
    fix = [*NEW_IMAGE, *RESUME]
    shop.cluster.wait(lambda: not shop.change("gitops", "Deployment", "queued", fix).passed, 10, "keep to be gone")
    refused = shop.change("gitops", "Deployment", "queued", fix)
    assert refused.policy == GATE
    assert "with spec.paused and the label holdfast.dev/queue left alone" in refused.sentence
    assert shop.change("gitops", "Deployment", "queued", NEW_IMAGE).passed
