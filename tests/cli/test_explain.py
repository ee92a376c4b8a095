"""What `holdfast explain` says beside the figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from holdfast.api import objective_status, parse_objective, parse_policy
from holdfast.api.records import hold_status
from holdfast.api.releases import release_body, release_status
from holdfast.cli.explain import beside, of_hold, of_releases
from holdfast.cli.explain_reading import findings_of, holds_of, measured_of, releases_of
from holdfast.cli.main import main
from holdfast.core.hold import Quarantined, Undo, UndoState
from holdfast.core.judge import Standing
from holdfast.core.judge_release import release_findings
from holdfast.core.release import Cost, ReleaseFinding, ReleaseRecord, ReleaseState
from tests.api.samples import ROLL_BACK, WORSE, objective, policy, rule
from tests.core.making import NEW, NOW, OLD, SHOP, measured, on_record
from tests.core.releasing import burning_now, on_trial

STATUS = {
    "budget": {"exhaustsIn": "2d3h"},
    "adjustments": [
        {
            "name": "maintenance",
            "totalEvents": "1200",
            "badEvents": "7",
            "excluded": [
                {"from": "2026-11-15T02:00:00Z", "to": "2026-11-15T03:00:00Z"},
                {"from": "2026-11-22T02:00:00Z", "to": "2026-11-22T03:00:00Z"},
            ],
            "coarse": True,
        },
        {"name": "fresh-start", "totalEvents": "0", "badEvents": "31", "reset": "2026-11-20T06:00:00Z"},
    ],
    "conditions": [
        {"type": "Exact", "status": "False", "reason": "GapWithChurn", "message": "25m were not measured."},
        {"type": "Plausible", "status": "True", "reason": "NothingOdd", "message": "Nothing."},
        {"type": "Ready", "status": "False", "reason": "Invalid", "message": "Something else."},
    ],
}


def test_what_is_beside_the_figures() -> None:
    """How long the budget lasts, each adjustment with its effect, and each doubt."""
    assert list(beside(STATUS)) == [
        "At the pace of the last hour the budget is empty in 2d3h.",
        "BudgetAdjustment maintenance takes out 2 stretches of time, the last from 22 Nov 02:00 UTC to 22 Nov 03:00 UTC: "
        "1200 events, 7 of them bad. Where an edge is known in steps of minutes or hours only, less is taken out.",
        "BudgetAdjustment fresh-start forgives 31 bad events from before 20 Nov 06:00 UTC.",
        "Exact is False (GapWithChurn): 25m were not measured.",
    ]
    assert list(beside({})) == []


BAD = on_trial(
    ReleaseFinding.BAD, costs=(Cost(measured().objective.key, 1204, 61, 0.032, ReleaseFinding.BAD),), kept=False
).release
GOOD = replace(BAD, template=OLD, state=ReleaseState.SUPERSEDED, ended=NOW - 60, good=True, costs=())


def body_of(record: ReleaseRecord) -> dict[str, Any]:
    """As the cluster has it."""
    return {**release_body(record), "status": release_status(record, now=NOW)}


def test_releases_are_read_back_for_the_workload_that_is_asked_about() -> None:
    """What is on record of it, without those of others and those that cannot be read."""
    other = replace(BAD, workload=replace(SHOP, name="cart"))
    broken = {**body_of(BAD), "status": {"state": "Nonsense"}}
    bare = {**body_of(GOOD), "status": {}}
    assert releases_of([body_of(other), broken, bare, body_of(BAD)], SHOP) == (BAD,)


def test_what_is_said_of_the_releases_of_a_workload() -> None:
    """What is declared and how it fares, and what could serve; that it is undone is said once, by its hold."""
    assert list(of_releases((), None)) == ["No release of it is on record yet."]
    undo = Undo("bad-release-abcde", NEW, OLD, NOW, UndoState.UNDONE)
    hold = replace(on_record(), undo=undo, quarantined=(Quarantined("bad-release-abcde", NEW, NOW),))
    assert list(of_releases((GOOD, BAD), hold)) == [
        "checkout:v2 (revision 42) rolls out; it began on 28 Nov 05:30 UTC.",
        "shop/checkout-latency: 61 of 1,204 requests of its pods failed, 3.2 % of the budget; it is at fault.",
        "The last good release is checkout:v1, of 28 Nov 05:30 UTC.",
    ]
    assert len(list(of_releases((BAD,), None))) == 2


def test_a_workload_that_takes_any_other_release_is_not_called_held() -> None:
    """Held is what refuses every change; after an undo the next release goes out."""
    record = on_record()
    undo = Undo("bad-release-abcde", NEW, OLD, NOW, UndoState.UNDONE)
    undone = replace(
        record, id=undo.id, causes=(), undo=undo, declared=NEW, serving=OLD, message="checkout:v2 was undone."
    )
    assert next(of_hold("x", None)) == "x is free."
    assert next(of_hold("x", record)).startswith("x is held since ")
    assert list(of_hold("x", undone)) == [
        "x does not roll out what it declares since 28 Nov 05:00 UTC (bad-release-abcde, Active): checkout:v2 was undone.",
        "  declared checkout:v2; serving checkout:v1",
    ]


def test_a_rule_on_releases_is_explained_from_the_status() -> None:
    """The finding comes from the objective, its figures from the record of the release."""
    read = parse_objective(objective(workloads=[{"kind": "Deployment", "name": "checkout"}]))
    rules = list(parse_policy(policy(rule(WORSE, ROLL_BACK), mode="Enforce")).rules)
    figures = replace(burning_now(key=read.key), objective=read)
    trial = on_trial(ReleaseFinding.BAD, key=read.key)
    found = release_findings(trial, (figures,), {read.key: tuple(rules)}, {}, NOW)
    status: Any = objective_status(Standing(figures, found), now=NOW)
    again = measured_of(read, status)
    assert again is not None
    with_release = findings_of(again, status, rules, BAD)[rules[0].key][0]
    assert with_release.trial is not None
    assert with_release.trial.release == BAD
    assert findings_of(again, status, rules, None)[rules[0].key][0].trial is None


def test_only_holds_in_force_on_these_workloads_are_read() -> None:
    """A Hold of another workload, and one that makes no sense, say nothing here."""
    record = on_record()
    body = {
        "metadata": {"name": SHOP.hold_name, "namespace": "shop"},
        "spec": {"workload": {"kind": "Deployment", "name": "checkout"}},
        "status": hold_status(record, now=NOW),
    }
    assert set(holds_of([body, {"metadata": {}}], (SHOP,))) == {SHOP}
    assert holds_of([body], ()) == {}


@pytest.mark.parametrize("what", ["pod/x", "secret/x", "/x"])
def test_what_cannot_be_explained_is_said(what: str) -> None:
    """Objectives and workloads can; anything else is a mistake, said without asking a cluster."""
    result = CliRunner().invoke(main, ["explain", what])
    assert result.exit_code == 2
    assert "give slo/NAME or deployment/NAME" in result.output
