"""Work on many pieces of a mapped file, dealt out to threads; reports how far it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")
ProgressCallback = Callable[[float], None]
"""Told now and then how far a calculation is, from 0 to 1; always by the thread that asked for it."""

THREADS_FROM = 4 << 20
"""Fewer bytes than this are done faster than threads start."""
_TOLD_EVERY_S = 0.1


def in_threads(
    work: Callable[[Iterator[Piece]], Result],
    pieces: Sequence[Piece],
    size_of: Callable[[Piece], int],
    *,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> list[Result]:
    """What `work` makes of each thread's share of the pieces; it must work without the GIL to gain anything.

    size_of: a piece's size in bytes. threads: None = as many as this process has cores, one where there is little to
    do. Raises what `work` raises.
    """
    total = sum(map(size_of, pieces))
    if threads is None:
        threads = len(os.sched_getaffinity(0)) if total >= THREADS_FROM else 1
    done = [0] * threads

    def share(number: int) -> Iterator[Piece]:
        for piece in pieces[number::threads]:
            yield piece
            done[number] += size_of(piece)

    if threads == 1 and (progress is None or total < THREADS_FROM):
        return [work(share(0))]
    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(work, share(number)) for number in range(threads)]
        while wait(running, _TOLD_EVERY_S, FIRST_EXCEPTION).not_done and progress is not None:
            progress(sum(done) / max(total, 1))
        if progress is not None:
            progress(1.0)
        return [future.result() for future in running]


def progress_between(progress: ProgressCallback | None, start: float, stop: float) -> ProgressCallback | None:
    """A progress whose 0 … 1 is `start` … `stop` of another one."""
    if progress is None:
        return None
    return lambda share: progress(start + (stop - start) * share)
