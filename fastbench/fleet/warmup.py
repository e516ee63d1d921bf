"""Requests before the measured ones: what they ask, and what their failure means."""

import itertools
from collections.abc import Iterator

from msgspec.structs import replace

from fastbench.client.advice import advice
from fastbench.client.seen import Seen
from fastbench.config.dataset_schema import SyntheticConfig, Uniform
from fastbench.config.output_length import NEWER, output_length
from fastbench.config.plan import Task
from fastbench.config.service_schema import ServiceConfig
from fastbench.datasets.dataset import open_dataset
from fastbench.datasets.sample import Prompt, Sample, Turn, prompt_text
from fastbench.errors import ServiceError
from fastbench.fleet.refusal import FieldRefusedError, refused_field, way_out

# Far from any seed that a user would choose for the prompts that are measured.
_SEED_DISTANCE = 2**62
_EXCERPT = 400


def warmup_samples(task: Task, count: int, tokens_per_word: float = 1.0) -> Iterator[Sample]:
    """`count` samples. tokens_per_word: of prompts made without a tokenizer.

    Unless the data set's own are asked for, they are synthetic and have a seed of their own, so that no measured
    prompt is cached by them.
    """
    own = task.warmup_data == "dataset" and not isinstance(task.dataset, SyntheticConfig)
    source = open_dataset(task.dataset if own else _synthetic(task, count), task.service.path, tokens_per_word)
    again = itertools.chain.from_iterable(source.samples() for _ in itertools.count())
    for sample in itertools.islice(again, count):
        # One request each: what a conversation goes on with is no part of a warm-up.
        first = replace(sample, prompt=_opening(sample.turns[0]), turns=()) if sample.turns else sample
        yield replace(first, output_len=task.warmup_output_len) if task.warmup_output_len else first


def _opening(turn: Turn) -> Prompt:
    return turn.messages if turn.before else turn.text


def _synthetic(task: Task, count: int) -> SyntheticConfig:
    """Prompts of the lengths that the measured ones have, or the length asked for."""
    config = task.dataset
    if not isinstance(config, SyntheticConfig):
        config = SyntheticConfig(count=count, input_len=_like_first(task))
    if task.warmup_input_len is not None:
        config = replace(config, input_len=_exactly(task.warmup_input_len), mix=(), shared_prefix=0, prefix_pool=None)
    return replace(config, seed=config.seed ^ _SEED_DISTANCE, count=count)


def _like_first(task: Task) -> Uniform:
    """The first row's length: in tokens where the data set tells it, else in words."""
    for sample in open_dataset(task.dataset, task.service.path).samples():
        if sample.input_len is not None:
            return _exactly(sample.input_len)
        text = sample.turns[0].text if sample.turns else prompt_text(sample.prompt)
        return _exactly(max(1, len(text.split())))
    return _exactly(1)


def _exactly(length: int) -> Uniform:
    return Uniform(low=length, high=length)


def check_warmup(seen: Seen, url: str, service: ServiceConfig, looked: str | None = None) -> None:
    """Raises ServiceError, with the service's own words, when no warm-up request succeeded; FieldRefusedError where the
    run can go on without what it refuses. looked: the way out that a second look told; None = nothing more."""
    if seen.ok or not seen.requests:
        return
    what = f"HTTP status {seen.status}" if seen.outcome == "http_error" else seen.outcome
    words = " ".join(seen.message[:_EXCERPT].decode("utf-8", "replace").split())
    hint = looked or _hint(seen, service, words)
    message = (
        f"The warm-up request to {url} failed: {what}{f', {words}' if words else ''}; {hint}, "
        "or set num_warmups (--num-warmups) to 0 to measure all the same."
    )
    refused = refused_field(seen, service)
    raise ServiceError(message) if refused is None else FieldRefusedError(message, *refused)


def _hint(seen: Seen, service: ServiceConfig, words: str) -> str:
    newer = seen.outcome == "http_error" and NEWER.encode() in seen.message
    if newer and output_length(service).field != NEWER:
        return f"set length_field (--length-field) to {NEWER}"
    return way_out(seen, service) or advice(seen.outcome, seen.status, words)
