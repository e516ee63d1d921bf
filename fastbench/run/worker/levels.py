"""A load whose level changes while it runs: one reactor, warm connections, a recording for each visit of a level.

Who steers it says which visit is next, and is told what ended. A visit's requests have its number in the upper bits of
theirs, so that each finds its recording, whenever it ends.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from fastbench.client import Batch, BatchSink, Engine
from fastbench.config.fields import PositiveRate
from fastbench.datasets import Dataset
from fastbench.dialects import Speaker, output_length
from fastbench.errors import FastbenchError
from fastbench.live import Observer
from fastbench.plan import Planned, RequestWriter, Share, TaskPlan, fresh_samples, planned_requests, scheduled, seed_of
from fastbench.plan.shapes import Levels, LoadShape, LoadSpec, Poisson, at_once
from fastbench.recording import FLAGS, NOT_FINAL, OUTCOMES, ROW_DTYPE, TEXTS, RecordingWriter, part_path
from fastbench.run.directory import log
from fastbench.run.threads import in_thread
from fastbench.run.worker.assignment import Assignment, Link, make_header
from fastbench.run.worker.conversations import Conversations
from fastbench.run.worker.feed import Feeder
from fastbench.run.worker.phase import Phase, PhasePlan
from fastbench.run.worker.worker import Worker
from fastbench.secrets import KNOWN

TICK_S = 0.025
"""How often who steers is told what ended."""
_SHIFT = 40
"""Bits of a request's number within its visit; above them is the visit's."""
_SHARE_SHIFT = 30
_SESSIONS = 1 << 20
"""Conversations of a visit, so that no two visits' have a number in common."""
_CLOSED_WAIT_S = 0.002
_CANCELLED = OUTCOMES.index("cancelled")

ENDED_DTYPE = np.dtype(
    [("visit", "<i4"), ("sent_ns", "<i8"), ("end_ns", "<i8"), ("late_ns", "<i8"), ("tokens", "<i4"), ("bits", "<u4"),
     ("outcome", "u1")]
)  # fmt: skip
"""A request that ended: which visit's, when, how much later than its slot was free, and what it keeps."""

Bits = NDArray[np.uint32]
Judging = Callable[[NDArray[np.void], NDArray[np.uint16], NDArray[np.int64]], Bits]
"""(rows, their gaps, their escapes) -> (rows,) what each keeps."""


class Visit(NamedTuple):
    """A visit of a level, to be made. number: in the order of the run. repeat: how often the level was visited before.

    rate: of a Poisson process, 1/s, for duration_ns; None = so many users, until another visit is asked for.
    """

    number: int
    level: float
    purpose: str
    repeat: int
    seed: int
    run_id: str
    recording: Path
    rate: float | None = None
    duration_ns: int | None = None

    @property
    def users(self) -> int:
        """Of a closed loop, of all workers."""
        return max(1, round(self.level))


class Steered(NamedTuple):
    """Of an assignment whose load is steered by messages; picklable. visit: the first one."""

    visit: Visit
    judge: Judging


class News(NamedTuple):
    """What a worker tells, of the visit that it is at. changed_ns: when its level was set. known_ns: all requests that
    went out before have ended. ended: of all visits, since the last time. over: the visit's load has ended."""

    visit: int
    now_ns: int
    changed_ns: int
    in_flight: int
    known_ns: int
    output_events: int
    sent: int
    cpu_ns: int
    ended: NDArray[np.void]
    over: bool = False


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


