"""Notes on how replies came: tokens that were not streamed, messages left open, streams that were buffered."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fastbench.metrics.parameters import silent_tokens
from fastbench.metrics.selection import Mask, Rows, Selection, flagged
from fastbench.units import NS_PER_MS

_MANY_EVENTS = 4
"""Fewer events may share a read by chance."""
_FASTER = 4
"""A stream that was buffered comes in this part of the time to its first token, or less."""
_LEAST_TTFT_NS = 5 * NS_PER_MS
"""Whoever answers sooner may well send all that it has at once."""


def reply_notes(selection: Selection) -> Iterator[str]:
    """The notes on the stage's successful streams, a sentence each."""
    streamed = selection.streamed
    silent = silent_tokens(streamed)
    if silent.any():
        yield (
            f"{int(silent.sum())} reasoning tokens of {_requests(silent > 0)} were counted and never streamed: TPOT "
            "leaves them out."
        )
    left_open = flagged(streamed, "left_open")
    if left_open.any():
        yield (
            f"The service left the message of {_requests(left_open)} open after [DONE]: complete all the same, and the "
            "connection was closed 1 s later."
        )
    at_once = buffered(streamed)
    if at_once.any():
        yield (
            f"More than half of the output of {_requests(at_once)} came in one read, much faster than its first token: "
            "ITL and TPOT mean nothing there. The likely cause is a proxy that buffers."
        )


def buffered(rows: Rows) -> Mask:
    """(rows,): streams of which more than half came at once, without a stall of the client, in far less time than the
    first token took."""
    at_once = (rows["events"] >= _MANY_EVENTS) & (rows["burst_events"] > rows["events"] // 2) & (rows["marks"] == 0)
    decode, ttft = rows["last_token_ns"] - rows["first_token_ns"], rows["first_token_ns"] - rows["sent_ns"]
    found: Mask = at_once & (ttft >= _LEAST_TTFT_NS) & (decode < ttft // _FASTER)
    return found


def _requests(mask: Mask) -> str:
    count = int(np.count_nonzero(mask))
    return "1 request" if count == 1 else f"{count} requests"
