"""What the operator's own account can do to workloads and pods, and nothing else; who asks is the account or its token."""

from __future__ import annotations

from typing import Final

import pytest

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
SELF: Final = "self.holdfast.dev"
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
NEW_IMAGE: Final[Change] = [put("shop:v2", *container(0, "image"))]
STOPPED: Final[Change] = [
    put({"rollingUpdate": {"partition": 2147483647}, "type": "RollingUpdate"}, "spec", "updateStrategy")
]
HELD: Final[Change] = [put(ID, "metadata", "labels", HOLD)]
QUEUED: Final[Change] = [put(UNDONE, "metadata", "labels", QUEUE)]

#   kind          which         what                                                        passes
CASES: Final[list[tuple[str, str, Change, bool]]] = [
    ("Deployment", "free", HELD, True),
    ("Deployment", "free", [*HELD, put(True, "spec", "paused")], True),
    ("Deployment", "free", [*QUEUED, put(True, "spec", "paused")], True),
    ("Deployment", "queued", [drop("metadata", "labels", QUEUE), put(False, "spec", "paused")], True),
    ("Deployment", "queuedheld", [drop("metadata", "labels", QUEUE)], True),
    ("Deployment", "paused", [drop("metadata", "labels", HOLD), put(False, "spec", "paused")], True),
    ("Deployment", "paused", [drop("metadata", "labels", HOLD), drop("spec", "paused")], True),
    ("Deployment", "overridden", [drop("metadata", "labels", OVERRIDE)], True),
    ("ReplicaSet", "free", HELD, True),
    ("ReplicaSet", "free", QUEUED, True),
    ("ReplicaSet", "held", [drop("metadata", "labels", HOLD)], True),
    ("ReplicaSet", "queued", [drop("metadata", "labels", QUEUE)], True),
    ("StatefulSet", "free", HELD, True),
    ("StatefulSet", "free", [*HELD, *STOPPED], True),
    ("StatefulSet", "held", [drop("metadata", "labels", HOLD), *STOPPED], True),
    ("StatefulSet", "held", NEW_IMAGE, True),
    ("StatefulSet", "free", [*HELD, *NEW_IMAGE], True),
    ("StatefulSet", "held", [*NEW_IMAGE, put("{}", "metadata", "annotations", LAST_APPLIED)], True),
    ("DaemonSet", "free", [*HELD, *NEW_IMAGE], True),
    ("DaemonSet", "held", NEW_IMAGE, True),
    # a Deployment's template is never its business
    ("Deployment", "free", NEW_IMAGE, False),
    ("Deployment", "held", NEW_IMAGE, False),
    ("Deployment", "queued", NEW_IMAGE, False),
    ("Deployment", "held", [put("x", *template("metadata", "annotations", RESTARTED))], False),
    ("Deployment", "held", [put(3, "spec", "replicas")], False),
    ("Deployment", "held", [put(1, "spec", "revisionHistoryLimit")], False),
    ("Deployment", "held", [put("x", "metadata", "labels", "team")], False),
    ("Deployment", "held", [drop("metadata", "labels", "app")], False),
    ("Deployment", "held", [put(ID, "metadata", "labels", OVERRIDE)], False),
    ("Deployment", "queued", [put("x", "metadata", "labels", DETACHED)], False),
    ("Deployment", "held", [put({ROLLBACK: "1"}, "metadata", "annotations")], False),
    ("Deployment", "held", [put({LAST_APPLIED: "{}"}, "metadata", "annotations")], False),
    ("Deployment", "held", [put(["kopf.zalando.org/x"], "metadata", "finalizers")], False),
    # of a ReplicaSet that its Deployment looks after only the marks
    ("ReplicaSet", "free", [put(3, "spec", "replicas")], False),
    ("ReplicaSet", "queued", [put(3, "spec", "replicas")], False),
    ("ReplicaSet", "queued", [put(0, "spec", "replicas"), put(1, "spec", "minReadySeconds")], False),
    ("ReplicaSet", "free", NEW_IMAGE, False),
    ("ReplicaSet", "queued", NEW_IMAGE, False),
    ("ReplicaSet", "queued", [put("x", "metadata", "labels", "team")], False),
    ("ReplicaSet", "queued", [put("x", "metadata", "labels", DETACHED)], False),
    ("ReplicaSet", "queued", [drop("metadata", "labels", "app")], False),
    # of the others nothing without a label of ours, and never the rest of spec
    ("StatefulSet", "free", NEW_IMAGE, False),
    ("StatefulSet", "free", STOPPED, False),
    ("StatefulSet", "held", [put({"type": "OnDelete"}, "spec", "updateStrategy")], False),
    ("StatefulSet", "held", [put(3, "spec", "replicas")], False),
    ("StatefulSet", "held", [put(9, "spec", "minReadySeconds")], False),
    ("StatefulSet", "held", [put("x", "metadata", "annotations", "team")], False),
    ("StatefulSet", "held", [drop("metadata", "annotations", LAST_APPLIED)], False),
    ("StatefulSet", "free", [put("{}", "metadata", "annotations", LAST_APPLIED)], False),
    ("DaemonSet", "free", NEW_IMAGE, False),
    ("DaemonSet", "held", [put({"type": "OnDelete"}, "spec", "updateStrategy")], False),
    ("DaemonSet", "held", [put({LAST_APPLIED: "{}"}, "metadata", "annotations")], False),
]


