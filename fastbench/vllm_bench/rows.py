"""The prompts of a file, in the very order in which `vllm bench serve` takes them, as a file of fastbench's own.

vLLM shuffles rows by Python's `random`, seeded; so does this, so that the same flags send the same prompts.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastbench.errors import DatasetError, UsageError

LEAST_TOKENS, MOST_INPUT, MOST_TOKENS = 4, 1024, 2048
"""Of ShareGPT vLLM leaves out what has fewer, a longer prompt, or more together."""
Row = dict[str, Any]


class Choice(NamedTuple):
    """Which rows. most: how many, None = all. oversample: whether rows are sent again where there are too few."""

    most: int | None
    seed: int
    shuffle: bool
    oversample: bool


def chosen(rows: Sequence[Row], choice: Choice) -> Iterator[Row]:
    """All rows in the order in which they are looked at."""
    order = list(rows)
    if choice.shuffle:
        random.Random(choice.seed).shuffle(order)
    yield from order


def filled(rows: list[Row], choice: Choice) -> list[Row]:
    """The rows, and where there are too few some of them again."""
    missing = 0 if choice.most is None or not choice.oversample else choice.most - len(rows)
    if missing <= 0 or not rows:
        return rows
    drawn = random.Random(choice.seed)
    return rows + [drawn.choice(rows) for _ in range(missing)]


def sharegpt(path: str, choice: Choice, output_len: int | None, count: Callable[[str], int]) -> list[Row]:
    """The first turn of conversations. output_len: None = as long as the set's own reply. count: of a text's tokens,
    with those that the model adds. Raises DatasetError."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(found, list):
        raise DatasetError(f"{path}: --dataset-name sharegpt needs a JSON array of conversations")
    usable = [entry for entry in found if isinstance(entry, dict) and len(entry.get("conversations") or ()) >= 2]
    rows: list[Row] = []
    for entry in chosen(usable, choice):
        if choice.most is not None and len(rows) >= choice.most:
            break
        if entry.get("image") or entry.get("video"):
            raise DatasetError(
                f"{path} has pictures or video, which `fastbench perf --rows FILE` sends: whole requests"
            )
        try:
            prompt, reply = (str(turn["value"]) for turn in entry["conversations"][:2])
        except (KeyError, TypeError) as error:
            raise DatasetError(f"{path}: a conversation's turn has no value ({str(entry)[:80]})") from error
        tokens, wanted = count(prompt), count(reply) if output_len is None else output_len
        short = tokens < LEAST_TOKENS or (output_len is None and wanted < LEAST_TOKENS)
        if not short and tokens <= MOST_INPUT and tokens + wanted <= MOST_TOKENS:
            rows.append({"prompt": prompt, "max_tokens": wanted})
    return filled(rows, choice)


def prompts(
    path: str, choice: Choice, read: Callable[[Row], str | None], output_len: int, form: Callable[[str], str]
) -> list[Row]:
    """The prompts of a file of JSON lines. read: a row's prompt, None = it is left out, KeyError = it has none.
    output_len: -1 = the row's `output_tokens`. form: what becomes of a prompt. Raises DatasetError."""
    lines: list[Row] = []
    for number, row in _json_lines(path):
        try:
            prompt = read(row)
            wanted = int(row["output_tokens"]) if output_len == -1 else output_len
        except (LookupError, TypeError, ValueError) as error:
            raise DatasetError(f"{path}:{number}: the row has no usable {error}") from error
        if prompt is not None:
            lines.append({"prompt": str(prompt), "max_tokens": wanted})
    first = list(chosen(lines, choice))[: choice.most]
    return filled([{**row, "prompt": form(row["prompt"])} for row in first], choice)


def burstgpt(path: str, choice: Choice) -> list[Row]:
    """Lengths of BurstGPT's requests to GPT-4 that were answered, drawn as pandas' `sample` draws them. Raises
    DatasetError."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            pairs = [
                (int(float(row["Request tokens"])), int(float(row["Response tokens"])))
                for row in csv.DictReader(file)
                if row["Model"] == "GPT-4" and float(row["Response tokens"]) > 0
            ]
    except KeyError as error:
        raise DatasetError(f"{path} has no column {error}, which BurstGPT's files have") from error
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable(path, error) from error
    count = len(pairs) if choice.most is None else choice.most
    if not pairs:
        return []
    places = np.random.RandomState(choice.seed).choice(len(pairs), size=count, replace=count > len(pairs))
    return [{"timestamp": 0, "input": pairs[at][0], "output": pairs[at][1]} for at in places.tolist()]


class TraceFields(NamedTuple):
    """What a trace calls its fields, and how many seconds are one of its units."""

    timestamp: str
    input_length: str
    output_length: str
    hash_ids: str
    unit_s: float


def timed_trace(path: str, choice: Choice, fields: TraceFields) -> list[Row]:
    """The first rows of a trace, as Mooncake writes them. Raises DatasetError."""
    rows: list[Row] = []
    for number, row in _json_lines(path):
        if choice.most is not None and len(rows) >= choice.most:
            break
        try:
            rows.append(
                {
                    "timestamp": float(row[fields.timestamp]) * fields.unit_s * 1000,
                    "input_length": int(row[fields.input_length]),
                    "output_length": int(row[fields.output_length]),
                    "hash_ids": list(row.get(fields.hash_ids, ())),
                }
            )
        except (LookupError, TypeError, ValueError) as error:
            raise DatasetError(f"{path}:{number}: the row has no usable {error}; see --timed-trace-label-…") from error
    return rows


def saved(rows: Sequence[Row], name: str, place: Path) -> Path:
    """The rows as a file of JSON lines in the directory `place`, named by what is in it. Raises UsageError."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return saved_text(lines, name, "jsonl", place)


def saved_text(text: str, name: str, suffix: str, place: Path) -> Path:
    """The text as a file that is named by what is in it. Raises UsageError."""
    path = place / f"{name}-{sha256(text.encode()).hexdigest()[:12]}.{suffix}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written ({error.strerror}): start the command where you may write"
        ) from error
    return path


def _json_lines(path: str) -> Iterator[tuple[int, Row]]:
    """Line number, and the object that it holds."""
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise DatasetError(f"{path}:{number}: the line is no JSON object")
                    yield number, row
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: Exception) -> DatasetError:
    said = error.strerror if isinstance(error, OSError) else str(error)
    return DatasetError(f"{path}: the file of prompts cannot be read ({said})")
