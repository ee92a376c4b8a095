"""Which objectives read the same ledger. The digests are stored in clusters: to change one orphans what is there."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from holdfast.core.identity import Identity, identity_of
from holdfast.core.objective import (
    BadOverTotal,
    Composite,
    Gauge,
    GoodOverTotal,
    Indicator,
    Latency,
    Match,
    Matcher,
    Objective,
    ObjectKey,
    Part,
    Proportion,
    Selector,
    TimeSlices,
    Workload,
)
from holdfast.core.window import Rolling
from tests.core.making import objective

JOB = Matcher("job", Match.EQUAL, "checkout")
CODE = Matcher("code", Match.REGEX, "5..")
BAD, ALL = Selector("http_requests_total", (JOB, CODE)), Selector("http_requests_total", (JOB,))

STORED: list[tuple[Indicator, TimeSlices | None, str]] = [
    (BadOverTotal(BAD, ALL), None, "37aebbbd34489c9f5eda2cd7e005162d"),
    (GoodOverTotal(BAD, ALL), None, "caefcd5372c9588841c9e3c1a1f7c220"),
    (BadOverTotal(BAD, ALL), TimeSlices(60, Fraction(99, 100)), "aa5e24664e3076dce7c9432ccf6d2e5f"),
    (Latency(ALL, 0.2), None, "306209552b5a4dda5a020619b59b2780"),
    (Gauge("min(up)", Fraction(1, 2), True, 60), None, "774c3dc322cf645c2c1ffc1e65371bff"),
    (Proportion("job:errors:ratio", False, "job:requests", 60), None, "9bcf299af5a25753db93d579185dc0aa"),
    (Composite((Part(ObjectKey("shop", "a"), Fraction(3)),)), None, "901631e7572f269faf5fe7c487859fb8"),
]


def of(indicator: Indicator, slices: TimeSlices | None = None, source: str = "default") -> str:
    """The digest of an objective that counts this."""
    return identity_of(replace(objective(), indicator=indicator, slices=slices, source=source)).digest


@pytest.mark.parametrize(("indicator", "slices", "digest"), STORED)
def test_a_digest_never_changes(indicator: Indicator, slices: TimeSlices | None, digest: str) -> None:
    """What an earlier version has stored is found by every later one."""
    assert of(indicator, slices) == digest


def test_other_pods_are_other_counters() -> None:
    """Who says whose events they are begins another ledger; who says what is so anyway does not."""
    plain = replace(objective(), indicator=STORED[0][0])
    assert identity_of(replace(plain, pod_label="pod")) == identity_of(plain)
    other = {identity_of(replace(plain, pod_label=label)).digest for label in ("exported_pod", "target_pod")}
    assert len(other | {identity_of(plain).digest}) == 3


def test_every_difference_in_what_is_counted_is_another_ledger() -> None:
    """Indicator, slices and source each decide; so does each part of a selector, the label's name and value included."""
    ledgers = [(indicator, slices) for indicator, slices, _ in STORED]
    ledgers += [
        (BadOverTotal(ALL, BAD), None),
        (BadOverTotal(Selector("http_requests_total", (JOB, Matcher("code", Match.EQUAL, "5.."))), ALL), None),
        (BadOverTotal(Selector("http_requests_total", (JOB, Matcher("kode", Match.REGEX, "5.."))), ALL), None),
        (BadOverTotal(BAD, ALL), TimeSlices(30, Fraction(99, 100))),
        (BadOverTotal(BAD, ALL), TimeSlices(60, Fraction(999, 1000))),
        (Latency(ALL, 0.25), None),
        (Gauge("min(up)", Fraction(1, 2), False, 60), None),
        (Proportion("job:errors:ratio", True, "job:requests", 60), None),
        (Proportion("job:errors:ratio", False, None, 60), None),
    ]
    digests = {of(*what) for what in ledgers} | {of(*what, source="other") for what in ledgers}
    assert len(digests) == 2 * len(ledgers)


@pytest.mark.parametrize(
    "other",
    [
        replace(objective(), target=Fraction(1, 2)),
        replace(objective(), window=Rolling(60)),
        replace(objective(), workloads=(Workload("shop", "Deployment", "cart"),), labels={"a": "b"}),
        replace(objective(), uid="another", generation=7, stale_after=1, min_events=5),
    ],
)
def test_what_is_promised_of_the_counts_does_not_matter(other: Objective) -> None:
    """Target, window, workloads and who the object is: the ledger stays the same."""
    assert identity_of(other) == identity_of(objective())


def test_the_name_of_the_objective_matters() -> None:
    """Two objectives that count the same have a ledger each, so that deleting one takes nothing from the other."""
    assert identity_of(objective(ObjectKey("shop", "a"))) != identity_of(objective(ObjectKey("shop", "b")))


def test_the_order_of_conditions_does_not_matter() -> None:
    """A selector written in another order, or with a condition twice, selects the same."""
    turned = Selector("http_requests_total", (CODE, JOB, CODE))
    assert of(BadOverTotal(turned, ALL)) == of(BadOverTotal(BAD, ALL))


def test_an_identity_is_spelled_for_people() -> None:
    """Logs name the objective and the beginning of the digest."""
    assert str(Identity(ObjectKey("shop", "checkout"), "0123456789abcdef")) == "shop/checkout (01234567)"
