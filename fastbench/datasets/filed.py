"""A data set whose rows stand in a file, in the file's order or in another one."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from fastbench.config.row_range import parse_slice
from fastbench.datasets.dataset import LeftOut, Survey, survey_of
from fastbench.datasets.rows import Read, Row, RowError, RowFile
from fastbench.datasets.sample import Sample
from fastbench.errors import DatasetError

Make = Callable[[int, Row], Sample]
"""(index of the sample, its row) → the sample. Raises RowError."""
TestRange = str | int | float | None


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

    def check(self, limit: int | None) -> int:
        """How many samples a run of at most `limit` gets. Raises DatasetError for the first broken row."""
        return self.survey(limit).samples

    def survey(self, limit: int | None) -> Survey:
        """What a run of at most `limit` samples will ask. Raises DatasetError for the first broken row."""
        unused = Counter[str]()

        def make(index: int, row: Row) -> Sample:
            unused.update(name for name in row if name not in self._used and row[name] not in (None, ""))
            return self._outline(index, row)

        found = survey_of(self._walk(0, 1, make), limit)
        return found._replace(left_out=self._left_out, unused=tuple(unused.most_common()))

    def samples(self, start: int = 0, step: int = 1) -> Iterator[Sample]:
        """The samples `start`, `start + step`, …. Raises DatasetError at a broken row."""
        return self._walk(start, step, self._make)

    def _walk(self, start: int, step: int, make: Make) -> Iterator[Sample]:
        with self._rows.reading() as read:
            for index in range(start, self._count, step):
                yield self._sample(index, read, make)

    def _sample(self, index: int, read: Read, make: Make) -> Sample:
        position = self._positions[index % len(self._positions)]
        row = read(position)
        try:
            return make(index, row)
        except RowError as error:
            raise self._rows.broken(position, error) from error


def in_range(positions: Sequence[int], test_range: TestRange, path: str) -> Sequence[int]:
    """Those of `positions` that `test_range` leaves. Raises DatasetError where it leaves none.

    A number draws as many rows, or that share of them, by a generator that is seeded with the number.
    """
    chosen = _chosen(positions, test_range)
    if positions and not chosen:
        raise DatasetError(f"{path}: test_range {test_range} leaves none of the {len(positions)} rows; widen it")
    return chosen


def _chosen(positions: Sequence[int], test_range: TestRange) -> Sequence[int]:
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
