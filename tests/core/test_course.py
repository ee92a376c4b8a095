"""The releases of a workload at one look, when another template was declared since the trial was looked up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.core.decide import decide
from holdfast.core.hold import Reason
from holdfast.core.judge_release import known_before
from holdfast.core.release import ReleaseFinding, ReleaseState
from holdfast.core.releases import Declared
from holdfast.core.wanted import Free
from tests.core.making import FIX, LATENCY, NEW, NOW, OLD, SHOP, cause_key, deployment, observed, replica_set
from tests.core.releasing import burning_now, on_trial, worse

BAD = on_trial(ReleaseFinding.BAD)
GOOD = replace(BAD.release, template=OLD, state=ReleaseState.SUPERSEDED, ended=NOW - 60, good=True)


@pytest.mark.parametrize("reason", [Reason.BAD_RELEASE, Reason.RELEASE_COSTS, Reason.RELEASE_STALLED])
def test_a_fix_is_not_blamed_for_what_it_mends(reason: Reason) -> None:
    """What was found against the release before it is over, at the look that sees the new template and at all after it."""
    view = deployment(
        replica_set(OLD, 4), template=FIX, declared=Declared(SHOP, "uid", FIX, paused=False, complete=False)
    )
    first = observed(
        burning_now(),
        rules=(worse(),),
        view=view,
        trial=BAD,
        releases=(GOOD, BAD.release),
        blamed={cause_key(worse()): reason},
        followed=True,
    )
    decision = decide(first)
    assert decision.wanted == Free()
    assert decision.because == ()
    (fix,) = (r for r in decision.releases if r.template == FIX)
    assert fix.found is None
    assert known_before(on_trial(template=FIX), decision.because, None) == {}


def test_an_incident_outlives_the_release_of_its_time() -> None:
    """It is nobody's fault, so it goes on while another template rolls out."""
    view = deployment(template=FIX, declared=Declared(SHOP, "uid", FIX, paused=False, complete=False))
    seen = observed(
        burning_now(),
        rules=(worse(),),
        view=view,
        trial=BAD,
        releases=(GOOD, BAD.release),
        blamed={cause_key(worse(), LATENCY): Reason.SHARED_INCIDENT},
        followed=True,
    )
    assert [f.reason for f in decide(seen).because] == [Reason.SHARED_INCIDENT]


def test_the_same_release_stays_blamed() -> None:
    """Its figures may fall again: what was found stays in force until another template is declared."""
    view = deployment(template=NEW, declared=Declared(SHOP, "uid", NEW, paused=False, complete=False))
    seen = observed(
        burning_now(),
        rules=(worse(),),
        view=view,
        trial=on_trial(ReleaseFinding.UNDECIDED),
        releases=(GOOD, BAD.release),
        blamed={cause_key(worse()): Reason.BAD_RELEASE},
        followed=True,
    )
    assert [f.reason for f in decide(seen).because] == [Reason.BAD_RELEASE]
