"""Arrival times, by arithmetic."""

from fractions import Fraction

import numpy as np
import pytest

from fastbench.load.arrivals import constant

RATES = [0.1, 1 / 3, 1.0, 7.0, 33.3, 1000.0, 4999.5, 100_000.0]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("start", [0, 10**4, 10**7])
def test_no_drift(rate: float, start: int) -> None:
    """Request i goes out at i / rate to the nanosecond, or to the last bit of a float: no error adds up."""
    found = constant(rate, start, 300)
    assert found.dtype == np.int64
    for index, offset in enumerate(found.tolist(), start):
        exact = Fraction(index) * 10**9 / Fraction(rate)
        assert abs(offset - exact) <= 1 + exact / 2**52


def test_whole_nanoseconds_are_exact() -> None:
    """Where the gap is a whole number of ns, so is each offset, exactly."""
    assert np.array_equal(constant(1000.0, 10**7, 1000), 10**6 * np.arange(10**7, 10**7 + 1000))
    assert constant(4.0, 0, 5).tolist() == [0, 250_000_000, 500_000_000, 750_000_000, 1_000_000_000]


@pytest.mark.parametrize("rate", RATES)
def test_a_part_of_the_plan_is_the_plans(rate: float) -> None:
    """Any stretch of the plan can be made by itself and equals that stretch of the whole; times never fall."""
    whole = constant(rate, 0, 5000)
    assert np.array_equal(whole[1234:2345], constant(rate, 1234, 1111))
    assert np.all(np.diff(whole) >= 0)


def test_nothing_asked_is_nothing_given() -> None:
    """No requests have no times."""
    assert constant(5.0, 7, 0).size == 0


@pytest.mark.parametrize("rate", [0, -1.5])
def test_a_rate_is_above_zero(rate: float) -> None:
    """A rate at which nothing would go out is refused."""
    with pytest.raises(ValueError, match="above 0"):
        constant(rate, 0, 1)
