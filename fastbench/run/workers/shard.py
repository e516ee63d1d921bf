"""One share of a plan in this process, begun at a time that all shares were given: no coordinator is needed."""

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
from fastbench.run.worker import Assignment, heard_in_loop, run_worker
from fastbench.run.workers.clocks import kernel_clock
from fastbench.run.workers.ends import WorkersEnd
from fastbench.units import NS_PER_MS, NS_PER_S

SOON_NS = NS_PER_S
"""The wall clock is looked at for the last time so long before the start: it may have been set meanwhile."""
LEAST_NS = 2 * NS_PER_MS
_LOOK_S = 0.05


@dataclass(frozen=True)
class Shard:
    """A launcher of one share of a plan. start_ns: of the wall clock."""

    has_whole_plan = False

    share: Share
    start_ns: int

    def __call__(self, assignment: Assignment, observer: Observer, stop: Stop, dataset: Dataset) -> WorkersEnd:
        """Carries out the share. UsageError for one that has nothing to do."""
        of = self.share.of
        check_shares(of, assignment.plan.schedule, f"--shard has {of} shares")
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
        """From whichever thread the wish comes."""
        self._stop = stop
        with heard_in_loop(self._outside, stop):
            yield

    async def gate(self) -> int:
        """Opens shortly before the start. ServiceError where that has passed."""
        if self._left_ns < LEAST_NS:
            late_s = -self._left_ns / NS_PER_S
            raise ServiceError(
                f"this share was ready {late_s:.3f} s after --start-at: its requests would not go out at their times; "
                "give a later time to all shares"
            )
        while self._left_ns > SOON_NS and not self._stop.asked:
            await asyncio.sleep(_LOOK_S)
        return time.monotonic_ns() + self._left_ns

    @property
    def _left_ns(self) -> int:
        return self._start_ns - time.time_ns()
