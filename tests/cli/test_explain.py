"""What `holdfast explain` says beside the figures."""

from __future__ import annotations

from holdfast.cli.explain import beside

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
