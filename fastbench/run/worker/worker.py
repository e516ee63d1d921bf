"""One worker: its part of a plan, from the first connection to the closed recording with its tokens counted."""

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import uvloop
from numpy.typing import NDArray

from fastbench.client import BatchSink, OutcomeTally
from fastbench.config.services import page_url
from fastbench.datasets import Dataset, Sample, spoken
from fastbench.dialects import Speaker, dialect_of, output_length, raw_length, service_headers
from fastbench.errors import FastbenchError
from fastbench.live import Observer, Progress
from fastbench.plan import Requests, RequestWriter, Round, in_pieces, planned_requests, prepared, taken
from fastbench.recording import (
    MEASURED,
    NOT_FINAL,
    OUTCOMES,
    REQUESTS,
    TEXTS,
    WARM_UP,
    Part,
    RecordingWriter,
    checked_record,
    clock_record,
    counted_record,
    new_run_id,
    part_path,
)
from fastbench.run.directory import log
from fastbench.run.machine import allow_connections
from fastbench.run.stop import Stop
from fastbench.run.threads import in_thread
from fastbench.run.worker.asked import AskedLog
from fastbench.run.worker.assignment import Assignment, Link, make_header
from fastbench.run.worker.conversations import Conversations
from fastbench.run.worker.phase import Phase, PhasePlan
from fastbench.run.worker.target import Target
from fastbench.run.worker.warmup import check_warmup, warmup_samples
from fastbench.secrets import KNOWN
from fastbench.structured import STRUCTURED, Constraint, LimitedChecks, constraints_of, fault_of
from fastbench.tokenizer import PromptCounter

if TYPE_CHECKING:
    from fastbench.client import Scraper


T = TypeVar("T")
_AT_ONCE = 256


def count_tokens(texts: Path, samples: Iterator[tuple[int, Sample]], counter: PromptCounter) -> dict[str, Any]:
    """A record for `RecordingWriter.counted`. texts: the file of texts. samples: those asked, with their numbers."""
    outputs = dict(_counts(((int(row["request"]), _text_of(row)) for row in _lines(texts)), counter.tokenizer.counts))
    inputs = dict(_counts(samples, counter.counts))
    requests = sorted(outputs.keys() | inputs.keys())
    return counted_record(requests, [inputs.get(at, -1) for at in requests], [outputs.get(at, -1) for at in requests])


def _counts(texts: Iterator[tuple[int, T]], count: Callable[[list[T]], list[int]]) -> Iterator[tuple[int, int]]:
    while part := list(itertools.islice(texts, _AT_ONCE)):
        counts = count([text for _, text in part])
        yield from zip((request for request, _ in part), counts, strict=True)


def check_texts(
    texts: Path, attempts: Mapping[int, int], asked: Callable[[int], Sequence[Constraint]]
) -> dict[int, str]:
    """What is wrong with the replies' texts, "" = nothing; by request, without those of which it cannot be told.

    texts: the file of texts. attempts: the final attempt of each request to be checked. asked: what a request asks for.
    A reply that has no text but calls a tool is not of that kind.
    """
    with LimitedChecks() as check:
        found = {request: fault_of(asked(request), "", check) for request in attempts}
        for row in _lines(texts):
            request = int(row["request"])
            if attempts.get(request) == row["attempt"]:
                text = str(row.get("text", ""))
                found[request] = None if row.get("tool_calls") and not text else fault_of(asked(request), text, check)
        for field in check.given_up.values():
            log.warning("replies are not checked against %s any more: a check of it takes too long", field)
    return {request: fault for request, fault in found.items() if fault is not None and asked(request)}


def _lines(texts: Path) -> Iterator[dict[str, Any]]:
    try:
        with texts.open("rb") as lines:
            yield from map(json.loads, lines)
    except FileNotFoundError:
        return  # no reply had any text


def _text_of(row: dict[str, Any]) -> str:
    return "".join(str(row.get(part, "")) for part in ("reasoning", "text", "tool_calls"))


