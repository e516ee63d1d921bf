"""How output events relate to tokens, and who counted the tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.model import Output
from fastbench.metrics.selection import Selection, output_tokens
from fastbench.recording.format import SOURCES
from fastbench.recording.table import TokenRun

EVENTS = SOURCES.index("events")


def output(selection: Selection, runs: Sequence[TokenRun], gap_count: int) -> Output:
    """The output of the stage's successful requests. runs: the tokens of its streams."""
    ok, streamed = selection.ok, selection.streamed
    events = int(streamed["events"].sum(dtype=np.int64))
    shared = int(streamed["shared_events"].sum(dtype=np.int64))
    # Where nobody counted tokens, an event is one by definition: that says nothing of the service.
    told = streamed[(streamed["output_tokens"] >= 0) & (streamed["output_source"] != EVENTS)]
    told_events = int(told["events"].sum(dtype=np.int64))
    several = sum(int(np.count_nonzero(run.event_tokens > 1)) for run in runs if run.event_tokens.size)
    return Output(
        events=events,
        gaps=gap_count,
        shared_events=shared,
        shared_share=shared / events if events else None,
        multi_token_events=several,
        multi_token_share=several / events if events else None,
        tokens_per_event=int(output_tokens(told).sum()) / told_events if told_events else None,
        input_sources=_sources(ok["input_source"]),
        output_sources=_sources(np.where(ok["output_tokens"] < 0, EVENTS, ok["output_source"])),
    )


def _sources(codes: NDArray[np.uint8]) -> dict[str, int]:
    """Requests by the source of a token count."""
    counts = np.bincount(codes, minlength=len(SOURCES)).tolist()
    return {name: count for name, count in zip(SOURCES, counts, strict=True) if count}
