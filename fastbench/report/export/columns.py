"""The requests of a recording as columns, some at a time: what every form of export writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.parameters import has_tpot, streamed_tokens
from fastbench.metrics.selection import OK, Rows, Selection
from fastbench.recording.format import FINISHES, OUTCOMES, SOURCES
from fastbench.recording.reader import Recording
from fastbench.recording.request_ids import recorded_id
from fastbench.units import NS_PER_MS

ROWS_AT_ONCE = 8_192
_MOMENTS = (
    *("intended_ns", "sent_ns", "headers_ns", "first_token_ns", "answer_ns", "last_token_ns", "end_ns", "message_ns"),
)
_COUNTS = ("events", "sent_bytes", "received_bytes")
_PERHAPS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "planned_input", "planned_output")


class Column(NamedTuple):
    """One field of some requests. known: (n,), where there is a value at all; texts have None instead."""

    values: NDArray[Any]
    known: NDArray[np.bool_]

    def listed(self) -> list[Any]:
        """The values, None where there is none."""
        pairs = zip(self.values.tolist(), self.known.tolist(), strict=True)
        return [value if known else None for value, known in pairs]


Columns = dict[str, Column]


def request_columns(recording: Recording) -> Iterator[Columns]:
    """The measured requests, one row each, in the order in which they finished, `ROWS_AT_ONCE` at a time.

    Moments as they were recorded, ns of CLOCK_MONOTONIC; sent_unix_ns: on the wall clock. The latencies, in ms, only
    of successful requests, as in the report.
    """
    numbers = np.flatnonzero(Selection(recording).final_mask)
    for first in range(0, numbers.size, ROWS_AT_ONCE):
        chosen = numbers[first : first + ROWS_AT_ONCE]
        yield _columns(recording, recording.rows[chosen], chosen)


def wall_offset_ns(recording: Recording) -> int | None:
    """What a recorded moment lacks to the ns since 1970; None where the header does not say."""
    wall, mono = recording.header.get("wall_ns"), recording.header.get("mono_ns")
    return wall - mono if isinstance(wall, int) and isinstance(mono, int) else None


def _columns(recording: Recording, rows: Rows, numbers: NDArray[np.int64]) -> Columns:
    always = np.ones(rows.size, bool)
    texts = [recording.messages.get(number) for number in numbers.tolist()]
    messages = [None if text is None else text.decode("utf-8", "replace") for text in texts]
    wall = wall_offset_ns(recording)
    return {
        **{name: Column(rows[name], always) for name in ("request", "session", "turn", "sample", "attempt")},
        "request_id": _request_ids(recording, rows, numbers),
        "outcome": Column(np.array(OUTCOMES, object)[rows["outcome"]], always),
        "finish_reason": Column(_finishes(recording, rows, numbers), rows["finish"] > 0),
        "status": Column(rows["status"], rows["status"] > 0),
        **{name: Column(rows[name], rows[name] > 0) for name in _MOMENTS},
        "sent_unix_ns": Column(rows["sent_ns"] + (wall or 0), (rows["sent_ns"] > 0) & (wall is not None)),
        **{name: Column(rows[name], always) for name in _COUNTS},
        **{name: Column(rows[name], rows[name] >= 0) for name in _PERHAPS},
        **{name: Column(np.array(SOURCES, object)[rows[name]], always) for name in ("input_source", "output_source")},
        **_latencies(rows),
        "message": Column(np.array(messages, object), np.array([text is not None for text in texts], bool)),
    }


def _finishes(recording: Recording, rows: Rows, numbers: NDArray[np.int64]) -> NDArray[Any]:
    words: NDArray[Any] = np.array([None, *FINISHES[1:]], object)[rows["finish"]]
    for place in np.flatnonzero(rows["finish"] == FINISHES.index("other")).tolist():
        words[place] = recording.finishes.get(int(numbers[place]), "other")
    return words


def _request_ids(recording: Recording, rows: Rows, numbers: NDArray[np.int64]) -> Column:
    """The ids that the requests carried to the service."""
    pairs = zip(recording.run_ids(numbers), rows["request"].tolist(), strict=True)
    ids = np.array([None if run_id is None else recorded_id(run_id, request) for run_id, request in pairs], object)
    return Column(ids, ids != None)  # noqa: E711  # of each element


def _latencies(rows: Rows) -> Columns:
    ok = rows["outcome"] == OK
    streamed = ok & (rows["first_token_ns"] > 0)
    tokens = streamed_tokens(rows)
    several = streamed & has_tpot(rows)
    decode = (rows["end_ns"] - rows["first_token_ns"]) / np.maximum(tokens - 1, 1)
    return {
        "e2el_ms": Column((rows["end_ns"] - rows["sent_ns"]) / NS_PER_MS, ok),
        "ttft_ms": Column((rows["first_token_ns"] - rows["sent_ns"]) / NS_PER_MS, streamed),
        "tpot_ms": Column(decode / NS_PER_MS, several),
        "response_ms": Column((rows["end_ns"] - rows["intended_ns"]) / NS_PER_MS, ok & (rows["intended_ns"] > 0)),
    }
