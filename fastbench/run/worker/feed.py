"""Keeps the reactor supplied with prepared requests, ahead of their time and within bounds."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from functools import partial

from fastbench.client import Engine
from fastbench.plan import Block, Planned

LEAST = 256
"""Requests that are prepared ahead however few may be in flight."""
MANY = 4096
"""The same of requests that are made many at once: at 40,000 a second they last for 0.1 s, in which the view is counted
for, or a reactor that has become busy is real-time still."""
FEW = 32
"""Requests that are always prepared ahead, however large they are."""
MAX_BYTES = 32 << 20
"""Bytes that are prepared ahead while the run goes on."""
MAX_BYTES_AT_START = 256 << 20
"""Bytes that are prepared before it starts, so that all slots can be filled at once."""
_PIECE = 256
_TICK_S = 0.01


Left = Callable[[], int]
"""How many requests of the plan are not taken yet, per worker."""


class Feeder:
    """Submits a plan's requests to an engine."""

    def __init__(
        self,
        engine: Engine,
        plan: Iterator[Planned | Block],
        *,
        depth: int,
        stream: bool,
        keep_text: bool,
        warmup: bool,
        left: Left | None = None,
    ) -> None:
        """depth: how many may be in flight. left: where several feeders share a plan, what is left for each."""
        self._engine = engine
        self._plan = plan
        self._slots = depth
        self._left = left
        self._submit = partial(engine.reactor.submit, stream=stream, keep_text=keep_text, warmup=warmup)
        self._submit_many = partial(engine.reactor.submit_many, stream=stream, keep_text=keep_text, warmup=warmup)
        self._over = False
        self._least = LEAST
        self._ask_for_more()

    def _ask_for_more(self) -> None:
        """Wants to be woken when a quarter has gone, and not for each that ends."""
        if self._left is None:
            self._engine.enough = self._depth * 3 // 4

    def submit(self, item: Planned, due_ns: int = 0) -> None:
        """Submits one request. due_ns: of a turn that follows another one, when it goes out."""
        self._submit(**item._asdict(), due_ns=due_ns)

    def _take(self, item: Planned | Block) -> tuple[int, int]:
        """Submits what is next in the plan; how many requests that were, and how many bytes."""
        if self._engine.may_rest != isinstance(item, Block):
            self._engine.may_rest = isinstance(item, Block)
            self._least = MANY if self._engine.may_rest else LEAST
            self._ask_for_more()
        if isinstance(item, Block):
            self._submit_many(*item)
            return item.size, int(item.ends[-1])
        self.submit(item)
        return 1, len(item.payload)

    @property
    def _depth(self) -> int:
        """How many to prepare."""
        # Twice: slots that all become free at once find a request each, and so they do once more.
        if self._left is None:
            return max(2 * self._slots, self._least)
        # Before the start one for each slot: more would be missing from the slots of others.
        return max(self._slots, min(self._least, self._left() // 2)) if self._engine.start_ns else self._slots

    def fill(self, max_bytes: int = MAX_BYTES_AT_START, most: int | None = None) -> bool:
        """Submits until enough is prepared; False when it stopped after `most` and there is more to do."""
        reactor = self._engine.reactor
        done = 0
        while not self._over and reactor.backlog < self._depth:
            # What no slot waits for yet is kept to the smaller room: long prompts would fill the larger one twice.
            room = max_bytes if reactor.backlog < self._slots else min(max_bytes, MAX_BYTES)
            if reactor.backlog >= FEW and reactor.backlog_bytes >= room:
                break
            if most is not None and done >= most:
                return False
            item = next(self._plan, None)
            if item is None:
                self._over = True
                reactor.close_input()
                break
            done += self._take(item)[0]
        return True

    async def run(self) -> None:
        """Feeds until the plan is at its end, `stop` was called, or the reactor has ended."""
        progressed = self._engine.progressed
        while not self._over and not self._engine.reactor.ended:
            # In pieces, so that finished requests and Ctrl-C never wait for a long one.
            if not self.fill(MAX_BYTES, _PIECE):
                await asyncio.sleep(0)
                continue
            progressed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(progressed.wait(), _TICK_S)

    async def change(self, plan: Iterator[Planned | Block], depth: int) -> None:
        """From now on the requests of another plan, which has no end, for so many in flight; returns when as many are
        prepared as before a start, behind those that wait already."""
        self._plan, self._slots = plan, depth
        self._ask_for_more()
        done = size = 0
        # Without anything in flight nothing is missed.
        while depth and done < self._depth and not self._over and not self._engine.reactor.ended:
            room = MAX_BYTES_AT_START if done < depth else MAX_BYTES
            if done >= FEW and size >= room:
                break
            requests, octets = self._take(next(plan))
            if done // _PIECE != (done + requests) // _PIECE:
                await asyncio.sleep(0)
            done, size = done + requests, size + octets

    def stop(self) -> None:
        """Submits nothing more."""
        self._over = True
