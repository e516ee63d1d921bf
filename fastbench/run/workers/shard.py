"""One share of a plan in this process, started at a time given to all shards: no coordinator is needed."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from fastbench.datasets import Dataset
from fastbench.errors import ServiceError
from fastbench.live import Observer
from fastbench.plan import Share, check_shares
from fastbench.run.stop import Stop
from fastbench.run.worker import Assignment, forwarded_in_loop, run_worker
from fastbench.run.workers.clocks import kernel_clock
from fastbench.run.workers.ends import WorkersEnd
from fastbench.units import NS_PER_MS, NS_PER_S

SOON_NS = NS_PER_S
"""The last reading of the wall clock is so long before the start: the clock may be changed meanwhile."""
LEAST_NS = 2 * NS_PER_MS
_LOOK_S = 0.05


@dataclass(frozen=True)
class Shard:
    """A launcher of one share of a plan. start_ns: of the wall clock."""

    has_whole_plan = False

    share: Share
    start_ns: int

    def __call__(self, assignment: Assignment, observer: Observer, stop: Stop, dataset: Dataset) -> WorkersEnd:
        """Runs the share. UsageError for one that has nothing to do."""
        of = self.share.of
        check_shares(of, assignment.plan.schedule, f"--shard has {of} shards")
        own = assignment._replace(share=self.share, start_at_ns=self.start_ns)
        return WorkersEnd(run_worker(own, AtTime(self.start_ns, stop), observer, dataset))


class AtTime:
    """The link of a worker that begins at a time of the wall clock."""

    clock = staticmethod(kernel_clock)

    def __init__(self, start_ns: int, stop: Stop) -> None:
        self._start_ns = start_ns
        self._outside = stop
        self._stop = Stop()

    @contextlib.contextmanager
    def stopping(self, stop: Stop) -> Iterator[None]:
        """Requests may come from any thread."""
        self._stop = stop
        with forwarded_in_loop(self._outside, stop):
            yield

    async def gate(self) -> int:
        """Opens shortly before the start. ServiceError where that has passed."""
        if self._left_ns < LEAST_NS:
            late_s = -self._left_ns / NS_PER_S
            raise ServiceError(
                f"this shard was ready {late_s:.3f} s after --start-at, too late to send on time; give all shards a "
                "later time"
            )
        while self._left_ns > SOON_NS and not self._stop.asked:
            await asyncio.sleep(_LOOK_S)
        return time.monotonic_ns() + self._left_ns

    @property
    def _left_ns(self) -> int:
        return self._start_ns - time.time_ns()
