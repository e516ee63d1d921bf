"""Numbers as short texts."""

import pytest
from fastbench.live.texts import clock, duration, number, sparkline


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (None, "-"),
        (0, "0 us"),
        (999, "1.00 us"),
        (12_340, "12.3 us"),
        (999_400, "999 us"),
        (20_149_000, "20.1 ms"),
        (1_234_000_000, "1.23 s"),
        (1_234_000_000_000, "1,234 s"),
    ],
)
def test_duration(ns: int | None, text: str) -> None:
    """A duration has three digits and the unit that suits it."""
    assert duration(ns) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0, "0"), (1.584, "1.58"), (9.996, "10.0"), (15.84, "15.8"), (99.96, "100"), (1583.6, "1,584")],
)
def test_number(value: float | None, text: str) -> None:
    """A number has three digits, or all before the point."""
    assert number(value) == text


def test_clock() -> None:
    """A time is told in hours, minutes and whole seconds."""
    assert clock(54_900_000_000) == "0:00:54"
    assert clock(3_661_000_000_000) == "1:01:01"
    assert clock(None) == "-"


def test_sparkline() -> None:
    """Bars reach from 0 to the greatest value shown, the newest at the end; what is not known stays blank."""
    assert sparkline([0, 3, 6], 10) == "▁▄▇"
    assert sparkline([100, 0, None, 6], 3) == "▁ ▇"
    assert sparkline([0, 0], 10) == "▁▁"
    assert sparkline([1], 0) == ""
