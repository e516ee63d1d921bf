"""One task from its checked plan to its closed recording, in this process."""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from fastbench.backends.backend import Backend, known_model, make_backend
from fastbench.backends.endpoint import Endpoint
from fastbench.backends.request import service_headers
from fastbench.client.address import resolve
from fastbench.client.engine import Engine, Target
from fastbench.client.hiding import Hiding
from fastbench.client.models import first_model
from fastbench.client.seen import Seen
from fastbench.client.tls import default_tls
from fastbench.config.plan import Task
from fastbench.datasets.sample import Sample
from fastbench.datasets.tokens import load_tokenizer
from fastbench.errors import FastbenchError, ServiceError
from fastbench.fleet.asked import asked_of, history_of, shape_of, warmup_shape
from fastbench.fleet.counting import count_tokens
from fastbench.fleet.descriptors import allow_connections
from fastbench.fleet.header import make_header
from fastbench.fleet.source import Source
from fastbench.fleet.warmup import check_warmup, warmup_samples
from fastbench.load.conversations import Conversations
from fastbench.load.phase import Phase, Wanted
from fastbench.load.plan import Writer as RequestWriter
from fastbench.load.plan import planned
from fastbench.load.progress import Observer
from fastbench.load.schedule import make_schedule, scheduled
from fastbench.load.stop import Stop
from fastbench.recording.format import TEXTS
from fastbench.recording.writer import Writer

if TYPE_CHECKING:
    from fastbench.client.scrape import Scraper

log = logging.getLogger("fastbench")


def run_task(task: Task, recording: Path, observer: Observer) -> bool:
    """Runs one task; True when it came to its end, False when the user stopped it.

    Raises ServiceError when the service cannot be measured, DatasetError for a broken row (what was recorded up
    to then stays), RecordingError when the recording is not whole.
    """
    # What may block comes before the event loop, which takes Ctrl-C over.
    worker = _Worker(task, recording, observer)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(worker.run())


