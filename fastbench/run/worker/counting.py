"""Counts the tokens of a finished run by its tokenizer, where the service did not tell them."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from fastbench.datasets import Sample
from fastbench.recording import counted_record
from fastbench.tokenizer import PromptCounter

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


def _lines(texts: Path) -> Iterator[dict[str, Any]]:
    try:
        with texts.open("rb") as lines:
            yield from map(json.loads, lines)
    except FileNotFoundError:
        return  # no reply had any text


def _text_of(row: dict[str, Any]) -> str:
    return "".join(str(row.get(part, "")) for part in ("reasoning", "text", "tool_calls"))
