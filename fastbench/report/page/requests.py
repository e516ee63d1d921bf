"""The columns of single requests, from which a page draws its timeline and its clouds of points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics import Rows, Selection
from fastbench.metrics.samples import has_tpot, output_tokens
from fastbench.recording import OUTCOMES, id_form
from fastbench.report.page.document import pack
from fastbench.units import NS_PER_US


def request_columns(whole: Selection) -> dict[str, Any]:
    """One entry for each measured request that was sent and ended, by its start; times in µs.

    start: since the first one was sent. ttft: 0 where no token came. lane: its line in the timeline, from 1: its
    rank, or that of its conversation; left out where it is the rank. Token counts are -1 where nobody told them.
    at_once: 1 where several tokens came in one event, which leaves no TPOT; left out where that happened nowhere.
    run: which of `ids` a request's id is of; left out where there is one. ids: what an id begins with, and the digits
    that its number has; null = the requests carried none.
    """
    numbers = _sent(whole)
    numbers = numbers[np.lexsort((whole.rows["request"][numbers], whole.rows["sent_ns"][numbers]))]
    rows = whole.rows[numbers]
    sent, first = rows["sent_ns"], rows["first_token_ns"]
    columns = {
        "start": pack(micros(sent - sent[:1]), rising=True),
        "e2e": pack(micros(rows["end_ns"] - sent)),
        "request": pack(rows["request"], rising=True),
        "input": pack(rows["input_tokens"]),
        "output": pack(output_tokens(rows)),
        "outcome": pack(rows["outcome"]),
    }
    if whole.is_stream:
        columns["ttft"] = pack(np.where(first > 0, micros(first - sent), 0))
        at_once = (output_tokens(rows) > 1) & ~has_tpot(rows)
        if np.any(at_once):
            columns["at_once"] = pack(at_once)
    if np.any(rows["session"]):
        columns["lane"] = pack(lanes(rows["session"]))
    run_ids = whole.recording.run_ids(numbers)
    runs = list(dict.fromkeys(run_ids))
    if len(runs) > 1:
        columns["run"] = pack(np.array([runs.index(run_id) for run_id in run_ids]))
    ids = [None if run_id is None else id_form(run_id) for run_id in runs]
    return {"count": rows.size, "outcomes": OUTCOMES, "ids": ids, "columns": columns}


def sent_rows(whole: Selection) -> Rows:
    """The measured requests that were sent and ended."""
    return whole.rows[_sent(whole)]


def _sent(whole: Selection) -> NDArray[np.int64]:
    """The numbers of their rows."""
    return np.flatnonzero(whole.final_mask & (whole.rows["sent_ns"] > 0) & (whole.rows["end_ns"] > 0))


def lanes(sessions: NDArray[np.uint32]) -> NDArray[np.int64]:
    """(n,): the rank of each request's conversation by its first request, from 1; requests by themselves have one
    each. sessions: (n,), in the order of the starts, 0 = none."""
    alone = -np.arange(1, sessions.size + 1)
    keys = np.where(sessions > 0, sessions.astype(np.int64), alone)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    ranks = np.empty(first.size, np.int64)
    ranks[np.argsort(first)] = np.arange(1, first.size + 1)
    return ranks[inverse]


def micros(ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """To the nearest µs."""
    return np.asarray((ns + NS_PER_US // 2) // NS_PER_US, np.int64)
