"""Requests before the measured ones: what they ask, and what their failure means."""

import itertools
from collections.abc import Iterator

from msgspec.structs import replace

from fastbench.client import OutcomeTally, advice_for
from fastbench.config import DatasetConfig, Task
from fastbench.config.services import ServiceConfig
from fastbench.datasets import Prompt, Sample, SyntheticConfig, Turn, open_dataset, prompt_text
from fastbench.dialects import NEWER, output_length
from fastbench.errors import ServiceError
from fastbench.run.worker.refusal import FieldRefusedError, refused_field, way_out

_EXCERPT = 400


def warmup_samples(task: Task, count: int, tokens_per_word: float = 1.0) -> Iterator[Sample]:
    """`count` samples. tokens_per_word: of prompts made without a tokenizer.

    Unless the data set's own are asked for, they are synthetic and have a seed of their own, so that no measured
    prompt is cached by them.
    """
    source = open_dataset(_asked(task, count), task.service.path, tokens_per_word)
    again = itertools.chain.from_iterable(source.samples() for _ in itertools.count())
    for sample in itertools.islice(again, count):
        # One request each: what a conversation goes on with is no part of a warm-up.
        first = replace(sample, prompt=_opening(sample.turns[0]), turns=()) if sample.turns else sample
        yield replace(first, output_len=task.warmup_output_len) if task.warmup_output_len else first


def _opening(turn: Turn) -> Prompt:
    return turn.messages if turn.before else turn.text


def _asked(task: Task, count: int) -> DatasetConfig:
    """What is asked: prompts of the lengths that the measured ones have, or the length asked for; or their rows."""
    alike = task.dataset.alike(count, task.warmup_input_len)
    if alike is not None:
        return alike
    if task.warmup_data == "dataset":
        return task.dataset
    return SyntheticConfig(count=count).alike(count, task.warmup_input_len or _first_length(task))


def _first_length(task: Task) -> int:
    """The first row's length: in tokens where the data set tells it, else in words."""
    for sample in open_dataset(task.dataset, task.service.path).samples():
        if sample.input_len is not None:
            return sample.input_len
        text = sample.turns[0].text if sample.turns else prompt_text(sample.prompt)
        return max(1, len(text.split()))
    return 1


def check_warmup(tally: OutcomeTally, url: str, service: ServiceConfig, looked: str | None = None) -> None:
    """Raises ServiceError, with the service's own words, when no warm-up request succeeded; FieldRefusedError where the
    run can go on without what it refuses. looked: the way out that a second look told; None = nothing more."""
    if tally.ok or not tally.requests:
        return
    what = f"HTTP status {tally.status}" if tally.outcome == "http_error" else tally.outcome
    words = " ".join(tally.message[:_EXCERPT].decode("utf-8", "replace").split())
    hint = looked or _hint(tally, service, words)
    message = (
        f"The warm-up request to {url} failed: {what}{f', {words}' if words else ''}; {hint}, "
        "or set num_warmups (--num-warmups) to 0 to measure all the same."
    )
    refused = refused_field(tally, service)
    raise ServiceError(message) if refused is None else FieldRefusedError(message, *refused)


def _hint(tally: OutcomeTally, service: ServiceConfig, words: str) -> str:
    newer = tally.outcome == "http_error" and NEWER.encode() in tally.message
    if newer and output_length(service).field != NEWER:
        return f"set length_field (--length-field) to {NEWER}"
    return way_out(tally, service) or advice_for(tally.outcome, tally.status, words)
