"""Warm-up requests: their prompts, their failures, and fields that the service refuses."""

import itertools
import re
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from fastbench.client import OutcomeTally, advice_for
from fastbench.config import DatasetConfig, Task
from fastbench.config.services import STREAM_OPTIONS, ServiceConfig
from fastbench.datasets import (
    Prompt,
    RawRequest,
    RowsConfig,
    Sample,
    SyntheticConfig,
    Turn,
    alike,
    open_dataset,
    prompt_text,
    spoken,
)
from fastbench.dialects import NEWER, output_length
from fastbench.errors import ServiceError
from fastbench.text import excerpt

REFUSED = (400, 422)
"""The statuses with which services refuse a request as invalid."""
_QUOTED = 200
_REFUSING = re.compile(
    r"unexpected|unrecogni[sz]ed|unknown|\bextra\b|extra_forbidden|not (?:permitted|allowed|supported|recogni[sz]ed)"
    r"|n[o']t support|unsupported|forbidden|invalid|additional propert|no such",
    re.IGNORECASE,
)
# What the request held is repeated by some under these names; it says nothing of the reason.
_REPEATED = frozenset({"input", "body", "url"})


class FieldRefusedError(ServiceError):
    """The service refuses a field that the user did not set: the run can do without it."""

    def __init__(self, message: str, field: str = "", words: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.words = words


def refused_field(tally: OutcomeTally, service: ServiceConfig) -> tuple[str, str] | None:
    """A field that the service refused in each warm-up request, and its message; None where it did not, or where the
    field was asked for by name, so that to leave it out would be another measurement."""
    if tally.ok or not _is_refusal(tally):
        return None
    for text in _texts(tally.message.decode("utf-8", "replace")):
        for name in service.droppable:
            if _mentions(text, name) and _REFUSING.search(text):
                return name, text[:_QUOTED]
    return None


def way_out(tally: OutcomeTally, service: ServiceConfig) -> str | None:
    """Which field to leave out, and how, if the service's answer names one or gives no reason; None if it gives another
    reason."""
    if not _is_refusal(tally):
        return None
    if not tally.message.strip():
        return f"it does not say why; {' or '.join(_suspects(service))} may be the cause"
    texts = list(_texts(tally.message.decode("utf-8", "replace")))
    named = [name for name in service.body_fields if any(_mentions(text, name) for text in texts)]
    return f"leave out {' and '.join(map(_by_option, named))}" if named else None


def _suspects(service: ServiceConfig) -> Iterator[str]:
    if service.id_header is not None:
        yield f"the header {service.id_header} (--request-id-header none leaves it out)"
    yield from map(_by_option, service.body_fields)


def _by_option(name: str) -> str:
    if name == "ignore_eos":
        return "ignore_eos (--no-ignore-eos)"
    if name == STREAM_OPTIONS:
        return f"{name} (--param {name}=null)"
    return f"{name} (generation_kwargs, --param)"


def _is_refusal(tally: OutcomeTally) -> bool:
    return tally.status in REFUSED or tally.outcome == "stream_error"


def _texts(message: str) -> Iterator[str]:
    """The texts of an answer, one per JSON object; the whole of it if it is not JSON."""
    try:
        document = msgspec.json.decode(message)
    except msgspec.DecodeError:
        document = message
    yield from (" ".join(text.split()) for text in _objects(document))


def _objects(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        kept = [item for name, item in value.items() if name not in _REPEATED]
        yield " ".join(part for item in kept for part in _leaves(item))
        for item in kept:
            if isinstance(item, dict | list):
                yield from _objects(item)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                yield from _objects(item)
    elif isinstance(value, str):
        yield value


def _leaves(value: object) -> Iterator[str]:
    """The texts of a member: its own, or those of a list such as pydantic's `loc`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))


def _mentions(text: str, name: str) -> bool:
    """Whether a text names a field, not counting repetitions of the request."""
    return (
        re.search(rf"(?<!\w){re.escape(name)}(?!\w)(?![\"']?\s*[:=]\s*(?:true|1|\{{))", text, re.IGNORECASE) is not None
    )


_EXCERPT = 400


def warmup_samples(task: Task, count: int, tokens_per_word: float = 1.0) -> Iterator[Sample]:
    """`count` samples. tokens_per_word: of prompts made without a tokenizer.

    Unless the data set's own are asked for, they are synthetic and have a seed of their own, so that no measured
    prompt is cached by them.
    """
    source = open_dataset(_asked(task, count), task.service.path, tokens_per_word)
    again = itertools.chain.from_iterable(source.samples() for _ in itertools.count())
    frame = _frame(task)
    for sample in itertools.islice(again, count):
        # One request each: what a conversation goes on with is no part of a warm-up.
        first = _first(sample)
        if frame is not None and first.raw is None:
            first = replace(first, raw=frame)
        yield replace(first, output_len=task.warmup_output_len) if task.warmup_output_len else first


def _first(sample: Sample) -> Sample:
    """The first request of a sample."""
    if not sample.turns:
        return sample
    turn = sample.turns[0]
    return replace(sample, prompt=_opening(turn), turns=(), raw=turn.raw)


def _frame(task: Task) -> RawRequest | None:
    """Path and headers of the first row that is a whole request, which the service may want of each; None = none."""
    if not isinstance(task.dataset, RowsConfig):
        return None
    raw = _first(next(iter(open_dataset(task.dataset).samples()))).raw
    return None if raw is None else RawRequest(b"", path=raw.path, headers=raw.headers)


def _opening(turn: Turn) -> Prompt:
    return turn.messages if turn.before else turn.text


def _asked(task: Task, count: int) -> DatasetConfig:
    """The warm-up's data set: prompts as long as the measured ones or as requested, or the data set's rows."""
    found = alike(task.dataset, count, task.warmup_input_len)
    if found is not None:
        return found
    if task.warmup_data == "dataset":
        return task.dataset
    return SyntheticConfig(count=count).alike(count, task.warmup_input_len or _first_length(task))


def _first_length(task: Task) -> int:
    """The first row's length: in tokens where the data set has it, else in words."""
    for sample in open_dataset(task.dataset, task.service.path).samples():
        if sample.input_len is not None:
            return sample.input_len
        text = prompt_text(spoken(_first(sample)).prompt)
        return max(1, len(text.split()))
    return 1


def check_warmup(tally: OutcomeTally, url: str, service: ServiceConfig, looked: str | None = None) -> None:
    """Raises ServiceError, with the service's own words, when no warm-up request succeeded; FieldRefusedError where the
    run can go on without what it refuses. looked: the remedy found by another request; None = none."""
    if tally.ok or not tally.requests:
        return
    what = f"HTTP status {tally.status}" if tally.outcome == "http_error" else tally.outcome
    words = excerpt(tally.message.decode("utf-8", "replace"), _EXCERPT)
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
