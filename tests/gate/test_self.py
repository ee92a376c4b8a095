"""What the operator's own account can do to workloads: its two labels and the pause, and nothing else."""

from __future__ import annotations

from typing import Final

import pytest

from tests.gate.asking import HOLD, ID, OVERRIDE, RESTARTED, ROLLBACK, Change, container, drop, put, template, workload
from tests.gate.conftest import Shop

pytestmark = pytest.mark.lab

#   kind          which         what                                                        passes
CASES: Final[list[tuple[str, str, Change, bool]]] = [
    ("Deployment", "free", [put(ID, "metadata", "labels", HOLD)], True),
    ("Deployment", "free", [put(ID, "metadata", "labels", HOLD), put(True, "spec", "paused")], True),
    ("Deployment", "paused", [drop("metadata", "labels", HOLD), put(False, "spec", "paused")], True),
    ("Deployment", "paused", [drop("metadata", "labels", HOLD), drop("spec", "paused")], True),
    ("Deployment", "overridden", [drop("metadata", "labels", OVERRIDE)], True),
    ("ReplicaSet", "free", [put(ID, "metadata", "labels", HOLD)], True),
    ("ReplicaSet", "held", [drop("metadata", "labels", HOLD)], True),
    ("Deployment", "free", [put("shop:v2", *container(0, "image"))], False),
    ("Deployment", "held", [put("shop:v2", *container(0, "image"))], False),
    ("Deployment", "held", [put("x", *template("metadata", "annotations", RESTARTED))], False),
    ("Deployment", "held", [put(3, "spec", "replicas")], False),
    ("Deployment", "held", [put(1, "spec", "revisionHistoryLimit")], False),
    ("Deployment", "held", [put("x", "metadata", "labels", "team")], False),
    ("Deployment", "held", [drop("metadata", "labels", "app")], False),
    ("Deployment", "held", [put({ROLLBACK: "1"}, "metadata", "annotations")], False),
    ("Deployment", "held", [put(["kopf.zalando.org/x"], "metadata", "finalizers")], False),
    ("ReplicaSet", "free", [put(3, "spec", "replicas")], False),
    ("ReplicaSet", "free", [put("shop:v2", *container(0, "image"))], False),
]


@pytest.mark.parametrize(("kind", "name", "change", "passes"), CASES)
def test_the_account_touches_labels_and_pause_alone(
    shop: Shop, kind: str, name: str, change: Change, passes: bool
) -> None:
    """A stolen token of the operator ships nothing."""
    answer = shop.change("operator", kind, name, change)
    assert answer.passed is passes, str(answer)
    assert passes or answer.policy == "self.holdfast.dev"


def test_more_rights_do_not_help(shop: Shop) -> None:
    """Bound to system:masters by mistake, the account still neither creates, deletes nor edits workloads."""
    rights = ("system:masters",)
    for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"):
        answers = (
            shop.ask(shop.chart.user, "POST", shop.path(kind), workload(kind, shop.namespace, "new"), groups=rights),
            shop.ask(shop.chart.user, "DELETE", shop.path(kind, "free"), groups=rights),
            shop.change(shop.chart.user, kind, "free", [put("shop:v2", *container(0, "image"))], groups=rights),
        )
        assert [answer.policy for answer in answers] == ["self.holdfast.dev"] * 3
