"""Rules of answers that stay small: a query is divided where that makes its answers smaller, and only there."""

from __future__ import annotations

from holdfast.core.objective import Objective
from holdfast.prometheus.families import families
from holdfast.prometheus.narrowing import Width
from holdfast.prometheus.sources import Series
from holdfast.prometheus.splitting import split
from tests.prometheus.making import SOURCE, errors, series


def answer(pods: int, jobs: int) -> list[Series]:
    """So many pods of each job."""
    return [
        series({"job": f"job-{job}", "pod": f"p{n}", "namespace": "shop", "code": "200"}, 1)
        for job in range(jobs)
        for n in range(pods)
    ]


def jobs(number: int) -> list[Objective]:
    """One objective for each job."""
    return [errors(f"o{n}", namespace="shop", job=f"job-{n}") for n in range(number)]


def test_a_large_answer_is_divided_by_the_label_that_differs() -> None:
    """Each part asks for some jobs only, fits the bound, and all readers are in one part each."""
    (family,) = families(jobs(10))
    parts = split(family, answer(10, 10), 25)
    assert [len(part.readers) for part in parts] == [4] * 5  # two objectives of two roles
    assert 'job=~"job\\\\-0|job\\\\-1"' in parts[0].query(SOURCE, 3) or 'job=~"job-0|job-1"' in parts[0].query(
        SOURCE, 3
    )
    assert {role for part in parts for role in part.readers} == set(family.readers)
    assert all(
        len(part.roles({"job": f"job-{2 * n}", "namespace": "shop", "code": "200"})) == 1
        for n, part in enumerate(parts)
    )


def test_a_small_answer_stays_whole() -> None:
    """Up to the bound."""
    (family,) = families(jobs(10))
    assert split(family, answer(10, 10), 100) == [family]


def test_one_job_cannot_be_divided() -> None:
    """Where all objectives ask for the same, two queries would read it twice."""
    (family,) = families([errors("a", namespace="shop", job="job-0"), errors("b", namespace="shop", job="job-0")])
    assert split(family, answer(100, 1), 25) == [family]


def test_what_is_no_plain_value_cannot_be_divided() -> None:
    """Patterns may overlap, and a condition left out selects everything."""
    (family,) = families([errors("a", job="~job-.*"), errors("b", job="job-1")])
    assert split(family, answer(10, 10), 25) == [family]


def test_a_source_that_refuses_conditions_is_asked_for_all() -> None:
    """Without conditions each part would read everything."""
    (family,) = families(jobs(10))
    family.width = Width.WIDE
    assert split(family, answer(10, 10), 25) == [family]


def test_an_objective_is_never_torn() -> None:
    """An objective whose total and part differ in a label is not divided by that label."""
    (family,) = families([errors("a", job="job-0"), errors("b", job="job-1")])
    (one, other) = split(family, answer(20, 2), 25)
    assert {key.name for key, _ in one.readers} == {"a"}
    assert {key.name for key, _ in other.readers} == {"b"}


def test_a_job_that_is_too_large_is_alone() -> None:
    """The others do not wait for it."""
    (family,) = families(jobs(3))
    parts = split(family, [*answer(5, 3), *answer(90, 2)[90:]], 25)
    assert [sorted({key.name for key, _ in part.readers}) for part in parts] == [["o0"], ["o1"], ["o2"]]
