"""Random numbers that depend only on (seed, stream, index): any share of a data set can be made anywhere.

Philox is counter-based, and numpy keeps its raw output stable, as it does not for the methods of `Generator`.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray


class Draws:
    """One sequence of random numbers for each index; `index` and `seed` are below 2^63."""

    def __init__(self, seed: int, stream: int, index: int = 0) -> None:
        key = np.array([seed, stream], np.uint64)
        self._bits = np.random.Philox(key=key, counter=np.array([0, 0, index, 0], np.uint64))
        self._start = self._bits.state

    def at(self, index: int) -> Self:
        """Itself, at the start of the sequence `index`: a generator of its own would take ten times as long."""
        self._start["state"]["counter"][2] = index
        self._bits.state = self._start
        return self

    def integers(self, low: int, high: int, count: int) -> NDArray[np.int64]:
        """(count,) numbers, uniform on low … high, both included; high - low < 2^31.

        Multiply and shift: the chances of two values differ by at most (high - low + 1) / 2^32.
        """
        raw = self._bits.random_raw((count + 1) // 2).view(np.uint32)[:count].astype(np.uint64)
        raw *= np.uint64(high - low + 1)
        raw >>= np.uint64(32)
        raw += np.uint64(low)
        return raw.view(np.int64)

    def integer(self, low: int, high: int) -> int:
        """One number, as `integers` draws it."""
        return low + ((int(self._bits.random_raw()) & 0xFFFF_FFFF) * (high - low + 1) >> 32)

    def unit(self) -> float:
        """One number, uniform on 0 … 1, neither end included, in steps of 2^-53."""
        return ((int(self._bits.random_raw()) >> 11) + 0.5) * 2.0**-53
