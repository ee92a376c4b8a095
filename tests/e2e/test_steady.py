"""What takes a minute: a cluster in which nothing happens, and a hold that lasts as long as it may."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lab import Cluster
from lab.chart import InstalledChart
from lab.operator import Operator
from tests.e2e.scene import EXHAUSTED, Scene, settle

pytestmark = pytest.mark.lab

SECONDS = 120


@pytest.fixture(scope="module")
def worn(lab_cluster: Cluster, session_operator: object) -> Iterator[Scene]:
    """A service that keeps failing, held by a rule that holds for a minute at most."""
    scene = Scene(lab_cluster)
    scene.objective()
    scene.policy({**EXHAUSTED, "then": {**EXHAUSTED["then"], "atMost": "1m"}})
    scene.burn()
    yield scene
    lab_cluster.raw("DELETE", f"/api/v1/namespaces/{scene.namespace}")


def test_nothing_is_written_while_nothing_happens(
    operator: Operator, calm: list[Scene], worn: Scene, chart: InstalledChart, lab_cluster: Cluster
) -> None:
    """Fifty objectives with traffic, verdicts from Open to Hold, statuses settled: in two minutes not one write."""
    worn.held()
    calm[0].held(60)
    ours = {scene.namespace for scene in calm}

    def writes(since: float) -> list[str]:
        """Whatever the operator wrote about these services or outside of any (other tests have namespaces of their own)."""
        found = lab_cluster.audit(since, user=chart.user)
        return [
            f"{e.verb} {e.resource}/{e.name} {e.code}" for e in found if e.namespace in ours | {"", chart.namespace}
        ]

    assert len(writes(0)) >= 50
    lab_cluster.wait(lambda: not writes(time.time() - 8), 60, "the statuses to settle", every=1)
    began = time.time()
    settle(SECONDS)
    written = writes(began)
    stored = [said for said in written if "configmaps/holdfast-ledgers-" in said]  # each shard once in 15 minutes
    assert [said for said in written if said not in stored] == []
    assert len(stored) <= 1
    verdicts = {scene.slo(f"o{n}")["verdict"] for scene in calm for n in range(10)}
    assert verdicts == {"Open", "Hold"}
    assert all(scene.slo(f"o{n}")["evidence"]["state"] == "Fresh" for scene in calm for n in range(10))


def test_a_hold_ends_when_its_rule_says_at_most(worn: Scene) -> None:
    """After atMost releases go through though the budget is empty, and the rule does not hold again."""
    worn.free(80)
    assert worn.hold()["history"][-1]["reason"] == "AtMostReached"
    worn.until(lambda: worn.slo()["verdict"] == "Notify", "the verdict to step down")
    settle(4)
    assert worn.hold()["state"] == "Lifted"
    assert not worn.release("shop:v3")
    note = next(n for kind, reason, n in worn.events() if (kind, reason) == ("Deployment", "AtMostReached"))
    assert note.endswith(": it was held for as long as the rule allows.")