def plan_of_visit(plan: TaskPlan, visit: Visit) -> TaskPlan:
    """The plan of a visit by itself, for its recording's header and of an open loop for its times."""
    if visit.rate is None:
        users = visit.users
        shape: LoadShape = Levels(level=users, visit=visit.repeat, purpose=visit.purpose)
        load = LoadSpec(shape=shape, concurrency=users, duration_ns=plan.schedule.duration_ns)
    else:
        shape = Poisson(rate=PositiveRate(visit.rate))
        load = LoadSpec(
            shape=shape, concurrency=plan.schedule.limit, duration_ns=visit.duration_ns, seed=visit.seed % (1 << 31)
        )
    task = replace(plan.task, load=shape, service=replace(plan.task.service, batch_size=load.concurrency))
    return plan.changed(task=task, load=load, schedule=load.schedule(plan.samples))


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
        self._visits: dict[int, _Making] = {}
        self._closing: list[asyncio.Task[None]] = []
        self._batches: list[tuple[Batch, NDArray[np.int64]]] = []
        self._reason: str | None = None
        """Why it ended early."""

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
            await self._warm_up(phase, self._speaker, first.writer)
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

    def _headline(self) -> str:
        return self._pilot.words or super()._headline()

    async def _other_than(self, visit: Visit) -> Visit | None:
        """The next visit, once it is known; None = there is none."""
        while self._pilot.visit == visit and not self._stop.asked:
            await asyncio.sleep(TICK_S)
        return None if self._stop.asked else self._pilot.visit

    # ---------------------------------------------------------------------------------------------- a visit's recording
    async def _open(self, visit: Visit) -> _Making:
        """Its recording is begun, and its prompts can be made."""
        plan = plan_of_visit(self._plan, visit)
        assignment = self._assignment._replace(plan=plan, recording=visit.recording)
        header = make_header(assignment, self._speaker, run_id=visit.run_id, url=self._url, model=self._model)
        header |= self._clock(header)
        header["visit"] = {"level": visit.level, "purpose": visit.purpose, "rate": visit.rate}
        # Also an open loop may be left before its last request is due.
        header["load"] |= {"planned": None}
        writer = await asyncio.to_thread(RecordingWriter, visit.recording, header, assignment.part)
        making = self._visits[visit.number] = _Making(visit, plan, assignment.share, writer, self._speaker)
        return making

    def _close(self, making: _Making) -> None:
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
    def _closed_load(self, making: _Making) -> PhasePlan:
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
            keep_text=self._task.service.save_text or self._plan.has_turns,
            depth=users,
            steer=self._steer(making),
            gate=self._link.gate,
        )

    def _open_load(self, making: _Making) -> PhasePlan:
        part = making.plan.part(making.share)
        return PhasePlan(
            name="measure",
            requests=making.requests(),
            options=part.reactor,
            total=part.schedule.total,
            conversations=self._conversations(),
            on_batch=self._to_recordings(),
            on_health=self._health,
            keep_text=self._task.service.save_text or self._plan.has_turns,
            steer=self._steer(making),
            gate=self._link.gate,
        )

    def _steer(self, first: _Making) -> Callable[[Engine, Feeder], Any]:
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

    async def _change(self, engine: Engine, feeder: Feeder, before: _Making, visit: Visit) -> _Making:
        making = await self._open(visit)
        await feeder.change(making.requests(), making.users)
        withdrawn = engine.reactor.snapshot()["withdrawn"]
        engine.reactor.ask_for_slots(making.users, visit.number << _SHIFT)
        while engine.reactor.slots_ns is None and not engine.reactor.ended:
            await asyncio.sleep(_CLOSED_WAIT_S)
        making.changed_ns = engine.reactor.slots_ns or time.monotonic_ns()
        before.note_end(engine)
        before.withdrawn += engine.reactor.snapshot()["withdrawn"] - withdrawn
        before.left = True
        making.note_begin(engine)
        return making

    def _close_ended(self, current: _Making) -> None:
        """Closes the recordings of earlier visits whose requests have all ended."""
        if self._plan.has_turns:
            return  # their conversations may go on
        for making in list(self._visits.values()):
            if making is not current and making.left and making.in_flight <= 0:
                self._close(making)

    # ------------------------------------------------------------------------------------------------- what has ended
    def _conversations(self) -> _AllConversations:
        return _AllConversations(self._visits)

    def _to_recordings(self) -> BatchSink:
        return self._target.redactor.tap(self._keep)

    def _keep(self, batch: Batch) -> None:
        """Each request to the recording of its visit."""
        numbers = batch.rows["request"] >> _SHIFT
        self._batches.append((batch, numbers))
        for number in np.unique(numbers).tolist():
            part = batch if (numbers == number).all() else taken_from(batch, numbers == number)
            self._visits[number].append(part)

    def _health(self, record: dict[str, Any]) -> None:
        if self._visits:
            self._visits[max(self._visits)].writer.health(record)

    def _tell(self, engine: Engine | None, making: _Making, *, over: bool = False) -> None:
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


