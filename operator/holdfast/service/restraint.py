"""What is known of the whole cluster when one of its releases might be undone.

Rule: what is found bad in one pass is found bad at once, before anything is done about any of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from holdfast.core.hold import HoldRecord
from holdfast.core.judge import Finding
from holdfast.core.judge_release import known_before, release_findings
from holdfast.core.keeping import present
from holdfast.core.objective import Workload
from holdfast.core.quantities import Instant
from holdfast.core.release import ReleaseRecord, Restrained
from holdfast.core.restraint import PER_HOUR, Cluster, restrained

from .judged import Judged
from .releases import Releases


class Restraint:
    """Why releases may not be undone now, one by one."""

    def __init__(
        self,
        judged: Judged,
        releases: Releases,
        found: Mapping[Workload, Sequence[Finding]],
        now: Instant,
        per_hour: int = PER_HOUR,
    ) -> None:
        """Look at every release that is on trial."""
        self._now = now
        self._declared: dict[Workload, ReleaseRecord] = {}
        records: list[ReleaseRecord] = []
        for workload, known in releases.all().items():
            trial, hold = judged.trials.get(workload), judged.world.holds.get(workload)
            release = present(known)
            if trial is not None and release is not None and release.found is None:
                before = known_before(trial, found.get(workload, ()), hold)
                said = release_findings(trial, judged.measured(workload), judged.rules(workload), before, now)
                if any(f.blames and f.enforced for f in said):
                    release = replace(release, found=now)
            if release is not None:
                self._declared[workload] = release
            records += [r if release is None or r.template != release.template else release for r in known]
        self._cluster = Cluster(records, sum(bool(t.weighed) for t in judged.trials.values()), per_hour)

    def of(self, workload: Workload, hold: HoldRecord | None) -> Restrained | None:
        """Why no rule may have the release of this workload undone now; None when one may."""
        release = self._declared.get(workload)
        if release is None:
            return None
        return restrained(release, hold.undo if hold is not None else None, self._cluster, self._now)
