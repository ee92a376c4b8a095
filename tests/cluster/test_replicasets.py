"""What is read off a Deployment for an undo, and what a ReplicaSet that is made anew looks like."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.cluster.act import patch_operations
from holdfast.cluster.deployments import LAST_APPLIED, deployment
from holdfast.cluster.replicasets import replica_set
from holdfast.cluster.templates import digest
from holdfast.core.kinds.deployment import Deployment
from holdfast.core.objective import Workload
from holdfast.core.request import HOLD_LABEL, QUEUE_LABEL, CreateReplicaSet, PatchWorkload
from tests.cluster.making import body

HOLD, QUEUE = "/metadata/labels/holdfast.dev~1hold", "/metadata/labels/holdfast.dev~1queue"
WEB = Workload("ns", "Deployment", "web")
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "shop", "image": "shop:v1"}]}}


def read(spec: dict[str, Any], annotations: dict[str, str] | None = None, fields: Any = ()) -> Deployment:
    found = body("web", spec=spec)
    found["metadata"] |= {"annotations": annotations or {}, "managedFields": list(fields)}
    return deployment(WEB, found, [])


def owner(manager: str, operation: str = "Update") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": {"f:spec": {"f:paused": {}}}}


@pytest.mark.parametrize(
    ("paused", "fields", "applied", "other", "declares"),
    [
        (True, [owner("holdfast")], None, False, False),
        (True, [owner("kubectl-rollout")], None, True, False),
        (True, [owner("holdfast"), owner("flux", "Apply")], None, True, True),
        (False, [owner("flux", "Apply")], None, False, True),
        (True, [], {"spec": {"paused": False}}, False, True),
        (True, [{"manager": "x"}, {"manager": "x", "fieldsV1": {"f:metadata": {}}}], {"spec": {}}, False, False),
        (True, [], "[]", False, False),
        (True, [], "not JSON", False, False),
    ],
)
def test_whose_pause_it_is_tell_the_managed_fields(
    paused: bool, fields: Any, applied: Any, other: bool, declares: bool
) -> None:
    """Whoever owns the field made it; what Git declares may be fought, and is told."""
    left = {} if applied is None else {LAST_APPLIED: applied if isinstance(applied, str) else json.dumps(applied)}
    found = read({"paused": paused}, left, fields)
    assert (found.paused_by_other, found.declares_pause) == (other, declares)


@pytest.mark.parametrize(
    ("spec", "recreate", "deadline"),
    [
        ({}, False, 600),
        ({"strategy": {"type": "Recreate"}, "progressDeadlineSeconds": 60}, True, 60),
        ({"strategy": {"type": "RollingUpdate"}, "progressDeadlineSeconds": 2**31 - 1}, False, 600),  # that is: none
    ],
)
def test_how_pods_are_replaced_and_how_long_that_may_take(spec: Any, recreate: bool, deadline: float) -> None:
    """The strategy, and the time within which the team itself expects progress."""
    found = read(spec)
    assert (found.recreate, found.deadline) == (recreate, deadline)


@pytest.mark.parametrize(
    ("labels", "name"), [({"app": "web", "pod-template-hash": "5d4f"}, "5d4f"), ({"app": "web"}, "0123456789")]
)
def test_a_replica_set_is_made_as_its_deployment_would(labels: dict[str, str], name: str) -> None:
    """Name, labels, selector and template as the controller makes them, with the recorded hash if there is one; it belongs
    to the Deployment, and is not controlled by it yet.
    """
    about = body("web", uid="u9", spec={"selector": {"matchLabels": {"app": "web"}}, "minReadySeconds": 3})
    request = CreateReplicaSet(WEB, "u9", "0123456789abcdef", 4, {QUEUE_LABEL: "bad-release-1"})
    template = {**TEMPLATE, "metadata": {"labels": labels}}
    made = replica_set(about, template, request)
    hashed = {"app": "web", "pod-template-hash": name}
    assert made["metadata"]["name"] == f"web-{name}"
    assert made["metadata"]["labels"] == {**hashed, QUEUE_LABEL: "bad-release-1"}
    (reference,) = made["metadata"]["ownerReferences"]
    assert (reference["uid"], reference["controller"]) == ("u9", False)
    assert (made["spec"]["replicas"], made["spec"]["minReadySeconds"]) == (4, 3)
    assert made["spec"]["selector"] == {"matchLabels": hashed}
    assert made["spec"]["template"]["metadata"]["labels"] == hashed
    assert digest(made["spec"]["template"]) == digest(TEMPLATE)


@pytest.mark.parametrize(
    ("labels", "operations"),
    [
        ({"app": "web", HOLD_LABEL: "x"}, [("add", QUEUE), ("remove", HOLD), ("add", "/spec/paused")]),
        ({"app": "web"}, [("add", QUEUE), ("add", "/spec/paused")]),  # gone already
        (None, [("add", "/metadata/labels"), ("add", QUEUE), ("add", "/spec/paused")]),
    ],
)
def test_a_patch_that_minds_the_spec_alone(labels: Any, operations: list[tuple[str, str]]) -> None:
    """It tests uid and generation, adds and removes what is there to be added and removed, and no version is in it."""
    now = body("web")
    now["metadata"]["labels"] = labels
    request = PatchWorkload(WEB, "10", {QUEUE_LABEL: "bad-release-1", HOLD_LABEL: None}, True, "u1", 7)
    found = patch_operations(request, now)
    assert [(o["path"], o["value"]) for o in found[:2]] == [("/metadata/uid", "u1"), ("/metadata/generation", 7)]
    assert [(o["op"], o["path"]) for o in found[2:]] == operations
    assert "10" not in [o.get("value") for o in found]
