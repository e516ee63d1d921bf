"""Whole requests from a file, one a row."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from fastbench.datasets.files import FileConfig, in_range
from fastbench.datasets.raw.decoded import Decoded, decoded_row, unknown_names
from fastbench.datasets.raw.images import check_images, with_images
from fastbench.datasets.raw.row import RequestRow, raw_row, with_body
from fastbench.datasets.rows import RowError, RowFile, open_rows
from fastbench.datasets.samples import MOST_CLASSES, DatasetFormat, Sample, Survey, Turn
from fastbench.errors import DatasetError
from fastbench.structured import structures_of
from fastbench.tokenizer import TokenMeasure

Check = Callable[[Decoded], str | None]
"""What is wrong with a row for the service that it goes to; None = nothing."""
Group = Sequence[int]
"""Positions of the rows of one sample: several where it is a session."""
_NEVER = 2**63 - 1


class RowsConfig(FileConfig, frozen=True, kw_only=True, tag_field="type", tag="rows"):
    """Whole request bodies from a JSONL or JSON file, sent as they are."""


class RowsDataset:
    """Samples that are requests of a file, or sessions of them."""

    def __init__(self, rows: RowFile, groups: Sequence[Group]) -> None:
        """groups: the rows of each sample. Raises DatasetError for none."""
        if rows.is_csv:
            raise DatasetError(
                f"{rows.path}: requests cannot stand in a CSV file; write one JSON object a line, or use --dataset"
            )
        if not groups:
            raise DatasetError(f"{rows.path}: the data set is empty; write one request body a line into it")
        self._rows = rows
        self._groups = groups
        self._folder = Path(rows.path).absolute().parent

    @property
    def count(self) -> int:
        """How many samples there are."""
        return len(self._groups)

    def survey(self, limit: int | None, check: Check | None = None) -> Survey:
        """What a run of at most `limit` samples will send. Raises DatasetError for the first broken row."""
        longest = timed = samples = requests = 0
        classes, structures, unused = set[str](), set[str](), Counter[str]()
        with self._rows.reading_texts() as text:
            for group in islice(self._groups, limit):
                samples += 1
                for place, position in enumerate(group):
                    row, body = self._looked_at(position, text(position), check, unused)
                    structures |= structures_of(body)
                    requests += 1
                    classes.add(row.class_name)
                    longest = max(longest, row.output_len or 0)
                    timed += not place and row.time_ns is not None
        classes.discard("")
        if len(classes) > MOST_CLASSES:
            raise DatasetError(
                f"{self._rows.path}: the rows have {len(classes)} classes, and a recording can tell at most "
                f"{MOST_CLASSES} apart; give fewer names as class"
            )
        return Survey(
            samples,
            requests,
            longest or None,
            timed,
            unused=tuple(unused.most_common()),
            classes=tuple(sorted(classes)),
            structures=frozenset(structures),
            uncounted=samples,
        )

    def samples(self, start: int = 0, step: int = 1) -> Iterator[Sample]:
        """The samples `start`, `start + step`, …. Raises DatasetError at a broken row."""
        with self._rows.reading_texts() as text:
            for index in range(start, len(self._groups), step):
                group = self._groups[index]
                first, *others = (self._row(position, text(position)) for position in group)
                yield _session(index, [first, *others]) if others else _single(index, first)

    def _row(self, position: int, text: bytes) -> RequestRow:
        try:
            row = raw_row(text)
            if not row.image_files:
                return row
            return row._replace(request=with_body(row.request, with_images(row.request.body, self._folder)))
        except ValueError as error:
            raise self._rows.broken(position, error) from error

    def _looked_at(
        self, position: int, text: bytes, check: Check | None, unused: Counter[str]
    ) -> tuple[RequestRow, Mapping[str, Any]]:
        """The row, once it is seen to be a request, and its body."""
        try:
            parsed = self._rows.parse(text)
            decoded = decoded_row(parsed)
            unused.update(unknown_names(parsed))
            row = raw_row(text)
            if row.image_files:
                check_images(row.request.body, self._folder)
            if fault := check and check(decoded):
                raise RowError(fault)
        except RowError as error:
            raise self._rows.broken(position, error) from error
        return row, decoded.body


def _single(index: int, row: RequestRow) -> Sample:
    return Sample(index, "", None, row.output_len, timestamp_ns=row.time_ns, raw=row.request, class_name=row.class_name)


def _session(index: int, rows: Sequence[RequestRow]) -> Sample:
    turns = tuple(
        Turn("", "", row.output_len, raw=row.request, wait_ns=row.wait_ns, class_name=row.class_name) for row in rows
    )
    return Sample(index, "", timestamp_ns=rows[0].time_ns, turns=turns)


class _Singles(Sequence[Group]):
    """Samples of one row each."""

    def __init__(self, positions: Sequence[int]) -> None:
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, at: Any) -> Any:
        return _Singles(self._positions[at]) if isinstance(at, slice) else (self._positions[at],)


@lru_cache(maxsize=2)  # as a run opens its data sets several times
def _groups(rows: RowFile) -> Sequence[Group]:
    """The rows of each sample: those of a session together, in the order of their times where they have any."""
    if rows.is_csv or not rows.mentions(b'"session_id"', b'"timestamp"'):
        return _Singles(range(len(rows)))
    groups: dict[str | int, list[int]] = {}
    times: list[int] = []
    with rows.reading_texts() as text:
        for position in range(len(rows)):
            session, time_ns = _place_of(text(position))
            group = groups.setdefault(session or position, [])
            if not group:
                times.append(time_ns)
            group.append(position)
    # Of equal times, and of none at all, the file's order.
    order = sorted(range(len(times)), key=times.__getitem__)
    found = list(groups.values())
    if len(found) == len(rows):
        return _Singles(array("q", order))
    return [tuple(found[at]) for at in order]


def _place_of(text: bytes) -> tuple[str, int]:
    """(session or "", time or never) of a row; of a broken one none, as the survey says what is wrong with it."""
    try:
        row = raw_row(text)
    except (ValueError, TypeError):
        return "", _NEVER
    return row.session, _NEVER if row.time_ns is None else row.time_ns


def open_requests(config: RowsConfig, _: TokenMeasure) -> RowsDataset:
    """The requests of one file."""
    rows = open_rows(config.path)
    groups = _groups(rows)
    chosen = in_range(range(len(groups)), config.test_range, config.path)
    return RowsDataset(rows, groups if config.test_range is None else [groups[at] for at in chosen])


ROWS = DatasetFormat(RowsConfig, open_requests)