class _Making:
    """A visit that is being made, or whose requests have not all ended yet."""

    def __init__(self, visit: Visit, plan: TaskPlan, share: Share, writer: RecordingWriter, speaker: Speaker) -> None:
        self.visit = visit
        self.plan = plan
        self.share = share
        self.writer = writer
        self.changed_ns = 0
        self.left = False
        """Whether nothing more is submitted."""
        self.submitted = self.withdrawn = 0
        self.outcomes: Counter[str] = Counter()
        self._counts: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        self._first = visit.number << _SHIFT
        length = output_length(plan.task.service)
        self._writer = RequestWriter(
            speaker.encode,
            run_id=visit.run_id,
            default_output=length.usual,
            fixed_output=-1 if length.field is None else length.fixed,
            first=self._first,
        )
        self.conversations = Conversations(
            self._writer,
            think_ns=plan.task.think_time,
            first=visit.number * _SESSIONS + share.number + 1,
            step=share.of,
        )

    def requests(self) -> Iterator[Planned]:
        """Without end, or as many as an open loop's times."""
        share = self.share
        # Of a closed loop a share may have no user at all.
        schedule = self.plan.schedule if self.visit.rate is None else self.plan.part(share).schedule
        samples = fresh_samples(self.plan, seed_of(self.visit.seed, share.number) if share.of > 1 else self.visit.seed)
        first = self._first + (share.number << _SHARE_SHIFT)
        numbered = ((first + number, sample) for number, sample in samples)
        made = planned_requests(scheduled(numbered, schedule), self._writer, self.conversations)
        for item in made if schedule.slots is not None else islice(made, schedule.total):
            self.submitted += 1
            yield item

    @property
    def users(self) -> int:
        """Of this worker."""
        return self.share.part(self.visit.users)

    def append(self, batch: Batch) -> None:
        """Requests of this visit that ended. What was still prepared when the load ended was no part of it."""
        rows = batch.rows
        never = (rows["outcome"] == _CANCELLED) & (rows["sent_ns"] == 0) & (rows["tried_ns"] == 0)
        if never.any():
            self.withdrawn += int(np.count_nonzero(never))
            batch = taken_from(batch, ~never)
            rows = batch.rows
        rows["request"] -= self._first
        final = rows["outcome"][rows["flags"] & NOT_FINAL == 0]
        for code, times in zip(*np.unique(final, return_counts=True), strict=True):
            self.outcomes[OUTCOMES[code]] += int(times)
        self.writer.append(batch)

    @property
    def in_flight(self) -> int:
        """Of its requests, those that have not ended; without conversations."""
        return self.submitted - self.withdrawn - sum(self.outcomes.values())

    def note_begin(self, engine: Engine) -> None:
        """The client's counts from here on are this visit's."""
        self._counts = (engine.snapshot(), {})

    def note_end(self, engine: Engine) -> None:
        """… until here."""
        self._counts = (self._counts[0], engine.snapshot())

    def client_counts(self) -> dict[str, Any]:
        """What the client counted meanwhile, as a footer has it."""
        begin, end = self._counts
        return {
            name: value - begin.get(name, 0) if name not in _OF_A_MOMENT else value
            for name, value in end.items()
            if name != "outcomes"
        } | {"outcomes": dict(self.outcomes)}

    def close(self, footer: dict[str, Any]) -> None:
        """Waits for the disk."""
        self.writer.close(footer)
        if not self.plan.task.service.save_text:
            part_path(self.visit.recording, TEXTS, self.share.number).unlink(missing_ok=True)


