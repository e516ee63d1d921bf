"""Before a run without a tokenizer: how many tokens the service makes of a word, so that prompts get their length."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Iterator

import numpy as np
import uvloop

from fastbench.client.engine import Batch
from fastbench.config.dataset_schema import MooncakeConfig, SyntheticConfig
from fastbench.config.plan import Task
from fastbench.datasets.probe import probe_samples, tokens_per_word
from fastbench.fleet.asked import asked_of, shape_of, warmup_shape
from fastbench.fleet.reach import Reach
from fastbench.load.conversations import Conversations
from fastbench.load.phase import Wanted
from fastbench.load.plan import Writer, planned
from fastbench.load.schedule import make_schedule
from fastbench.load.stop import Stop
from fastbench.recording.request_ids import PROBE, new_run_id

log = logging.getLogger("fastbench")


def measured_words(task: Task, stop: Stop) -> float:
    """Tokens of a common word by the service's own count, from two short requests; 1 where nothing has to be known.

    They are sent only before a warm-up, which the same service would get: a run that warms nothing up measures all
    that it sends. A service that does not tell leaves it at 1. Raises what makes the service unusable.
    """
    words_only = isinstance(task.dataset, SyntheticConfig | MooncakeConfig) and not task.service.path
    if not words_only or not task.num_warmups or (isinstance(task.dataset, SyntheticConfig) and task.dataset.as_ids):
        return 1.0
    reach = Reach(task.sent)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        told = runner.run(_ask(task, reach, stop))
    ratio = tokens_per_word(told[0], told[1]) if min(told) >= 0 else None
    if ratio is None:
        log.info("%s: the service does not tell how many tokens a prompt has: a word counts as one", task.name)
        return 1.0
    log.info("%s: by the service's count a word of the prompts has %.4f tokens", task.name, ratio)
    return ratio


async def _ask(task: Task, reach: Reach, stop: Stop) -> tuple[int, int]:
    """Prompt tokens of the short and the long request; -1 = not told."""
    told = np.full(2, -1, np.int64)

    def note(batch: Batch) -> None:
        told[batch.rows["request"]] = batch.rows["input_tokens"]

    backend = reach.backend(await reach.model())
    requests = Writer(backend.encode, run_id=new_run_id(), default_output=1, kind=PROBE)
    conversations = Conversations(requests)
    items = ((number, sample, 0) for number, sample in enumerate(probe_samples()))
    wanted = Wanted(
        name="warm-up",
        plan=planned(items, requests, conversations),
        shape=warmup_shape(shape_of(task, make_schedule(asked_of(task), 2), 1), 2),
        total=2,
        duration_ns=None,
        drain_ns=None,
        keep_text=False,
        conversations=conversations,
        on_batch=note,
        on_health=lambda _: None,
    )
    # Only the main thread hears signals; others hear them through `stop`.
    alone = threading.current_thread() is threading.main_thread()
    with stop.on_signals() if alone else contextlib.nullcontext(), _at_once(stop) as now:
        await reach.phase(backend, now, lambda _: None).run(wanted)
    return int(told[0]), int(told[1])


@contextlib.contextmanager
def _at_once(stop: Stop) -> Iterator[Stop]:
    """Asks twice when it is asked once: no word of these requests is worth a wait."""
    now = Stop()

    def hurry(_: int) -> None:
        now()
        now()

    with stop.heard_by(hurry):
        yield now
