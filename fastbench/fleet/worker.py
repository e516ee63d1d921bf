"""One task from its checked plan to its closed recording, in this process."""

import asyncio
import itertools
import logging
import math
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from fastbench.backends.backend import Backend, make_backend
from fastbench.backends.endpoint import Endpoint
from fastbench.backends.request import service_headers
from fastbench.client.address import resolve
from fastbench.client.engine import Engine, Shape, Target
from fastbench.client.hiding import Hiding
from fastbench.client.models import first_model
from fastbench.client.seen import Seen
from fastbench.client.tls import default_tls
from fastbench.config.dataset_schema import SyntheticConfig
from fastbench.config.plan import Task
from fastbench.datasets.dataset import open_dataset
from fastbench.datasets.sample import Sample
from fastbench.datasets.tokens import load_tokenizer
from fastbench.errors import FastbenchError, ServiceError
from fastbench.fleet.counting import count_tokens
from fastbench.fleet.descriptors import allow_connections
from fastbench.fleet.header import make_header
from fastbench.fleet.warmup import check_warmup, warmup_samples
from fastbench.load.phase import Phase
from fastbench.load.plan import Planned, planned
from fastbench.load.progress import Observer
from fastbench.load.stop import Stop
from fastbench.recording.format import TEXTS
from fastbench.recording.writer import Writer

log = logging.getLogger("fastbench")

SPARE_SECONDS = 0.1
"""Open loop: connections are kept open for the sends of this long."""
MAX_SPARE = 256
ROW_MARGIN = 16
"""Output events beyond the length asked for that a stream has room for at once."""
_NO_LIMIT_NS = 2**62


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
        self._dataset = open_dataset(task.dataset, task.service.path)
        self._count = self._dataset.check(task.num_prompts)
        certain = not task.service.request_rate and self._count >= task.service.batch_size
        allow_connections(task.service.batch_size, certain=certain)
        self._address = resolve(self._endpoint, task.service.connect_timeout)

    async def run(self) -> bool:
        task, service, count = self._task, self._task.service, self._count
        model = service.model or await self._first_model()
        backend = make_backend(service, model, self._endpoint.authority, self._endpoint.base_path)
        tls = default_tls(self._endpoint.host) if self._endpoint.tls else None
        target = Target(backend.rules, self._address, service.connect_timeout, tls)
        phase = Phase(partial(Engine, target), stream=backend.stream, stop=self._stop, observer=self._observer)
        log.info("%s: %d requests to %s at %s", task.name, count, self._url(backend), self._address.host)
        header = make_header(task, backend, run_id=self._run_id, url=self._url(backend), model=model, planned=count)
        with self._stop.on_signals():
            return await self._record(phase, backend, Writer(self._recording, header))

    async def _first_model(self) -> str:
        try:
            return await first_model(self._endpoint, service_headers(self._task.service), self._hiding.clean)
        except ServiceError as error:
            raise self._hiding.clean_error(error) from error

    async def _record(self, phase: Phase, backend: Backend, writer: Writer) -> bool:
        """Warm-up and measurement; whatever happens, the recording is closed."""
        dataset, count = self._dataset, self._count
        footer: dict[str, Any] = {"planned": count, "interrupted": True, "reason": None, "dropped": 0}
        try:
            told = await self._warm_up(phase, backend, writer)
            if not self._stop.asked:
                counts = bool(self._task.service.path) and not told
                seen = Seen()
                samples = itertools.islice(dataset.samples(), count)
                footer["client"] = await phase.run(
                    "measure",
                    self._plan(samples, backend, float(self._task.service.request_rate), self._run_id),
                    self._shape(),
                    count=count,
                    keep_text=self._task.service.save_text or counts,
                    on_batch=self._hiding.on_the_way_to(seen.on_the_way_to(writer.append)),
                    on_health=writer.health,
                )
                if counts and not seen.told_tokens:
                    self._count_tokens(writer, itertools.islice(dataset.samples(), count))
            footer["interrupted"] = bool(self._stop.asked)
            footer["reason"] = "stopped by the user" if self._stop.asked else None
        except FastbenchError as error:
            footer["reason"] = str(error)
            raise
        finally:
            writer.close({**footer, "finished_ns": time.monotonic_ns()})
            if not self._task.service.save_text:
                (self._recording / TEXTS).unlink(missing_ok=True)  # kept only to be counted
        return not footer["interrupted"]

    def _count_tokens(self, writer: Writer, samples: Iterator[Sample]) -> None:
        """The service told no token counts: the tokenizer counts them now that nothing is measured any more."""
        writer.flush()
        log.info("%s: counting tokens by %s", self._task.name, self._task.service.path)
        writer.counted(count_tokens(self._recording, samples, load_tokenizer(self._task.service.path)))

    async def _warm_up(self, phase: Phase, backend: Backend, writer: Writer) -> bool:
        """Requests that are recorded but not measured; whether the service told its token counts."""
        count = self._task.num_warmups
        if not count:
            return False
        seen = Seen()
        limit = min(count, self._task.service.batch_size)
        await phase.run(
            "warm-up",
            self._plan(warmup_samples(self._task, count), backend, 0.0, f"{self._run_id}-warmup"),
            self._shape()._replace(closed_loop=True, limit=limit, spare=limit),
            count=count,
            keep_text=False,
            on_batch=self._hiding.on_the_way_to(seen.on_the_way_to(writer.append)),
            on_health=lambda _: None,
        )
        if not self._stop.asked:
            check_warmup(seen, self._url(backend))
        return seen.told_tokens

    def _plan(self, samples: Iterator[Sample], backend: Backend, rate: float, run_id: str) -> Iterator[Planned]:
        return planned(
            samples,
            backend.encode,
            run_id=run_id,
            rate=rate,
            default_output=self._task.service.max_out_len,
        )

    def _shape(self) -> Shape:
        service = self._task.service
        rate = float(service.request_rate)
        return Shape(
            limit=service.batch_size,
            closed_loop=not rate,
            spare=min(math.ceil(rate * SPARE_SECONDS), MAX_SPARE) if rate else service.batch_size,
            precise=service.precise,
            retry=service.retry,
            request_timeout_ns=service.request_timeout or _NO_LIMIT_NS,
            row_tokens=self._longest_output() + ROW_MARGIN,
        )

    def _longest_output(self) -> int:
        dataset = self._task.dataset
        length = dataset.output_len if isinstance(dataset, SyntheticConfig) else None
        return self._task.service.max_out_len if length is None else length.high

    def _url(self, backend: Backend) -> str:
        return f"{self._endpoint.scheme}://{self._endpoint.authority}{backend.path}"
