"""Before a run: empties the service's prefix cache; without a tokenizer, measures the tokens per word, so that prompts
get their length."""

import asyncio
import contextlib
from collections.abc import Iterator

import numpy as np
import uvloop

from fastbench.client import Batch
from fastbench.datasets import probe_samples, tokens_per_word
from fastbench.plan import RequestWriter, TaskPlan, planned_requests
from fastbench.recording import PROBE, new_run_id
from fastbench.run.directory import log
from fastbench.run.stop import Stop
from fastbench.run.threads import in_thread
from fastbench.run.worker.assignment import forwarded_in_loop
from fastbench.run.worker.conversations import Conversations
from fastbench.run.worker.phase import PhasePlan
from fastbench.run.worker.target import Target


def measured_words(plan: TaskPlan, stop: Stop) -> float:
    """Tokens of a common word by the service's own count, from two short requests; 1 where nothing has to be known.

    They are sent only before a warm-up, which the same service would get: a run that warms nothing up measures all that
    it sends. A service that does not report counts leaves it at 1. Raises what makes the service unusable.
    """
    task = plan.task
    if not task.dataset.makes_words or task.service.path or not task.num_warmups:
        return 1.0
    target = Target(task.sent)

    def ask() -> tuple[int, int]:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_ask(plan, target, stop))

    counts = in_thread(ask, "probe")
    ratio = tokens_per_word(counts[0], counts[1]) if min(counts) >= 0 else None
    if ratio is None:
        log.info("%s: the service does not report prompt tokens: a word counts as one token", task.name)
        return 1.0
    log.info("%s: by the service's count a word of the prompts has %.4f tokens", task.name, ratio)
    return ratio


def reset_cache(plan: TaskPlan) -> str | None:
    """Empties the service's prefix cache where that is asked for; what the service answered, None = it was not asked.
    Raises ServiceError where the cache was not emptied."""
    if plan.task.service.reset_cache == "none":
        return None
    target = Target(plan.task.sent)

    def ask() -> str:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(target.reset_cache())

    answered = in_thread(ask, "reset")
    log.info("%s: the prefix cache was reset: %s", plan.task.name, answered)
    return answered


async def _ask(plan: TaskPlan, target: Target, outside: Stop) -> tuple[int, int]:
    """Prompt tokens of the short and the long request; -1 = not reported."""
    counts = np.full(2, -1, np.int64)

    def note(batch: Batch) -> None:
        counts[batch.rows["request"]] = batch.rows["input_tokens"]

    with _at_once(outside) as stop:
        model = await stop.unless_asked(target.model())
        if model is None:
            return -1, -1
        speaker = target.speaker(model)
        requests = RequestWriter(speaker.encode, run_id=new_run_id(), default_output=1, kind=PROBE)
        conversations = Conversations(requests)
        items = ((number, sample, 0) for number, sample in enumerate(probe_samples()))
        phase = PhasePlan(
            name="warm-up",
            requests=planned_requests(items, requests, conversations),
            options=plan.part().reactor.for_warmup(2),
            total=2,
            conversations=conversations,
            on_batch=note,
        )
        await target.phase(speaker, stop, lambda _: None).run(phase)
    return int(counts[0]), int(counts[1])


@contextlib.contextmanager
def _at_once(outside: Stop) -> Iterator[Stop]:
    """Turns one request to stop into an abort: these requests are not worth waiting for."""
    requested, stop = Stop(), Stop()
    with forwarded_in_loop(outside, requested), requested.notifying(lambda _: stop.at_once()):
        yield stop
