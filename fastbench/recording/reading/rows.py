"""The rows of requests: of every version of the format, with token counts made after the run, over all legs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.recording.format import FLAGS, NOT_FINAL, ROW_DTYPE, SOURCES

_TOKENIZER = SOURCES.index("tokenizer")
_TOLD = (SOURCES.index("token_ids"), SOURCES.index("usage"))
_TO_2 = np.dtype(
    [
        *((name, "<i8") for name in ("request", "intended_ns", "sent_ns", "headers_ns", "first_token_ns")),
        *((name, "<i8") for name in ("last_token_ns", "end_ns", "connect_ns", "received_bytes")),
        *((name, "<u4") for name in ("sent_bytes", "sample", "events", "data_events", "shared_events")),
        *((name, "<u4") for name in ("escapes", "marks")),
        *((name, "<i4") for name in ("input_tokens", "output_tokens", "cached_tokens")),
        *((name, "<i4") for name in ("planned_input", "planned_output")),
        *((name, "<u4") for name in ("connection", "session")),
        *((name, "<u2") for name in ("turn", "status")),
        *((name, "u1") for name in ("outcome", "input_source", "output_source", "attempt", "flags", "choices")),
        ("gap_base", "u1"),
        ("padding", "u1", (5,)),
    ]
)
_NEW = 3
"""The first version with today's rows."""


def row_dtype(version: int) -> np.dtype[np.void]:
    """The layout of a row in that version of the format."""
    return ROW_DTYPE if version >= _NEW else _TO_2


def as_rows(data: bytes, version: int) -> NDArray[np.void]:
    """(n,) ROW_DTYPE: the rows that stand in `data`; what older ones do not say is 0, and -1 for counts of tokens."""
    found = np.frombuffer(data, row_dtype(version))
    if found.dtype == ROW_DTYPE:
        return found
    rows = np.zeros(found.size, ROW_DTYPE)
    for name in set(found.dtype.names or ()) - {"padding"}:
        rows[name] = found[name]
    rows["reasoning_tokens"] = -1
    return rows


def counted_record(
    requests: Sequence[int], input_tokens: Sequence[int], output_tokens: Sequence[int]
) -> dict[str, Any]:
    """A block of counts, one entry a request; -1 = not counted."""
    return {"request": list(requests), "input_tokens": list(input_tokens), "output_tokens": list(output_tokens)}


def with_counted(rows: NDArray[np.void], record: Mapping[str, Any]) -> NDArray[np.void]:
    """A copy of `rows` (n,) with a block's counts in the final, measured rows that have none."""
    rows = rows.copy()
    known, where = final_rows(rows, record["request"])
    for side in ("input", "output"):
        tokens = np.asarray(record[f"{side}_tokens"], np.int64)[known]
        write = (tokens >= 0) & ~np.isin(rows[f"{side}_source"][where], _TOLD)
        rows[f"{side}_tokens"][where[write]] = tokens[write]
        rows[f"{side}_source"][where[write]] = _TOKENIZER
    return rows


def final_rows(rows: NDArray[np.void], requests: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(known,) twice: which of `requests` have a final, measured row, by their places in it; and the places of those
    rows."""
    final = np.flatnonzero((rows["flags"] & NOT_FINAL) == 0)
    order = final[np.argsort(rows["request"][final], kind="stable")]
    wanted = np.asarray(requests, np.int64)
    at = np.searchsorted(rows["request"][order], wanted)
    known = np.flatnonzero(at < order.size)
    known = known[rows["request"][order[at[known]]] == wanted[known]]
    return known, order[at[known]]


def checked_record(faults: Mapping[int, str]) -> dict[str, Any]:
    """A block of what came of checking texts. faults: request → what is wrong with its reply's text, "" = nothing."""
    wrong = [[request, fault] for request, fault in faults.items() if fault]
    return {"request": list(faults), "faults": wrong}


class Structured(NamedTuple):
    """Which replies are of the structure that their requests asked for. known: (rows,), which were checked; valid:
    (rows,), which are; faults: row → what is wrong with it, in a few words."""

    known: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    faults: Mapping[int, str]


def structured_of(rows: NDArray[np.void], records: Sequence[Mapping[str, Any]]) -> Structured:
    """By the blocks of what came of checking texts."""
    known, valid = np.zeros((2, rows.size), bool)
    faults: dict[int, str] = {}
    for record in records:
        requests = record["request"]
        places, where = final_rows(rows, requests)
        wrong = dict(record["faults"])
        known[where] = True
        valid[where] = [requests[place] not in wrong for place in places.tolist()]
        found = zip(where.tolist(), places.tolist(), strict=True)
        faults |= {row: wrong[requests[place]] for row, place in found if requests[place] in wrong}
    return Structured(known, valid, faults)


def without_replaced(rows: NDArray[np.void], legs: NDArray[np.int64]) -> NDArray[np.void]:
    """`rows`, (n,), in which a request has one final row, that of the last leg: one that the user's stop had cancelled
    was asked for again. legs: (n,), that of each row."""
    final = np.flatnonzero(rows["flags"] & NOT_FINAL == 0)
    order = final[np.lexsort((legs[final], rows["request"][final]))]
    requests = rows["request"][order]
    replaced = order[:-1][requests[:-1] == requests[1:]]
    if replaced.size:
        rows = rows.copy()
        # Both: neither an outcome nor an attempt that failed.
        rows["flags"][replaced] |= FLAGS["superseded"] | FLAGS["warmup"]
    return rows


MEASURED: Final = "0"
WARM_UP: Final = "a"
PROBE: Final = "b"
"""The first of an id's last twelve digits; the others are the request's number, in decimal."""
DIGITS: Final = 11
_RUN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}")


def new_run_id() -> str:
    """The first 16 digits of a random UUID of version 4, version and variant among them: `xxxxxxxx-xxxx-4xxx-yxxx`."""
    return str(uuid.uuid4())[:23]


def request_id(run_id: str, request: int, kind: str = MEASURED) -> str:
    """The id that a request of a run carries. run_id: of `new_run_id`. request: below 10**11."""
    return f"{run_id}-{kind}{request:011d}"


def id_form(run_id: str) -> tuple[str, int]:
    """The prefix of the ids of a run's measured requests, and the least digits of their number: UUIDs, or
    `fb-<run_id>-<request>` in recordings that are older."""
    return (f"{run_id}-{MEASURED}", DIGITS) if _RUN_ID.fullmatch(run_id) else (f"fb-{run_id}-", 1)


def recorded_id(run_id: str, request: int) -> str:
    """The id that a measured request carried, of whatever version of fastbench the recording is."""
    prefix, digits = id_form(run_id)
    return f"{prefix}{request:0{digits}d}"


def sends_ids(header: dict[str, Any]) -> bool:
    """Whether the requests of the recording with this header carried an id, in a header or in the body."""
    service = header.get("service") or {}
    # Older recordings do not record this; of their dialects only these had an id in the body.
    in_body = service.get("request_id_in_body", service.get("backend") == "triton_generate")
    return bool(in_body) or service.get("request_id_header", "X-Request-Id") is not None
