"""The requests of a recording as columns, some at a time: what every form of export writes."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.errors import ConfigError
from fastbench.metrics import OWN_METRICS, Metric, Rows, Selection, Values, all_plugged, class_name, class_names
from fastbench.metrics.samples import OK, Mask, is_streamed
from fastbench.recording import FINISHES, OUTCOMES, SOURCES, Recording, recorded_id
from fastbench.registry import METRICS

log = logging.getLogger("fastbench")

ROWS_AT_ONCE = 8_192
_MOMENTS = (
    *("intended_ns", "sent_ns", "headers_ns", "first_token_ns", "answer_ns", "last_token_ns", "end_ns", "message_ns"),
)
_COUNTS = ("events", "sent_bytes", "received_bytes")
_PERHAPS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "planned_input", "planned_output")
_OF_STREAMS = tuple(metric for metric in OWN_METRICS if metric.column and metric.values is None)
"""fastbench's own that are no function of a request's row alone."""


Columns = dict[str, Values]
"""By name; of texts that there are not the value is None."""


def listed(column: Values) -> list[Any]:
    """The values of a column, None where there is none."""
    pairs = zip(column.values.tolist(), column.known.tolist(), strict=True)
    return [value if known else None for value, known in pairs]


def request_columns(recording: Recording, more: Columns | None = None) -> Iterator[Columns]:
    """The measured requests, one row each, in the order in which they finished, `ROWS_AT_ONCE` at a time.

    Moments as they were recorded, ns of CLOCK_MONOTONIC; sent_unix_ns: on the wall clock. The latencies, in ms, only
    of successful requests, as in the report. more: further columns, (rows,) of the whole recording each. The column of
    a package's metric that cannot be computed, or whose name is taken, is left out with a warning in the log
    `fastbench`.
    """
    selection = Selection(recording)
    numbers = np.flatnonzero(selection.final_mask)
    plugged: Columns | None = None
    # Of a run without a request its columns all the same.
    for first in range(0, max(1, numbers.size), ROWS_AT_ONCE):
        chosen = numbers[first : first + ROWS_AT_ONCE]
        columns = _columns(recording, recording.rows[chosen], chosen)
        if plugged is None:
            own = {metric.column: _spread(metric, selection) for metric in _OF_STREAMS}
            plugged = {**own, **(more or {})}
            plugged |= _plugged_columns(selection, {**columns, **plugged})
        others = {name: Values(values[chosen], known[chosen]) for name, (values, known) in plugged.items()}
        message = columns.pop("message")
        yield {**columns, **others, "message": message}


def wall_offset_ns(recording: Recording) -> int | None:
    """What a recorded moment lacks to the ns since 1970; None where the header does not say."""
    wall, mono = recording.header.get("wall_ns"), recording.header.get("mono_ns")
    return wall - mono if isinstance(wall, int) and isinstance(mono, int) else None


def _columns(recording: Recording, rows: Rows, numbers: NDArray[np.int64]) -> Columns:
    always = np.ones(rows.size, bool)
    texts = [recording.messages.get(number) for number in numbers.tolist()]
    messages = [None if text is None else text.decode("utf-8", "replace") for text in texts]
    wall = wall_offset_ns(recording)
    columns = {
        **{name: Values(rows[name], always) for name in ("request", "session", "turn", "sample", "attempt")},
        **_classes(recording, rows),
        "request_id": _request_ids(recording, rows, numbers),
        "outcome": Values(np.array(OUTCOMES, object)[rows["outcome"]], always),
        "finish_reason": Values(_finishes(recording, rows, numbers), rows["finish"] > 0),
        "status": Values(rows["status"], rows["status"] > 0),
        **{name: Values(rows[name], rows[name] > 0) for name in _MOMENTS},
        "sent_unix_ns": Values(rows["sent_ns"] + (wall or 0), (rows["sent_ns"] > 0) & (wall is not None)),
        **{name: Values(rows[name], always) for name in _COUNTS},
        **{name: Values(rows[name], rows[name] >= 0) for name in _PERHAPS},
        **{name: Values(np.array(SOURCES, object)[rows[name]], always) for name in ("input_source", "output_source")},
    }
    columns |= _structured(recording, numbers)
    message = Values(np.array(messages, object), np.array([text is not None for text in texts], bool))
    return {**columns, **_metric_columns(rows), "message": message}


def _structured(recording: Recording, numbers: NDArray[np.int64]) -> Columns:
    """Whether texts are what was asked for, where any was checked; and what is wrong with the others."""
    found = recording.structured
    if not found.known.any():
        return {}
    faults = np.array([found.faults.get(number) for number in numbers.tolist()], object)
    return {
        "structured_valid": Values(found.valid[numbers].astype(np.int64), found.known[numbers]),
        "structured_fault": Values(faults, faults != None),  # noqa: E711  # of each element
    }


def _classes(recording: Recording, rows: Rows) -> Columns:
    """The names of the requests' classes; nothing where no request has one."""
    names = class_names(recording.header)
    if not names:
        return {}
    numbers = rows["class_number"]
    found = np.array([class_name(names, number) for number in range(int(numbers.max(initial=0)) + 1)], object)
    return {"class": Values(found[numbers], numbers > 0)}


