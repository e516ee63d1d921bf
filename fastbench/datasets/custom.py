"""The user's own questions, with or without options, and their meta file."""

import math
import os
import random
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from string import ascii_uppercase
from typing import Annotated, Any, Literal

from msgspec import Meta

from fastbench.config import Issues, show
from fastbench.config.fields import Seed, Text, Uniform, find_data
from fastbench.datasets.custom_meta import CustomMeta, Shares, meta_file, read_meta
from fastbench.datasets.files import FileConfig, FileDataset, in_range
from fastbench.datasets.row_fields import length_names, output_len
from fastbench.datasets.rows import Row, RowError, RowFile, open_rows
from fastbench.datasets.samples import DatasetFormat, Sample
from fastbench.datasets.template import Template, check_template, filler
from fastbench.tokenizer import Draws, Prompt, TokenMeasure

_LENGTHS = 7
_USED = length_names().union(ascii_uppercase, ("question", "answer"))
_GOLDEN = (math.sqrt(5) - 1) / 2

Fill = Callable[[Row], Prompt]


class CustomConfig(FileConfig, frozen=True, kw_only=True, tag_field="type", tag="custom"):
    """Questions with or without options, from a JSONL or CSV file and its `.meta.json`."""

    meta_path: Text | None = None
    """None = the file's name with ".meta.json" behind it, if there is such a file."""
    data_type: Annotated[Literal["qa", "mcq"], Meta(extra_json_schema={"description": '"qa" or "mcq"'})] | None = None
    """None = mcq where the first row has the options A and B, else qa."""
    template: Template | None = None
    """None = the one of the data type."""
    seed: Seed = 0
    """For the random choices that the meta file asks for."""

    @classmethod
    def check(cls, settings: Mapping[str, Any], path: str, issues: Issues) -> dict[str, Any]:
        """The meta file is looked for as the file is; a template asks something."""
        if isinstance(meta := settings.get("meta_path"), str) and meta:
            settings = {**settings, "meta_path": os.path.abspath(find_data(meta))}
        values = super().check(settings, path, issues)
        check_template(values.get("template"), f"{path}.template", issues)
        return values


def open_custom(config: CustomConfig, _: TokenMeasure) -> FileDataset:
    """The rows as the meta file wants them; without one, all rows in their order."""
    rows = open_rows(config.path)
    place = meta_file(config.path, config.meta_path)
    meta = read_meta(place) if place is not None else CustomMeta()
    positions = in_range(range(len(rows)), config.test_range, config.path)
    count = len(positions) if meta.request_count is None else meta.request_count
    asked = _asked_lengths(meta.output, count, config.seed)
    fill = _fill(config, rows)

    def make(index: int, row: Row) -> Sample:
        length = output_len(row) if asked is None else asked(index)
        return Sample(index, fill(row), None, length)

    return FileDataset(rows, make, _sampled(positions, count, meta.sampling_mode, config.seed), count=count, used=_USED)


def _sampled(positions: Sequence[int], count: int, mode: str, seed: int) -> Sequence[int]:
    if mode == "default":
        return positions[:count]
    chosen = list(positions[:count] if mode == "shuffle" else positions)
    random.Random(seed).shuffle(chosen)
    return chosen[:count]


def _asked_lengths(output: Uniform | Shares | None, count: int, seed: int) -> Callable[[int], int] | None:
    """A function from sample to output tokens."""
    if output is None:
        return None
    if isinstance(output, Uniform):
        draws = Draws(seed, _LENGTHS)
        return lambda index: draws.at(index).integer(output.low, output.high)
    return _spread(output, count)


def _spread(shares: Shares, count: int) -> Callable[[int], int]:
    """Each length floor(share * count) times, the last one for the rest, spread evenly over the samples.

    The samples are numbered anew by i * step mod count, with a step that has no factor in common with count:
    that visits each number once, and neighbours lie far apart.
    """
    bounds = list(accumulate(int(share * count) for _, share in shares))[:-1]
    step = max(1, round(count * _GOLDEN))
    while math.gcd(step, count) > 1:
        step += 1
    return lambda index: shares[bisect(bounds, index * step % count)][0]


def _fill(config: CustomConfig, rows: RowFile) -> Fill:
    if config.template is not None:
        return filler(config.template, required=("question",), output_column="answer")
    if (config.data_type or _type_of(rows)) == "mcq":
        return lambda row: f"Question: {_question(row)}{_options(row)}\nAnswer: "
    return lambda row: f"Question: {_question(row)}\nAnswer: "


def _type_of(rows: RowFile) -> str:
    """mcq where the first row has at least two options."""
    if not len(rows):
        return "qa"
    with rows.reading() as read:
        return "mcq" if len(_letters(read(0))) > 1 else "qa"


def _letters(row: Row) -> list[str]:
    """The options that the row has: A, B, … up to the first that it lacks."""
    letters = []
    for letter in ascii_uppercase:
        if row.get(letter) in (None, ""):
            break
        letters.append(letter)
    return letters


def _options(row: Row) -> str:
    letters = _letters(row)
    if len(letters) < 2:
        raise RowError(
            f"has {len(letters)} options and needs at least A and B; set data_type (--custom-dataset-data-type) to qa"
        )
    return "".join(f"\n{letter}. {row[letter]}" for letter in letters)


def _question(row: Row) -> str:
    question = row.get("question")
    if not isinstance(question, str) or not question:
        found = f"{show(question)} as question" if "question" in row else "no question"
        raise RowError(f"has {found}, which must be text")
    return question


CUSTOM = DatasetFormat(CustomConfig, open_custom)
