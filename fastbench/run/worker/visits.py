"""A visit of a level: its plan, what is being made of it, and what is told of its requests that ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from fastbench.client import Batch, BatchSink, Engine
from fastbench.config.fields import PositiveRate
from fastbench.dialects import Speaker, output_length, raw_length
from fastbench.plan import Block, Planned, RequestWriter, Share, TaskPlan, fresh_rounds, prepared
from fastbench.plan.shapes import Levels, LoadShape, LoadSpec, Poisson
from fastbench.recording import (
    FLAGS,
    NOT_FINAL,
    OUTCOMES,
    ROW_DTYPE,
    SOURCES,
    TEXT,
    TEXTS,
    RecordingWriter,
    join_pieces,
    part_path,
)
from fastbench.run.worker.conversations import Conversations
from fastbench.seeds import seed_of

SHIFT = 40
"""Bits of a request's number within its visit; above them is the visit's."""
_SHARE_SHIFT = 30
_SESSIONS = 1 << 20
"""Conversations of a visit, so that no two visits' have a number in common."""
_CANCELLED = OUTCOMES.index("cancelled")

ENDED_DTYPE = np.dtype(
    [("visit", "<i4"), ("sent_ns", "<i8"), ("end_ns", "<i8"), ("late_ns", "<i8"), ("tokens", "<i4"), ("bits", "<u4"),
     ("outcome", "u1")]
)  # fmt: skip
"""A request that ended: which visit's, when, how much later than its slot was free, and what it keeps."""

_TOLD = tuple(SOURCES.index(name) for name in ("usage", "token_ids"))
_TOKENIZER = SOURCES.index("tokenizer")

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


class Making:
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
        self._first = visit.number << SHIFT
        self._speaker = speaker
        length = output_length(plan.task.service)
        self._writer = RequestWriter(
            speaker.encode,
            run_id=visit.run_id,
            default_output=length.usual,
            fixed_output=-1 if length.field is None else length.fixed,
            raw_output=raw_length(plan.task.service),
            classes=plan.classes,
            first=self._first,
        )
        self.conversations = Conversations(
            self._writer,
            think_ns=plan.task.think_time,
            first=visit.number * _SESSIONS + share.number + 1,
            step=share.of,
        )

    def requests(self) -> Iterator[Planned | Block]:
        """Without end, or as many as an open loop's times."""
        share = self.share
        # Of a closed loop a share may have no user at all.
        schedule = self.plan.schedule if self.visit.rate is None else self.plan.part(share).schedule
        seed = seed_of(self.visit.seed, share.number) if share.of > 1 else self.visit.seed
        for item in prepared(
            fresh_rounds(self.plan, seed, self._first + (share.number << _SHARE_SHIFT)),
            schedule,
            speaker=self._speaker,
            writer=self._writer,
            conversations=self.conversations,
        ):
            self.submitted += item.size if isinstance(item, Block) else 1
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


_OF_A_MOMENT = frozenset(
    {"in_flight", "answering", "peak_in_flight", "open_connections", "connecting", "longest_stall_ns"}
)
"""The client's counts that do not only rise."""


class AllConversations:
    """Those of all visits, as a phase follows them."""

    def __init__(self, visits: dict[int, Making]) -> None:
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


def count_outputs(batch: Batch, counts: Callable[[list[str]], list[int]]) -> None:
    """Sets the output tokens of requests whose text there is, and of which the service told no number. counts: texts →
    their tokens."""
    sources = batch.rows["output_source"]
    texts = {row: text for row, kind, text in batch.notes if kind == TEXT and sources[row] not in _TOLD}
    if not texts:
        return
    rows = list(texts)
    batch.rows["output_tokens"][rows] = counts(["".join(join_pieces(text).values()) for text in texts.values()])
    batch.rows["output_source"][rows] = _TOKENIZER


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
