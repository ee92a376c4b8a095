"""Whose word counts on a release, and that nobody but the operator writes what a release was."""

from __future__ import annotations

from typing import Final

import pytest

from tests.gate.asking import Change, Json, drop, put
from tests.gate.conftest import Shop

pytestmark = pytest.mark.lab
GATE: Final = "release.holdfast.dev"
ROBOT: Final = "system:serviceaccount:gate:gitops"
NAME: Final = "deployment-overridden-9f2c41aa07"
NONE, RIGHTS = "", "no right"


def where(shop: Shop, name: str = "", subresource: str = "") -> str:
    """The address of a release of this shop."""
    base = f"/apis/holdfast.dev/v1alpha1/namespaces/{shop.namespace}/workloadreleases"
    return "/".join(part for part in (base, name, subresource) if part)


def release(name: str = NAME, workload: str = "overridden", **spec: Json) -> Json:
    """A release as the operator creates it."""
    return {
        "apiVersion": "holdfast.dev/v1alpha1",
        "kind": "WorkloadRelease",
        "metadata": {"name": name},
        "spec": {"workload": {"kind": "Deployment", "name": workload}, "template": "9f2c41aa07", **spec},
    }


def word(by: str, reason: str = "errors on checkout") -> Json:
    """What a person says, under a name."""
    return {"requestedBy": by, "reason": reason}


@pytest.fixture(scope="module")
def released(shop: Shop) -> Shop:
    """The shop with two releases, the second with a word of `oncall`; only dry runs touch them."""
    for name in (NAME, "asked-for"):
        shop.must("operator", "POST", where(shop), release(name))
    shop.must("oncall", "PATCH", where(shop, "asked-for"), [put(word("oncall"), "spec", "undo")])
    return shop


MINE: Final[Change] = [put(word("oncall"), "spec", "undo")]

#   who             which        what                                               who refuses
WORDS: Final[list[tuple[str, str, Change, str]]] = [
    ("oncall", NAME, MINE, NONE),
    ("oncall", NAME, [put(word("oncall"), "spec", "allow")], NONE),
    ("admin", NAME, [put(word("admin"), "spec", "undo")], NONE),
    (
        "gitops-user",
        NAME,
        [put(word("gitops-user"), "spec", "allow")],
        NONE,
    ),  # a user by a wildcard; see gate.automation
    ("oncall", NAME, [put(word("alice"), "spec", "undo")], GATE),
    ("admin", NAME, MINE, GATE),
    ("oncall", "asked-for", [put("another reason", "spec", "undo", "reason")], NONE),
    ("admin", "asked-for", [put("another reason", "spec", "undo", "reason")], GATE),  # it would still say oncall
    ("developer", NAME, [put(word("developer"), "spec", "undo")], RIGHTS),
    ("otherday", NAME, [put(word("otherday"), "spec", "undo")], RIGHTS),
    ("gitops", NAME, [put(word(ROBOT), "spec", "undo")], GATE),  # automation never
    ("gitops", NAME, [put(word("oncall"), "spec", "allow")], GATE),
    ("operator", NAME, [put(word("system:serviceaccount:holdfast-system:holdfast"), "spec", "undo")], GATE),
    ("operator", NAME, MINE, GATE),
    ("operator", NAME, [put(word("oncall"), "spec", "allow")], GATE),
    # taking it back is free
    ("oncall", "asked-for", [drop("spec", "undo")], NONE),
    ("gitops", "asked-for", [drop("spec", "undo")], NONE),
    ("operator", "asked-for", [drop("spec", "undo")], NONE),
    ("oncall", "asked-for", [drop("spec", "undo"), put(word("oncall"), "spec", "allow")], NONE),
    # metadata is anybody's who may patch
    ("oncall", NAME, [put({"team": "x"}, "metadata", "labels")], NONE),
    ("gitops", "asked-for", [put({"team": "x"}, "metadata", "labels")], NONE),
]


