"""The record on a Hold: a restart of the operator reads what it wrote."""

from __future__ import annotations

import copy
import json
from dataclasses import fields, replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.api import Invalid, hold_status, parse_hold
from holdfast.api.records import lifts
from holdfast.api.times import read_duration, read_instant, write_duration, write_instant
from holdfast.core.hold import (
    Cause,
    CauseKey,
    HoldRecord,
    HoldState,
    Quarantined,
    Reason,
    Template,
    Undo,
    UndoState,
)
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.policy import RuleKey
from holdfast.core.quantities import parse_instant
from tests.api.strategies import RECORDS, SPANS, TIMES

AT: Final = parse_instant("2026-11-21T06:00:00Z")
CAUSE: Final = Cause(
    CauseKey(RuleKey("default", "exhausted"), ObjectKey("shop", "checkout-latency")),
    Reason.BUDGET_EXHAUSTED,
    AT,
    604_800,
)
RECORD: Final = HoldRecord(
    workload=Workload("shop", "Deployment", "checkout"),
    id="budget-exhausted-x7k2p",
    state=HoldState.ACTIVE,
    reason=Reason.BUDGET_EXHAUSTED,
    since=AT,
    causes=(CAUSE,),
    message="Error budget of shop/checkout-latency is exhausted (-3.1 % left); lifts above 5 %.",
    declared=Template("9f2c", ("ghcr.io/acme/checkout:v2.3.1",)),
    serving=Template("41aa", ("ghcr.io/acme/checkout:v2.3.0",)),
)


def hold_of(record: HoldRecord, status: dict[str, object]) -> dict[str, Any]:
    """The object as the API server gives it back."""
    workload = {"kind": record.workload.kind, "name": record.workload.name}
    body = {
        "metadata": {"namespace": record.workload.namespace, "name": record.workload.hold_name},
        "spec": {"workload": workload},
        "status": status,
    }
    return dict(json.loads(json.dumps(body)))


@given(RECORDS)
def test_nothing_is_lost(record: HoldRecord) -> None:
    """Reading a status gives the record it was written from, to the last digit."""
    assert parse_hold(hold_of(record, hold_status(record))) == record


def test_every_field_of_a_record_is_kept() -> None:
    """A field that is added to the record fails here until the status holds it."""
    known = {
        "workload",
        "id",
        "state",
        "reason",
        "since",
        "causes",
        "message",
        "declared",
        "serving",
        "paused",
        "enforced",
        "found",
        "worn",
        "history",
        "undo",
        "quarantined",
    }
    assert {field.name for field in fields(HoldRecord)} == known


@given(TIMES)
def test_times_are_exact(at: float) -> None:
    """A time is written with as many digits as it has."""
    assert read_instant(write_instant(at)) == at


def test_whole_seconds_are_written_plainly() -> None:
    """People read 06:00:00Z, not a row of zeros."""
    assert write_instant(AT) == "2026-11-21T06:00:00Z"
    assert write_instant(AT + 0.5) == "2026-11-21T06:00:00.5Z"
    assert read_instant("2026-11-21T07:00:00+01:00") == AT


@given(SPANS)
def test_spans_are_exact(span: float) -> None:
    """A length of time keeps all of its units."""
    assert read_duration(write_duration(span)) == span


def test_what_people_read() -> None:
    """The columns of kubectl get hold short words."""
    status: Any = hold_status(RECORD)
    assert (status["slo"], status["gate"], status["lifts"]) == ("checkout-latency", "Deny", "by 28 Nov 06:00Z")
    assert (status["declared"]["version"], status["serving"]["version"]) == ("v2.3.1", "v2.3.0")
    assert status["causes"] == [
        {
            "policy": "default",
            "rule": "exhausted",
            "slo": "checkout-latency",
            "reason": "BudgetExhausted",
            "since": "2026-11-21T06:00:00Z",
            "atMost": "7d",
        }
    ]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (RECORD, "by 28 Nov 06:00Z"),
        (replace(RECORD, causes=(CAUSE, replace(CAUSE, at_most=86_400))), "by 28 Nov 06:00Z"),
        (replace(RECORD, causes=(CAUSE, replace(CAUSE, at_most=None))), "on recovery"),
        (replace(RECORD, causes=()), "on recovery"),
        (replace(RECORD, state=HoldState.LIFTED), "-"),
    ],
)
def test_when_a_hold_ends(record: HoldRecord, words: str) -> None:
    """A hold ends when its last cause does; a cause without an end waits for the budget."""
    assert lifts(record) == words


