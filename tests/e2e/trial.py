"""A service whose releases are on trial: how they begin, what people see of one that is undone, and which pods served.

Rule: what served is told by a watch of the pods, so nothing short is missed. Each service goes with its test, and with it the
records of its releases: Holdfast would take many bad ones at once for a fault of the metrics. `v1` and `v3` are good, `bad`
fails half of its requests. `…-ready-8s` begins to serve so late: `ONE_BY_ONE` that keeps a rollout in flight for half a
minute, while one `AT_ONCE` is complete before anything can be known of it. Waiting ends with what is waited for, so it may be
long: a busy machine is no failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lab.recorder import Recorder
from lab.shop.faults import tag_of
from tests.e2e.scene import APP, GROUP, Json, Scene

if TYPE_CHECKING:
    from lab import Cluster

QUEUE: Final = "holdfast.dev/queue"
DETACHED: Final = "holdfast.dev/detached-from"
ONE_BY_ONE: Final[Json] = {"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}
AT_ONCE: Final[Json] = {"strategy": {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}}}
BAD_RELEASE: Final[Json] = {
    "name": "bad-release",
    "when": {"release": {"worseThanTarget": {}}},
    "then": {"action": "RollBack", "within": "1h"},
}


class OnTrial(Scene):
    """A service with four pods, an objective of 99 % and the rule `BAD_RELEASE`, unless told otherwise."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        rules: tuple[Json, ...] = (BAD_RELEASE,),
        app: str = APP,
        replicas: int = 4,
        **document: Any,
    ) -> None:
        """Let it run; returns before its pods are ready."""
        super().__init__(cluster, app=app, replicas=replicas, **document)
        policy = self.document("ErrorBudgetPolicy", "releases", {"mode": "Enforce", "rules": list(rules)})
        cluster.apply([self.objective_document(), policy])
        self.seen = Recorder(cluster, self.namespace, app)

    def __enter__(self) -> OnTrial:
        """Record its pods from now on, once its first release is known to be good."""
        self.warm()
        self.until(lambda: [r for r in self.releases().values() if r.get("good")], "the first release to be good")
        self.seen.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.seen.__exit__(None, None, None)
        self.cluster.raw("DELETE", f"/api/v1/namespaces/{self.namespace}")

    def until(self, probe: Any, what: str, timeout: float = 90, every: float = 0.1) -> Any:
        """As `Scene.until`, with more patience."""
        return super().until(probe, what, timeout, every)

    # --- what is there
    def releases(self) -> dict[str, Json]:
        """The status of each WorkloadRelease, by the tag of its image."""
        items = self.raw(f"{GROUP}/namespaces/{self.namespace}/workloadreleases").get("items", ())
        return {tag_of(i["status"]["images"][0]): dict(i["status"]) for i in items if i.get("status")}

    def can_be_undone(self, tag: str) -> bool:
        """What was judged when the release of this image began."""
        return "CanGoBack" in {c["reason"] for c in self.releases()[tag].get("conditions", ())}

    @property
    def undo(self) -> Json:
        """What the Hold records of an undo; {} when there is none."""
        return dict(self.hold().get("record", {}).get("undo") or {})

    @property
    def queued(self) -> str:
        """The id in the queue label; '' without one."""
        return str(self.deployment()["metadata"].get("labels", {}).get(QUEUE, ""))

    @property
    def declared(self) -> str:
        """The tag of the image that the workload declares."""
        return tag_of(self.deployment()["spec"]["template"]["spec"]["containers"][0]["image"])

    def detached(self) -> list[str]:
        """The ReplicaSets that are detached."""
        return [s["metadata"]["name"] for s in self.sets() if DETACHED in (s["metadata"].get("labels") or {})]

    def ready(self, tag: str) -> int:
        """Ready pods of this image now."""
        return sum(pod.ready and pod.tag == tag for pod in self.seen.moments[-1].pods)

    def alone(self, tag: str, pods: int | None = None) -> bool:
        """Whether ready pods of this image serve, so many or as many as are declared, and there is no other pod."""
        wanted = self.deployment()["spec"]["replicas"] if pods is None else pods
        now = self.seen.moments[-1]
        return bool(now.of(tag) == now.ready == len(now.pods) == wanted)

    def told(self) -> list[str]:
        """The reasons of the Events about the workload, oldest first."""
        return [reason for kind, reason, _ in self.events() if kind == self.kind]

    # --- what is to happen
    def is_undone(self, bad: str) -> bool:
        """Whether the undo of this release is on record as done."""
        undo = self.undo
        return undo.get("state") == "Undone" and bool(undo["bad"]["version"] == bad)

    def undone(self, bad: str, good: str = "v1", timeout: float = 90) -> str:
        """Wait until the bad release is undone: good pods alone, Git's template untouched, all of it recorded; its id."""
        self.until(lambda: self.is_undone(bad) and self.alone(good), f"{bad} to be undone", timeout)
        undo, hold = self.undo, self.hold()
        assert undo["serve"]["version"] == good
        assert (hold["declared"]["version"], hold["serving"]["version"]) == (bad, good)
        assert self.queued == undo["id"]
        assert self.paused
        assert self.declared == bad
        self.until(lambda: self.releases()[bad]["state"] == "RolledBack", f"the release of {bad} to say so")
        return str(undo["id"])

    def fixed(self, good: str, *bad: str, timeout: float = 90) -> None:
        """Wait until this release is out by itself, nothing of an undo is left, and no bad pod ever came back."""
        self.until(lambda: self.declared == good and self.alone(good), f"{good} to roll out", timeout)
        self.until(lambda: not self.marks() and not self.undo, "nothing to be left of the undo")
        assert not self.paused
        assert not self.detached()
        self.never_came_back(*bad)

    def never_came_back(self, *bad: str) -> None:
        """No pod of these images came after the last one had gone, and none is there."""
        for tag in bad:
            came = [str(moment) for moment in self.seen.moments]
            assert self.seen.appearances(tag) <= 1, came
            assert self.seen.moments[-1].of(tag) == 0, came

    def free_of_undo(self) -> None:
        """Nothing of an undo was ever begun here."""
        assert not self.undo
        assert not self.queued
        assert not self.detached()
