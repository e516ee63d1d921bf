"""The rows of a trace as arrays: times and lengths, each one checked; a fault names its line and its field."""

import math
import os
import re
from array import array
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.config import show
from fastbench.config.fields import MAX_LENGTH
from fastbench.datasets.rows import RowError, whole_number
from fastbench.datasets.traces.layouts import Columns, columns_of
from fastbench.datasets.traces.settings import TraceColumns
from fastbench.datasets.traces.tables import Moment, Table, open_table
from fastbench.errors import DatasetError
from fastbench.units import MAX_NS, NS_PER_S

ALONE = -1
"""The session of a row that has none."""
_DATE = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)? ?(Z|UTC|[+-]\d\d(?::?\d\d)?)?")
_DATE_FORM = "a date with its time, such as 2023-11-16 18:15:46.68, or a number from 0"


class Trace(NamedTuple):
    """The rows of a file, but for those of failed requests. columns: of the file, all of them.

    times: (n,) ns from any moment; inputs, outputs: (n,) tokens, at least 1 each; None = the file has none. sessions:
    (n,), from 0 in the order of their first rows; `ALONE` = none. failed: how many rows are left out.
    """

    columns: tuple[str, ...]
    used: Columns
    times: NDArray[np.int64] | None
    inputs: NDArray[np.int32] | None
    outputs: NDArray[np.int32] | None
    sessions: NDArray[np.int32]
    failed: int

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.sessions)


def load_trace(path: str, given: TraceColumns | None, option: str, *, sort: bool = False, timed: bool = True) -> Trace:
    """The trace at `path`. given, option: as `columns_of` takes them. sort: rows in the order of their times, where
    times that fall are refused otherwise. timed: whether times and sessions are read at all.

    A run opens its data sets several times: the same file is read once. Raises DatasetError for the first bad row.
    """
    try:
        state = os.stat(path)
    except OSError:
        open_table(path)  # which says what is wrong
        raise
    return _loaded(path, given, option, sort, timed, state.st_ino, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4)
def _loaded(path: str, given: TraceColumns | None, option: str, sort: bool, timed: bool, *_: int) -> Trace:
    table = open_table(path)
    if not table.columns:
        raise DatasetError(f"{path}: the trace is empty; it needs a header and a row for each request")
    columns = columns_of(path, table.columns, given, option)
    if not timed:
        columns = columns._replace(timestamp=None, session=None)
    trace = _read(table, columns, sort=sort)
    if not trace.rows:
        failed = f": all {trace.failed} rows are of failed requests" if trace.failed else " below its header"
        raise DatasetError(f"{path}: the trace has no row that can be sent{failed}; give it one for each request")
    if sort and trace.times is not None:
        order = np.argsort(trace.times, kind="stable")
        inputs, outputs = (None if each is None else each[order] for each in (trace.inputs, trace.outputs))
        return trace._replace(times=trace.times[order], inputs=inputs, outputs=outputs, sessions=trace.sessions[order])
    return trace


def _read(table: Table, columns: Columns, *, sort: bool) -> Trace:
    clock = _Clock(columns.timestamp or "", columns.unit_ns, rising=not sort)
    times, inputs, outputs, sessions = array("q"), array("i"), array("i"), array("i")
    codes: dict[object, int] = {}
    failed = 0
    kinds = [name is not None for name in (columns.timestamp, columns.input, columns.output, columns.session)]
    pick = _picker(kinds)
    for where, cells in table.cells(columns.names):
        time, input_len, output, session = pick(cells)
        try:
            moment = clock.read(time) if kinds[0] else 0
            tokens = _tokens(input_len, columns.input) if kinds[1] else 0
            reply = _tokens(output, columns.output) if kinds[2] else 0
        except RowError as error:
            raise DatasetError(f"{table.place(where)}: the row {error}") from error
        if kinds[2] and not reply and columns.fails:
            failed += 1
            continue
        times.append(moment)
        inputs.append(tokens or 1)
        outputs.append(reply or 1)
        sessions.append(ALONE if session in (None, "") else codes.setdefault(session, len(codes)))
    return Trace(
        tuple(table.columns),
        columns,
        np.array(times, np.int64) if kinds[0] else None,
        np.array(inputs, np.int32) if kinds[1] else None,
        np.array(outputs, np.int32) if kinds[2] else None,
        np.array(sessions, np.int32),
        failed,
    )


def _picker(kinds: Sequence[bool]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Cells of the columns that there are → those of all four, None in place of the others."""
    if all(kinds):
        return lambda cells: cells
    places = [sum(kinds[:at]) if kinds[at] else None for at in range(len(kinds))]
    return lambda cells: [None if place is None else cells[place] for place in places]


def falls(value: object, before: object, name: str) -> str:
    """What is wrong with a row whose time `value` comes before that of the row above it; follows "the row"."""
    return (
        f"has {show(value)} as {name}, which is before {show(before)} of the row above it; sort the rows by {name}, or "
        "set sort=True of the data set in a config"
    )


class _Clock:
    """Reads the times of one column, of which none may come before the one above."""

    def __init__(self, name: str, unit_ns: int, *, rising: bool) -> None:
        self._name = name
        self._unit_ns = unit_ns
        self._rising = rising
        self._last: int | None = None
        self._shown: object = None

    def read(self, value: object) -> int:
        """ns. Raises RowError."""
        moment = _moment(value, self._unit_ns)
        if moment is None:
            raise RowError(_wrong(value, self._name, _DATE_FORM))
        if self._rising and self._last is not None and moment < self._last:
            raise RowError(falls(value, self._shown, self._name))
        self._last, self._shown = moment, value
        return moment


def _moment(value: object, unit_ns: int) -> int | None:
    """ns; None for what is no time."""
    if isinstance(value, Moment):
        return int(value)
    if isinstance(value, str):
        # Looked for only where a year may stand: a trace has millions of rows.
        date = _DATE.fullmatch(value.strip()) if "-" in value else None
        if date is not None:
            return _dated(date[1], date[3] or "") + int((date[2] or "0").ljust(9, "0"))
        try:
            value = int(value) if value.isdecimal() else float(value)
        except ValueError:
            return None
    if type(value) not in (int, float):
        return None
    number: float = value  # type: ignore[assignment]  # seen above
    if not math.isfinite(number) or number < 0:
        return None
    moment = round(number * unit_ns)
    return moment if moment <= MAX_NS else None


@lru_cache(maxsize=64)  # many rows are of one second
def _dated(text: str, zone: str) -> int:
    offset = "+00:00" if zone in ("", "Z", "UTC") else zone
    try:
        moment = datetime.fromisoformat(text + offset)
    except ValueError as error:
        raise RowError(f"has {show(text)}, which is no date; correct or remove it") from error
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * NS_PER_S


def _tokens(value: object, name: str | None) -> int:
    """A number of tokens, from 0. Raises RowError."""
    # Most are digits, of which a trace has millions.
    number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 8 else whole_number(value)
    if number is None and isinstance(value, str | float):
        # As tables have whole numbers that were written beside empty cells.
        try:
            number = int(float(value)) if float(value).is_integer() else None
        except ValueError:
            number = None
    if number is None or not 0 <= number <= MAX_LENGTH:
        raise RowError(_wrong(value, name or "", f"a whole number from 0 to {MAX_LENGTH}"))
    return number


def _wrong(value: object, name: str, form: str) -> str:
    has = "an empty field" if value in (None, "") else show(value)
    return f"has {has} as {name}, which must be {form}; correct or remove it"
