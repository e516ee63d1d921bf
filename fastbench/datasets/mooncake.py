"""Traces of a real service in Mooncake's format: when requests came, how long, which blocks of tokens they share."""

from array import array
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from msgspec.structs import replace
from numpy.typing import NDArray

from fastbench.config import Issues, show
from fastbench.config.fields import MAX_LENGTH, Seed
from fastbench.datasets.files import FileConfig, FileDataset, in_range
from fastbench.datasets.rows import Row, RowError, RowFile, open_rows, walk
from fastbench.datasets.samples import DatasetFormat, Sample, Survey
from fastbench.errors import DatasetError
from fastbench.tokenizer import Draws, Prompt, TokenMeasure, Words, words_for

BLOCK = 512
"""Tokens that one hash id stands for."""
_SHARED, _OWN = 5, 6
_USED = frozenset({"timestamp", "input_length", "output_length", "hash_ids", "input_text"})
_NS_PER_MS = 1_000_000
_NONE = -1
_ID_MASK = 2**64 - 1


class MooncakeConfig(FileConfig, frozen=True, kw_only=True, tag_field="type", tag="mooncake"):
    """A trace of a real service: when requests came, how long they were, which blocks they shared."""

    words_field = "random_seed"

    random_seed: Seed | None = None
    """None = new words in each run."""
    fixed_schedule_auto_offset: bool = False
    """Shift the times so that the least is 0."""
    fixed_schedule_start_offset: Annotated[int, Meta(ge=0)] = 0
    """Least time to keep, ms, after the shift."""
    fixed_schedule_end_offset: Annotated[int, Meta(ge=-1)] = -1
    """Greatest time to keep, ms, after the shift; -1 = no end."""
    generated_prompts_path: str = ""
    """Not used: prompts are made when they are sent, faster than a file of them is read."""

    @property
    def makes_words(self) -> bool:
        """Of the blocks' hash ids."""
        return True

    @classmethod
    def check(cls, settings: Mapping[str, Any], path: str, issues: Issues) -> dict[str, Any]:
        """The window does not end before it begins."""
        values = super().check(settings, path, issues)
        start, end = values.get("fixed_schedule_start_offset", 0), values.get("fixed_schedule_end_offset", -1)
        if 0 <= end < start:
            allowed = f"at least fixed_schedule_start_offset, {start}, or -1"
            issues.wrong(f"{path}.fixed_schedule_end_offset", end, allowed)
        return values


def open_mooncake(config: MooncakeConfig, measure: TokenMeasure) -> FileDataset:
    """The rows in the window, in the order of their times; those without a time come last, in the file's order."""
    rows = open_rows(config.path)
    shift, positions = _schedule(times_of(rows), config)
    if len(rows) and not positions:
        raise DatasetError(
            f"{config.path}: none of the {len(rows)} rows is in the window; widen fixed_schedule_start_offset and "
            "fixed_schedule_end_offset"
        )
    blocks = _Blocks(config.random_seed or 0, words_for(measure))

    def outline(index: int, row: Row) -> Sample:
        time = None if row.get("timestamp") is None else _ns(row["timestamp"]) - shift
        output = _whole(row, "output_length", 0) or 1
        return Sample(index, row.get("input_text") or "", _input_length(row), output, time)

    def make(index: int, row: Row) -> Sample:
        sample = outline(index, row)
        if sample.input_len is None:
            return sample
        return replace(sample, prompt=blocks.prompt(index, sample.input_len, row.get("hash_ids") or []))

    chosen = in_range(positions, config.test_range, config.path)
    return _BlockDataset(rows, make, chosen, outline=outline, used=_USED)


class _BlockDataset(FileDataset):
    """Samples of which some share the blocks that the rows name."""

    def survey(self, limit: int | None) -> Survey:
        """What a run of at most `limit` samples will send."""
        found = super().survey(limit)
        return found._replace(shares="the blocks of their hash_ids") if self._rows.mentions(b'"hash_ids"') else found


