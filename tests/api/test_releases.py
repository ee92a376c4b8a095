"""The record on a WorkloadRelease: a restart of the operator reads what it wrote."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import fields, replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.api import Invalid, parse_release, release_body, release_status
from holdfast.core.hold import Template
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.quantities import parse_instant
from holdfast.core.release import (
    Ask,
    Cost,
    Readiness,
    ReadinessReason,
    ReleaseFinding,
    ReleaseRecord,
    ReleaseState,
    Restrained,
    RestraintReason,
    release_name,
)
from tests.api.strategies import NAMES, RELEASES

AT: Final = parse_instant("2026-11-21T06:00:00Z")
POD_TEMPLATE: Final = {"metadata": {"labels": {"app": "checkout"}}, "spec": {"containers": [{"name": "app"}]}}
RELEASE: Final = ReleaseRecord(
    workload=Workload("shop", "Deployment", "checkout"),
    uid="6f1d",
    template=Template("9f2c41aa07de5513", ("ghcr.io/acme/checkout:v2.3.1",)),
    began=AT,
    state=ReleaseState.ROLLED_BACK,
    revision=42,
    hash="7d9c5b6f4",
    changed_by="argocd-controller",
    costs=(
        Cost(ObjectKey("shop", "checkout-latency"), 1204, 20, 0.0104, ReleaseFinding.UNDECIDED),
        Cost(ObjectKey("shop", "checkout-availability"), 1204, 61, 0.0317, ReleaseFinding.BAD, 96),
    ),
    readiness=Readiness(True, ReadinessReason.CAN_GO_BACK, "It could be undone."),
)


def body_of(record: ReleaseRecord, template: Any = POD_TEMPLATE) -> dict[str, Any]:
    """The object as the API server gives it back."""
    body: dict[str, Any] = dict(release_body(record))
    body["status"] = release_status(record, template if record.kept else None)
    for word, ask in (("undo", record.undo), ("allow", record.allow)):
        if ask is not None:
            body["spec"][word] = {"requestedBy": ask.requested_by, "reason": ask.reason}
    return dict(json.loads(json.dumps(body)))


@given(RELEASES)
def test_nothing_is_lost(record: ReleaseRecord) -> None:
    """Reading a status gives the record it was written from, to the last digit."""
    assert parse_release(body_of(record)) == record


def test_every_field_of_a_record_is_kept() -> None:
    """A field that is added to the record fails here until the status, or what people write, holds it."""
    told = {field.name for field in fields(ReleaseRecord)} - {"workload", "kept", "readiness", "restrained"}
    body = body_of(replace(RELEASE, started=AT, completed=AT, ended=AT, found=AT, undone=AT, bound="b", message="m"))
    shown = {*body["status"], *body["spec"], "undo", "allow"}
    assert {re.sub("_(.)", lambda m: m[1].upper(), name) for name in told} <= shown


def test_the_whole_pod_template_is_kept_as_it_is() -> None:
    """What a ReplicaSet is made from again loses nothing, and whether it is there is known from the record."""
    status: Any = release_status(RELEASE, POD_TEMPLATE)
    assert status["template"] == POD_TEMPLATE
    assert "template" not in release_status(RELEASE)
    read = parse_release(body_of(replace(RELEASE, kept=False)))
    assert read is not None
    assert not read.kept


def test_what_people_read() -> None:
    """The columns show the objective that it cost most, and the worst that was found."""
    status: Any = release_status(RELEASE)
    assert status["summary"] == {"workload": "deployment/checkout", "requests": "1204", "bad": "61", "cost": "3.2%"}
    assert (status["verdict"], status["version"], status["state"]) == ("Bad", "v2.3.1", "RolledBack")
    assert [(c["slo"], c["spent"]) for c in status["costs"]] == [
        ("checkout-latency", "1.04"),
        ("checkout-availability", "3.17"),
    ]


def test_why_it_is_not_undone_is_said_in_its_message_and_as_a_condition() -> None:
    """Both are there while it is so, and neither before or after."""
    many = Restrained(RestraintReason.MANY_AT_ONCE, "40 workloads had a release found bad within two minutes.")
    status: Any = release_status(replace(RELEASE, message="61 of 1,204 failed.", restrained=many))
    said = next(c for c in status["conditions"] if c["type"] == "Restrained")
    assert (said["status"], said["reason"], said["message"]) == ("True", "ManyAtOnce", many.why)
    assert status["message"] == f"61 of 1,204 failed. {many.why}"
    alone: Any = release_status(replace(RELEASE, message="", restrained=many))
    assert alone["message"] == many.why
    free: Any = release_status(replace(RELEASE, message="61 of 1,204 failed."))
    assert [c["type"] for c in free["conditions"]] == ["RollbackReady"]


@pytest.mark.parametrize(
    ("readiness", "shown"),
    [
        (None, ("Unknown", "NotJudged")),
        (Readiness(False, ReadinessReason.NO_LAST_GOOD, "x"), ("False", "NoLastGood")),
        (RELEASE.readiness, ("True", "CanGoBack")),
    ],
)
def test_whether_it_could_be_undone_is_a_condition(readiness: Readiness | None, shown: tuple[str, str]) -> None:
    """`kubectl wait --for=condition=RollbackReady` works, and what was not judged is unknown."""
    status: Any = release_status(replace(RELEASE, readiness=readiness))
    assert [(c["type"], c["status"], c["reason"]) for c in status["conditions"]] == [("RollbackReady", *shown)]


def test_a_release_that_nobody_wrote_to_has_no_record() -> None:
    """Between its creation and its first status there is nothing to go by."""
    assert parse_release(release_body(RELEASE)) is None


def test_people_are_heard() -> None:
    """What people ask for is read with the record, and is never written by the operator."""
    asked = replace(RELEASE, undo=Ask("alice@example.com", "pager went off"))
    read = parse_release(body_of(asked))
    assert read is not None
    assert (read.undo, read.allow) == (Ask("alice@example.com", "pager went off"), None)
    assert "undo" not in str(release_body(asked)["spec"])


@given(st.sampled_from(["Deployment", "StatefulSet"]), NAMES, st.integers(0, 245), st.booleans())
def test_names_are_names(kind: str, name: str, more: int, dotted: bool) -> None:
    """However long or odd the name of the workload: a valid name of an object, and the same each time."""
    workload = Workload("shop", kind, (name + (".a" if dotted else "ab") * more)[:242].rstrip("-."))
    made = release_name(workload, "9f2c41aa07de5513")
    part = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    assert len(made) <= 253
    assert re.fullmatch(rf"{part}(\.{part})*", made)
    assert made == release_name(workload, "9f2c41aa07de5513")


def test_names_tell_releases_apart() -> None:
    """Long names that differ at their end alone, and digests that differ, make different objects."""
    names = ["checkout", "c" * 60, *("c" * 238 + end for end in ("aa", "ab"))]
    made = {
        release_name(Workload("shop", kind, name), digest)
        for kind in ("Deployment", "StatefulSet")
        for name in names
        for digest in ("9f2c41aa07de5513", "0f2c41aa07de5513")
    }
    assert len(made) == 16
    assert "deployment-checkout-9f2c41aa07" in made


def test_an_object_under_another_name_is_invalid() -> None:
    """There is one object for each release, because its name leaves no choice."""
    body = body_of(RELEASE)
    body["metadata"]["name"] = "mine"
    with pytest.raises(Invalid, match="deployment-checkout-9f2c41aa07"):
        parse_release(body)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("status.state", "Thawed", "state must be"),
        ("status.state", None, "state is missing; add it"),
        ("status.began", "yesterday", "is no time"),
        ("status.uid", None, "uid is missing; add it"),
        ("status.revision", -1, "revision must be 0 or more"),
        ("status.costs", [{"slo": "x"}], "requests is missing; add it"),
        (
            "status.costs",
            [{"slo": "x", "requests": "NaN", "bad": "1", "spent": "1", "finding": "Bad"}],
            "'NaN' is no number",
        ),
        ("status.template", "all of it", "template"),
        ("spec.workload", {"kind": "Rollout", "name": "x"}, "kind must be"),
        ("spec.undo", {"reason": "because"}, "requestedBy is missing; add it"),
        ("spec.undo", {"requestedBy": "alice", "reason": ""}, "reason is empty"),
        ("metadata.namespace", "", "this one names none"),
    ],
)
def test_a_damaged_record_is_invalid(path: str, value: object, sentence: str) -> None:
    """A record that somebody edited by hand is reported in a sentence, never guessed at."""
    body = body_of(RELEASE)
    part, field = path.split(".")
    body[part][field] = value
    with pytest.raises(Invalid) as caught:
        parse_release(body)
    assert sentence in str(caught.value)


@given(RELEASES, st.data())
def test_any_damage_is_survived(record: ReleaseRecord, data: st.DataObject) -> None:
    """Whatever is done to a status, reading it gives a record or Invalid."""
    body = copy.deepcopy(body_of(record))
    key = data.draw(st.sampled_from(sorted(body["status"])))
    body["status"][key] = data.draw(
        st.none() | st.integers() | st.text() | st.lists(st.integers()) | st.dictionaries(st.text(), st.text())
    )
    try:
        parse_release(body)
    except Invalid as error:
        assert error.errors


@pytest.mark.parametrize(
    ("findings", "together"),
    [
        ("", "Undecided"),
        ("Good Bad Shared", "Bad"),
        ("Good Shared Undecided", "Shared"),
        ("Good Undecided", "Undecided"),
        ("Good NotAttributable", "Good"),
        ("NotAttributable", "NotAttributable"),
    ],
)
def test_one_word_for_all_objectives(findings: str, together: str) -> None:
    """One objective that finds it bad is enough; good it is when all say so that can say anything."""
    costs = tuple(Cost(ObjectKey("shop", f"o{i}"), 1, 0, 0, ReleaseFinding(f)) for i, f in enumerate(findings.split()))
    assert replace(RELEASE, costs=costs).finding == together
