"""One share of a plan in this process, begun at a time that all shares were given: no coordinator is needed."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from fastbench.errors import ServiceError
from fastbench.fleet.crew import check_shares
from fastbench.fleet.errand import Errand
from fastbench.fleet.kernel_clock import kernel_clock
from fastbench.fleet.post import Post
from fastbench.fleet.team import TeamEnd
from fastbench.fleet.worker import run_task
from fastbench.load.sharing import Share
from fastbench.load.stop import Stop
from fastbench.units import NS_PER_MS, NS_PER_S

SOON_NS = NS_PER_S
"""The wall clock is looked at for the last time so long before the start: it may have been set meanwhile."""
LEAST_NS = 2 * NS_PER_MS
_LOOK_S = 0.05


@dataclass(frozen=True)
class Shard:
    """A carrier of one share. start_ns: of the wall clock."""

    share: Share
    start_ns: int

    def __call__(self, errand: Errand, stop: Stop) -> TeamEnd:
        """Carries out the share; the worker itself hears the user. UsageError for a share that has nothing to do."""
        of = self.share.of
        check_shares(of, errand.task, errand.surveyed.survey, f"--shard has {of} shares")
        post = Post(
            share=self.share,
            part=self.share.number,
            leads=self.share.number == 0,
            tokens_per_word=errand.tokens_per_word,
            link=AtTime(self.start_ns),
            start_at_ns=self.start_ns,
            clock=kernel_clock,
        )
        # Prompts of another length are another data set.
        known = errand.surveyed if errand.tokens_per_word == 1 else None
        return TeamEnd(run_task(errand.task, errand.recording, errand.observer, post, known))


class AtTime:
    """The link of a worker that begins at a time of the wall clock; it hears the user himself."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._stop = Stop()

    @contextlib.contextmanager
    def stopping(self, stop: Stop) -> Iterator[None]:
        """Takes SIGINT and SIGTERM as wishes to stop."""
        self._stop = stop
        with stop.on_signals():
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
