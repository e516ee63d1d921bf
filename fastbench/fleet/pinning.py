"""Keeps the thread that sends and reads on one processor."""

import contextlib
import os
from collections.abc import Iterator

from fastbench.client.engine import BatchSink, Engine, EngineFactory, Shape


def pinned(make_engine: EngineFactory, number: int) -> EngineFactory:
    """Engines whose threads run on one processor each: for worker `number` the one of that number, counted over those
    that this process may use. What else the process does stays where it was."""

    def make(shape: Shape, on_batch: BatchSink) -> Engine:
        with _new_threads_on(number):
            return make_engine(shape, on_batch)

    return make


@contextlib.contextmanager
def _new_threads_on(number: int) -> Iterator[None]:
    """A thread starts with the processors of the one that starts it."""
    before = os.sched_getaffinity(0)
    processors = sorted(before)
    os.sched_setaffinity(0, {processors[number % len(processors)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
