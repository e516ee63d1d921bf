"""Token counts made after a run."""

import json
from pathlib import Path

import numpy as np
import pytest

from fastbench._core.ring import FLAGS, MARK_DTYPE, ROW_DTYPE, SOURCES, Batch
from fastbench.datasets import Sample
from fastbench.recording import TEXTS, Recording, RecordingWriter, counted_record
from fastbench.recording.reading.rows import with_counted
from fastbench.run.worker.worker import count_tokens
from fastbench.tokenizer import PromptCounter, Tokenizer


@pytest.fixture
def words() -> Tokenizer:
    """A tokenizer for which each word is a token."""
    import tokenizers

    inner = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return Tokenizer(inner)


def make_rows(*requests: int, flags: int = 0, source: str = "events", tokens: int = 9) -> np.ndarray:
    rows = np.zeros(len(requests), ROW_DTYPE)
    rows["request"] = requests
    rows["flags"] = flags
    rows["output_tokens"] = rows["input_tokens"] = tokens
    rows["output_source"] = rows["input_source"] = SOURCES.index(source)
    return rows


def test_counts_go_to_their_requests() -> None:
    """A count goes to the row of its request, in whatever order both stand, and names the tokenizer as source."""
    rows = with_counted(make_rows(3, 0, 7), counted_record([0, 3, 5], [10, 13, 15], [20, 23, 25]))
    assert rows["output_tokens"].tolist() == [23, 20, 9]
    assert rows["input_tokens"].tolist() == [13, 10, 9]
    assert [SOURCES[code] for code in rows["output_source"]] == ["tokenizer", "tokenizer", "events"]


@pytest.mark.parametrize("source", ["usage", "token_ids"])
def test_the_service_is_believed_first(source: str) -> None:
    """What the service told stays."""
    rows = with_counted(make_rows(0, source=source), counted_record([0], [1], [2]))
    assert rows["output_tokens"].tolist() == [9]
    assert rows["input_tokens"].tolist() == [9]


@pytest.mark.parametrize("flag", ["warmup", "superseded"])
def test_only_final_measured_rows_are_counted(flag: str) -> None:
    """Warm-up requests and failed attempts keep what they have, though they share the request's number."""
    rows = with_counted(make_rows(0, flags=FLAGS[flag]), counted_record([0], [1], [2]))
    assert rows["output_tokens"].tolist() == [9]


def test_minus_one_is_no_count() -> None:
    """A side that was not counted keeps what it has."""
    rows = with_counted(make_rows(0), counted_record([0], [-1], [2]))
    assert rows["input_tokens"].tolist() == [9]
    assert rows["output_tokens"].tolist() == [2]


def test_all_parts_of_an_output_are_counted(tmp_path: Path, words: Tokenizer) -> None:
    """Reasoning, text and tool calls count as output; a message prompt counts its contents."""
    lines = [{"request": 1, "text": "a b", "reasoning": "c "}, {"request": 0, "text": "a"}]
    (tmp_path / TEXTS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    samples = [Sample(0, "one two"), Sample(1, [{"role": "user", "content": "three"}])]
    record = count_tokens(tmp_path / TEXTS, enumerate(samples), PromptCounter(words, None))
    assert record == {"request": [0, 1], "input_tokens": [2, 1], "output_tokens": [1, 3]}


def test_no_text_is_no_count(tmp_path: Path, words: Tokenizer) -> None:
    """Without any text the outputs stay uncounted."""
    assert count_tokens(tmp_path / TEXTS, enumerate([Sample(0, "one")]), PromptCounter(words, None))[
        "output_tokens"
    ] == [-1]


def test_counts_are_part_of_the_recording(tmp_path: Path) -> None:
    """Counts handed to the writer after a flush are there when the recording is read again."""
    writer = RecordingWriter(tmp_path / "r", {"stamps": "kernel"})
    rows = make_rows(0, 1)
    rows["outcome"] = 1
    empty = np.empty(0, np.uint16)
    writer.append(Batch(rows, empty, np.empty(0, np.int64), empty, np.empty(0, MARK_DTYPE), []))
    writer.flush()
    assert writer.recorded == 2
    writer.counted(counted_record([0, 1], [4, 5], [6, 7]))
    writer.close({"planned": 2})
    assert Recording.open(tmp_path / "r").rows["output_tokens"].tolist() == [6, 7]
