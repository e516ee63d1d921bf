"""A pool of prefixes that prompts begin with, and how much of the input a prefix cache then holds."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.datasets.synthetic.settings import PrefixPool
from fastbench.errors import ConfigError
from fastbench.tokenizer import Draws, Words

_POOL, _PICK = 3, 4


class HitRatio(NamedTuple):
    """Share of all input tokens that a cache of all prefixes serves, as expected."""

    warm: float
    """When each prefix is in the cache already."""
    cold: float
    """When the cache is empty at first, and requests come one after the other."""


class Prefixes:
    """`count` prefixes of `length` tokens. A prompt begins with one of them, each as likely, at the chance `share`."""

    def __init__(self, pool: PrefixPool, seed: int, words: Words, mean_length: float) -> None:
        """mean_length: of the prompts, tokens. Raises ConfigError for a ratio too high."""
        self._pool = pool
        self._draws, self._chances = Draws(seed, _POOL), Draws(seed, _PICK)
        self._last = len(words) - 1
        self._pieces = words.pieces(pool.length)
        self._mean_length = mean_length
        greatest = pool.length / mean_length
        if pool.hit_ratio is not None and pool.hit_ratio > greatest:
            raise ConfigError(
                f"prefix_pool.hit_ratio is {pool.hit_ratio}; it must be at most {math.floor(greatest * 1e4) / 1e4}, as "
                f"prefix_pool.length is {pool.length} of {mean_length:.6g} tokens in the mean prompt"
            )
        self.share = 1.0 if pool.hit_ratio is None else pool.hit_ratio / greatest

    def pick(self, index: int) -> NDArray[np.int64]:
        """The words that sample `index` begins with; empty where it begins with none."""
        chance = self._chances.at(index).unit()
        if chance >= self.share:
            return np.empty(0, np.int64)
        return self.words(min(int(chance / self.share * self._pool.count), self._pool.count - 1))

    def words(self, number: int) -> NDArray[np.int64]:
        """The words of prefix `number`."""
        return self._draws.at(number).integers(0, self._last, self._pieces)

    def hit_ratio(self, requests: int) -> HitRatio:
        """Of a run of so many requests. Cold: each prefix that is used misses once.

        The expected number of prefixes in use is count * (1 - (1 - share / count) ** requests).
        """
        used = self._pool.count * -math.expm1(requests * math.log1p(-min(self.share / self._pool.count, 1 - 1e-16)))
        tokens = self._pool.length / self._mean_length
        return HitRatio(warm=self.share * tokens, cold=(self.share - used / requests) * tokens)
