"""Common to formats with rows in a file: settings, their check, and the data set itself."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from fastbench.config import DatasetConfig, Issues
from fastbench.config.fields import Text, find_data, parse_slice, range_fault
from fastbench.datasets.row_fields import check_structure, unsent_extra
from fastbench.datasets.rows import Read, Row, RowError, RowFile
from fastbench.datasets.samples import LeftOut, Sample, Survey, checked, survey_of
from fastbench.errors import DatasetError

TestRange = Annotated[
    str | int | float,
    Meta(extra_json_schema={"description": 'a slice such as "[:8]", a number of rows, or a share of them below 1'}),
]
Make = Callable[[int, Row], Sample]
"""(index of the sample, its row) → the sample. Raises RowError."""


class FileConfig(DatasetConfig, frozen=True, kw_only=True):
    """The settings of a data set whose rows stand in a file. `abbr` is the file's name up to its first dot."""

    path: Text
    test_range: TestRange | None = None
    """Rows to use; None = all."""

    @classmethod
    def check(cls, settings: Mapping[str, Any], path: str, issues: Issues) -> dict[str, Any]:
        """`path` becomes the place where the file is found."""
        settings = dict(settings)
        if isinstance(file := settings.get("path"), str) and file:
            settings["path"] = find_data(file)
            if name := Path(file).name.partition(".")[0]:
                settings.setdefault("abbr", name)
        values = super().check(settings, path, issues)
        if (fault := range_fault(values.get("test_range"))) is not None:
            issues.wrong(f"{path}.test_range", values["test_range"], fault)
        if "\0" in values.get("path", ""):
            issues.wrong(f"{path}.path", values["path"], "the name of a file, which has no zero bytes")
        return values


class FileDataset:
    """Samples made of rows. `positions`: which row each sample is made of; more samples than those start them anew."""

    def __init__(
        self,
        rows: RowFile,
        make: Make,
        positions: Sequence[int],
        *,
        count: int | None = None,
        outline: Make | None = None,
        left_out: LeftOut = (),
        used: frozenset[str] = frozenset(),
    ) -> None:
        """outline: makes samples without their prompts, for surveys, where prompts are dear. None = `make`.
        left_out: the rows that are not in `positions`. used: the fields of rows that samples are made of."""
        if not positions:
            raise DatasetError(_nothing(rows, left_out))
        self._left_out = left_out
        self._used = used
        self._rows = rows
        self._make = make
        self._outline = outline or make
        self._positions = positions
        self._count = len(positions) if count is None else count

    @property
    def count(self) -> int:
        """How many samples there are."""
        return self._count

    def survey(self, limit: int | None) -> Survey:
        """What a run of at most `limit` samples will send. Raises DatasetError for the first broken row."""
        unused = Counter[str]()

        def make(index: int, row: Row) -> Sample:
            unused.update(name for name in row if name not in self._used and row[name] not in (None, ""))
            unused.update(unsent_extra(row))
            sample = checked(self._outline(index, row))
            check_structure(sample.fields or {})
            return sample

        found = survey_of(self._walk(0, 1, make), limit)
        extents = tuple(
            one if one.sample is None else one._replace(place=self._rows.place(self._position(one.sample)))
            for one in found.extents
        )
        return found._replace(left_out=self._left_out, unused=tuple(unused.most_common()), extents=extents)

    def samples(self, start: int = 0, step: int = 1) -> Iterator[Sample]:
        """The samples `start`, `start + step`, …. Raises DatasetError at a broken row."""
        return self._walk(start, step, self._make)

    def _walk(self, start: int, step: int, make: Make) -> Iterator[Sample]:
        with self._rows.reading() as read:
            for index in range(start, self._count, step):
                yield self._sample(index, read, make)

    def _position(self, index: int) -> int:
        """Of the row that a sample is made of."""
        return self._positions[index % len(self._positions)]

    def _sample(self, index: int, read: Read, make: Make) -> Sample:
        position = self._position(index)
        row = read(position)
        try:
            return checked(make(index, row))
        except RowError as error:
            raise self._rows.broken(position, error) from error
        except (Exception, SystemExit) as error:  # of a package's code; who names the package says where it was
            error.add_note(self._rows.place(position))
            raise


def in_range(positions: Sequence[int], test_range: TestRange | None, path: str) -> Sequence[int]:
    """The `positions` that `test_range` selects. Raises DatasetError if there are none.

    A number draws as many rows, or that share of them, by a generator that is seeded with the number.
    """
    chosen = _chosen(positions, test_range)
    if positions and not chosen:
        raise DatasetError(f"{path}: test_range {test_range} leaves none of the {len(positions)} rows; widen it")
    return chosen


def _chosen(positions: Sequence[int], test_range: TestRange | None) -> Sequence[int]:
    if test_range is None:
        return positions
    if isinstance(test_range, str):
        return positions[parse_slice(test_range) or slice(None)]
    if test_range >= len(positions):
        return positions
    count = int(test_range * len(positions)) if test_range < 1 else int(test_range)
    shuffled = list(positions)
    random.Random(test_range).shuffle(shuffled)
    return shuffled[:count]


def _nothing(rows: RowFile, left_out: LeftOut) -> str:
    if len(rows):
        why = ", ".join(f"{count} {reason}" for reason, count in left_out)
        return f"{rows.path}: the data set has {len(rows)} rows, but none that can be used{f': {why}' if why else ''}"
    return f"{rows.path}: the data set is empty; write one JSON object a line into it"