_OF_A_MOMENT = frozenset({"in_flight", "peak_in_flight", "open_connections", "connecting", "longest_stall_ns"})
"""The client's counts that do not only rise."""


class _AllConversations:
    """Those of all visits, as a phase follows them."""

    def __init__(self, visits: dict[int, _Making]) -> None:
        self._visits = visits

    def follow(self, engine: Engine, submit: Callable[[Planned, int], None], sink: BatchSink) -> BatchSink:
        """Each batch goes to the conversations of the visits that its turns belong to, then to `sink`."""

        def on_batch(batch: Batch) -> None:
            sessions = batch.rows["session"]
            if sessions.any():
                for number in np.unique(sessions[sessions > 0] // _SESSIONS).tolist():
                    self._visits[number].conversations.follow(engine, submit, _nothing)(batch)
            sink(batch)

        return on_batch

    def end(self) -> None:
        """No further turn is sent."""
        for making in self._visits.values():
            making.conversations.end()


def _nothing(_: Batch) -> None:
    """A sink that is not there."""


def _never() -> int:
    return int(np.iinfo(np.int64).max)


def taken_from(batch: Batch, mask: NDArray[np.bool_]) -> Batch:
    """Some of a batch's requests, with all that belongs to them. mask: (rows,)."""
    rows = batch.rows
    events = rows["events"].astype(np.int64)
    gaps = np.repeat(mask, np.maximum(events - 1, 0))
    tokens = np.repeat(mask, np.where(rows["flags"] & FLAGS["event_tokens"] != 0, events, 0))
    place = np.cumsum(mask) - 1
    return Batch(
        rows[mask],
        batch.gaps[gaps],
        batch.escapes[np.repeat(mask, rows["escapes"])],
        batch.event_tokens[tokens],
        batch.marks[np.repeat(mask, rows["marks"])],
        [(int(place[row]), kind, text) for row, kind, text in batch.notes if mask[row]],
    )


def ended_of(batches: Sequence[tuple[Batch, NDArray[np.int64]]], judge: Judging) -> NDArray[np.void]:
    """(n,) ENDED_DTYPE: the final rows of some batches, judged. Beside each batch are the visits of its rows."""
    if not batches:
        return np.empty(0, ENDED_DTYPE)
    rows = np.frombuffer(b"".join([batch.rows.tobytes() for batch, _ in batches]), ROW_DTYPE)
    gaps = np.concatenate([batch.gaps for batch, _ in batches])
    escapes = np.concatenate([batch.escapes for batch, _ in batches])
    return ended_rows(rows, judge(rows, gaps, escapes), np.concatenate([visits for _, visits in batches]))


def ended_rows(rows: NDArray[np.void], bits: Bits, visits: NDArray[np.int64] | int) -> NDArray[np.void]:
    """(n,) ENDED_DTYPE: the final ones of rows, (rows,), and what they keep, of one visit or each of its own."""
    final = rows["flags"] & NOT_FINAL == 0
    visits = visits if isinstance(visits, int) else visits[final]
    rows, bits = rows[final], bits[final]
    ended = np.empty(rows.size, ENDED_DTYPE)
    tried = np.where(rows["tried_ns"] > 0, rows["tried_ns"], rows["intended_ns"])
    ended["visit"] = visits
    ended["sent_ns"] = np.where(rows["sent_ns"] > 0, rows["sent_ns"], tried)
    ended["end_ns"] = rows["end_ns"]
    ended["late_ns"] = np.where(rows["intended_ns"] > 0, np.maximum(tried - rows["intended_ns"], 0), 0)
    ended["tokens"] = np.where(rows["output_tokens"] < 0, rows["events"], rows["output_tokens"])
    ended["bits"] = bits
    ended["outcome"] = rows["outcome"]
    return ended


__all__ = ["ENDED_DTYPE", "Judging", "News", "Pilot", "Steered", "Visit", "ended_rows", "plan_of_visit", "run_levels"]
