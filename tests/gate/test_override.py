"""The emergency way out: who opens a hold, with what, and what passes then."""

from __future__ import annotations

from typing import Final

import pytest

from tests.gate.asking import HOLD, ID, OVERRIDE, Change, container, drop, put, workload
from tests.gate.conftest import Shop

pytestmark = pytest.mark.lab
NEW_IMAGE: Final[Change] = [put("shop:v2", *container(0, "image"))]
RESUME: Final[Change] = [put(False, "spec", "paused")]
KEY: Final[Change] = [put(ID, "metadata", "labels", OVERRIDE)]
OLD_KEY: Final[Change] = [put("budget-exhausted-aaaaa", "metadata", "labels", OVERRIDE)]
NOT_A_PERSON: Final = "system:serviceaccount:gate:gitops"
PASSES, HOLD_REFUSES, OVERRIDE_REFUSES = "", "hold.holdfast.dev", "override.holdfast.dev"

#   who           on which      what               outcome
CASES: Final[list[tuple[str, str, Change, str]]] = [
    # both keys: the label of this hold and the right
    ("oncall", "overridden", NEW_IMAGE, PASSES),
    ("oncall", "overridden", [*NEW_IMAGE, *RESUME], PASSES),
    ("oncall", "overridden", RESUME, PASSES),
    ("oncall", "overridden", [put({"type": "Recreate"}, "spec", "strategy")], PASSES),
    ("oncall", "overridden", [drop("metadata", "labels", HOLD)], PASSES),
    ("oncall", "overridden", [drop("metadata", "labels", HOLD), drop("metadata", "labels", OVERRIDE), *RESUME], PASSES),
    ("oncall", "overridden", [drop("metadata", "labels", OVERRIDE), *NEW_IMAGE], PASSES),
    ("oncall", "held", [*KEY, *NEW_IMAGE], PASSES),
    ("oncall", "paused", [*KEY, *NEW_IMAGE, *RESUME], PASSES),
    ("oncall", "held", [*KEY, drop("metadata", "labels", HOLD)], PASSES),
    ("admin", "overridden", NEW_IMAGE, PASSES),  # by wildcard
    ("gitops-user", "overridden", NEW_IMAGE, PASSES),  # a user with a wildcard; see gate.automation
    ("thisday", "overridden", NEW_IMAGE, PASSES),  # the right for this Hold alone
    # one key is not enough
    ("developer", "overridden", NEW_IMAGE, HOLD_REFUSES),
    ("developer", "overridden", RESUME, HOLD_REFUSES),
    ("developer", "overridden", [drop("metadata", "labels", HOLD)], HOLD_REFUSES),
    ("otherday", "overridden", NEW_IMAGE, HOLD_REFUSES),  # the right for another Hold
    ("oncall", "held", NEW_IMAGE, HOLD_REFUSES),
    ("admin", "held", NEW_IMAGE, HOLD_REFUSES),
    ("oncall", "stale", NEW_IMAGE, HOLD_REFUSES),  # the label of an earlier hold
    ("admin", "stale", NEW_IMAGE, HOLD_REFUSES),
    ("oncall", "held", [*OLD_KEY, *NEW_IMAGE], HOLD_REFUSES),
    ("admin", "nameless", NEW_IMAGE, HOLD_REFUSES),  # no id is nobody's key
    # automation never
    ("gitops", "overridden", NEW_IMAGE, HOLD_REFUSES),
    ("gitops", "held", KEY, OVERRIDE_REFUSES),
    ("gitops", "held", OLD_KEY, OVERRIDE_REFUSES),
    ("gitops", "free", KEY, OVERRIDE_REFUSES),
    # setting the label needs the right, held or not, whatever the value
    ("developer", "held", KEY, OVERRIDE_REFUSES),
    ("developer", "held", OLD_KEY, OVERRIDE_REFUSES),
    ("developer", "free", KEY, OVERRIDE_REFUSES),
    ("developer", "free", [put("", "metadata", "labels", OVERRIDE)], OVERRIDE_REFUSES),
    ("developer", "stale", KEY, OVERRIDE_REFUSES),
    ("otherday", "overridden", OLD_KEY, OVERRIDE_REFUSES),
    ("oncall", "held", KEY, PASSES),
    ("oncall", "stale", KEY, PASSES),
    ("oncall", "free", KEY, PASSES),
    ("operator", "held", KEY, "self.holdfast.dev"),  # it takes such a label off, and never sets one
    # taking it off is free, and other changes do not stumble over it
    ("developer", "overridden", [drop("metadata", "labels", OVERRIDE)], PASSES),
    ("gitops", "overridden", [drop("metadata", "labels", OVERRIDE)], PASSES),
    ("developer", "overridden", [put(3, "spec", "replicas")], PASSES),
    ("gitops", "stale", [put("x", "metadata", "labels", "team")], PASSES),
    # an override opens this hold; it is no right to make another one
    ("oncall", "overridden", [put("other", "metadata", "labels", HOLD)], HOLD_REFUSES),
    ("admin", "overridden", [put("other", "metadata", "labels", HOLD)], HOLD_REFUSES),
]


