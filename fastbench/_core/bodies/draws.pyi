from typing import Self

import numpy as np
from numpy.typing import NDArray

class Draws:
    """One sequence of random numbers for each index; `seed`, `stream` and `index` are below 2^63."""

    def __init__(self, seed: int, stream: int, index: int = 0) -> None: ...
    def at(self, index: int) -> Self:
        """Itself, at the start of the sequence `index`."""

    def integers(self, low: int, high: int, count: int) -> NDArray[np.int64]:
        """(count,) numbers, uniform on low … high, both included; high - low < 2^32.

        Multiply and shift: the chances of two values differ by at most (high - low + 1) / 2^32.
        """

    def integer(self, low: int, high: int) -> int:
        """One number, as `integers` draws it."""

    def unit(self) -> float:
        """One number, uniform on 0 … 1, neither end included, in steps of 2^-53."""

    def rows(
        self, indices: NDArray[np.int64], skips: NDArray[np.int64], high: int, counts: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """(sum of counts,) of each index, one after the other, the numbers that `integers(0, high, count)` draws after
        some others were drawn one by one; indices, skips, counts: (n,)."""
