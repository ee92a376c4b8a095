"""Rules of what counts as an answer, on bodies as Prometheus and its relatives send them."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.evidence import Missing, Why
from holdfast.prometheus.connection import Connection
from holdfast.prometheus.sources import Series, Source, read
from tests.prometheus.answering import ONE, body
from tests.prometheus.making import SOURCE

TWO = {"metric": {"pod": "p"}, "values": [[100, "7"], [101, "8"]]}


def test_an_instant_answer_is_a_table() -> None:
    """Labels and one value a series; infos are no reason to doubt it."""
    assert read(SOURCE, body([ONE], infos=["might not be a counter"]), 100, 100) == [Series({"pod": "p"}, ((100, 7),))]


def test_a_range_answer_is_a_table() -> None:
    """Labels and the values in order of time."""
    assert read(SOURCE, body([TWO], "matrix"), 100, 101) == [Series({"pod": "p"}, [(100, 7), (101, 8)])]


def test_no_series_is_an_answer() -> None:
    """Whether it is one too few is for the objective to say."""
    assert read(SOURCE, body([]), 100, 100) == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (body([ONE], warnings=["a store is away"]), "a warning (a store is away)"),
        (body([ONE], isPartial=True), "only in part"),
        (body([{"metric": {}, "value": [100, "x"]}]), "shape"),
        (body([{"metric": {}, "value": [99, "7"]}]), "another time"),
        (body([{"metric": {}}]), "shape"),
        (body([{"metric": "p", "value": [100, "7"]}]), "shape"),
        (body([TWO], "matrix"), "shape"),
        (body([{"metric": {"pod": 1}, "value": [100, "7"]}]), "shape"),
        (body([{"metric": {"pod": "\ud800"}, "value": [100, "7"]}]), "shape"),
        (body([{"metric": {}, "value": []}]), "shape"),
        (body([{"metric": {}, "value": [100, 7]}]), "shape"),
        (body([{"metric": {}, "value": ["100", "7"]}]), "shape"),
        (body([{"metric": {}, "value": [True, "7"]}]), "shape"),
        (body([{"metric": {}, "value": [10**400, "7"]}]), "shape"),
        (body([{"metric": {}, "value": [float("nan"), "7"]}]), "another time"),
        (body([ONE, ONE]), "same series twice"),
        (body(""), "shape"),
        (body({}), "shape"),
        (body(None), "shape"),
        ({"status": "success", "data": None}, "shape"),
        ({"status": "success"}, "shape"),
    ],
)
def test_what_cannot_be_trusted_is_no_evidence(answer: dict[str, Any], words: str) -> None:
    """Warnings, parts, series that are there twice, other times and other shapes: a sentence instead of a table."""
    found = read(SOURCE, answer, 100, 100)
    assert isinstance(found, Missing)
    assert (found.why, found.since) == (Why.CONTRADICTORY, 100)
    assert found.note.startswith("the metrics source main answered")
    assert words in found.note


def test_a_value_that_is_no_number_is_kept() -> None:
    """A counter may have become NaN or infinite: whose it is decides what that spoils."""
    found = read(SOURCE, body([ONE, {"metric": {"pod": "q"}, "value": [100, "+Inf"]}]), 100, 100)
    assert found == [Series({"pod": "p"}, ((100, 7),)), Series({"pod": "q"}, ((100, float("inf")),))]


@pytest.mark.parametrize("times", [[101, 100], [100, 100], [100, float("nan"), 101], [99, 100], [100, 103]])
def test_the_times_of_a_range_are_in_order(times: list[float]) -> None:
    """Each later than the one before, and none outside of what was asked."""
    found = read(SOURCE, body([{"metric": {}, "values": [[t, "7"] for t in times]}], "matrix"), 100, 102)
    assert isinstance(found, Missing)
    assert "another time" in found.note


def test_a_long_warning_fits_into_a_sentence() -> None:
    """A source cannot fill a status or a log: its words are cut, and on one line."""
    found = read(SOURCE, body([], warnings=["a\nb" * 10_000]), 100, 100)
    assert isinstance(found, Missing)
    assert len(found.note) < 300
    assert "\n" not in found.note


def test_secrets_are_in_no_message() -> None:
    """Neither the address, nor who we are there, nor a header is told when a source cannot be asked."""
    source = Source("main", "http://user:hunter2@127.0.0.1:9/secret", timeout=1, headers={"Authorization": "hunter2"})
    for found in (Connection(source).instant("up", 100), Connection(source).range("up", 100, 110, 1)):
        assert isinstance(found, Missing)
        assert (found.why, found.since // 100) == (Why.UNREACHABLE, 1)
        assert found.note == "the metrics source main could not be reached, or broke off the connection"
    assert "hunter2" not in repr(source)