@pytest.fixture(scope="module")
def applied(shop: Shop) -> Shop:
    """The shop, whose StatefulSets were made by `kubectl apply`."""
    for name in ("free", "held"):
        note = [{"op": "add", "path": "/metadata/annotations", "value": {LAST_APPLIED: '{"a":"b"}'}}]
        shop.must("admin", "PATCH", shop.path("StatefulSet", name), note)
    return shop


@pytest.mark.parametrize(
    ("kind", "name", "change", "passes"), CASES, ids=[f"{n}-{c[0]}-{c[1]}" for n, c in enumerate(CASES)]
)
def test_the_account_changes_what_undoing_takes_alone(
    applied: Shop, kind: str, name: str, change: Change, passes: bool
) -> None:
    """Labels, pause, partition and templates put back under a label: nothing else passes, whoever has the token."""
    answer = applied.change("operator", kind, name, change)
    assert answer.passed is passes, str(answer)
    assert passes or answer.policy == SELF


class Rollout:
    """A Deployment of an own shop with a good and a bad ReplicaSet, queued as the operator does it."""

    def __init__(self, shop: Shop) -> None:
        """Two releases, the second in flight."""
        self.shop = shop
        shop.create("Deployment", "checkout", replicas=1)
        shop.cluster.wait_rollout(shop.namespace, "checkout")
        bad = [put("shop:never", *container(0, "image"))]
        shop.must("developer", "PATCH", shop.path("Deployment", "checkout"), bad)
        shop.cluster.wait(lambda: len(shop.sets()) == 2, 10, "the second ReplicaSet", every=0.05)
        shop.queue("Deployment", "checkout")
        for owned in shop.sets():
            shop.queue("ReplicaSet", owned["metadata"]["name"])

    def bad(self) -> Json:
        """The ReplicaSet of the bad release."""
        return self.shop.get("ReplicaSet", self.name)

    @property
    def name(self) -> str:
        """Its name; found while it carries its labels."""
        images = {
            owned["spec"]["template"]["spec"]["containers"][0]["image"]: owned["metadata"]["name"]
            for owned in self.shop.must("admin", "GET", self.shop.path("ReplicaSet"))["items"]
        }
        return str(images["shop:never"])

    def detaching(self, **replaced: object) -> Change:
        """The patch that takes the bad one from its Deployment, with parts replaced."""
        uid = self.shop.get("Deployment", "checkout")["metadata"]["uid"]
        labels = replaced.get("labels", {DETACHED: uid, QUEUE: UNDONE})
        first = ("metadata", "ownerReferences", "0")
        return [
            put(labels, "metadata", "labels"),
            put(replaced.get("controller", False), *first, "controller"),
            put(False, *first, "blockOwnerDeletion"),
        ]


