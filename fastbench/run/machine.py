"""The machine that the load comes from: how fast it is, what it allows, which processor a thread keeps to."""

import contextlib
import os
import resource
from collections.abc import Iterator

from fastbench.client import BatchSink, Engine, EngineFactory, event_ns
from fastbench.errors import UsageError
from fastbench.plan import Machine, ReactorOptions

MARGIN = 64
"""Descriptors for everything but connections."""


def this_machine() -> Machine:
    """The one that this process runs on."""
    return Machine(len(os.sched_getaffinity(0)), event_ns)


def allow_connections(most: int, *, certain: bool) -> None:
    """Raises this process's soft limit of descriptors for `most` connections, as far as the hard limit lets it.

    certain: that many will be open, so that a hard limit below is a UsageError now and not failed requests later.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + MARGIN
    if soft >= wanted or soft == resource.RLIM_INFINITY:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if certain and allowed < wanted:
        raise UsageError(
            f"batch_size (--concurrency) {most} needs {wanted} open files, and this system allows {hard}: "
            "raise the hard limit (`ulimit -Hn`, LimitNOFILE, or /etc/security/limits.conf), or ask for fewer."
        )


def pinned(make_engine: EngineFactory, number: int) -> EngineFactory:
    """Engines whose threads run on one processor each: for worker `number` the one of that number, counted over those
    that this process may use. What else the process does stays where it was."""

    def make(options: ReactorOptions, on_batch: BatchSink) -> Engine:
        with _new_threads_on(number):
            return make_engine(options, on_batch)

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