PIECE = 128
"""Places of its share that a worker prepares at once."""
QUEUE_PIECE = 16
"""Places of a closed loop's plan that a worker takes at once from those that all share."""


def run_worker(assignment: Assignment, link: Link, observer: Observer, dataset: Dataset | None = None) -> bool:
    """Runs an assignment; True when it came to its end, False when the user stopped it.

    dataset: the task's, where it is open. Raises ServiceError when the service cannot be measured, DatasetError for a
    broken row (what was recorded up to then stays), RecordingError when the recording is not whole.
    """
    # What may block comes before the event loop, so that Ctrl-C ends it.
    worker = Worker(assignment, link, observer, dataset)
    # A thread of its own: the caller may have an event loop of his own, and any thread may call.
    return in_thread(worker.run_in_loop, "worker")


class Worker:
    """A worker running its assignment."""

    _opens_all = True
    """Whether all slots of a closed loop are sure to be in use."""

    def __init__(self, assignment: Assignment, link: Link, observer: Observer, dataset: Dataset | None) -> None:
        self._assignment = assignment
        self._plan = plan = assignment.plan
        self._task = plan.task
        self._link = link
        self._observer = observer
        self._stop = Stop()
        self._run_id = assignment.run_id or new_run_id()
        self._target = Target(plan.task.sent)
        self._part = plan.part(assignment.share)
        self._requests = Requests(plan, dataset)
        closed = self._part.schedule.slots is not None
        allow_connections(
            self._part.reactor.limit, certain=closed and self._opens_all and plan.samples >= self._part.reactor.limit
        )

    def run_in_loop(self) -> bool:
        """In a new event loop of this thread."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(self.run())

    async def run(self) -> bool:
        with self._link.stopping(self._stop):
            model = await self._stop.unless_asked(self._target.model())
            if model is None:
                return False
            complete = await self._with(self._target.speaker(model), model)
        # A request after the end applies to what follows.
        return complete and (not self._stop.asked or bool(self._stop.enough))

    async def _with(self, speaker: Speaker, model: str) -> bool:
        task, target, assignment = self._task, self._target, self._assignment
        pin = assignment.share.number if task.pin else None
        phase = target.phase(speaker, self._stop, self._told_more(target.url(speaker)), pin)
        planned = self._part.planned
        count = "requests" if planned is None else f"{planned} requests"
        log.info("%s: %s to %s at %s", task.name, count, target.url(speaker), target.address.host)
        header = make_header(assignment, speaker, run_id=self._run_id, url=target.url(speaker), model=model)
        header |= self._clock(header)
        return await self._record(phase, speaker, header)

    def _told_more(self, url: str) -> Observer:
        """Tells the observer what a phase does not know: where requests go, under what load, how many are due."""
        offsets = None if self._plan.has_turns else self._part.schedule.offsets

        def observe(now: Progress) -> None:
            now = now._replace(url=url, load=self._headline())
            if offsets is not None and len(offsets) and now.phase == "measure":
                asked = int(np.searchsorted(offsets, now.elapsed_ns, "right"))
                now = now._replace(asked=asked, sending_ns=int(offsets[-1]))
            self._observer(now)

        return observe

    def _headline(self) -> str:
        """The load in a few words, for those who watch."""
        return self._plan.headline()

    def _clock(self, header: dict[str, Any]) -> dict[str, Any]:
        """The latest reading of this host's clock."""
        reading = self._link.clock()
        return {} if reading is None else {"clock": clock_record(reading, header)}

    def _pieces(self) -> Iterator[list[int]]:
        """The places in the plan that are this worker's, in pieces that may be prepared together."""
        share, queue = self._assignment.share, self._assignment.queue
        if queue is None:
            return in_pieces(self._plan.places(share), PIECE)
        return (list(self._plan.at(iter(piece))) for piece in taken(queue, QUEUE_PIECE, share.of))

    async def _record(self, phase: Phase, speaker: Speaker, header: dict[str, Any]) -> bool:
        """Warm-up and measurement; whatever happens, the recording is closed."""
        recording, part = self._assignment.recording, self._assignment.part
        writer = RecordingWriter(recording, header, part)
        planned = self._part.planned
        footer: dict[str, Any] = {"planned": planned or 0, "interrupted": True, "reason": None}
        tally, counts = OutcomeTally(), False
        checks = self._plan.asks_structure
        try:
            async with self._scraping(writer.scrape) as scraper:
                reported = await self._warm_up(phase, speaker, writer)
                if not self._stop.asked:
                    if scraper is not None:
                        await scraper.once()  # what the service counted before is no part of the measurement
                    counts = bool(self._task.service.path) and not reported
                    footer["client"] = client = await phase.run(self._measurement(speaker, writer, tally, counts))
                    if planned is None or self._stop.enough:
                        footer["planned"] = sum(client["outcomes"].values())
            if counts and not tally.reported_tokens:
                self._count_tokens(writer)
            if checks and tally.ok:
                self._check_texts(writer)
            stopped = bool(self._stop.asked) and not self._stop.enough
            footer |= {"interrupted": stopped, "reason": "stopped by the user" if stopped else None}
            footer |= {"enough": self._stop.enough} if self._stop.enough else {}
        except FastbenchError as error:
            footer["reason"] = KNOWN.hide(str(error))
            raise
        finally:
            writer.close({**footer, **self._clock(header), "finished_ns": time.monotonic_ns()})
            if not self._task.service.save_text:
                # Kept only to be counted, checked or answered.
                part_path(recording, TEXTS, part).unlink(missing_ok=True)
        return not footer["interrupted"]

    def _scraping(
        self, put: Callable[[dict[str, Any]], None]
    ) -> contextlib.AbstractAsyncContextManager["Scraper | None"]:
        """Scrapes the service's metrics page at both ends of the block and within it, if requested."""
        task = self._task
        if task.service_metrics is None and not task.spec_decode:
            return contextlib.nullcontext()
        # Imported late: 0.3 s that most runs need not pay.
        from fastbench.client import scraping

        # Every worker scrapes: the last scrape must follow the end of the last worker, which may be any of them.
        share = self._assignment.share
        return scraping(
            self._target.endpoint,
            service_headers(task.service),
            self._target.redactor.clean,
            put,
            task.service_metrics,
            pages=[page_url(url) for url in task.service.metrics_url],
            tls=self._target.tls,
            number=share.number,
            of=share.of,
        )

    def _measurement(self, speaker: Speaker, writer: RecordingWriter, tally: OutcomeTally, counts: bool) -> PhasePlan:
        part, queue = self._part, self._assignment.queue
        conversations, requests = self._writers(speaker, MEASURED)
        asked = AskedLog(self._task, self._assignment.judging)
        return PhasePlan(
            name="measure",
            requests=prepared(
                [Round(self._requests, self._pieces(), step=1 if queue else part.share.of)],
                part.schedule,
                speaker=speaker,
                writer=requests,
                conversations=conversations,
            ),
            options=part.reactor,
            total=part.planned,
            duration_ns=part.schedule.duration_ns,
            drain_ns=part.schedule.drain_ns,
            keep_text=self._task.service.save_text or counts or self._plan.asks_structure or self._plan.has_turns,
            conversations=conversations,
            on_batch=asked.tap(self._sink(speaker, tally, writer)),
            on_health=writer.health,
            asked=asked,
            gate=self._link.gate,
            left=None if queue is None else self._left_each,
        )

    def _left_each(self) -> int:
        queue = self._assignment.queue
        assert queue is not None
        return queue.left // self._assignment.share.of

    def _sink(self, speaker: Speaker, tally: OutcomeTally, writer: RecordingWriter) -> BatchSink:
        """Takes finished requests to the recording, past all that looks at them."""
        return self._target.redactor.tap(tally.tap(writer.append), speaker.row_secrets)

    def _writers(self, speaker: Speaker, kind: str) -> tuple[Conversations, RequestWriter]:
        length = output_length(self._task.service)
        requests = RequestWriter(
            speaker.encode,
            run_id=self._run_id,
            kind=kind,
            default_output=length.usual,
            fixed_output=-1 if length.field is None else length.fixed,
            raw_output=raw_length(self._task.service),
            classes=self._plan.classes,
        )
        share = self._assignment.share
        conversations = Conversations(requests, think_ns=self._task.think_time, first=share.number + 1, step=share.of)
        return conversations, requests

    def _final_rows(self, writer: RecordingWriter) -> NDArray[np.void]:
        """The final rows that this worker has recorded."""
        writer.flush()
        recorded = Part(part_path(self._assignment.recording, REQUESTS, self._assignment.part)).table.rows
        final: NDArray[np.void] = recorded[recorded["flags"] & NOT_FINAL == 0]
        return final

    def _check_texts(self, writer: RecordingWriter) -> None:
        """Checks, after the measurement, whether replies are of the structure that their requests asked for. The events
        of several choices are of several texts, and those are not told apart."""
        service, final = self._task.service, self._final_rows(writer)
        final = final[(final["outcome"] == OUTCOMES.index("ok")) & (final["choices"] <= 1)]
        log.info("%s: checking the structure of %s replies", self._task.name, final.size)
        refused = dialect_of(service).not_taken
        own = {}
        # Of a conversation all turns ask for what the run asks for.
        for request, sample in self._requests.sent(np.unique(final["request"]).tolist()):
            fields = spoken(sample).fields or {}
            if sample.raw is not None and sample.raw.body:
                own[request] = constraints_of({**fields, **service.parameters})
            elif asked := {name: value for name, value in fields.items() if name in STRUCTURED - refused}:
                own[request] = constraints_of({**service.parameters, **asked})
        usual = constraints_of(service.parameters)
        attempts = dict(zip(final["request"].tolist(), final["attempt"].tolist(), strict=True))
        texts = part_path(self._assignment.recording, TEXTS, self._assignment.part)
        writer.checked(checked_record(check_texts(texts, attempts, lambda request: own.get(request, usual))))

    def _count_tokens(self, writer: RecordingWriter) -> None:
        """Counts tokens by the tokenizer, after the measurement, where the service reported none."""
        service, part = self._task.service, self._assignment.part
        log.info("%s: counting tokens by %s", self._task.name, service.path)
        requests = np.unique(self._final_rows(writer)["request"]).tolist()
        samples = ((number, spoken(sample)) for number, sample in self._requests.sent(requests))
        texts = part_path(self._assignment.recording, TEXTS, part)
        counter = PromptCounter.load(
            service.path, chat="messages" in dialect_of(service).takes, fields=service.parameters
        )
        writer.counted(count_tokens(texts, samples, counter))

    async def _warm_up(self, phase: Phase, speaker: Speaker, writer: RecordingWriter) -> bool:
        """Sends the warm-up requests, recorded but not measured; returns whether the service reported token counts."""
        count = self._task.num_warmups
        if not count or not self._assignment.leads:
            return False
        tally = OutcomeTally()
        conversations, requests = self._writers(speaker, WARM_UP)
        samples = enumerate(warmup_samples(self._task, count, self._plan.tokens_per_word))
        await phase.run(
            PhasePlan(
                name="warm-up",
                requests=planned_requests(((number, sample, 0) for number, sample in samples), requests, conversations),
                options=self._part.reactor.for_warmup(count),
                total=count,
                conversations=conversations,
                on_batch=self._sink(speaker, tally, writer),
            )
        )
        if not self._stop.asked:
            looked = None if tally.ok else await self._target.second_look(speaker, tally)
            check_warmup(tally, self._target.url(speaker), self._task.sent, looked)
        return tally.reported_tokens
