"""The cells of a table in a file: CSV with a header, JSON as `RowFile` reads it, or parquet."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fastbench.datasets.plain import open_data, open_records, open_text
from fastbench.datasets.rows import open_rows, walk
from fastbench.errors import DatasetError
from fastbench.installing import install

Cells = Iterator[tuple[int, Sequence[Any]]]
"""Where a row stands (see `Table.place`), and its cells; None = the row has none there."""


class Moment(int):
    """A time that the file has with its unit: ns since 1970."""


class Table(NamedTuple):
    """A file with named columns. cells: of the columns of these names, row after row; it raises DatasetError. place:
    the file, and where in it a row stands."""

    columns: Sequence[str]
    cells: Callable[[Sequence[str]], Cells]
    place: Callable[[int], str]


def open_table(path: str) -> Table:
    """The table in a file, by its suffix. Raises DatasetError for a file that cannot be read."""
    match Path(path).suffix.lower():
        case ".jsonl" | ".json" | ".ndjson":
            return _json(path)
        case ".parquet" | ".pq":
            return _parquet(path)
    return _csv(path)


def _csv(path: str) -> Table:
    with open_text(path) as file:
        header, _ = open_records(path, file)
    columns = header.columns

    def cells(names: Sequence[str]) -> Cells:
        picks = [columns.index(name) for name in names]
        with open_text(path) as file:
            for found, line, _, _ in open_records(path, file)[1]:
                if len(found) != len(columns):
                    raise DatasetError(
                        f"{path}, line {line}: the row has {len(found)} cells, where the header has {len(columns)}; "
                        "correct or remove it"
                    )
                yield line, [found[pick] for pick in picks]

    return Table(columns, cells, lambda line: f"{path}, line {line}")


def _json(path: str) -> Table:
    """Its columns are the fields of the first row."""
    rows = open_rows(path)
    header = list(next(walk(rows, range(min(1, len(rows)))), (0, {}))[1])

    def cells(names: Sequence[str]) -> Cells:
        return ((position, [row.get(name) for name in names]) for position, row in walk(rows))

    return Table(header, cells, rows.place)


def _parquet(path: str) -> Table:
    try:
        # Imported late: hardly any trace needs it, and it is slow to import.
        import pyarrow  # type: ignore[import-untyped]  # it has no types
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise DatasetError(
            f"{path}: reading parquet needs the package pyarrow: {install('parquet')}, or save the trace as CSV"
        ) from error

    def column(values: Any) -> list[Any]:
        if not pyarrow.types.is_timestamp(values.type):
            return list(values.to_pylist())
        ticks = values.cast(pyarrow.timestamp("ns")).cast(pyarrow.int64()).to_pylist()
        return [None if tick is None else Moment(tick) for tick in ticks]

    def cells(names: Sequence[str]) -> Cells:
        number = 0
        with open_data(path) as file:
            for batch in pyarrow.parquet.ParquetFile(file).iter_batches(columns=list(dict.fromkeys(names))):
                columns = {name: column(batch.column(name)) for name in names}
                for found in zip(*(columns[name] for name in names), strict=True):
                    number += 1
                    yield number, found

    with open_data(path) as file:
        try:
            header = list(pyarrow.parquet.ParquetFile(file).schema_arrow.names)
        except pyarrow.ArrowException as error:
            raise DatasetError(
                f"{path}: this is not a parquet file ({error}); name one that is, or save it as CSV"
            ) from error
    return Table(header, cells, lambda number: f"{path}, row {number}")
