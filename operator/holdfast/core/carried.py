"""What becomes of what is found against a release: done as its rule asks, or less, and why.

Rule: what people are told is what happens. A rule that asks for a rollback which is not begun only notifies, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from .evidence import Fresh
from .judge import Finding
from .keeping import present
from .observed import Observed
from .policy import Mode, Verdict
from .release import RestraintReason
from .wanted import Held, Wanted

RESTRAINED: Final = {
    RestraintReason.ACTION_UNDER_WAY: "another release of the workload is being undone",
    RestraintReason.ALREADY_TRIED: "undoing it was tried before",
    RestraintReason.UNDONE_AGAIN_AND_AGAIN: "undoing does not help the workload",
    RestraintReason.MANY_AT_ONCE: "too many releases are found bad at once",
    RestraintReason.HOURLY_LIMIT: "too many were undone within an hour",
}
"""The same in a few words."""


def carried(seen: Observed, found: Iterable[Finding], wanted: Wanted) -> tuple[Finding, ...]:
    """The findings about releases, each with the verdict that is carried out."""
    return tuple(_carried(seen, finding, wanted) for finding in found if finding.rule.on_releases)


def _carried(seen: Observed, finding: Finding, wanted: Wanted) -> Finding:
    if not seen.enforcing:
        return replace(finding, rule=replace(finding.rule, mode=Mode.AUDIT))
    if not finding.enforced or not finding.blames or finding.verdict <= Verdict.NOTIFY:
        return finding
    undo = wanted.record.undo if isinstance(wanted, Held) else None
    if undo is None:
        return replace(finding, verdict=Verdict.NOTIFY, demoted=_why_not(seen, finding))
    return finding if undo.serve is not None else replace(finding, verdict=min(finding.verdict, Verdict.HOLD))


def _why_not(seen: Observed, finding: Finding) -> str:
    release = present(seen.releases)
    if release is not None and release.allow is not None:
        return "a person allowed the release"
    if seen.restrained is not None:
        return RESTRAINED[seen.restrained.reason]
    if release is not None and release.attempted:
        return RESTRAINED[RestraintReason.ALREADY_TRIED]
    if not isinstance(finding.measured.evidence, Fresh):
        return "there is no fresh evidence now"
    return "there is no release to go back to"
