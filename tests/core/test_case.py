"""Which pods are of a release on trial, and what is nobody's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.core.case import MOST_PODS, Case
from holdfast.core.hold import Template
from holdfast.core.objective import Workload
from holdfast.core.pods import LONGEST_SET, Candidate, Pod, replica_set_of
from holdfast.core.release import ReleaseRecord, ReleaseState

WEB = Workload("shop", "Deployment", "web")
DATABASE = Workload("shop", "StatefulSet", "db")
BEGAN = 1_000.0


def candidate(workload: Workload = WEB, *hashes: str, again: bool = False) -> Candidate:
    """A release that began at 1,000."""
    return Candidate(workload, "uid", "digest", BEGAN, hashes, again)


def pod(name: str, revision: str, created: float) -> Pod:
    """One pod."""
    return Pod(name, f"uid of {name} {created}", revision, created)


def told(case: Case, *pods: Pod, at: float = 2_000.0) -> Case:
    """The case when these pods were listed."""
    case.learn(pods, at)
    return case


def test_a_candidate_is_what_is_on_record() -> None:
    """Its hash is there as soon as the controller has given it one."""
    record = ReleaseRecord(WEB, "uid", Template("digest"), BEGAN, ReleaseState.ROLLING_OUT, again=True)
    assert Candidate.of(record) == candidate(again=True)
    assert Candidate.of(replace(record, hash="new", again=False)) == candidate(WEB, "new")


@pytest.mark.parametrize(
    ("before", "now", "after"),
    [
        (candidate(), candidate(WEB, "a"), ("a",)),
        (candidate(), replace(candidate(WEB, "a"), began=990.0), ("a",)),
        (candidate(WEB, "a"), candidate(WEB, "b"), ("a", "b")),
        (candidate(WEB, "a"), candidate(), ("a",)),
        (candidate(WEB, "a"), replace(candidate(WEB, "a"), began=1_500.0), None),
        (candidate(WEB, "a"), replace(candidate(WEB, "a"), digest="other"), None),
        (candidate(), replace(candidate(WEB, "a"), uid="other"), None),
    ],
    ids=["its hash", "its beginning", "a restart", "nothing new", "once more", "another one", "another workload"],
)
def test_a_release_is_the_same_as_it_becomes_known(
    before: Candidate, now: Candidate, after: tuple[str, ...] | None
) -> None:
    """It gets a hash, and another one when it is restarted; one that begins anew is another one."""
    found = now.after(before)
    assert (found.hashes if found is not None else None) == after
    case = Case(before)
    opened = Case.opened(now, case)
    assert (opened.candidate.hashes if after is not None else opened.candidate) == (after if after is not None else now)
    assert (opened is case) == (found == before)


def test_a_pod_is_told_by_its_revision() -> None:
    """Whenever its process started: a container that starts anew makes no release of an old pod."""
    case = told(Case(candidate(WEB, "new")), pod("web-new-abcde", "new", 1_010), pod("web-old-abcde", "old", 500))
    assert case.is_new("web-new-abcde", 1_012) is True
    assert case.is_new("web-old-abcde", 1_500) is False


def test_before_the_release_has_a_hash_only_older_pods_are_told() -> None:
    """What came afterwards may be of it or of the one before."""
    case = told(Case(candidate()), pod("web-a-abcde", "a", 500), pod("web-b-abcde", "b", 1_001))
    assert case.is_new("web-a-abcde", 501) is False
    assert case.is_new("web-b-abcde", 1_002) is None


def test_where_a_template_returns_its_older_pods_are_not_the_release() -> None:
    """They carry the same hash: only the time of their creation tells."""
    case = told(Case(candidate(WEB, "a", again=True)), pod("web-a-older", "a", 500), pod("web-a-newer", "a", 1_003))
    assert case.is_new("web-a-older", 1_100) is False
    assert case.is_new("web-a-newer", 1_004) is True


def test_a_pod_that_nobody_saw_is_told_by_its_replica_set() -> None:
    """The name of a known set, a dash and five characters; never where names are cut or the set is not known."""
    case = told(Case(candidate(WEB, "new")), pod("web-old-abcde", "old", 500))
    assert case.is_new("web-new-vwxyz", 1_010) is True
    assert case.is_new("web-old-vwxyz", 1_010) is False
    assert case.is_new("web-other-vwxyz", 1_010) is None
    assert case.at_last("web-other-vwxyz", 1_010) is None
    assert case.at_last("web-other-vwxyz", 900) is False
    assert case.at_last("web-new-vwxyz", 1_010) is True


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("web-6466864d89-4bcd5", "web-6466864d89"),
        ("web-6466864d89", ""),
        ("x" * LONGEST_SET + "-4bcd5", "x" * LONGEST_SET),
        ("x" * (LONGEST_SET + 1) + "4bcd5", ""),
        ("x" * (LONGEST_SET + 1) + "-4bcd5", ""),
    ],
)
def test_a_replica_set_is_read_off_a_name_only_where_it_is_whole(name: str, found: str) -> None:
    """Kubernetes cuts what is longer than 58 characters together with the dash."""
    assert replica_set_of(name) == found


def test_a_template_that_returns_is_not_told_by_names_while_its_pods_may_be_listed() -> None:
    """An older pod of the same set has such a name too; at last the age of its process decides."""
    case = Case(candidate(WEB, "a", again=True))
    assert case.is_new("web-a-vwxyz", 1_010) is None
    assert case.at_last("web-a-vwxyz", 1_010) is True
    assert case.at_last("web-a-vwxyz", 900) is False


def test_only_deployments_are_told_by_names() -> None:
    """Names of other pods have no revision in them."""
    case = Case(candidate(Workload("shop", "DaemonSet", "web"), "new"))
    assert case.is_new("web-new-vwxyz", 1_010) is None
    assert case.at_last("web-new-vwxyz", 1_010) is None


def test_pods_of_one_name_are_told_apart_by_time() -> None:
    """A pod of a StatefulSet keeps its name: a process is of the last pod that was there when it started."""
    case = told(Case(candidate(DATABASE, "db-new")), pod("db-0", "db-old", 500), at=900)
    told(case, pod("db-0", "db-new", 1_020), at=1_030)
    assert case.is_new("db-0", 510) is False
    assert case.is_new("db-0", 1_019) is True  # clocks differ by a little
    assert case.is_new("db-0", 1_010) is False
    assert case.is_new("db-0", 490) is False
    assert case.is_new("db-1", 1_010) is None


def test_what_had_gone_when_pods_were_listed_is_told_by_its_age() -> None:
    """One that is older than the release is not of it; before anybody listed pods it waits."""
    case = Case(candidate(Workload("shop", "DaemonSet", "web"), "new"))
    assert case.is_new("web-vwxyz", 900) is None
    told(case, pod("web-abcde", "new", 1_002))
    assert case.is_new("web-vwxyz", 900) is False
    assert case.is_new("web-vwxyz", 1_003) is None


def test_a_process_that_started_since_the_pods_were_listed_waits() -> None:
    """It may be of a pod of that name which nobody has seen yet."""
    case = Case(candidate(DATABASE, "db-new"))
    assert case.is_new("db-0", 510) is None
    told(case, pod("db-0", "db-old", 500), at=1_019)
    assert case.is_new("db-0", 1_021) is None
    told(case, pod("db-0", "db-new", 1_020), at=1_030)
    assert case.is_new("db-0", 1_021) is True


def test_what_was_counted_before_it_began_is_not_counted() -> None:
    """Neither of the release nor of the others, nor of nobody."""
    case = Case(candidate(WEB, "new"))
    for at in (BEGAN - 5, BEGAN):
        case.look(at)
        for new in (True, False, None):
            case.count(at, new, (1, 1))
    assert case.lines.state == ()
    assert case.nobodys == (0, 0)


def test_the_pods_that_are_remembered_are_limited() -> None:
    """Those that were seen last stay."""
    case = told(Case(candidate(WEB, "new")), pod("web-new-first", "new", 1_001))
    told(case, *(pod(f"web-new-{n:05}", "new", 1_002) for n in range(MOST_PODS)))
    assert len(case.known) == MOST_PODS
    assert "web-new-first" not in case.known


@pytest.mark.parametrize(
    ("name", "pod_name", "may"),
    [
        ("web", "web-6466864d89-4bcd5", True),
        ("web", "web", False),
        ("web", "webs-1", False),
        ("x" * 57, "x" * 57 + "-4bcd5", True),
        ("x" * 58, "x" * 58 + "4bcd5", True),
        ("x" * 60, "x" * 58 + "4bcd5", True),
        ("x" * 60, "x" * 57 + "-4bcd5", False),
    ],
)
def test_a_pod_has_the_name_of_its_workload(name: str, pod_name: str, may: bool) -> None:
    """As far as it is kept."""
    assert Workload("shop", "Deployment", name).may_own("shop", pod_name) is may
    assert not Workload("elsewhere", "Deployment", name).may_own("shop", pod_name)
