"""A load whose level changes while it runs: one reactor, warm connections, a recording for each visit of a level.

Who steers it says which visit is next, and is told what ended. A visit's requests have its number in the upper bits of
theirs, so that each finds its recording, whenever it ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastbench.client import Batch, BatchSink, Engine
from fastbench.datasets import Dataset
from fastbench.dialects import Speaker
from fastbench.errors import FastbenchError
from fastbench.live import Observer
from fastbench.plan.shapes import at_once
from fastbench.recording import RecordingWriter
from fastbench.run.directory import log
from fastbench.run.threads import in_thread
from fastbench.run.worker.assignment import Assignment, Link, make_header
from fastbench.run.worker.feed import Feeder
from fastbench.run.worker.phase import Phase, PhasePlan
from fastbench.run.worker.visits import (
    SHIFT,
    AllConversations,
    Judging,
    Making,
    News,
    Visit,
    count_outputs,
    ended_of,
    plan_of_visit,
    taken_from,
)
from fastbench.run.worker.worker import Worker
from fastbench.secrets import KNOWN
from fastbench.tokenizer import load_tokenizer

TICK_S = 0.025
"""How often who steers is told what ended."""
_CLOSED_WAIT_S = 0.002


class Pilot(Protocol):
    """Who steers. Called in a worker's event loop: it must not block."""

    @property
    def visit(self) -> Visit | None:
        """The visit to be made now; None = it is over."""
        ...

    @property
    def words(self) -> str:
        """How the search stands, for those who watch."""
        ...

    def take(self, news: News) -> None:
        """Takes news; `visit` may be another one afterwards."""
        ...


def run_levels(
    assignment: Assignment, link: Link, observer: Observer, pilot: Pilot, judge: Judging, dataset: Dataset | None = None
) -> bool:
    """Makes the visits that the pilot asks for; True when it came to its end, False when the user stopped it. Raises as
    `run_worker`."""
    worker = _LevelWorker(assignment, link, observer, dataset, pilot, judge)
    return in_thread(worker.run_in_loop, "worker")