def test_a_replicaset_is_set_aside_and_given_back(own_shop: Shop) -> None:
    """Taken from its Deployment it keeps its owner, is scaled to 0 and no further, and gets its own labels back only."""
    shop = own_shop
    rollout = Rollout(shop)
    name, where = rollout.name, shop.path("ReplicaSet", rollout.name)
    labels = rollout.bad()["metadata"]["labels"]
    foreign = {"metadata": {"ownerReferences": None}}

    def refused(*change: Json) -> None:
        answer = shop.change("operator", "ReplicaSet", name, list(change))
        assert answer.policy == SELF, str(answer)

    for wrong in (
        {DETACHED: "5f0c8f6e-0000-4000-8000-000000000000", QUEUE: UNDONE},  # not its Deployment
        {DETACHED: rollout.bad()["metadata"]["ownerReferences"][0]["uid"]},  # without the mark
        {**labels, DETACHED: rollout.bad()["metadata"]["ownerReferences"][0]["uid"]},  # with labels that select
        {DETACHED: rollout.bad()["metadata"]["ownerReferences"][0]["uid"], QUEUE: UNDONE, "app": "other"},
    ):
        refused(*rollout.detaching(labels=wrong))
    refused(*rollout.detaching()[1:])  # no longer controlled, and nothing says so
    refused(*rollout.detaching(), put("other", "metadata", "ownerReferences", "0", "name"))
    refused(*rollout.detaching(), put([], "metadata", "ownerReferences"))
    refused(*rollout.detaching(), put(3, "spec", "replicas"))
    refused(*rollout.detaching(), put("shop:v9", *container(0, "image")))
    assert shop.change("operator", "ReplicaSet", name, [*rollout.detaching(), put(0, "spec", "replicas")]).passed
    shop.must("operator", "PATCH", where, rollout.detaching())

    refused(put(5, "spec", "replicas"))
    refused(put("shop:v9", *container(0, "image")))
    refused(put({**labels, "app": "other"}, "metadata", "labels"))
    refused(put({QUEUE: UNDONE, "app": "shop"}, "metadata", "labels"))
    refused(put({**labels, "team": "x"}, "metadata", "labels"))
    assert shop.ask("operator", "PATCH", where, foreign, patch="merge").policy == SELF
    for who in ("developer", "admin", "gitops"):
        assert shop.change(who, "ReplicaSet", name, [put(labels, "metadata", "labels")]).policy == "queue.holdfast.dev"
        assert shop.ask(who, "DELETE", where).policy == "queue.holdfast.dev"
    shop.must("operator", "PATCH", where, {"spec": {"replicas": 0}}, patch="merge")
    shop.must("operator", "PATCH", where, [put(labels, "metadata", "labels")])

    def adopted() -> bool:
        return bool(rollout.bad()["metadata"]["ownerReferences"][0].get("controller"))

    shop.cluster.wait(adopted, 10, "its Deployment to take it back", every=0.05)


def test_a_replicaset_is_created_as_its_deployment_would(own_shop: Shop) -> None:
    """Only with the queue label, named after its Deployment and labelled after its template; never in some namespaces."""
    shop = own_shop
    rollout = Rollout(shop)
    good = next(s for s in shop.sets() if s["metadata"]["name"] != rollout.name)
    document: Json = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "checkout-5d4bc", "namespace": shop.namespace, "labels": {}},
        "spec": good["spec"],
    }
    spec = document["spec"]
    spec["template"]["metadata"]["labels"]["pod-template-hash"] = "5d4bc"
    spec["selector"]["matchLabels"]["pod-template-hash"] = "5d4bc"
    owner = {**good["metadata"]["ownerReferences"][0], "controller": False, "blockOwnerDeletion": False}
    document["metadata"]["labels"] = {**spec["template"]["metadata"]["labels"], QUEUE: UNDONE}
    document["metadata"]["ownerReferences"] = [owner]

    def ask(namespace: str = "", **metadata: object) -> str:
        body = {**document, "metadata": {**document["metadata"], **metadata}}
        where = shop.path("ReplicaSet")
        if namespace:
            body["metadata"]["namespace"] = namespace
            where = where.replace(f"/{shop.namespace}/", f"/{namespace}/")
        answer = shop.ask("operator", "POST", where, body)
        assert answer.code in (201, 403), str(answer)
        return answer.policy

    labels = document["metadata"]["labels"]
    assert ask() == ""
    assert ask(labels={**labels, HOLD: ID}) == ""
    assert ask(name="checkout-other") == SELF
    assert ask(labels=spec["template"]["metadata"]["labels"]) == SELF
    assert ask(labels={**labels, "team": "x"}) == SELF
    assert ask(labels={QUEUE: UNDONE, **spec["selector"]["matchLabels"], "app": "other"}) == SELF
    assert ask(ownerReferences=[]) == SELF
    assert ask(ownerReferences=[{**owner, "controller": True}]) == SELF
    assert ask(ownerReferences=[{**owner, "name": "other"}]) == SELF
    assert ask(ownerReferences=[{**owner, "kind": "StatefulSet"}]) == SELF
    for protected in ("kube-system", shop.chart.namespace):
        assert ask(namespace=protected) == SELF


