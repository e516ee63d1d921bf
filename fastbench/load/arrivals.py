"""Arrival processes as values: pure functions to arrays of ns since the start."""

import numpy as np
from numpy.typing import NDArray

from fastbench.units import NS_PER_S


def constant(rate: float, start: int, count: int) -> NDArray[np.int64]:
    """When the requests `start … start+count-1` of a fixed rate (per second) go out, ns since the start.

    Each time is computed from its own index, so that no error adds up: request i goes out at i / rate.
    """
    if rate <= 0:
        raise ValueError("a rate must be above 0")
    index = np.arange(start, start + count, dtype=np.float64)
    return np.rint(index * (NS_PER_S / rate)).astype(np.int64)