class _LevelWorker(Worker):
    """A worker that makes visits."""

    _opens_all = False

    def __init__(
        self,
        assignment: Assignment,
        link: Link,
        observer: Observer,
        dataset: Dataset | None,
        pilot: Pilot,
        judge: Judging,
    ) -> None:
        super().__init__(assignment, link, observer, dataset)
        self._pilot = pilot
        self._judge = judge
        self._visits: dict[int, Making] = {}
        self._closing: list[asyncio.Task[None]] = []
        self._batches: list[tuple[Batch, NDArray[np.int64]]] = []
        self._reason: str | None = None
        """Why it ended early."""
        self._count: Callable[[list[str]], list[int]] | None = None
        """Counts the tokens of texts as their requests end, where the service does not: requests are judged by them."""

    async def _with(self, speaker: Speaker, model: str) -> bool:
        url = self._target.url(speaker)
        phase = self._target.phase(speaker, self._stop, self._told_more(url))
        self._speaker, self._url, self._model = speaker, url, model
        log.info("%s: levels at %s at %s", self._task.name, url, self._target.address.host)
        try:
            await self._all_visits(phase)
        except FastbenchError as error:
            self._reason = KNOWN.hide(str(error))
            raise
        finally:
            for making in list(self._visits.values()):
                self._close(making)
            for closing in self._closing:
                await closing
        return not self._stop.asked

    async def _all_visits(self, phase: Phase) -> None:
        visit = self._pilot.visit
        if visit is None:
            return
        first = await self._open(visit)
        async with self._scraping(self._scrape) as scraper:
            reported = await self._warm_up(phase, self._speaker, first.writer)
            if self._task.service.path and not reported:
                self._count = await asyncio.to_thread(lambda: load_tokenizer(self._task.service.path).counts)
            if scraper is not None and not self._stop.asked:
                await scraper.once()
            while visit is not None and not self._stop.asked:
                making = self._visits.get(visit.number) or await self._open(visit)
                await phase.run(self._closed_load(making) if visit.rate is None else self._open_load(making))
                self._last = self._visits[max(self._visits)].visit
                self._tell(None, self._visits[self._last.number], over=True)
                for other in list(self._visits.values()):
                    self._close(other)
                visit = await self._other_than(self._last)

    @property
    def _keeps_text(self) -> bool:
        return bool(self._task.service.save_text or self._plan.has_turns or self._count is not None)

    def _headline(self) -> str:
        return self._pilot.words or super()._headline()

    async def _other_than(self, visit: Visit) -> Visit | None:
        """The next visit, once it is known; None = there is none."""
        while self._pilot.visit == visit and not self._stop.asked:
            await asyncio.sleep(TICK_S)
        return None if self._stop.asked else self._pilot.visit

    # ---------------------------------------------------------------------------------------------- a visit's recording
    async def _open(self, visit: Visit) -> Making:
        """Its recording is begun, and its prompts can be made."""
        plan = plan_of_visit(self._plan, visit)
        assignment = self._assignment._replace(plan=plan, recording=visit.recording)
        header = make_header(assignment, self._speaker, run_id=visit.run_id, url=self._url, model=self._model)
        header |= self._clock(header)
        header["visit"] = {"level": visit.level, "purpose": visit.purpose, "rate": visit.rate}
        # Also an open loop may be left before its last request is due.
        header["load"] |= {"planned": None}
        writer = await asyncio.to_thread(RecordingWriter, visit.recording, header, assignment.part)
        making = self._visits[visit.number] = Making(visit, plan, assignment.share, writer, self._speaker)
        return making

    def _close(self, making: Making) -> None:
        """Its requests have all ended, or it is all over."""
        del self._visits[making.visit.number]
        stopped = "stopped by the user" if self._stop.asked and not making.left else None
        reason = self._reason or stopped
        footer = {
            "planned": sum(making.outcomes.values()),
            "interrupted": reason is not None,
            "reason": reason,
            "client": making.client_counts(),
            "finished_ns": time.monotonic_ns(),
        }
        self._closing.append(asyncio.create_task(asyncio.to_thread(making.close, footer)))

    def _scrape(self, record: dict[str, Any]) -> None:
        if self._visits:
            self._visits[max(self._visits)].writer.scrape(record)

    # ------------------------------------------------------------------------------------------------------- the load
    def _closed_load(self, making: Making) -> PhasePlan:
        users = making.users
        slots = at_once(users)
        options = self._part.reactor._replace(
            openings=slots.openings, closings=slots.closings, stop_offset_ns=_never(), spare=users
        )
        return PhasePlan(
            name="measure",
            requests=making.requests(),
            options=options,
            total=None,
            conversations=self._conversations(),
            on_batch=self._to_recordings(),
            on_health=self._health,
            keep_text=self._keeps_text,
            depth=users,
            steer=self._steer(making),
            gate=self._link.gate,
        )

    def _open_load(self, making: Making) -> PhasePlan:
        part = making.plan.part(making.share)
        return PhasePlan(
            name="measure",
            requests=making.requests(),
            options=part.reactor,
            total=part.schedule.total,
            conversations=self._conversations(),
            on_batch=self._to_recordings(),
            on_health=self._health,
            keep_text=self._keeps_text,
            steer=self._steer(making),
            gate=self._link.gate,
        )

    def _steer(self, first: Making) -> Callable[[Engine, Feeder], Any]:
        async def steer(engine: Engine, feeder: Feeder) -> None:
            making = first
            making.changed_ns = engine.start_ns
            making.note_begin(engine)
            # Until another kind of load is asked for, or none.
            while not (engine.reactor.ended or self._stop.asked):
                await asyncio.sleep(TICK_S)
                self._tell(engine, making)
                self._close_ended(making)
                wanted = self._pilot.visit
                if wanted == making.visit:
                    continue
                if wanted is None or wanted.rate is not None or making.visit.rate is not None:
                    break
                making = await self._change(engine, feeder, making, wanted)
            making.note_end(engine)

        return steer

    async def _change(self, engine: Engine, feeder: Feeder, before: Making, visit: Visit) -> Making:
        making = await self._open(visit)
        await feeder.change(making.requests(), making.users)
        withdrawn = engine.reactor.snapshot()["withdrawn"]
        engine.reactor.ask_for_slots(making.users, visit.number << SHIFT)
        while engine.reactor.slots_ns is None and not engine.reactor.ended:
            await asyncio.sleep(_CLOSED_WAIT_S)
        making.changed_ns = engine.reactor.slots_ns or time.monotonic_ns()
        before.note_end(engine)
        before.withdrawn += engine.reactor.snapshot()["withdrawn"] - withdrawn
        before.left = True
        making.note_begin(engine)
        return making

    def _close_ended(self, current: Making) -> None:
        """Closes the recordings of earlier visits whose requests have all ended."""
        if self._plan.has_turns:
            return  # their conversations may go on
        for making in list(self._visits.values()):
            if making is not current and making.left and making.in_flight <= 0:
                self._close(making)

    # ------------------------------------------------------------------------------------------------- what has ended
    def _conversations(self) -> AllConversations:
        return AllConversations(self._visits)

    def _to_recordings(self) -> BatchSink:
        return self._target.redactor.tap(self._keep, self._speaker.row_secrets)

    def _keep(self, batch: Batch) -> None:
        """Each request to the recording of its visit."""
        if self._count is not None:
            count_outputs(batch, self._count)
        numbers = batch.rows["request"] >> SHIFT
        self._batches.append((batch, numbers))
        for number in np.unique(numbers).tolist():
            part = batch if (numbers == number).all() else taken_from(batch, numbers == number)
            self._visits[number].append(part)

    def _health(self, record: dict[str, Any]) -> None:
        if self._visits:
            self._visits[max(self._visits)].writer.health(record)

    def _tell(self, engine: Engine | None, making: Making, *, over: bool = False) -> None:
        # In this order: what had ended by then is among the batches.
        now = time.monotonic_ns()
        counts = engine.reactor.snapshot() if engine is not None else {}
        known = engine.reactor.known_ns if engine is not None else now
        if engine is not None:
            engine.collect()
        batches, self._batches = self._batches, []
        self._pilot.take(
            News(
                making.visit.number,
                now,
                making.changed_ns,
                counts.get("in_flight", 0),
                known,
                counts.get("output_events", 0),
                counts.get("sent", 0),
                counts.get("cpu_ns", 0),
                ended_of(batches, self._judge),
                over,
            )
        )


def _never() -> int:
    return int(np.iinfo(np.int64).max)


__all__ = ["Pilot", "run_levels"]
