"""How are requests spread and what becomes of them? Pure arithmetic over time; no clock, no network.

Rule: a workload's rate is split evenly over its serving pods by integer counts, nothing is lost between two steps
(fractions are carried over), and faults fall at exactly even distances unless a seed asks for chance.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from lab.shop.faults import Faults
from lab.shop.pods import Counters, Pod
from lab.shop.truth import SLOW_ABOVE, Truth

_WHOLE: Final = 1_000_000  # faults are counted in millionths, so that even distances are exact


@dataclass(slots=True)
class _Workload:
    """The stream of requests to one (namespace, app)."""

    truth: Truth = field(default_factory=Truth)
    rate: float | None = None  # requests/s; None means the default rate
    carry: float = 0.0
    turn: int = 0
    owed: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))  # millionths by (release, fault)


class Traffic:
    """All pods and streams of the shop. `advance` brings it to a point in time."""

    def __init__(self, default_rate: float) -> None:
        """`default_rate` is in requests/s per workload."""
        self.default_rate = default_rate
        self.faults = Faults()
        self.pods: dict[str, Pod] = {}  # by key: one for each container
        self._keys: dict[tuple[str, str, str], str] = {}  # of the present pod of a name, and its containers
        self._workloads: dict[tuple[str, str], _Workload] = defaultdict(_Workload)
        self._dice: random.Random | None = None
        self._clock: float | None = None

    def advance(self, clock: float, now: float) -> None:
        """Serve what came since the last call. `clock` is monotonic, `now` is Unix time, both in seconds."""
        elapsed = 0.0 if self._clock is None else max(0.0, clock - self._clock)
        self._clock = clock
        members: dict[tuple[str, str], list[Pod]] = defaultdict(list)
        for pod in self.pods.values():
            members[pod.namespace, pod.app].append(pod)
        for key, pods in members.items():
            self._serve(self._workloads[key], [pod for pod in pods if pod.serving], elapsed, now)

    @property
    def busy(self) -> bool:
        """Whether requests flow."""
        return any(pod.serving and self.rate(pod.namespace, pod.app) > 0 for pod in self.pods.values())

    def rate(self, namespace: str, app: str) -> float:
        """Requests/s of a workload."""
        own = self._workloads[namespace, app].rate
        return self.default_rate if own is None else own

    def set_rate(self, namespace: str, app: str, rate: float) -> None:
        """Change the rate of a workload from now on; call `advance` before."""
        self._workloads[namespace, app].rate = rate

    def truth(self, namespace: str, app: str) -> Truth:
        """The counts of a workload up to the last `advance`."""
        return self._workloads[namespace, app].truth

    def use_chance(self, seed: str | None) -> None:
        """Let a seeded dice decide which requests are faulty; None goes back to even distances."""
        self._dice = None if seed is None else random.Random(seed)

    def put(self, pod: Pod) -> None:
        """Add a pod or its new state; its counters go on unless it is another pod of the same name."""
        if known := self.pods.get(pod.key):
            pod.paused = known.paused
            if known.running:  # a process starts when its container does
                pod.counters = known.counters
        self.pods[pod.key] = pod
        self._keys[pod.namespace, pod.name, pod.container] = pod.key

    def remove(self, uid: str) -> None:
        """Forget a pod whose object is gone, with all its containers; its truth stays."""
        for pod in [pod for pod in self.pods.values() if pod.uid == uid]:
            del self.pods[pod.key]
            if self._keys[pod.namespace, pod.name, pod.container] == pod.key:
                del self._keys[pod.namespace, pod.name, pod.container]

    def find(self, namespace: str, name: str, container: str = "") -> Pod | None:
        """The pod of that name which has a page now: its first container, or another one."""
        pod = self.pods.get(self._keys.get((namespace, name, container), ""))
        return pod if pod is not None and pod.running else None

    def restart(self, pod: Pod, now: float) -> None:
        """Restart the container: its counters begin at 0 with a new process start time."""
        pod.counters = Counters(started=now)

    def _serve(self, workload: _Workload, pods: list[Pod], elapsed: float, now: float) -> None:
        rate = self.default_rate if workload.rate is None else workload.rate
        workload.carry += rate * elapsed
        arrived = int(workload.carry)
        workload.carry -= arrived
        if not arrived:
            return
        if not pods:
            workload.truth.unserved += arrived
            return
        pods.sort(key=lambda pod: pod.name)
        each, extra = divmod(arrived, len(pods))
        first, workload.turn = workload.turn % len(pods), (workload.turn + extra) % len(pods)
        shares = [each + ((place - first) % len(pods) < extra) for place in range(len(pods))]
        by_release: dict[str, list[tuple[Pod, int]]] = defaultdict(list)
        for pod, requests in zip(pods, shares, strict=True):
            if requests:
                by_release[pod.release].append((pod, requests))
        for release, served in by_release.items():
            self._answer(workload, release, served, now)

    def _answer(self, workload: _Workload, release: str, served: list[tuple[Pod, int]], now: float) -> None:
        faults = [self.faults.of(pod.namespace, pod.app, pod.tag) for pod, _ in served]
        bad = self._hits(workload, (release, "errors"), served, [fault.errors for fault in faults])
        slow = self._hits(workload, (release, "slow"), served, [fault.slow for fault in faults])
        for (pod, requests), fault, failed, late in zip(served, faults, bad, slow, strict=True):
            pod.counters.add(200, requests - failed)
            pod.counters.add(500, failed)
            pod.counters.observe(fault.latency, requests - late)
            pod.counters.observe(fault.slow_latency, late)
            above = late * (fault.slow_latency > SLOW_ABOVE) + (requests - late) * (fault.latency > SLOW_ABOVE)
            workload.truth.add(release, pod.name, requests, failed, above, now)

    def _hits(
        self, workload: _Workload, kind: tuple[str, str], served: list[tuple[Pod, int]], shares: list[float]
    ) -> list[int]:
        """How many requests of each pod are faulty: even over the release, and then even over its pods."""
        if self._dice is not None:
            dice = self._dice
            return [sum(dice.random() < share for _ in range(n)) for (_, n), share in zip(served, shares, strict=True)]
        for (pod, requests), share in zip(served, shares, strict=True):
            due = requests * round(share * _WHOLE)
            workload.owed[kind] += due
            pod.counters.owed[kind[1]] = pod.counters.owed.get(kind[1], 0) + due
        total, workload.owed[kind] = divmod(workload.owed[kind], _WHOLE)
        hits = [0] * len(served)
        for _ in range(total):
            open_places = [place for place, (_, n) in enumerate(served) if hits[place] < n]
            place = max(open_places, key=lambda p: served[p][0].counters.owed[kind[1]])
            hits[place] += 1
            served[place][0].counters.owed[kind[1]] -= _WHOLE
        return hits
