"""Series whose law and serial correlation are known: an AR(1) process whose marginal law is normal."""

import numpy as np
from numpy.typing import NDArray


def normal_ar1(runs: int, count: int, correlation: float, seed: int) -> NDArray[np.float64]:
    """(runs, count): standard normal values, each correlated with the one before it."""
    random = np.random.default_rng(seed)
    fresh = random.normal(size=(runs, count)) * np.sqrt(1 - correlation**2)
    values = np.empty((runs, count))
    values[:, 0] = random.normal(size=runs)
    for place in range(1, count):
        values[:, place] = correlation * values[:, place - 1] + fresh[:, place]
    return values
