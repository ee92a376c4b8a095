"""Numbers and times are read exactly, refused in a sentence, and written as people write them."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.quantities import (
    format_decimal,
    format_duration,
    format_instant,
    format_percent,
    parse_decimal,
    parse_duration,
    parse_instant,
    parse_percent,
    spell_instant,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1ms", 0.001),
        ("200ms", 0.2),
        ("1s", 1),
        ("5m", 300),
        ("1h", 3600),
        ("1h30m", 5400),
        ("30d", 2_592_000),
        ("2w", 1_209_600),
        ("1y", 31_536_000),
        ("1y2w3d4h5m6s7ms", 31_536_000 + 1_209_600 + 3 * 86_400 + 4 * 3600 + 5 * 60 + 6 + 0.007),
        ("0h5m", 300),
    ],
)
def test_durations_are_those_of_prometheus(text: str, seconds: float) -> None:
    """Units from years to milliseconds, in this order, each at most once."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "5", "m", "5 m", "-5m", "5m1h", "5m5m", "1.5h", "1H", "٣d", "5m\n", "1M", "9" * 10 + "d", "∞"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Anything that Prometheus would not read is refused, and the sentence says how to write it."""
    with pytest.raises(ValueError, match="is not a duration; write it like 30d, 1h30m or 200ms"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "0d0h"])
def test_no_time_at_all_is_no_duration(text: str) -> None:
    """A window of nothing would divide by zero somewhere."""
    with pytest.raises(ValueError, match="is no time at all; give a duration above zero"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0004, "0s"),
        (0.2, "200ms"),
        (1.5, "1s500ms"),
        (60, "1m"),
        (5400, "1h30m"),
        (2_592_000, "30d"),
        (90_061, "1d1h"),  # two units are enough for people
        (86_461, "1d1m"),
        (31_536_000, "365d"),
    ],
)
def test_durations_are_written_short(seconds: float, text: str) -> None:
    """The two largest units that are not zero."""
    assert format_duration(seconds) == text


@settings(deadline=None)
@given(st.integers(1, 999), st.sampled_from(["d", "h", "m", "s", "ms"]))
def test_a_duration_survives_writing_and_reading(count: int, unit: str) -> None:
    """What is written is read as the same length, for every length of one unit."""
    length = parse_duration(f"{count}{unit}")
    written = format_duration(length)
    assert abs(parse_duration(written) - length) < (60 if unit == "s" else 3600 if unit == "m" else 1)
    if count < 60:
        assert parse_duration(written) == length


@settings(deadline=None)
@given(st.decimals(min_value=-(10**11), max_value=10**11, places=6))
def test_decimals_are_exact(value: Decimal) -> None:
    """Every plain decimal is read as exactly itself."""
    assert parse_decimal(f"{value:f}") == Fraction(value)
    assert parse_percent(f"{value:f}") == Fraction(value) / 100


@pytest.mark.parametrize(
    "text", ["", "1e5", "NaN", "inf", "+1", "1.", ".5", "1,5", "1_000", " 1", "1\n", "0x1", "--1", "٣", "1" * 13, "1/3"]
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    """Neither NaN nor infinities nor exponents get in."""
    with pytest.raises(ValueError, match=r"is not a plain decimal number; write it like 99\.9 or -5"):
        parse_decimal(text)


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        ("62.1", 1, "62.1"),
        ("5", 1, "5"),
        ("100", 1, "100"),
        ("99.970", 5, "99.97"),
        ("-3.14", 1, "-3.1"),
        ("-0.04", 1, "0"),
        ("0.25", 1, "0.2"),  # half to even
        ("0.35", 1, "0.4"),
        ("-0.35", 1, "-0.4"),
        ("9.99", 1, "10"),
        ("1.05", 2, "1.05"),
        ("0.05", 2, "0.05"),
        ("2.5", 0, "2"),
        ("1200", 0, "1200"),
    ],
)
def test_numbers_are_rounded_for_people(value: str, places: int, text: str) -> None:
    """Half to even, no trailing zeros, and never a negative nothing."""
    assert format_decimal(Fraction(value), places) == text


@settings(deadline=None)
@given(st.fractions(), st.integers(0, 6))
def test_rounding_agrees_with_decimal(value: Fraction, places: int) -> None:
    """The decimal module, given enough digits, says the same."""
    with localcontext(prec=400):
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        rounded = exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    assert Decimal(format_decimal(value, places)) == rounded


def test_any_number_can_be_written() -> None:
    """A figure that is far off is written like any other; a sentence never fails over it."""
    assert format_decimal(Fraction(10**40)) == "1" + "0" * 40
    assert format_percent(Fraction(1, 4)) == "25"
    assert format_percent(Fraction(1, 3), 3) == "33.333"


@settings(deadline=None)
@given(st.integers(0, 253_402_300_799))
def test_a_time_survives_writing_and_reading(second: int) -> None:
    """Kubernetes' times are whole seconds in UTC."""
    assert parse_instant(format_instant(second)) == second


def test_times_of_other_zones_are_read_and_times_of_none_are_not() -> None:
    """A time without a zone means something else on every machine."""
    assert format_instant(parse_instant("2026-01-01T01:00:00+01:00")) == "2026-01-01T00:00:00Z"
    with pytest.raises(ValueError, match="names no time zone; end it in Z"):
        parse_instant("2026-01-01T01:00:00")
    with pytest.raises(ValueError, match="Invalid isoformat"):
        parse_instant("soon")


@pytest.mark.parametrize(
    ("at", "text"),
    [(1_764_309_600, "28 Nov 06:00 UTC"), (0, "1 Jan 00:00 UTC"), (1e18, "31 Dec 23:59 UTC")],
)
def test_a_time_in_a_sentence(at: float, text: str) -> None:
    """Short, in UTC; a time beyond all calendars is the last one there is."""
    assert spell_instant(at) == text


def test_a_time_beyond_all_calendars_can_be_stored() -> None:
    """No time is an error."""
    assert format_instant(1e18) == "9999-12-31T23:59:59Z"