class _Worker:
    """One task while it runs."""

    def __init__(self, task: Task, recording: Path, observer: Observer) -> None:
        self._task = task
        self._recording = recording
        self._observer = observer
        self._stop = Stop()
        self._run_id = uuid.uuid4().hex[:8]
        self._endpoint = Endpoint.parse(task.service)
        self._hiding = Hiding(task.service)
        self._source = Source(task)
        self._schedule = make_schedule(asked_of(task), self._source.samples_count)
        self._shape = shape_of(task, self._schedule)
        closed = self._schedule.slots is not None
        allow_connections(self._shape.limit, certain=closed and self._source.samples_count >= self._shape.limit)
        self._address = resolve(self._endpoint, task.service.connect_timeout)

    async def run(self) -> bool:
        task, service = self._task, self._task.service
        model = known_model(service)
        if model is None:
            model = await self._first_model()
        backend = make_backend(service, model, self._endpoint.authority, self._endpoint.base_path)
        tls = default_tls(self._endpoint.host) if self._endpoint.tls else None
        target = Target(backend.rules, self._address, service.connect_timeout, tls)
        phase = Phase(partial(Engine, target), stream=backend.stream, stop=self._stop, observer=self._observer)
        count = "requests" if self._planned is None else f"{self._planned} requests"
        log.info("%s: %s to %s at %s", task.name, count, self._url(backend), self._address.host)
        header = make_header(
            task,
            backend,
            self._schedule,
            run_id=self._run_id,
            url=self._url(backend),
            model=model,
            planned=self._planned,
        )
        with self._stop.on_signals():
            return await self._record(phase, backend, Writer(self._recording, header))

    @property
    def _planned(self) -> int | None:
        """Requests of the plan; None = as many as the time allows."""
        schedule, source = self._schedule, self._source
        if source.requests_count == source.samples_count:
            return schedule.total
        return None if schedule.duration_ns is not None else source.requests_count

    async def _first_model(self) -> str:
        try:
            return await first_model(self._endpoint, service_headers(self._task.service), self._hiding.clean)
        except ServiceError as error:
            raise self._hiding.clean_error(error) from error

    async def _record(self, phase: Phase, backend: Backend, writer: Writer) -> bool:
        """Warm-up and measurement; whatever happens, the recording is closed."""
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
                self._count_tokens(writer, seen.requests)
            footer["interrupted"] = bool(self._stop.asked)
            footer["reason"] = "stopped by the user" if self._stop.asked else None
        except FastbenchError as error:
            footer["reason"] = str(error)
            raise
        finally:
            writer.close({**footer, "finished_ns": time.monotonic_ns()})
            if not self._task.service.save_text:
                (self._recording / TEXTS).unlink(missing_ok=True)  # kept only to be counted or answered
        return not footer["interrupted"]

    def _scraping(self, writer: Writer) -> contextlib.AbstractAsyncContextManager["Scraper | None"]:
        """Looks at the service's metrics page at both ends of the block and in it, where that was asked for."""
        task = self._task
        if task.service_metrics is None and not task.spec_decode:
            return contextlib.nullcontext()
        # Imported late: 0.3 s that most runs need not pay.
        from fastbench.client.scrape import scraping

        headers = service_headers(task.service)
        return scraping(self._endpoint, headers, self._hiding.clean, writer.scrape, task.service_metrics)

    def _wanted(self, backend: Backend, writer: Writer, seen: Seen, counts: bool) -> Wanted:
        """The measurement."""
        schedule = self._schedule
        conversations, requests = self._requests(backend, self._run_id)
        samples = self._source.samples(again=schedule.duration_ns is not None)
        if schedule.total is not None:
            samples = islice(samples, schedule.total)
        answered = history_of(self._task) == "replies" and self._source.requests_count != self._source.samples_count
        return Wanted(
            name="measure",
            plan=planned(scheduled(samples, schedule), requests, conversations),
            shape=self._shape,
            total=self._planned,
            duration_ns=schedule.duration_ns,
            drain_ns=schedule.drain_ns,
            keep_text=self._task.service.save_text or counts or answered,
            conversations=conversations,
            on_batch=self._hiding.on_the_way_to(seen.on_the_way_to(writer.append)),
            on_health=writer.health,
        )

    def _requests(self, backend: Backend, run_id: str) -> tuple[Conversations, RequestWriter]:
        requests = RequestWriter(backend.encode, run_id=run_id, default_output=self._task.service.max_out_len)
        conversations = Conversations(requests, history=history_of(self._task), think_ns=self._task.think_time)
        return conversations, requests

    def _count_tokens(self, writer: Writer, count: int) -> None:
        """The service told no token counts: the tokenizer counts them now that nothing is measured any more."""
        writer.flush()
        log.info("%s: counting tokens by %s", self._task.name, self._task.service.path)
        again = self._schedule.duration_ns is not None
        samples: Iterator[Sample] = islice(self._source.samples(again=again), count)
        writer.counted(count_tokens(self._recording, samples, load_tokenizer(self._task.service.path)))

    async def _warm_up(self, phase: Phase, backend: Backend, writer: Writer) -> bool:
        """Requests that are recorded but not measured; whether the service told its token counts."""
        count = self._task.num_warmups
        if not count:
            return False
        seen = Seen()
        conversations, requests = self._requests(backend, f"{self._run_id}-warmup")
        await phase.run(
            Wanted(
                name="warm-up",
                plan=planned(((sample, 0) for sample in warmup_samples(self._task, count)), requests, conversations),
                shape=warmup_shape(self._shape, count),
                total=count,
                duration_ns=None,
                drain_ns=None,
                keep_text=False,
                conversations=conversations,
                on_batch=self._hiding.on_the_way_to(seen.on_the_way_to(writer.append)),
                on_health=lambda _: None,
            )
        )
        if not self._stop.asked:
            check_warmup(seen, self._url(backend))
        return seen.told_tokens

    def _url(self, backend: Backend) -> str:
        return f"{self._endpoint.scheme}://{self._endpoint.authority}{backend.path}"