def test_templates_are_put_back_neither_in_kubernetes_nor_at_home(shop: Shop) -> None:
    """The namespaces whose pods could take over the cluster are out of reach for a stolen token."""
    for namespace in ("kube-system", shop.chart.namespace):
        where = shop.path("DaemonSet").replace(f"/{shop.namespace}/", f"/{namespace}/")
        document = workload("DaemonSet", namespace, "agent")
        document["spec"]["template"]["spec"]["nodeSelector"] = {"nowhere": "x"}
        shop.must("admin", "POST", where, document)
        try:
            assert shop.ask("operator", "PATCH", f"{where}/agent", [*HELD, *NEW_IMAGE]).policy == SELF
            assert shop.ask("operator", "PATCH", f"{where}/agent", HELD).passed
        finally:
            shop.must("admin", "DELETE", f"{where}/agent")


def test_pods_of_sets_alone_are_deleted(own_shop: Shop) -> None:
    """A StatefulSet or DaemonSet makes them anew; a bare pod and that of a ReplicaSet stay, and none is made or changed."""
    shop = own_shop
    pods = f"/api/v1/namespaces/{shop.namespace}/pods"

    def pod(name: str, kind: str = "", api: str = "apps/v1", **controller: bool) -> str:
        body: Json = {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "shop:v1"}]}}
        if kind:
            uid = "5f0c8f6e-0000-4000-8000-000000000000"
            body["metadata"]["ownerReferences"] = [
                {"apiVersion": api, "kind": kind, "name": "x", "uid": uid, **controller}
            ]
        shop.must("admin", "POST", pods, body)
        return f"{pods}/{name}"

    shop.cluster.controller_manager.freeze()  # or the garbage collector takes those whose owner is not there
    try:
        for kind in ("StatefulSet", "DaemonSet"):
            assert shop.ask("operator", "DELETE", pod(f"of-{kind.lower()}", kind, controller=True)).passed
        for where in (
            pod("bare"),
            pod("of-a-replicaset", "ReplicaSet", controller=True),
            pod("of-another-group", "StatefulSet", "apps.example.com/v1", controller=True),
            pod("owned-only", "StatefulSet"),
        ):
            assert shop.ask("operator", "DELETE", where).policy == SELF
    finally:
        shop.cluster.controller_manager.thaw()
    rights = ("system:masters",)
    user, image = shop.chart.user, [put("shop:v9", "spec", "containers", "0", "image")]
    assert shop.ask(user, "PATCH", f"{pods}/of-statefulset", image, groups=rights).policy == SELF
    body = {"metadata": {"name": "new"}, "spec": {"containers": [{"name": "c", "image": "shop:v1"}]}}
    assert shop.ask(user, "POST", pods, body, groups=rights).policy == SELF
    assert shop.ask("operator", "DELETE", pods).code == 403  # no right to delete all at once


def test_more_rights_do_not_help(shop: Shop) -> None:
    """Bound to system:masters by mistake, the account still neither creates, deletes nor edits workloads."""
    rights = ("system:masters",)
    for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"):
        answers = (
            shop.ask(shop.chart.user, "POST", shop.path(kind), workload(kind, shop.namespace, "new"), groups=rights),
            shop.ask(shop.chart.user, "DELETE", shop.path(kind, "free"), groups=rights),
            shop.change(shop.chart.user, kind, "free", NEW_IMAGE, groups=rights),
        )
        assert [answer.policy for answer in answers] == [SELF] * 3
