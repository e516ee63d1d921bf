"""One task from its checked plan to its closed recording, in this process."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import uvloop

from fastbench.backends.backend import Backend
from fastbench.backends.request import service_headers
from fastbench.client.engine import BatchSink
from fastbench.client.seen import Seen
from fastbench.config.output_length import output_length
from fastbench.config.plan import Task
from fastbench.config.redactor import KNOWN
from fastbench.config.url import page_url
from fastbench.datasets.prompt_tokens import PromptCounter
from fastbench.errors import FastbenchError
from fastbench.fleet.asked import asked_of, shape_of, warmup_shape
from fastbench.fleet.check import Surveyed
from fastbench.fleet.counting import count_tokens
from fastbench.fleet.descriptors import allow_connections
from fastbench.fleet.header import make_header
from fastbench.fleet.post import Post
from fastbench.fleet.reach import Reach
from fastbench.fleet.source import Source
from fastbench.fleet.warmup import check_warmup, warmup_samples
from fastbench.load.conversations import Conversations
from fastbench.load.phase import Phase, Wanted
from fastbench.load.plan import Writer as RequestWriter
from fastbench.load.plan import planned
from fastbench.load.progress import Observer
from fastbench.load.schedule import make_schedule, scheduled
from fastbench.load.sharing import places, share_of, taken
from fastbench.load.stop import Stop
from fastbench.recording.clocks import clock_record
from fastbench.recording.format import NOT_FINAL, REQUESTS, TEXTS, part_path
from fastbench.recording.part import Part
from fastbench.recording.request_ids import MEASURED, WARM_UP, new_run_id
from fastbench.recording.writer import Writer

if TYPE_CHECKING:
    from fastbench.client.scrape import Scraper

log = logging.getLogger("fastbench")

ALONE = Post()
QUEUE_PIECE = 16
"""Places of a closed loop's plan that a worker takes at once from those that all share."""


def run_task(
    task: Task, recording: Path, observer: Observer, post: Post = ALONE, surveyed: Surveyed | None = None
) -> bool:
    """Runs one task, or a worker's share of it; True when it came to its end, False when the user stopped it.

    Raises ServiceError when the service cannot be measured, DatasetError for a broken row (what was recorded up
    to then stays), RecordingError when the recording is not whole.
    """
    # What may block comes before the event loop, which takes Ctrl-C over.
    worker = _Worker(task, recording, observer, post, surveyed)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(worker.run())


