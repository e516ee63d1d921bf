"""Small files of rows for the tests of data sets."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers

from fastbench.datasets import Dataset, Sample


def lines_file(folder: Path, *rows: Any, name: str = "rows.jsonl") -> str:
    """A file with one row a line; text stands for itself, anything else for its JSON."""
    path = folder / name
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return str(path)


def array_file(folder: Path, rows: Any, name: str = "rows.json") -> str:
    """A file with one JSON value."""
    path = folder / name
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return str(path)


def prompts(dataset: Dataset) -> list[Any]:
    """The prompts of all samples."""
    return [sample.prompt for sample in dataset.samples()]


def all_shares(dataset: Dataset, shares: int) -> list[Sample]:
    """The samples of all shares, in the order of their places."""
    samples = [sample for share in range(shares) for sample in dataset.samples(share, shares)]
    return sorted(samples, key=lambda sample: sample.index)


def small_tokenizer(folder: Path, words: list[str]) -> str:
    """A word-level tokenizer of these words, written as a tokenizer.json that also cuts texts to 3 tokens."""
    vocab = {word: number for number, word in enumerate(["[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(3)
    tokenizer.save(str(folder / "tokenizer.json"))
    return str(folder)
