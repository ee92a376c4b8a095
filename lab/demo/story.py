"""The story of the demo, step by step. Every step waits for what it promises; one that does not come ends the demo.

First act: a release fails, and is undone by itself. Second act: everything fails, the budget is empty, and people find the
way out by hand.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Final

from lab.demo.shop import APP, NAMESPACE
from lab.demo.stage import DEPLOYMENT, Stage
from lab.errors import LabError

EXAMPLES: Final = Path(__file__).parents[2] / "examples"


class Story(Stage):
    """A shop, a bad release, a bad day, and the people around it."""

    def run(self) -> None:
        """Everything in order; raises LabError when something does not happen."""
        for step in (
            self.people,
            self.examples,
            self.good_release,
            self.bad_release,
            self.undone,
            self.fix,
            self.off_trial,
            self.bad_day,
            self.held,
            self.denied,
            self.glass_broken,
            self.recovered,
            self.next_release,
        ):
            self.screen.begin((step.__doc__ or "").rstrip("."))
            step()
            self.screen.end()

    def people(self) -> None:
        """A developer may change Deployments; who is on call may also override holds."""
        self.cluster.namespace(NAMESPACE)
        for user, roles in (("developer", ("edit",)), ("oncall", ("edit", "holdfast-override"))):
            for role in roles:
                name = f"{user}-{role}"
                self.kubectl("create", "rolebinding", name, f"--clusterrole={role}", f"--user={user}", "-n", NAMESPACE)

    def examples(self) -> None:
        """The shop, its objective and its policy are applied with kubectl."""
        files = [
            f"--filename={EXAMPLES / name}" for name in ("demo-shop.yaml", "demo-objective.yaml", "demo-policy.yaml")
        ]
        self.kubectl("apply", *files)
        self.cluster.shop.set_fault("v2", errors=0.1)
        self.cluster.wait_rollout(NAMESPACE, APP)

    def good_release(self) -> None:
        """v1 serves 100 requests a second, its budget is measured, and it is known to be good."""
        ready = lambda: self.condition("BudgetYoung") == "False" and self.status().get("verdict") == "Open"  # noqa: E731
        self.wait(ready, "a measured budget")
        self.show("get", "slo", "-n", NAMESPACE)

    def bad_release(self) -> None:
        """The developer rolls out v2: one answer in ten is an error."""
        self.set_image("v2", "developer")
        first = self.wait(
            lambda: self.cluster.shop.truth(NAMESPACE, APP).total.first_bad_at, "the first failed request"
        )
        self.mark("v2: first bad request", first)

    def undone(self) -> None:
        """Holdfast undoes it, by itself: v1 serves again, and v2 stays declared, as Git would have it."""
        began = self.marks["v2: first bad request"]
        self.wait(lambda: self.in_force("Undone"), "the undo", 90)
        self.mark("v2 found bad", self.written("create", "holds", began))
        self.mark("only v1 serves")
        self.show("get", "holds", "-n", NAMESPACE)
        self.show("get", "wrel", "-n", NAMESPACE)
        self.show("get", DEPLOYMENT, "-n", NAMESPACE)
        self.explain()
        if self.running() != ["v1"] * 4 or not self.deployment()["spec"].get("paused"):
            raise LabError(
                f"Four pods of v1 should serve under a paused Deployment, but these are there: {self.running()}"
            )
        truth = self.cluster.shop.truth(NAMESPACE, APP).total
        left = self.status().get("summary", {}).get("left", "-")
        self.screen.say(f"{truth.bad} of {truth.requests} requests failed; {left} of the budget is left.")

    def fix(self) -> None:
        """The developer sends the fix, v3: it goes out, and nobody is asked."""
        self.set_image("v3", "developer")
        self.cluster.wait_rollout(NAMESPACE, APP, timeout=120)
        self.mark("the fix, v3, is out")
        if self.running() != ["v3"] * 4:
            raise LabError(f"Only pods of v3 should be there, but these are: {self.running()}")

    def off_trial(self) -> None:
        """v3 serves for a minute after its completion; then its trial is over, and it is the one to go back to."""
        completed = self.wait(lambda: self.release("v3").get("completed"), "the WorkloadRelease of v3 to be complete")
        over = datetime.fromisoformat(completed).timestamp() + 61
        self.wait(lambda: self.cluster.shop.truth(NAMESPACE, APP).at > over, "the end of the trial of v3", 90)
        self.show("get", "wrel", "-n", NAMESPACE)

    def bad_day(self) -> None:
        """Later something behind the shop breaks: every release so far fails alike."""
        self.cluster.shop.set_fault(None, errors=0.5, namespace=NAMESPACE, app=APP)
        self.mark("every release fails")

    def held(self) -> None:
        """As soon as the budget is empty Holdfast holds the Deployment; nothing is undone, since no release is to blame."""
        self.wait(lambda: self.hold().get("state") == "Active" and self.in_force("Enforced"), "the hold", 90)
        self.mark("hold in force")
        self.show("get", "holds", "-n", NAMESPACE)

    def denied(self) -> None:
        """The developer tries the next release, and is told why not."""
        refused = self.set_image("v5", "developer", check=False)
        if refused.returncode == 0:
            raise LabError("The gate let a release of a held Deployment through.")
        self.screen.say(refused.stderr.strip())
        way_out = re.search(r"Way out: kubectl (label .*?) and send", refused.stderr)
        if way_out is None:
            raise LabError("The denial names no way out.")
        self._way_out = way_out[1].split()

    def glass_broken(self) -> None:
        """Who is on call breaks the glass with that command and sends v6, which copes with what broke."""
        self.screen.say(f"$ kubectl {' '.join(self._way_out)}")
        self.kubectl(*self._way_out, user="oncall")
        self.cluster.shop.set_fault("v6", namespace=NAMESPACE, app=APP)
        self.set_image("v6", "oncall")
        self.cluster.wait_rollout(NAMESPACE, APP, timeout=120)
        self.mark("v6 is out")

    def recovered(self) -> None:
        """The budget recovers within its window of two minutes, and the hold lifts by itself."""
        self.wait(lambda: self.hold().get("state") == "Lifted", "the lift", 240)
        self.mark("hold lifted")
        labels = self.deployment()["metadata"]["labels"]
        if any(key.startswith("holdfast.dev/") for key in labels):
            raise LabError(f"The hold is lifted, but labels are left: {labels}")
        self.show("get", "slo", "-n", NAMESPACE)
        self.show("get", "holds", "-n", NAMESPACE)

    def next_release(self) -> None:
        """The next release, v7, goes through."""
        self.cluster.shop.set_fault(None, namespace=NAMESPACE, app=APP)
        self.set_image("v7", "developer")
        self.cluster.wait_rollout(NAMESPACE, APP, timeout=120)