class _Worker:
    """One task while it runs."""

    def __init__(self, task: Task, recording: Path, observer: Observer, post: Post, surveyed: Surveyed | None) -> None:
        self._task = task
        self._post = post
        self._recording = recording
        self._observer = observer
        self._stop = Stop()
        self._run_id = post.run_id or new_run_id()
        self._reach = Reach(task.sent)
        self._source = Source(task, surveyed, post.tokens_per_word)
        self._whole = make_schedule(asked_of(task), self._source.samples_count)
        left = self._whole if post.rest is None else post.rest.schedule(self._whole)
        self._left = left.total
        self._schedule = share_of(left, post.share)
        self._shape = shape_of(task, self._schedule, self._source.longest_output)
        closed = self._schedule.slots is not None
        allow_connections(self._shape.limit, certain=closed and self._source.samples_count >= self._shape.limit)

    async def run(self) -> bool:
        task, reach = self._task, self._reach
        model = await reach.model()
        backend = reach.backend(model)
        pin = self._post.share.number if task.pin else None
        phase = reach.phase(backend, self._stop, self._observer, pin)
        count = "requests" if self._planned is None else f"{self._planned} requests"
        log.info("%s: %s to %s at %s", task.name, count, reach.url(backend), reach.address.host)
        header = make_header(
            task,
            backend,
            self._whole,
            run_id=self._run_id,
            url=reach.url(backend),
            model=model,
            planned=self._in_plan,
            share=self._post.share,
            tokens_per_word=self._post.tokens_per_word,
            rest=self._post.rest,
            data_notes=self._source.notes,
        )
        header |= self._clock(header)
        if self._post.start_at_ns is not None:
            header["start_at_ns"] = self._post.start_at_ns
        with self._post.link.stopping(self._stop):
            complete = await self._record(phase, backend, header)
        # A wish that came after all was done is one for what would come next.
        return complete and not self._stop.asked

    def _clock(self, header: dict[str, Any]) -> dict[str, Any]:
        """What is known by now of this host's clock."""
        reading = self._post.clock()
        return {} if reading is None else {"clock": clock_record(reading, header)}

    @property
    def _in_plan(self) -> int | None:
        """Requests of the whole plan; None = as many as the time allows."""
        if not self._source.has_turns:
            return self._whole.planned
        return None if self._whole.duration_ns is not None else self._source.requests_count

    @property
    def _planned(self) -> int | None:
        """Requests of this worker; None = as many as the time allows, or as it takes of the queue."""
        if self._post.share.whole:
            return self._in_plan if self._post.rest is None else self._left
        dealt = self._post.queue is None and not self._source.has_turns
        return self._schedule.planned if dealt else None

    def _places(self) -> Iterator[int]:
        """The places in the plan that are this worker's."""
        post = self._post
        of = post.share.of
        mine = places(post.share, self._left) if post.queue is None else taken(post.queue, QUEUE_PIECE, of)
        return mine if post.rest is None else post.rest.at(mine)

    async def _record(self, phase: Phase, backend: Backend, header: dict[str, Any]) -> bool:
        """Warm-up and measurement; whatever happens, the recording is closed."""
        writer = Writer(self._recording, header, self._post.part)
        footer: dict[str, Any] = {"planned": self._planned or 0, "interrupted": True, "reason": None, "dropped": 0}
        seen, counts = Seen(), False
        try:
            async with self._scraping(writer) as scraper:
                told = await self._warm_up(phase, backend, writer)
                if not self._stop.asked:
                    if scraper is not None:
                        await scraper.once()  # what the service counted before is no part of the measurement
                    counts = bool(self._task.service.path) and not told
                    footer["client"] = client = await phase.run(self._wanted(backend, writer, seen, counts))
                    if self._planned is None:
                        footer["planned"] = sum(client["outcomes"].values())
            if counts and not seen.told_tokens:
                self._count_tokens(writer)
            footer["interrupted"] = bool(self._stop.asked)
            footer["reason"] = "stopped by the user" if self._stop.asked else None
        except FastbenchError as error:
            footer["reason"] = KNOWN.hide(str(error))
            raise
        finally:
            writer.close({**footer, **self._clock(header), "finished_ns": time.monotonic_ns()})
            if not self._task.service.save_text:
                # Kept only to be counted or answered.
                part_path(self._recording, TEXTS, self._post.part).unlink(missing_ok=True)
        return not footer["interrupted"]

    def _scraping(self, writer: Writer) -> contextlib.AbstractAsyncContextManager["Scraper | None"]:
        """Looks at the service's metrics page at both ends of the block and in it, where that was asked for."""
        task = self._task
        if task.service_metrics is None and not task.spec_decode:
            return contextlib.nullcontext()
        # Imported late: 0.3 s that most runs need not pay.
        from fastbench.client.scrape import scraping

        # Every worker does: the last look must come after the end of the last one, and nobody knows which that will be.
        share = self._post.share
        return scraping(
            self._reach.endpoint,
            service_headers(task.service),
            self._reach.hiding.clean,
            writer.scrape,
            task.service_metrics,
            pages=[page_url(url) for url in task.service.metrics_url],
            tls=self._reach.tls,
            number=share.number,
            of=share.of,
        )

    def _wanted(self, backend: Backend, writer: Writer, seen: Seen, counts: bool) -> Wanted:
        """The measurement."""
        schedule = self._schedule
        conversations, requests = self._requests(backend, MEASURED)
        samples = self._source.numbered(self._places(), 1 if self._post.queue else self._post.share.of)
        return Wanted(
            name="measure",
            plan=planned(scheduled(samples, schedule), requests, conversations),
            shape=self._shape,
            total=self._planned,
            duration_ns=schedule.duration_ns,
            drain_ns=schedule.drain_ns,
            keep_text=self._task.service.save_text or counts or self._source.has_turns,
            conversations=conversations,
            on_batch=self._sink(seen, writer),
            on_health=writer.health,
            gate=self._post.link.gate,
            left=None if self._post.queue is None else self._left_each,
        )

    def _left_each(self) -> int:
        assert self._post.queue is not None
        return self._post.queue.left // self._post.share.of

    def _sink(self, seen: Seen, writer: Writer) -> BatchSink:
        """Takes finished requests to the recording, past all that looks at them."""
        return self._reach.hiding.on_the_way_to(seen.on_the_way_to(writer.append))

    def _requests(self, backend: Backend, kind: str) -> tuple[Conversations, RequestWriter]:
        length = output_length(self._task.service)
        requests = RequestWriter(
            backend.encode,
            run_id=self._run_id,
            kind=kind,
            default_output=length.usual,
            fixed_output=-1 if length.field is None else length.fixed,
        )
        conversations = Conversations(
            requests,
            think_ns=self._task.think_time,
            first=self._post.share.number + 1,
            step=self._post.share.of,
        )
        return conversations, requests

    def _count_tokens(self, writer: Writer) -> None:
        """The service told no token counts: the tokenizer counts them now that nothing is measured any more."""
        writer.flush()
        log.info("%s: counting tokens by %s", self._task.name, self._task.service.path)
        recorded = Part(part_path(self._recording, REQUESTS, self._post.part)).table.rows
        final = recorded[(recorded["flags"] & NOT_FINAL == 0) & (recorded["session"] == 0)]
        # A turn of a conversation has a prompt that nobody has kept.
        samples = self._source.numbered(np.unique(final["request"]).tolist())
        texts = part_path(self._recording, TEXTS, self._post.part)
        service = self._task.service
        counter = PromptCounter.load(service.path, chat=service.type == "openai_chat", fields=service.parameters)
        writer.counted(count_tokens(texts, samples, counter))

    async def _warm_up(self, phase: Phase, backend: Backend, writer: Writer) -> bool:
        """Requests that are recorded but not measured; whether the service told its token counts."""
        count = self._task.num_warmups
        if not count or not self._post.leads:
            return False
        seen = Seen()
        conversations, requests = self._requests(backend, WARM_UP)
        await phase.run(
            Wanted(
                name="warm-up",
                plan=planned(
                    (
                        (number, sample, 0)
                        for number, sample in enumerate(warmup_samples(self._task, count, self._post.tokens_per_word))
                    ),
                    requests,
                    conversations,
                ),
                shape=warmup_shape(self._shape, count),
                total=count,
                duration_ns=None,
                drain_ns=None,
                keep_text=False,
                conversations=conversations,
                on_batch=self._sink(seen, writer),
                on_health=lambda _: None,
            )
        )
        if not self._stop.asked:
            looked = None if seen.ok else await self._reach.second_look(backend, seen)
            check_warmup(seen, self._reach.url(backend), self._task.sent, looked)
        return seen.told_tokens