class _Blocks:
    """A block of words for each hash id, the same wherever the id occurs; the last one of a prompt is cut short."""

    def __init__(self, seed: int, words: Words) -> None:
        self._own, self._shared = Draws(seed, _OWN), Draws(seed, _SHARED)
        self._words = words
        self._last = len(words) - 1
        self._block = words.pieces(BLOCK)

    def prompt(self, index: int, length: int, ids: list[int]) -> Prompt:
        """The prompt of sample `index`, `length` tokens; without ids it shares nothing with others."""
        if not ids:
            pieces = self._words.pieces(length)
            return self._words.prompt(self._own.at(index).integers(0, self._last, pieces))
        blocks = [self._shared.at(one & _ID_MASK).integers(0, self._last, self._block) for one in ids]
        blocks[-1] = blocks[-1][: self._words.pieces(length - (len(ids) - 1) * BLOCK)]
        return self._words.prompt(np.concatenate(blocks))


def _input_length(row: Row) -> int | None:
    """Tokens of the prompt, once they agree with the hash ids; None where the row has the prompt itself."""
    if (text := row.get("input_text")) is not None:
        if not isinstance(text, str) or not text:
            raise RowError(f"has {show(text)} as input_text, which must be text")
        return None
    length = _whole(row, "input_length", 1)
    if length is None:
        raise RowError("has neither input_length nor input_text")
    ids = row.get("hash_ids") or []
    if not isinstance(ids, list) or not all(type(one) is int for one in ids):
        raise RowError(f"has {show(ids)} as hash_ids, which must be a list of whole numbers")
    rest = length - (len(ids) - 1) * BLOCK
    if ids and not 0 < rest <= BLOCK:
        raise RowError(
            f"has input_length {length} and {len(ids)} hash_ids of {BLOCK} tokens each, which leaves {rest} "
            f"for the last one, where 1 to {BLOCK} must be left"
        )
    return length


@lru_cache(maxsize=2)  # see open_rows
def times_of(rows: RowFile) -> NDArray[np.int64]:
    """When each row says that it goes out, ns; -1 = it does not say. Raises DatasetError."""
    return np.frombuffer(array("q", (_time(rows, position, row) for position, row in walk(rows))), np.int64)


def _schedule(times: NDArray[np.int64], config: MooncakeConfig) -> tuple[int, Sequence[int]]:
    """(ns to subtract from each time, positions of the rows in their order)."""
    timed = times != _NONE
    shift = int(times[timed].min()) if config.fixed_schedule_auto_offset and timed.any() else 0
    shifted = times - shift
    kept = shifted >= _ns(config.fixed_schedule_start_offset)
    if config.fixed_schedule_end_offset >= 0:
        kept &= shifted <= _ns(config.fixed_schedule_end_offset)
    in_window = np.flatnonzero(kept & timed)
    in_order = in_window[np.argsort(times[in_window], kind="stable")]
    return shift, array("q", np.concatenate([in_order, np.flatnonzero(~timed)]).astype(np.int64).tobytes())


def _time(rows: RowFile, position: int, row: Row) -> int:
    time = row.get("timestamp")
    if time is None:
        return _NONE
    if type(time) not in (int, float) or not 0 <= time < 2**43:
        raise rows.broken(position, f"has {show(time)} as timestamp, which must be milliseconds from 0")
    return _ns(time)


def _ns(milliseconds: float) -> int:
    return round(milliseconds * _NS_PER_MS)


def _whole(row: Row, key: str, least: int) -> int | None:
    value = row.get(key)
    if value is None or (type(value) is int and least <= value <= MAX_LENGTH):
        return value
    raise RowError(f"has {show(value)} as {key}, which must be a whole number from {least} to {MAX_LENGTH}")


MOONCAKE = DatasetFormat(MooncakeConfig, open_mooncake)