@pytest.mark.parametrize(
    ("images", "word"),
    [
        (("shop:v1",), "v1"),
        (("localhost:5000/shop:v1",), "v1"),
        (("localhost:5000/shop",), "abcdef012345"),
        (("shop:v1@sha256:0123",), "v1"),
        (("shop@sha256:0123",), "abcdef012345"),
        (("shop:v1", "proxy:1.2", "other:v1"), "v1,1.2"),
        ((), "abcdef012345"),
    ],
)
def test_versions_are_tags(images: tuple[str, ...], word: str) -> None:
    """The version of a template is its images' tags, else the beginning of its digest."""
    assert Template("abcdef0123456789", images).version == word


def test_a_condition_keeps_its_time() -> None:
    """The same status applied again is the same; a change of state takes the time of the change."""
    first: Any = hold_status(RECORD, now=AT)
    again: Any = hold_status(replace(RECORD, message="x"), now=AT + 60, before=first)
    assert again["conditions"] == first["conditions"]
    done: Any = hold_status(replace(RECORD, enforced=True), now=AT + 60, before=first)
    assert [(c["status"], c["lastTransitionTime"]) for c in done["conditions"]] == [("True", "2026-11-21T06:01:00Z")]


@pytest.mark.parametrize("field", ["state", "id", "reason", "message", "since", "declared"])
@pytest.mark.parametrize("value", [None, 5, "", [], {}, "Thawed", "\ud800"])
def test_a_damaged_record_is_invalid(field: str, value: object) -> None:
    """A record that somebody edited by hand is reported, never guessed at."""
    body = hold_of(RECORD, hold_status(RECORD))
    body["status"][field] = value
    try:
        found = parse_hold(body)
    except Invalid as error:
        assert any(problem.path.startswith("status") for problem in error.errors)
    else:
        assert found is not None
        assert field in ("id", "message")


@given(RECORDS, st.data())
def test_any_damage_is_survived(record: HoldRecord, data: st.DataObject) -> None:
    """Whatever is done to a status, reading it gives a record or Invalid."""
    body = copy.deepcopy(hold_of(record, hold_status(record)))
    key = data.draw(st.sampled_from(sorted(body["status"])))
    body["status"][key] = data.draw(
        st.none() | st.integers() | st.text() | st.lists(st.integers()) | st.dictionaries(st.text(), st.text())
    )
    try:
        parse_hold(body)
    except Invalid as error:
        assert error.errors


UNDO: Final = Undo("bad-release-x7k2p", RECORD.declared, RECORD.serving, AT, UndoState.UNDONE)
UNDONE: Final = replace(
    RECORD,
    id=UNDO.id,
    causes=(),
    undo=UNDO,
    quarantined=(Quarantined(UNDO.id, RECORD.declared, AT, CAUSE.key),),
)


@pytest.mark.parametrize(
    ("record", "gate", "ends", "slo"),
    [
        (RECORD, "Deny", "by 28 Nov 06:00Z", "checkout-latency"),
        (UNDONE, "Queue", "on another template", "checkout-latency"),
        (replace(UNDONE, causes=(CAUSE,)), "Deny", "by 28 Nov 06:00Z", "checkout-latency"),
        (replace(UNDONE, quarantined=(Quarantined(UNDO.id, UNDO.bad, AT),)), "Queue", "on another template", ""),
        (replace(UNDONE, state=HoldState.LIFTED, undo=None), "Queue", "-", "checkout-latency"),
        (replace(UNDONE, state=HoldState.LIFTED, undo=None, id=RECORD.id), "Deny", "-", ""),
    ],
)
def test_what_people_read_of_an_undo(record: HoldRecord, gate: str, ends: str, slo: str) -> None:
    """Queue while only a release is undone; Deny as soon as every other change is refused as well. A lifted hold says what it
    was, and nothing is shown that is empty.
    """
    status: Any = hold_status(record)
    assert (status["gate"], status["lifts"], status.get("slo", "")) == (gate, ends, slo)
    assert "" not in status.values()
    assert ("causes" in status) == bool(record.causes)


@pytest.mark.parametrize(
    ("state", "undone", "stuck", "reason"),
    [
        (UndoState.UNDER_WAY, "False", "False", "UnderWay"),
        (UndoState.UNDONE, "True", "False", "LastGoodServes"),
        (UndoState.STUCK, "False", "True", "NotInTime"),
        (UndoState.STOPPED, "False", "False", "NoWayBack"),
    ],
)
def test_how_far_an_undo_is(state: UndoState, undone: str, stuck: str, reason: str) -> None:
    """Two conditions, for whoever waits for the one or is paged by the other; none where nothing is undone."""
    status: Any = hold_status(replace(UNDONE, undo=replace(UNDO, state=state)))
    found = {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]}
    assert found["Undone"] == (undone, reason)
    assert found["RollbackStuck"] == (stuck, reason)
    kinds = {c["type"] for c in hold_status(RECORD)["conditions"]}  # type: ignore[attr-defined]
    assert kinds == {"Enforced"}
