"""Whether work grows with the input's size and not with its square."""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time_ns

_ATTEMPTS = 5


def cpu_ns(work: Callable[[], object]) -> int:
    """What this thread alone spends on one run: other load on the machine does not count."""
    start = thread_time_ns()
    work()
    return thread_time_ns() - start


def growth(work: Callable[[int], Callable[[], object]], size: int) -> float:
    """Time for four times `size` over time for `size`: 4 for linear work, 16 for quadratic.

    work: prepares, for a size, what is to be timed. The fastest of some runs counts, the one least disturbed.
    """
    small, large = work(size), work(4 * size)
    times = [(cpu_ns(small), cpu_ns(large)) for _ in range(_ATTEMPTS)]
    return min(four for _, four in times) / max(min(one for one, _ in times), 20_000)
