"""Who may write whose name under an adjustment of a budget."""

from __future__ import annotations

from typing import Final

import pytest

from tests.gate.asking import Change, Json, put
from tests.gate.conftest import Shop

pytestmark = pytest.mark.lab
AUTHOR: Final = "author.holdfast.dev"
ROBOT: Final = "system:serviceaccount:gate:gitops"
SENTENCE: Final = (
    "spec.requestedBy must be the name of the user who sends it, so that nobody adjusts a budget in the name of somebody else. "
    "Way out: set spec.requestedBy to your own name, which kubectl auth whoami shows, and send it again."
)


def where(shop: Shop, name: str = "") -> str:
    """The address of an adjustment of this shop."""
    base = f"/apis/holdfast.dev/v1alpha1/namespaces/{shop.namespace}/budgetadjustments"
    return f"{base}/{name}" if name else base


def adjustment(by: str, name: str = "maintenance") -> Json:
    """A sound adjustment in the name of somebody."""
    return {
        "apiVersion": "holdfast.dev/v1alpha1",
        "kind": "BudgetAdjustment",
        "metadata": {"name": name},
        "spec": {
            "exclude": {"from": "2026-11-22T02:00:00Z", "to": "2026-11-22T03:00:00Z"},
            "reason": "an immutable field",
            "requestedBy": by,
        },
    }


@pytest.fixture(scope="module")
def adjusted(shop: Shop) -> Shop:
    """The shop with one adjustment, made by `developer`; only dry runs touch it."""
    shop.must("developer", "POST", where(shop), adjustment("developer"))
    return shop


@pytest.mark.parametrize(
    ("who", "by", "passes"),
    [
        ("developer", "developer", True),
        ("developer", "oncall", False),
        ("developer", "Developer", False),
        ("developer", "developer ", False),
        ("developer", ROBOT, False),
        ("admin", "admin", True),
        ("admin", "developer", False),  # not even with every right
        ("gitops", ROBOT, True),  # automation has a name too
        ("gitops", "developer", False),
        ("somebody@example.com", "somebody@example.com", True),
    ],
)
def test_creating_takes_ones_own_name(adjusted: Shop, who: str, by: str, passes: bool) -> None:
    """An adjustment is made under the name of the user who sends it, whatever their rights."""
    answer = adjusted.ask(who, "POST", where(adjusted), adjustment(by, "new"), groups=("system:masters",))
    assert answer.passed is passes, str(answer)
    assert passes or (answer.code, answer.policy, answer.body["reason"]) == (403, AUTHOR, "Forbidden")


MINE: Final = put("oncall", "spec", "requestedBy")
LONGER: Final = put("2026-11-22T04:00:00Z", "spec", "exclude", "to")
LABEL: Final = [{"op": "add", "path": "/metadata/labels", "value": {"team": "x"}}]

#   who          what              outcome
CHANGES: Final[list[tuple[str, Change, bool]]] = [
    ("developer", [LONGER], True),
    ("oncall", [LONGER], False),  # it would still say developer
    ("oncall", [LONGER, MINE], True),
    ("oncall", [MINE], True),
    ("developer", [MINE], False),
    ("developer", [put("another reason", "spec", "reason")], True),
    ("admin", [put("another reason", "spec", "reason")], False),
    ("oncall", LABEL, True),  # metadata is free
    ("gitops", LABEL, True),
    ("oncall", [put("2026-11-22T03:00:00Z", "spec", "exclude", "to")], True),  # what is already there
]


@pytest.mark.parametrize(("who", "change", "passes"), CHANGES)
def test_changing_the_spec_takes_ones_own_name(adjusted: Shop, who: str, change: Change, passes: bool) -> None:
    """Who changes what an adjustment says puts their name under it; metadata is anybody's who may patch."""
    answer = adjusted.ask(who, "PATCH", where(adjusted, "maintenance"), change)
    assert answer.passed is passes, str(answer)
    assert passes or (answer.code, answer.policy) == (403, AUTHOR)


def test_status_and_deletion_are_free(adjusted: Shop) -> None:
    """The operator reports, and a team takes its adjustment back, whoever made it."""
    status = {"status": {"objectives": 3}}
    path = where(adjusted, "maintenance")
    assert adjusted.ask("operator", "PATCH", f"{path}/status", status, patch="merge").passed
    assert adjusted.ask("oncall", "DELETE", path).passed
    assert adjusted.ask("operator", "PATCH", path, LABEL).code == 403  # it has no right to the object itself


def test_the_sentence(adjusted: Shop) -> None:
    """It says what to write, names the object, and repeats nothing that a user wrote."""
    answer = adjusted.ask("developer", "POST", where(adjusted), adjustment("is immutable", "new"))
    assert answer.sentence == f"BudgetAdjustment {adjusted.namespace}/new: {SENTENCE}"
    unnamed = adjustment("oncall")
    unnamed["metadata"] = {"generateName": "x-"}
    said = adjusted.ask("developer", "POST", where(adjusted), unnamed).sentence
    assert said.endswith(SENTENCE)
    assert "failed expression" not in said
