"""Refusals that machines read too: always 403 Forbidden, and never the words that make Flux delete and re-create."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.fixtures_chart import CHART, POLICIES, POLICY_PATH, InstalledChart
from tests.gate.asking import HOLD, ID, OVERRIDE, QUEUE, ROLLBACK, Answer, container, drop, put, workload
from tests.gate.conftest import Shop, open_shop

pytestmark = pytest.mark.lab
IMMUTABLE: Final = re.compile(r"is\simmutable|immutable\sfield")  # Flux, pkg/ssa/errors
# names have no whitespace, so a match takes two neighbours: the ends of these are all the halves there are
HOSTILE: Final = ("is", "immutable", "field", "x-is", "immutable-x", "field-x", "x-immutable")


def every_refusal(shop: Shop, name: str) -> Iterator[Answer]:
    """Each validation of the policies for workloads, refused once, with hostile values of labels."""
    deployment, ask = shop.path("Deployment", name), shop.ask
    for change in (
        [put("shop:v2", *container(0, "image")), put(1, "spec", "revisionHistoryLimit")],
        [put(False, "spec", "paused")],
        [drop("metadata", "labels", HOLD)],
        [put("immutable", "metadata", "labels", HOLD)],
        [put({ROLLBACK: "1"}, "metadata", "annotations")],
        [put([{"apiVersion": "v1", "kind": "immutable", "name": "field", "uid": "x"}], "metadata", "ownerReferences")],
        [put("immutable", "metadata", "labels", OVERRIDE)],
    ):
        yield ask("gitops", "PATCH", deployment, change)
    yield ask("developer", "PATCH", deployment, [put("immutable", "metadata", "labels", OVERRIDE)])
    queued = f"q-{name}"
    for where in (shop.path("Deployment", queued), shop.path("ReplicaSet", queued)):
        for change in (
            [drop("metadata", "labels", QUEUE)],
            [put("immutable", "metadata", "labels", QUEUE)],
            [put("immutable", "metadata", "labels", OVERRIDE)],
            [put({ROLLBACK: "1"}, "metadata", "annotations"), drop("metadata", "labels")],
        ):
            yield ask("gitops", "PATCH", where, change)
    yield ask("gitops", "PATCH", shop.path("Deployment", queued), [put(False, "spec", "paused")])
    yield ask("gitops", "PATCH", shop.path("Deployment", queued), [put({ROLLBACK: "1"}, "metadata", "annotations")])
    yield ask("gitops", "PATCH", shop.path("ReplicaSet", queued), [put("shop:v2", *container(0, "image"))])
    yield ask("gitops", "DELETE", shop.path("ReplicaSet", queued))
    for label in (HOLD, OVERRIDE, QUEUE):
        document = workload("Deployment", shop.namespace, f"{name}2")
        document["metadata"]["labels"][label] = "immutable"
        yield ask("developer", "POST", shop.path("Deployment"), document)


@pytest.mark.parametrize("namespace_name", ["is", "immutable", "field"])
def test_no_name_makes_flux_recreate(installed_chart: InstalledChart, namespace_name: str) -> None:
    """Whatever a workload and its namespace are called, the whole message is free of Flux's two patterns, and one line."""
    shop = open_shop(installed_chart, installed_chart.cluster.namespace(namespace_name))
    for name in HOSTILE:
        shop.create("Deployment", name, paused=True)
        shop.hold("Deployment", name)
        for kind in ("Deployment", "ReplicaSet"):
            shop.queued(kind, f"q-{name}")
        for answer in every_refusal(shop, name):
            message = answer.body["message"]
            assert (answer.code, answer.body["reason"]) == (403, "Forbidden"), message
            assert answer.policy in POLICIES, message
            assert not IMMUTABLE.search(message), message
            assert "\n" not in message
            assert "failed expression" not in message
            assert re.search(r"Way out: .+\.$", message), message
            assert "kubectl label" not in message or "--field-manager=holdfast-override" in message


def test_the_operator_is_told_plainly_too(shop: Shop) -> None:
    """The sentences of self.holdfast.dev follow the same rule."""
    answer = shop.change("operator", "Deployment", "free", [put("shop:v2", *container(0, "image"))])
    assert (answer.code, answer.policy) == (403, "self.holdfast.dev")
    assert not IMMUTABLE.search(answer.body["message"])


def test_every_validation_is_forbidden_with_a_plain_fallback(installed_chart: InstalledChart) -> None:
    """A refusal without `reason: Forbidden` is Invalid, which Flux takes for an immutable field."""
    for name in POLICIES:
        policy = installed_chart.cluster.raw("GET", POLICY_PATH + name)
        assert policy["spec"]["failurePolicy"] == "Fail"
        for validation in policy["spec"]["validations"]:
            assert validation["reason"] == "Forbidden"
            assert validation["messageExpression"]
            assert not IMMUTABLE.search(validation["message"])
            assert "Way out" in validation["message"] or name == "self.holdfast.dev"


@pytest.mark.parametrize("name", POLICIES)
def test_type_checking_is_clean(installed_chart: InstalledChart, name: str) -> None:
    """The control plane has checked every expression against every kind it judges, and found nothing."""
    policy = installed_chart.cluster.raw("GET", POLICY_PATH + name)
    assert policy["status"]["observedGeneration"] == policy["metadata"]["generation"]
    assert policy["status"].get("typeChecking", {}) == {}


def test_no_sentence_joins_the_words_itself() -> None:
    """Neither "is" before nor "field" after a name: no word of ours completes a pattern with any name beside it."""
    text = " ".join(
        (CHART / "templates" / name).read_text()
        for name in (f"gate-{policy.partition('.')[0]}.yaml" for policy in POLICIES)
    )
    strings = [s for s in re.findall(r"'((?:[^'\n])*)'", text) if " " in s]
    assert strings
    for left, right in itertools.product((*strings, *HOSTILE), repeat=2):
        if left in HOSTILE and right in HOSTILE:
            continue  # two names are never joined without text of ours between them
        assert not IMMUTABLE.search(left + right), (left, right)


def test_refusals_can_be_counted(shop: Shop) -> None:
    """The binding denies and leaves a trace in the audit log of the API server; the id is part of it."""
    binding = shop.cluster.raw(
        "GET", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/hold.holdfast.dev"
    )
    assert binding["spec"]["validationActions"] == ["Deny", "Audit"]
    policy = shop.cluster.raw("GET", POLICY_PATH + "hold.holdfast.dev")
    assert [note["key"] for note in policy["spec"]["auditAnnotations"]] == ["hold", "override"]
    assert ID
