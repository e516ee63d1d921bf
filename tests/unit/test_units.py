"""Units at the edge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbench.errors import ConfigError
from fastbench.units import (
    MAX_NS,
    NS_PER_S,
    Duration,
    format_duration,
    parse_duration,
    parse_rate,
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
