"""Lengths drawn by a law."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from fastbench.config.fields.lengths import Gaussian, Lengths, Uniform, Zipf
from fastbench.datasets.synthetic.laws import law_of
from fastbench.tokenizer import Draws

DRAWS = 8_000


def drawn(lengths: Lengths, count: int = DRAWS) -> NDArray[np.int64]:
    law, draws = law_of(lengths), Draws(3, 0)
    return np.array([law.draw(draws.at(index)) for index in range(count)])


def test_uniform_reaches_both_ends() -> None:
    """The greatest value occurs as often as the others."""
    values, counts = np.unique(drawn(Uniform(low=1, high=4)), return_counts=True)
    assert values.tolist() == [1, 2, 3, 4]
    assert abs(counts - DRAWS / 4).max() < 5 * np.sqrt(DRAWS * 3 / 16)


def test_gaussian_has_mean_and_variance() -> None:
    """Far from its bounds a normal law has the mean and the variance asked for."""
    lengths = drawn(Gaussian(mean=1000.0, var=400.0, low=1, high=5000))
    assert abs(lengths.mean() - 1000) < 5 * 20 / np.sqrt(DRAWS)
    assert abs(lengths.var() - 400) < 25


def test_gaussian_is_moved_to_the_nearer_end() -> None:
    """What lies outside the bounds becomes the nearer one: half of the draws, where the mean is a bound."""
    lengths = drawn(Gaussian(mean=100.0, var=200.0, low=1, high=100))
    assert lengths.max() == 100
    assert abs(np.mean(lengths == 100) - 0.514) < 0.02
    assert set(drawn(Gaussian(mean=-3e38, var=3e38, low=5, high=9), 50)) == {5}


def test_a_gaussian_without_variance_is_its_mean() -> None:
    """With variance 0 each length is the mean, rounded."""
    assert set(drawn(Gaussian(mean=7.6, var=0.0, low=1, high=9), 20)) == {8}


@pytest.mark.parametrize("alpha", [1.01, 1.5, 3.0])
def test_zipf_keeps_its_shape_in_its_range(alpha: float) -> None:
    """The chance of each length is k^-alpha over the sum of those of the range."""
    low, high = 10, 40
    values = np.arange(low, high + 1)
    expected = values**-alpha / (values**-alpha).sum()
    counts = np.bincount(drawn(Zipf(alpha=alpha, low=low, high=high)), minlength=high + 1)[low:]
    deviation = np.sqrt(DRAWS * expected * (1 - expected))
    assert abs(counts - DRAWS * expected).max() < (5 * deviation).max()
    assert counts.sum() == DRAWS


def test_zipf_holds_in_the_widest_range() -> None:
    """The widest range, the flattest and the steepest law stay inside their bounds."""
    for alpha in (1.000001, 10.0):
        lengths = drawn(Zipf(alpha=alpha, low=1, high=2**20), 500)
        assert 1 <= lengths.min() <= lengths.max() <= 2**20
    assert set(drawn(Zipf(alpha=10.0, low=2**20, high=2**20), 20)) == {2**20}


@pytest.mark.parametrize(
    "lengths",
    [
        Uniform(low=3, high=900),
        Gaussian(mean=400.0, var=90_000.0, low=100, high=700),
        Gaussian(mean=50.0, var=900.0, low=100, high=700),
        Gaussian(mean=50.0, var=0.0, low=100, high=700),
        Zipf(alpha=1.2, low=5, high=2000),
    ],
)
def test_the_mean_of_a_law_is_that_of_its_draws(lengths: Lengths) -> None:
    """The expected length that a law tells is what its draws come to."""
    values = drawn(lengths)
    assert abs(law_of(lengths).mean() - values.mean()) <= 5 * values.std() / np.sqrt(DRAWS) + 1e-9


def units() -> Iterator[float]:
    draws = Draws(1, 2)
    return (draws.at(index).unit() for index in range(DRAWS))


def test_units_are_uniform_and_never_reach_the_ends() -> None:
    """Numbers between 0 and 1 are spread evenly, and neither end is among them."""
    values = np.fromiter(units(), float)
    assert 0 < values.min() < 0.001
    assert 0.999 < values.max() < 1
    assert abs(values.mean() - 0.5) < 0.02