@pytest.mark.parametrize(
    ("who", "name", "change", "outcome"), CASES, ids=[f"{n}-{c[0]}-{c[1]}" for n, c in enumerate(CASES)]
)
def test_two_keys(shop: Shop, who: str, name: str, change: Change, outcome: str) -> None:
    """An override takes the label with the present hold's id, the right to override this Hold, and a person."""
    answer = shop.change(who, "Deployment", name, change)
    assert answer.policy == outcome, str(answer)
    assert answer.code == (403 if outcome else 200), str(answer)


def test_a_service_account_stays_one_when_impersonated_with_other_groups(shop: Shop) -> None:
    """The name decides: `--as-group` leaves out the groups of service accounts."""
    assert (
        shop.change(NOT_A_PERSON, "Deployment", "overridden", NEW_IMAGE, groups=("system:masters",)).policy
        == HOLD_REFUSES
    )
    assert shop.change(NOT_A_PERSON, "Deployment", "held", KEY, groups=("system:masters",)).policy == OVERRIDE_REFUSES
    assert shop.change("oncall-by-name", "Deployment", "overridden", NEW_IMAGE, groups=("system:masters",)).passed


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"])
def test_the_label_in_a_manifest_needs_the_right_too(shop: Shop, kind: str) -> None:
    """CREATE is no side door to the override label."""
    document = workload(kind, shop.namespace, "new")
    document["metadata"]["labels"][OVERRIDE] = "is-immutable"
    for who, outcome in (("developer", OVERRIDE_REFUSES), ("gitops", OVERRIDE_REFUSES), ("oncall", PASSES)):
        answer = shop.ask(who, "POST", shop.path(kind), document)
        assert answer.policy == outcome, str(answer)
        assert "is-immutable" not in answer.sentence  # what is attempted is the user's text


def test_the_sentence_of_a_missing_right(shop: Shop) -> None:
    """It names who may be asked and the whole command, or says that nothing is on hold."""
    held = shop.change("developer", "Deployment", "held", OLD_KEY)
    assert held.sentence == (
        "Deployment gate/held: the label holdfast.dev/override opens a hold, so setting it needs the right to override holds. "
        "Who may: kubectl auth can-i override holds.holdfast.dev/deployment-held -n gate. Way out: somebody who may runs "
        "kubectl label deployment held -n gate --field-manager=holdfast-override --overwrite "
        f"holdfast.dev/override={ID} and sends the change."
    )
    free = shop.change("gitops", "Deployment", "free", OLD_KEY)
    assert free.sentence == (
        "Deployment gate/free: the label holdfast.dev/override opens a hold, so it is set by a person, never by automation. "
        "It is not on hold. Way out: leave that label out and send the change again."
    )


def test_a_replicaset_asks_for_the_hold_of_its_deployment(own_shop: Shop) -> None:
    """The right is that to override the Deployment's Hold, and the owner that counts is the one before the request."""
    shop = own_shop
    shop.held("Deployment", "overridden")
    shop.cluster.wait(shop.sets, 10, "the ReplicaSet")
    name = shop.sets()[0]["metadata"]["name"]
    shop.hold("ReplicaSet", name)
    both = [*KEY, *NEW_IMAGE]
    assert shop.change("thisday", "ReplicaSet", name, both).passed
    assert shop.change("otherday", "ReplicaSet", name, both).policy in (HOLD_REFUSES, OVERRIDE_REFUSES)
    owner = {**shop.sets()[0]["metadata"]["ownerReferences"][0], "name": "other"}
    stolen = [put([owner], "metadata", "ownerReferences"), *both]
    assert shop.change("otherday", "ReplicaSet", name, stolen).code == 403
    refusal = shop.change("developer", "ReplicaSet", name, NEW_IMAGE).sentence
    assert f"kubectl get hold deployment-overridden -n {shop.namespace}." in refusal
    assert refusal.endswith(
        f"holdfast.dev/override={ID} and change the Deployment instead (needs the right to override holds)."
    )