@pytest.mark.parametrize(("who", "name", "change", "outcome"), WORDS, ids=[f"{n}-{c[0]}" for n, c in enumerate(WORDS)])
def test_a_word_on_a_release(released: Shop, who: str, name: str, change: Change, outcome: str) -> None:
    """To ask for an undo, or to let a release out, takes a person with the right to override, under their own name."""
    answer = released.ask(who, "PATCH", where(released, name), change)
    assert answer.code == (403 if outcome else 200), str(answer)
    assert answer.policy == ("" if outcome == RIGHTS else outcome), str(answer)
    assert not outcome or answer.body["reason"] == "Forbidden"


def test_the_right_is_that_on_the_hold_of_the_workload(released: Shop) -> None:
    """Whoever may change releases but override another Hold only is refused, whatever the release is called."""
    cluster = released.cluster
    rules = {"apiGroups": ["holdfast.dev"], "resources": ["workloadreleases"], "verbs": ["patch"]}
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{released.namespace}/roles"
    cluster.raw("POST", roles, {"metadata": {"name": "words"}, "rules": [rules]})
    for user in ("otherday", "thisday"):
        cluster.kubectl(
            "-n", released.namespace, "create", "rolebinding", f"w-{user}", "--role=words", f"--user={user}"
        )
    path = where(released, NAME)
    cluster.wait(
        lambda: released.ask("thisday", "PATCH", path, [put(word("thisday"), "spec", "undo")]).passed, 10, "the right"
    )
    refused = released.ask("otherday", "PATCH", path, [put(word("otherday"), "spec", "undo")])
    assert refused.policy == GATE
    assert "kubectl auth can-i override holds.holdfast.dev/deployment-overridden -n gate." in refused.sentence


def test_nobody_makes_a_release_up(released: Shop) -> None:
    """What a release was, its template above all, is put back later: only the operator writes it."""
    evil: Json = {"spec": {"containers": [{"name": "app", "image": "shop:evil"}]}}
    status = {"status": {"state": "Complete", "uid": "x", "began": "2026-11-22T02:00:00Z", "template": evil}}
    for who in ("admin", "gitops", "oncall", "developer"):
        for answer in (
            released.ask(who, "POST", where(released), release("new")),
            released.ask(who, "POST", where(released), release("new", undo=word(who))),
            released.ask(who, "PATCH", where(released, NAME, "status"), status, patch="merge"),
        ):
            assert answer.code == 403, f"{who}: {answer}"
            assert answer.policy == (GATE if who in ("admin", "gitops") else ""), f"{who}: {answer}"
    other = [put("other", "spec", "template")]
    assert not released.ask("admin", "PATCH", where(released, NAME), other).passed
    assert released.ask("operator", "POST", where(released), release("new")).passed
    assert released.ask("operator", "PATCH", where(released, NAME, "status"), status, patch="merge").passed
    assert released.ask("admin", "DELETE", where(released, NAME)).passed


def test_the_sentences(released: Shop) -> None:
    """Each says what to do, and repeats nothing that a user wrote."""
    path = where(released, NAME)
    by_alice = released.ask("oncall", "PATCH", path, [put(word("is immutable", "immutable field"), "spec", "undo")])
    assert by_alice.sentence == (
        f"WorkloadRelease gate/{NAME}: spec.undo.requestedBy must be the name of the user who sends it, so that nobody asks in "
        "the name of somebody else. Way out: set it to your own name, which kubectl auth whoami shows, and send it again."
    )
    robot = released.ask("gitops", "PATCH", path, [put(word(ROBOT), "spec", "allow")])
    assert robot.sentence == (
        f"WorkloadRelease gate/{NAME}: spec.allow can be set by a person only, never by automation. Way out: ask somebody who "
        "may: kubectl auth can-i override holds.holdfast.dev/deployment-overridden -n gate."
    )
    made_up = released.ask("admin", "POST", where(released), release("new"))
    assert made_up.sentence == (
        "WorkloadRelease gate/new: only Holdfast itself writes what a release was; a person may set spec.undo and spec.allow. "
        "Way out: leave everything else as it is and send the change again."
    )
