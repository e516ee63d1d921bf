"""Units at the edge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbench.errors import ConfigError
from fastbench.units import (
    MAX_NS,
    MISSING,
    NS_PER_S,
    Duration,
    format_duration,
    number,
    parse_duration,
    parse_rate,
    quantity,
    share,
)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("30s", 30 * NS_PER_S),
        ("200ms", 200_000_000),
        ("1h", 3_600 * NS_PER_S),
        ("2min", 120 * NS_PER_S),
        ("2m", 120 * NS_PER_S),
        ("0.5us", 500),
        ("7 ns", 7),
        ("1.5", 1_500_000_000),
        (2, 2 * NS_PER_S),
        (0.25, 250_000_000),
        ("9007199254740993ns", 9_007_199_254_740_993),
    ],
)
def test_durations_are_exact(text: object, ns: int) -> None:
    """Each way of writing a duration gives its exact number of ns, also beyond what a float holds."""
    assert parse_duration(text) == ns


@pytest.mark.parametrize(
    "text", ["", "s", "-1s", "5 parsecs", "1h30", "1e3s", -1, True, None, "300000h" * 2, "3e9h", 1e300, 2**33]
)
def test_wrong_durations_are_refused(text: object) -> None:
    """What is no duration is refused with a message that shows how one is written."""
    with pytest.raises(ConfigError, match=r"duration; give"):
        parse_duration(text)


def test_the_longest_duration() -> None:
    """It is taken, and added to any moment of a clock it stays an int64; one ns more is refused with the limit."""
    assert parse_duration(f"{2**62 - 1}ns") == MAX_NS == 2**62 - 1
    with pytest.raises(ConfigError, match="'4611686018427387904ns' is too long a duration; give at most 146 years"):
        parse_duration(f"{2**62}ns")


@given(st.integers(0, MAX_NS))
def test_a_shown_duration_can_be_read_again(ns: int) -> None:
    """What `format_duration` writes, `parse_duration` reads as the same number of ns."""
    assert parse_duration(format_duration(ns)) == ns


def test_a_parsed_duration_is_not_scaled_again() -> None:
    """A `Duration` that comes back to the parser stays what it is."""
    assert parse_duration(Duration(5)) == 5


@pytest.mark.parametrize(
    ("text", "rate"), [("200/s", 200), ("30/min", 0.5), ("7200/h", 2), ("5", 5), (0, 0), (0.001, 0.001)]
)
def test_rates_are_per_second(text: object, rate: float) -> None:
    """Each way of writing a rate gives requests per second."""
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["fast", "1/day", "-1/s", -1, float("inf"), float("nan"), False, None])
def test_wrong_rates_are_refused(text: object) -> None:
    """What is no rate is refused with a message that shows how one is written."""
    with pytest.raises(ConfigError, match="is not a rate; give"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.79, "s", "1.79 s"),
        (62.6, "ms", "62.6 ms"),
        (450_000, "ns", "450 µs"),
        (10_485.759, "us", "10.5 ms"),
        (450.4, "ns", "450 ns"),
        (0, "ms", "0 s"),
        (0.0004, "ms", "400 ns"),
        (999.4, "ms", "999 ms"),
        (999.6, "ms", "1.00 s"),
        (999.6, "us", "1.00 ms"),
        (9.996, "s", "10.0 s"),
        (99.96, "s", "100 s"),
        (599.4, "s", "599 s"),
        (599.6, "s", "9.99 min"),
        (600, "s", "10.0 min"),
        (119.4, "min", "119 min"),
        (119.6, "min", "1.99 h"),
        (2, "h", "2.00 h"),
        (1234.4, "h", "1,234 h"),
        (-1.794, "s", "-1.79 s"),
        (-0.0, "s", "0 s"),
        (None, "ms", MISSING),
        (float("nan"), "ms", MISSING),
        (float("inf"), "ms", MISSING),
        (42.34, "token/s", "42.3 token/s"),
        (2, "", "2"),
        (None, "token/s", MISSING),
    ],
)
def test_quantities_by_size(value: float | None, unit: str, text: str) -> None:
    """A time is shown in the unit of its size with three digits, also where rounding makes it one of the next unit."""
    assert quantity(value, unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (35.62, "35.6"),
        (2614.4, "2,614"),
        (1_168_872, "1.17 M"),
        (999_999.4, "999,999"),
        (999_999.6, "1.00 M"),
        (2.5e9, "2.50 G"),
        (999.4, "999"),
        (999.6, "1,000"),
        (9.996, "10.0"),
        (0.01234, "0.0123"),
        (0.0001, "< 0.001"),
        (0.9996, "1.00"),
        (60.0, "60"),
        (7, "7"),
        (0, "0"),
        (-3.14159, "-3.14"),
        (None, MISSING),
        (float("nan"), MISSING),
    ],
)
def test_numbers_by_size(value: float | None, text: str) -> None:
    """Counts and rates have three digits, from a thousand on all ahead of the point, and from a million on a letter."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.093, "9.3 %"),
        (0, "0 %"),
        (1.0, "100 %"),
        (0.0001, "< 0.1 %"),
        (0.9999, "> 99.9 %"),
        (0.5, "50.0 %"),
        (None, MISSING),
        (float("nan"), MISSING),
    ],
)
def test_shares(value: float | None, text: str) -> None:
    """A share is in per cent; what is not none, or not all, is not rounded to it."""
    assert share(value) == text


@given(st.floats(1, 1e18))
def test_a_shown_time_is_the_time(ns: float) -> None:
    """What is shown is within half a unit of the third digit of what was given."""
    text, unit = quantity(ns).rsplit(" ", 1)
    scale = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9, "min": 60e9, "h": 3600e9}[unit]
    assert float(text.replace(",", "")) * scale == pytest.approx(ns, rel=0.0051)
