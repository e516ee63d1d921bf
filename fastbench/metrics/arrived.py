"""The output tokens that arrived in a window, whenever their requests began."""

from __future__ import annotations

import math

import numpy as np

from fastbench.metrics.selection import Selection, Window, flagged, output_tokens


def arrived_tokens(whole: Selection, window: Window) -> int:
    """Of the successful requests of the whole run, to the nearest token.

    A request's tokens are spread over its output events as the service says, else evenly. One without token times
    counts at its end.
    """
    rows, tokens = whole.rows, output_tokens(whole.rows)
    first = np.where(whole.streamed_mask, rows["first_token_ns"], rows["end_ns"])
    last = np.where(whole.streamed_mask, rows["last_token_ns"], rows["end_ns"])
    inside = whole.ok_mask & window.holds(first) & window.holds(last)
    touching = whole.streamed_mask & ~inside & (last >= window.begin_ns) & (first <= window.end_ns)
    crossing = math.fsum(_share(whole, window, row) * int(tokens[row]) for row in np.flatnonzero(touching).tolist())
    return int(tokens[inside].sum()) + round(crossing)


def _share(whole: Selection, window: Window, row: int) -> float:
    """The part of a request's output that arrived inside."""
    inside = window.holds(whole.recording.token_ns(row))
    told = whole.recording.event_tokens(row) if flagged(whole.rows[row : row + 1], "event_tokens")[0] else None
    if told is None or not told.any():
        return float(np.count_nonzero(inside)) / inside.size
    return float(told[inside].sum(dtype=np.int64)) / float(told.sum(dtype=np.int64))