def _finishes(recording: Recording, rows: Rows, numbers: NDArray[np.int64]) -> NDArray[Any]:
    words: NDArray[Any] = np.array([None, *FINISHES[1:]], object)[rows["finish"]]
    for place in np.flatnonzero(rows["finish"] == FINISHES.index("other")).tolist():
        words[place] = recording.finishes.get(int(numbers[place]), "other")
    return words


def _request_ids(recording: Recording, rows: Rows, numbers: NDArray[np.int64]) -> Values:
    """The ids that the requests carried to the service."""
    pairs = zip(recording.run_ids(numbers), rows["request"].tolist(), strict=True)
    ids = np.array([None if run_id is None else recorded_id(run_id, request) for run_id, request in pairs], object)
    return Values(ids, ids != None)  # noqa: E711  # of each element


def _metric_columns(rows: Rows) -> Columns:
    """fastbench's own metrics of successful requests, in the units shown."""
    ok: Mask = rows["outcome"] == OK
    streamed = ok & is_streamed(rows)
    columns: Columns = {}
    for metric in OWN_METRICS:
        if metric.column and metric.values is not None:
            values, known = metric.values(rows)
            columns[metric.column] = Values(_scaled(values, metric), known & (streamed if metric.streams_only else ok))
    return columns


def _plugged_columns(selection: Selection, others: Mapping[str, Values]) -> Columns:
    """The columns of packages' metrics, (rows,) of the whole recording: of each either all is there, or nothing.
    others: the columns beside them."""
    metrics, found = all_plugged()
    columns: Columns = {}
    faults = list(found)
    for metric in metrics:
        name = metric.column
        if name in others or name in columns:
            faults.append(f"{METRICS.told(metric.name)} has the column {name}, which an export has already; rename it")
        elif name:
            try:
                columns[name] = _spread(metric, selection)
            except ConfigError as error:
                faults.append(str(error))
    for fault in faults:
        log.warning("A column is left out: %s.", fault)
    return columns


def _spread(metric: Metric, selection: Selection) -> Values:
    """The values of the requests that the metric is for, at the places of their rows in the recording."""
    mask = selection.streamed_mask if metric.streams_only else selection.ok_mask
    values, known = metric.each_of(selection)
    spread = Values(np.zeros(mask.size, np.float64 if metric.scale != 1 else values.dtype), np.zeros(mask.size, bool))
    spread.values[mask] = _scaled(values, metric)
    spread.known[mask] = known
    return spread


def _scaled(values: NDArray[Any], metric: Metric) -> NDArray[Any]:
    return values if metric.scale == 1 else values / metric.scale
