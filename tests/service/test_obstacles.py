"""Why an objective is not in full use."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from holdfast.api import WorkloadState
from holdfast.core.objective import Composite, Gauge, Objective, ObjectKey, Part, TimeSlices
from holdfast.prometheus.sources import Source
from holdfast.service.obstacles import obstacles
from holdfast.service.world import World
from tests.core.making import ERRORS, LATENCY, SHOP, objective

SOURCES = {"default": Source("default", "http://127.0.0.1:9")}
SIMPLE = objective(ERRORS)


def made(**more: object) -> Objective:
    """The objective that is looked at."""
    return replace(objective(LATENCY), **more)


def composite(*names: str) -> Objective:
    """One that is made of these."""
    parts = tuple(Part(ObjectKey("shop", name), Fraction(1)) for name in names)
    return made(indicator=Composite(parts), source="")


FOUND = [
    pytest.param(made(), {}, [], id="nothing is wrong"),
    pytest.param(made(source="gone"), {}, [("SourceUnknown", "No metrics source is called gone")], id="no such source"),
    pytest.param(
        made(), {SHOP: WorkloadState.MISSING}, [("WorkloadMissing", "There is no Deployment")], id="no workload"
    ),
    pytest.param(made(slices=TimeSlices(20, Fraction(1))), {}, [("SliceTooShort", "")], id="short slices"),
    pytest.param(made(slices=TimeSlices(70, Fraction(1))), {}, [("SliceUneven", "")], id="slices off the grid"),
    pytest.param(
        made(indicator=Gauge("up", Fraction(1), True, 10)), {}, [("SliceTooShort", "")], id="a gauge that is faster"
    ),
    pytest.param(composite(ERRORS.name), {}, [], id="parts, and no source of its own"),
    pytest.param(composite("gone"), {}, [("PartMissing", "Its part gone does not exist")], id="no such part"),
    pytest.param(composite("nested"), {}, [("PartNested", "Its part nested is a composite")], id="a composite in it"),
]


@pytest.mark.parametrize(("wanted", "states", "expected"), FOUND)
def test_what_stands_in_the_way(wanted: Objective, states: dict, expected: list[tuple[str, str]]) -> None:
    """The reason, and a sentence with a capital and a full stop."""
    nested = replace(composite(ERRORS.name), key=ObjectKey("shop", "nested"))
    world = World(objectives={o.key: o for o in (wanted, SIMPLE, nested)})
    found = list(obstacles(wanted, world, states, SOURCES, 15))
    assert [reason for reason, _ in found] == [reason for reason, _ in expected]
    for (_, sentence), (_, begins) in zip(found, expected, strict=True):
        assert sentence.startswith(begins)
        assert sentence[0].isupper()
        assert sentence.endswith(".")
