"""Riddles in a file of JSON lines, with their hints or without."""

from fastbench.datasets import (
    DatasetFormat,
    FileConfig,
    FileDataset,
    Row,
    RowError,
    Sample,
    in_range,
    length_names,
    open_rows,
    output_len,
)
from fastbench.tokenizer import TokenMeasure


class RiddlesConfig(FileConfig, frozen=True, kw_only=True, tag_field="type", tag="riddles"):
    """Riddles."""

    with_hint: bool = False
    """Whether the hint stands behind the riddle."""


def open_riddles(config: RiddlesConfig, measure: TokenMeasure) -> FileDataset:
    rows = open_rows(config.path)

    def make(index: int, row: Row) -> Sample:
        if not isinstance(row.get("riddle"), str):
            raise RowError("has no riddle")
        hint = f" ({row['hint']})" if config.with_hint and "hint" in row else ""
        return Sample(index, row["riddle"] + hint, output_len=output_len(row))

    positions = in_range(range(len(rows)), config.test_range, config.path)
    return FileDataset(rows, make, positions, used=length_names() | {"riddle", "hint"})


RIDDLES = DatasetFormat(RiddlesConfig, open_riddles)
