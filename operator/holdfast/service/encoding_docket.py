"""A docket as plain values in the head of a stored ledger, and back.

Rule: it is there only while a release is on trial, so that all other ledgers are stored as before. One of another version
is left out: what its releases did is then counted from now on, and the ledger itself loses nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from holdfast.core.case import CaseState, Objects
from holdfast.core.docket import DocketState, Life, Wait
from holdfast.core.lines import Line
from holdfast.core.objective import Workload
from holdfast.core.pods import Candidate

from .values import flag, maybe, number, words

VERSION: Final = 1


def docket(state: DocketState) -> list[object]:
    """The values of a docket."""
    cases = [_case(case) for case in state.cases]
    return [VERSION, cases, [[list(life), waits] for life, waits in state.waiting.items()]]


def docket_of(values: Any) -> DocketState | None:
    """The docket that these values are of; None for one of another version. ValueError (or what Python says) for none."""
    version, *rest = values
    if version != VERSION:
        return None
    cases, waiting = rest
    if not all(waits for _, waits in waiting):
        raise ValueError("not a ledger: a process waits without events")
    return DocketState(tuple(map(_case_of, cases)), {_life(life): tuple(map(_wait, waits)) for life, waits in waiting})


def _case(case: CaseState) -> list[object]:
    one = case.candidate
    who = [one.workload.namespace, one.workload.kind, one.workload.name, one.uid, one.digest, *one.hashes]
    known = [[name, objects] for name, objects in case.known.items()]
    return [who, one.began, one.again, known, case.lines, case.nobodys, case.told]


def _case_of(values: Any) -> CaseState:
    who, began, again, known, lines, nobodys, told = values
    namespace, kind, name, uid, digest, *hashes = words(who)
    candidate = Candidate(Workload(namespace, kind, name), uid, digest, number(began), tuple(hashes), flag(again))
    total, bad = map(number, nobodys)
    found = tuple(map(_line, lines))
    if any(one[0] >= other[0] for one, other in pairwise(found)):
        raise ValueError("not a ledger: the intervals of a release are not in order")
    objects = {words([pod])[0]: _objects(several) for pod, several in known}
    return CaseState(candidate, objects, found, (total, bad), maybe(told))


def _objects(values: Any) -> Objects:
    return tuple((number(created), words([revision])[0]) for created, revision in values)


def _line(values: Any) -> Line:
    at, total, bad, others, bad_others = map(number, values)
    return at, total, bad, others, bad_others


def _life(values: Any) -> Life:
    namespace, pod, since = values
    namespace, pod = words([namespace, pod])
    return namespace, pod, maybe(since)


def _wait(values: Any) -> Wait:
    before, at, total, bad = map(number, values)
    return before, at, total, bad
